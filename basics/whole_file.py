"""Write a whole file or nothing: no reader ever sees half of one, not even after Ctrl-C or a full disk."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from basics.own_file import SHARED, give_to_owner
from models.errors import BadInput


def write_atomically(path: Path, content: str | bytes, *, own: bool = False) -> None:
    """Put ``content`` (text as UTF-8) at ``path``, replacing what is there; on any failure ``path`` stays as it was.

    The content goes to a temporary file in the same folder, is synced to disk, and is then renamed. A symbolic link is
    followed, a file that is there keeps its permissions; one of state (``own``) is ours alone, and a link is replaced.
    Raises BadInput, with the reason, when that cannot be done.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with written_whole(path, own=own) as part, _said_plainly(path):
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if own else 0o666)
        with os.fdopen(fd, "wb") as file:
            file.write(data)


@contextmanager
def written_whole(path: Path, *, own: bool = False) -> Iterator[Path]:
    """Where to write a file, little by little, that is at ``path`` when the block ends well; else ``path`` stays as it
    was.

    Raises BadInput, with the reason, when that cannot be done.
    """
    with _said_plainly(path):
        target = path.absolute() if own else path.resolve()
        _check(path, target)
    part = target.with_name(f".tidegate-{secrets.token_hex(8)}.part")
    try:
        yield part
        with _said_plainly(path):
            _sync(part, like=target, own=own)
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)


def check_writable(path: Path) -> None:
    """Refuse early what ``write_atomically`` would refuse late, after the long work. Raises BadInput."""
    with _said_plainly(path):
        _check(path, path.resolve())


def sync_folder(folder: Path) -> None:
    """Make new names survive a power cut. Some file systems cannot; the files are whole all the same."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@contextmanager
def _said_plainly(path: Path) -> Iterator[None]:
    """Turn what the operating system says into something a person can act on."""
    try:
        yield
    except PermissionError as error:
        raise BadInput(
            "cannot be written: permission denied", where=str(path), remedy="choose another folder"
        ) from error
    except OSError as error:
        remedy = "free space on its disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise BadInput(f"cannot be written: {error.strerror or error}", where=str(path), remedy=remedy) from error
    except RuntimeError as error:  # what Python 3.11 and 3.12 raise for links that point in a circle
        raise BadInput("cannot be written: its symbolic links form a loop", where=str(path)) from error


def _check(path: Path, target: Path) -> None:
    """Refuse early what a rename could not do, or would do to something that is not a file."""
    folder = target.parent
    if target.is_dir():
        raise BadInput("is a folder, not a file", where=str(path), remedy="give a file name inside it")
    if not folder.exists():
        raise BadInput(f"the folder {folder} does not exist", where=str(path), remedy="create it first")
    if not folder.is_dir():
        raise BadInput(f"{folder} is a file, not a folder", where=str(path))
    if target.exists() and not target.is_file():
        raise BadInput("is a device or a pipe, not a file", where=str(path), remedy="give a file name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError


def _sync(part: Path, *, like: Path, own: bool) -> None:
    """Put a file on disk, with the permissions of ``like`` if that is there."""
    with part.open("rb") as file:
        with suppress(FileNotFoundError):
            os.fchmod(file.fileno(), like.lstat().st_mode & 0o777 & (~SHARED if own else 0o777))
        if own:
            give_to_owner(file.fileno(), like.parent)
        os.fsync(file.fileno())
