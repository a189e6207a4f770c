"""The test bed's cache: what is downloaded or built once, outside the tree, and never used half made."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def home() -> Path:
    """Where everything lies that the test bed keeps from one run to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate-testbed"


def kept(name: str, version: str, make: Callable[[Path], None]) -> Path:
    """The folder ``<name>-<version>``; ``make`` fills an empty one first if there is none.

    It gets its name when it is whole, and two runs at the same time make it once.
    """
    folder = home() / f"{name}-{version}"
    if folder.is_dir():
        return folder
    with locked(folder.name):
        if not folder.is_dir():
            unfinished = folder.with_name(folder.name + ".part")
            shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was ended
            unfinished.mkdir(parents=True)
            make(unfinished)
            unfinished.rename(folder)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Nobody else on this machine is here at the same time; the lock ends with the process at the latest."""
    home().mkdir(parents=True, exist_ok=True)
    with (home() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
