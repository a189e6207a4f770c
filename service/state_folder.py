"""The folder of the state: it is ours alone, and so is every file that we keep in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from stat import S_IMODE, S_ISVTX

from basics.own_file import of_another, strange
from connectors.local.latest_decision import PREFIX
from models.errors import BadInput
from service.site import LOCK

AUDIT = "audit.jsonl"
OURS = (f"{LOCK}.", f"{AUDIT}.", PREFIX, "bus.db.", "bus.db-")  # how our names begin, a dot at their end


def open_state_folder(folder: Path) -> bool:
    """Make the folder, for this user only; whether others could write to one that was there. Raises BadInput."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        mends = found.st_uid == os.geteuid() and bool(found.st_mode & 0o022) and not found.st_mode & S_ISVTX
        if mends:
            folder.chmod(S_IMODE(found.st_mode) & ~0o022)
        for trouble in troubles(folder):
            raise trouble
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        remedy = "name another folder as spec.state"
        raise BadInput(f"cannot be made: {what}", where=str(folder), remedy=remedy) from error
    return mends


def troubles(folder: Path) -> Iterator[BadInput]:
    """Why state is not safe there: others may write to it, or have put something in the place of a file of ours.

    A group may write to a folder that root gave it. Raises OSError.
    """
    found, where = folder.stat(), str(folder)
    if (trouble := of_another(found, folder, os.geteuid())) is not None:
        yield trouble
    elif found.st_mode & S_ISVTX and found.st_mode & 0o002:
        yield BadInput("is a folder that all users share", where=where, remedy="name a folder in it")
    elif found.st_mode & (0o022 if found.st_uid == os.geteuid() else 0o002):
        yield BadInput("can be written to by others", where=where, remedy=f"chmod go-w {quote(where)}")
    ours = (path for path in sorted(folder.iterdir()) if f"{path.name}.".startswith(OURS))
    yield from (trouble for path in ours if (trouble := strange(path)) is not None)
