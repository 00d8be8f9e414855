"""ROOT files: open a tree and read its branches, or say what the file holds."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

from ._errors import first_line
from ._optional import needs


def open_tree(path: str | PathLike[str], tree: str | None = None) -> Any:
    """Open a TTree or RNTuple.

    Parameters
    ----------
    path : str or path
        Path of the file. ``"file.root:tree"`` names one of several trees if ``tree`` is None.
    tree : str, optional
        Name of the tree; by default that of the path, or the only one in the file.

    Returns
    -------
    uproot.TTree or uproot.RNTuple
        The tree; ``tree.file.close()`` closes its file.

    Raises
    ------
    ImportError
        uproot is not installed; it comes with the extra ``hep``.
    FileNotFoundError
        The file does not exist.
    ValueError
        The file is not a ROOT file, has no such tree, or has several and none is named.
    """
    uproot, path = needs("uproot"), fspath(path)
    how = {} if "://" in path else {"handler": uproot.source.file.MultithreadedFileSource, "use_threads": False}
    try:
        # uproot's cache is of 100 MB by default, and its threads and event loop take five times as long as reading
        opened = uproot.open(path if tree is None else {path: tree}, array_cache=None, **how)
        trees = _trees_in(opened) if hasattr(opened, "classnames") else None  # of a directory
        if trees is not None and len(trees) == 1:
            opened = opened[trees[0]]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {path}.") from error
    except uproot.KeyInFileError as error:
        raise ValueError(f"{path} has no tree {error.key!r}; it holds {list(error.keys or ())}.") from error
    except Exception as error:  # each other kind of file, and each place where one ends, raises another error
        raise ValueError(
            f"{path} cannot be read as a ROOT file ({first_line(error)}): expected a complete file with a TTree or "
            "RNTuple."
        ) from error
    if trees is not None and len(trees) != 1:
        raise ValueError(f'{path} holds the trees {trees}; name the one to read: path="{path}:TREE"')
    if not hasattr(opened, "arrays"):
        raise ValueError(f"{path} holds a {opened.classname} under that name: expected a TTree or RNTuple.")
    return opened


def _trees_in(directory: Any) -> list[str]:
    classes = directory.classnames(cycle=False)
    return [name for name, kind in classes.items() if kind == "TTree" or kind.endswith("RNTuple")]


def read_branches(tree: Any, names: Sequence[str], library: str) -> Any:
    """Read branches as arrays of ``library`` ("ak" or "np"), and close the file.

    Raises
    ------
    ValueError
        The tree lacks a branch; the error lists those that exist.
    """
    try:
        known = tree.keys()
        if missing := [name for name in names if name not in known]:
            raise ValueError(f"the tree {tree.name!r} has no branches {missing}; it has {known}.")
        return tree.arrays(list(names), library=library)
    finally:
        tree.file.close()
