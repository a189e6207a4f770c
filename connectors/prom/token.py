"""The bearer token of Prometheus, from a file that somebody else keeps fresh."""

from __future__ import annotations

import re
from pathlib import Path
from stat import S_ISREG

from models.errors import Unreachable

TOKEN_MOST = 65_536  # bytes of the file
_TOKEN = re.compile(r"[!-~]+")


def read_token(path: Path) -> str:
    """The token in the file, as it is now. Raises Unreachable, which names the file and not what is in it."""
    try:
        if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise Unreachable(f"the token for Prometheus in {path} cannot be read: it is not a file")
        with path.open("rb") as file:
            text = file.read(TOKEN_MOST + 1).decode(errors="replace").strip()
    except OSError as error:
        raise Unreachable(f"the token for Prometheus in {path} cannot be read: {error.strerror}") from error
    if not _TOKEN.fullmatch(text) or len(text) > TOKEN_MOST:
        raise Unreachable(f"there is no token for Prometheus in {path}: write it there, and nothing else")
    return text
