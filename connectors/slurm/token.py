"""The token that slurmrestd asks for, from a file that somebody else keeps fresh."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from stat import S_ISREG

from basics.log_once import Trouble
from basics.web_token import claims
from models.errors import Unreachable

TOKEN_MOST = 16_384  # bytes of the file
AHEAD_S = 300  # how long before its end a token is complained about: Slurm gives them 1,800 s unless asked for more
_TOKEN = re.compile(r"[A-Za-z0-9_.=+/-]+\Z")

log = logging.getLogger("tidegate.slurm")


class TokenFile:
    """The token in the file, read anew whenever the file is another; it is in no message and in no ``repr``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.expires_s: int | None = None
        self._seen: tuple[int, int, int] | None = None
        self._token = ""
        self._trouble = Trouble(log, f"the token for Slurm in {path}")

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r})"

    def token(self, now_s: float) -> str:
        """The token as it is now. Raises Unreachable, which names the file, when there is none."""
        try:
            status = self.path.stat()
            if not S_ISREG(status.st_mode):  # a pipe would be waited for
                raise self._unread("it is not a file")
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._token = self._read()
                self._seen = seen
                self.expires_s = expiry(self._token)
        except OSError as error:
            raise self._unread(error.strerror, denied=isinstance(error, PermissionError)) from error
        self._watch(now_s)
        return self._token

    def _unread(self, why: str | None, *, denied: bool = False) -> Unreachable:
        remedy = "let this user read that file" if denied else "write what `scontrol token` says into that file"
        return Unreachable(f"the token for Slurm in {self.path} cannot be read: {why} ({remedy})")

    def _read(self) -> str:
        with self.path.open("rb") as file:
            text = file.read(TOKEN_MOST + 1).decode(errors="replace").strip()
        text = text.removeprefix("SLURM_JWT=")  # as scontrol token says it
        if not _TOKEN.match(text) or len(text) > TOKEN_MOST:
            raise Unreachable(f"there is no token for Slurm in {self.path}: write what `scontrol token` says into it")
        return text

    def _watch(self, now_s: float) -> None:
        if self.expires_s is None or now_s < self.expires_s - AHEAD_S:
            self._trouble.over()
            return
        left_s = int(self.expires_s - now_s)
        when = f"expires in {left_s} s" if left_s > 0 else f"expired {-left_s} s ago"
        self._trouble.met(f"it {when} and was not renewed: write a new one into it")


def expiry(token: str) -> int | None:
    """When the token expires, in seconds since 1970, as it says itself; None where it does not say so."""
    try:
        return int(claims(token)["exp"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
