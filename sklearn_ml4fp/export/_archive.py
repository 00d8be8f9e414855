"""The archive of a model file: what may stand in it, checked before anything of it is used.

It is a zip archive without compression: what it declares it has, and a small file cannot become a large one. Beside
what skops writes (``schema.json``, a tree of objects, and arrays as ``.npy``) there are two members: a description of
the model, and a digest of all others.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from math import prod
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np

SCHEMA, DESCRIPTION, DIGEST = "schema.json", "description.json", "sha256"
_NAME = re.compile(r"[\w-]+\.(npy|npz|bin)")
_OLDEST_PROTOCOL = 2  # of skops, in the first format; what it reads of older ones is not needed
# An array of scipy is a compressed archive itself, of a type that is not trusted unless the user says so.
_LARGEST_UNPACKED, _LARGEST_RATIO = 2**28, 20


class Damaged(ValueError):
    """What is wrong with an archive."""


def complete(content: bytes, description: dict[str, Any]) -> bytes:
    """Add the description and the digest to an archive of skops."""
    buffer = io.BytesIO(content)
    with ZipFile(buffer, "a", ZIP_STORED) as archive:
        archive.writestr(DESCRIPTION, json.dumps(description, indent=1))
        archive.writestr(DIGEST, _digest(archive))
    return buffer.getvalue()


def description_of(archive: ZipFile, size: int) -> dict[str, Any]:
    """Read the description of an archive of ``size`` bytes whose members are as they should be."""
    _check_members(archive, size)
    if DESCRIPTION not in archive.namelist():
        raise Damaged(f"it has no {DESCRIPTION}")
    description = json.loads(archive.read(DESCRIPTION))
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise Damaged("its description has no format")
    return description


def check(archive: ZipFile) -> None:
    """Check the digest, the arrays and the tree of an archive whose members are as they should be."""
    if archive.read(DIGEST).decode() != _digest(archive):
        raise Damaged("its content is not that which was written")
    packed = 0
    for member in archive.infolist():
        if member.filename.endswith(".npy"):
            with archive.open(member) as array:
                _check_array(array, member.file_size)
        elif member.filename.endswith(".npz"):
            with archive.open(member) as file, ZipFile(file) as inner:
                packed += sum(one.file_size for one in inner.infolist())
    if packed > max(_LARGEST_UNPACKED, _LARGEST_RATIO * sum(one.file_size for one in archive.infolist())):
        raise Damaged("it would take much more memory than the file")
    schema = json.loads(archive.read(SCHEMA))
    protocol = schema["protocol"]
    if type(protocol) is not int or protocol < _OLDEST_PROTOCOL:
        raise Damaged(f"its protocol {protocol!r} is none in which models are kept")
    _check_nodes(schema, {})


def _digest(archive: ZipFile) -> str:
    """Digest of the names and contents of all members but itself."""
    digest = hashlib.sha256()
    for name in sorted(archive.namelist()):
        if name != DIGEST:
            content = archive.read(name)
            digest.update(f"{name}\n{len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _check_members(archive: ZipFile, size: int) -> None:
    """Refuse members that are packed, that overlap, or that have a name twice or one that is not ours."""
    members = archive.infolist()
    for name, n in Counter(member.filename for member in members).items():
        if n > 1:
            raise Damaged(f"it has {n} members {name!r}")
        if name not in (SCHEMA, DESCRIPTION, DIGEST) and not _NAME.fullmatch(name):
            raise Damaged(f"it has a member {name[:100]!r}")
    for member in members:
        if member.compress_type != ZIP_STORED or member.file_size != member.compress_size:
            raise Damaged(f"its member {member.filename!r} is compressed")
    if sum(member.file_size for member in members) > size:
        raise Damaged("its members are larger than the file")


def _check_array(file: Any, size: int) -> None:
    """Refuse an array whose header promises more than there is: memory would be taken for it."""
    version = np.lib.format.read_magic(file)
    reads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in reads:
        raise Damaged(f"it has an array of version {version}")
    shape, _, dtype = reads[version](file)
    if dtype.hasobject or prod(shape) * dtype.itemsize != size - file.tell():
        raise Damaged(f"it has an array of shape {shape} and type {dtype} in {size} bytes")


def _check_nodes(node: Any, sizes: dict[Any, int]) -> int:
    """Count the nodes of a tree, and refuse what could make a small tree a large object.

    skops takes a node with an id that it knows for the one before. Written honestly they have equally many nodes, and
    then an object has no more parts than the file has nodes.
    """
    if isinstance(node, list):
        return sum(_check_nodes(one, sizes) for one in node)
    if not isinstance(node, dict):
        return 0
    size = 1 + sum(_check_nodes(one, sizes) for one in node.values())
    loader, identity = node.get("__loader__"), node.get("__id__")
    if loader == "CachedNode":
        raise Damaged("it refers to objects by their numbers alone")
    wanted = {"NdArrayNode": ".npy", "SparseMatrixNode": ".npz"}.get(str(loader), ".bin")
    if isinstance(file := node.get("file"), str) and not file.endswith(wanted):
        raise Damaged(f"it takes {file!r} for something else")
    if identity is not None and not isinstance(identity, dict) and sizes.setdefault(identity, size) != size:
        raise Damaged("it has several objects of one number")
    return size
