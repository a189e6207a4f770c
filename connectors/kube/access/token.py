"""The token that an API server asks for, from a file that somebody else keeps fresh."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG

from basics.log_once import Trouble
from models.errors import BadInput

AGAIN_S = 60.0  # the file is read again after so long; kubelet renews a token long before its end
TOKEN_MOST = 65_536  # bytes of the file
_TOKEN = re.compile(r"[!-~]+")

log = logging.getLogger("tidegate.kubernetes")


class TokenFile:
    """The token in the file; it is in no message and in no ``repr``. Raises BadInput when there is none at first.

    Later a file that cannot be read is complained about, and the token that was read last is used.
    """

    def __init__(self, path: Path, *, where: str, monotonic: Callable[[], float]) -> None:
        self.path = path
        self._where = where
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._read_s = monotonic()
        self._token = self._read()
        self._trouble = Trouble(log, f"the token for Kubernetes in {path}")

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r})"

    def token(self) -> str:
        """The token, at most a minute old."""
        with self._lock:
            now_s = self._monotonic()
            if now_s - self._read_s >= AGAIN_S:
                self._read_s = now_s
                try:
                    self._token = self._read()
                except BadInput as error:
                    self._trouble.met(error)
                else:
                    self._trouble.over()
            return self._token

    def _read(self) -> str:
        try:
            if not S_ISREG(self.path.stat().st_mode):  # a pipe would be waited for
                raise self._bad("is not a file")
            with self.path.open("rb") as file:
                text = file.read(TOKEN_MOST + 1).decode(errors="replace").strip()
        except OSError as error:
            raise self._bad(f"cannot be read: {error.strerror}") from error
        if not _TOKEN.fullmatch(text) or len(text) > TOKEN_MOST:
            raise self._bad("holds no token")
        return text

    def _bad(self, what: str) -> BadInput:
        remedy = "write a token into it that this user can read: kubectl create token ACCOUNT --duration 24h"
        return BadInput(what, where=f"{self._where} {self.path}", remedy=remedy)
