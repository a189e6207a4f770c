"""The admin token: what lets a request order something. Read anew for each, so a new one needs no restart."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from models.errors import BadInput

SHORTEST = 16
BYTES_MOST = 4096


class AdminToken:
    """A token in a file; without a file nothing may be ordered."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @property
    def configured(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def check(self) -> None:
        """Raises BadInput where the file has no token that can be used."""
        if self._file is not None:
            _read(self._file)

    def refusal(self, authorization: str) -> str:
        """Why a request with this header may order nothing; empty where it may. Compared in constant time."""
        if self._file is None:
            return "this page only shows: no spec.page.adminToken is in the site file"
        try:
            wanted = _read(self._file)
        except BadInput:
            return "the admin token cannot be read, so nothing is ordered; the log of the service says why"
        kind, _, given = authorization.partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), wanted)
        return (
            "" if same and kind.lower() == "bearer" else "an order needs the admin token: Authorization: Bearer TOKEN"
        )


def _read(file: Path) -> bytes:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as opened:
            token = opened.read(BYTES_MOST + 1).strip()
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"the admin token cannot be read: {what}", where=str(file)) from error
    if not SHORTEST <= len(token) <= BYTES_MOST or not token.isascii() or b"\n" in token:
        remedy = "write one line of random text: openssl rand -hex 32"
        raise BadInput(f"is no admin token of {SHORTEST} characters or more", where=str(file), remedy=remedy)
    return token
