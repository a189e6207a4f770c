"""A lock on a file that ends with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from basics.own_file import bad_file, open_own


def real(path: Path) -> Path:
    """The path without symbolic links, so that all that lock it mean the same file."""
    return Path(os.path.realpath(path))


def try_lock(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int | None:
    """An open file of our own that is locked until it is closed; None while another has it locked. Raises BadInput."""
    fd = open_own(path, flags)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if isinstance(error, BlockingIOError):
            return None
        raise bad_file(error, path) from error
    return fd


def is_named(fd: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: not moved away, not removed, not replaced."""
    try:
        named = os.lstat(path)
    except FileNotFoundError:
        return False
    opened = os.fstat(fd)
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
