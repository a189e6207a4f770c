"""Files that hold state: regular, of our own, reached through no link, and written by nobody else.

Root acts for the owner of the folder: ``sudo tidegate pause`` must leave nothing that the service cannot read.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shlex import quote
from stat import S_ISDIR, S_ISLNK, S_ISREG

from models.errors import BadInput

SHARED = 0o037  # what others may not do with a file of ours: a site may let a group read it, and that is all


def open_own(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """The open file; with O_CREAT it is made, for us alone, or others lose the right to write to it. Waits for no pipe.

    Raises BadInput, and FileNotFoundError where there is none and none is to be made.
    """
    if (trouble := strange(path)) is not None:
        raise trouble
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        try:
            _make_ours(fd, path, makes=bool(flags & os.O_CREAT))
        except BaseException:
            os.close(fd)
            raise
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not flags & os.O_CREAT:
            raise
        raise strange(path) or bad_file(error, path) from error
    return fd


def make_own(path: Path) -> None:
    """Make the file where it is not there. One that is there is not opened: closing it would end the locks that SQLite
    has on it in this process. Raises BadInput for one that is not ours."""
    if (trouble := strange(path)) is not None:
        raise trouble
    with suppress(BadInput):  # SQLite says it in its own words
        os.close(open_own(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))


def strange(path: Path) -> BadInput | None:
    """Why no state is kept in a file of this name; None where it can be, or where nothing can be seen."""
    with suppress(OSError):
        return _strange(os.lstat(path), path)
    return None


def _strange(found: os.stat_result, path: Path) -> BadInput | None:
    if S_ISLNK(found.st_mode):
        return BadInput("is a symbolic link", where=str(path), remedy="remove it; only a folder may be linked to")
    if not S_ISREG(found.st_mode):
        remedy = "give the name of a file in it" if S_ISDIR(found.st_mode) else "move it away, or name another one"
        return BadInput("is no regular file", where=str(path), remedy=remedy)
    return of_another(found, path, os.geteuid() or path.parent.stat().st_uid)


def of_another(found: os.stat_result, path: Path, owner: int) -> BadInput | None:
    """Why it is not the owner's: neither his nor root's."""
    if found.st_uid in (0, owner):
        return None
    what = f"belongs to user {found.st_uid}, and this is user {os.geteuid()}"
    return BadInput(what, where=str(path), remedy=f"run as that user, or: chown {owner} {quote(str(path))}")


def _make_ours(fd: int, path: Path, *, makes: bool) -> None:
    found = os.fstat(fd)
    if (trouble := _strange(found, path)) is not None:  # it is another one than a moment ago
        raise trouble
    if makes and found.st_mode & SHARED and os.geteuid() in (0, found.st_uid):
        os.fchmod(fd, found.st_mode & 0o777 & ~SHARED)
    if makes and not found.st_size:
        give_to_owner(fd, path.parent)


def give_to_owner(fd: int, folder: Path) -> None:
    """What root makes is of the folder's owner."""
    if os.geteuid() == 0 and (owner := folder.stat().st_uid):
        with suppress(PermissionError):  # a root that may not
            os.fchown(fd, owner, -1)


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
