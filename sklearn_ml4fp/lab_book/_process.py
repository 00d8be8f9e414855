"""Where a run takes place, and whether its process still lives."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path


def _text(*command: str, folder: Path | None = None) -> str | None:
    """Output of a command; None if it fails, or is not installed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def began(pid: int) -> str | None:
    """When a process was started, as this machine says it; None if there is none, or it is dead but not yet reaped.

    The number of a process is used again, the pair of both is not.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    return _text("ps", "-o", "lstart=", "-p", str(pid)) or None


def process_tags() -> dict[str, str]:
    """Tags of a run that say which process makes it."""
    return {"host": platform.node(), "pid": str(os.getpid()), "process_began": began(os.getpid()) or ""}


def is_dead(tags: dict[str, str]) -> bool:
    """Whether the process of a run has ended; False where this machine cannot know it."""
    known = tags.get("host") == platform.node() and tags.get("process_began") and tags.get("pid", "").isdecimal()
    return bool(known) and began(int(tags["pid"])) != tags["process_began"]


def git_state() -> dict[str, str]:
    """Commit of the script that runs, or of the working folder, and whether the tree was clean; empty without git."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = Path(main).absolute().parent if main else Path.cwd()
    commit = _text("git", "rev-parse", "HEAD", folder=folder)
    if commit is None:
        return {}
    changes = _text("git", "status", "--porcelain", folder=folder)
    return {"commit": commit, "tree": "clean" if changes == "" else "with changes that are not committed"}


@cache
def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
