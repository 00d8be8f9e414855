"""A file of sqlite that several processes write at once: with a log beside it, where the file system allows that."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

# File systems of one machine: on those of several, processes of different machines would damage such a file.
_LOCAL = {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}


def _file_system(path: Path) -> str | None:
    """Kind of the file system of a path; None where the machine does not say it."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return None
    mounted = {Path(fields[1]): fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    return next((mounted[place] for place in path.resolve().parents if place in mounted), None)


def write_ahead(path: Path) -> None:
    """Let readers not wait for a writer, and a writer for one flush of the disk in place of several.

    SQLite calls it write-ahead logging; it stays on in the file.
    """
    if _file_system(path) in _LOCAL:
        # refused at once, without waiting, while another process has the file open, which then does the same
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=20)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
