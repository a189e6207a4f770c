"""A lock on a file that ends with its process, and what the operating system says of a file, in plain words."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from models.errors import BadInput


def real(path: Path) -> Path:
    """The path without symbolic links, so that all that lock it mean the same file."""
    return Path(os.path.realpath(path))


def try_lock(path: Path) -> int | None:
    """An open file that is locked until it is closed; None while another has it locked. Raises BadInput."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise bad_file(error, path) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError as error:
        os.close(fd)
        raise bad_file(error, path) from error
    return fd


def is_named(fd: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: not moved away, not removed, not replaced."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    opened = os.fstat(fd)
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def bad_file(error: OSError, path: Path) -> BadInput:
    """What the operating system says, as something a person can act on."""
    what = (error.strerror or type(error).__name__).lower()
    remedy = "free space on its disk" if what.startswith(("no space", "disk quota")) else "mend its permissions"
    with suppress(OSError):
        if not path.parent.exists():
            remedy = f"create the folder {path.parent} first"
        elif path.is_dir():
            remedy = "give the name of a file in it"
    return BadInput(f"cannot be used: {what}", where=str(path), remedy=remedy)
