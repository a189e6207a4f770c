"""Asks slurmrestd, one request at a time: who asks, in which version, for how long, and how much is listened to."""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from basics.http import HttpClient, Request, whole
from connectors.slurm.token import TokenFile
from connectors.slurm.wire import Answer, Fault, Shape, decode
from models.errors import BadInput, Unreachable

VERSIONS = ("v0.0.44", "v0.0.43", "v0.0.42", "v0.0.41", "v0.0.40", "v0.0.45")
"""The data parsers by how much they tell: v0.0.45 of Slurm 26.05.5 does not say which jobs want whole nodes."""

ANSWER_MOST = 512 * 2**20  # bytes; 10,000 nodes are about 25 MB and 50,000 jobs about 200 MB
DENIED = frozenset((401, 403, 511))
CA_REMEDY = "give the CA that signed slurmrestd's certificate, in PEM"
SAID_MOST = 300  # characters of a no, for the log

log = logging.getLogger("tidegate.slurm")


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a body. ``text`` is the beginning of what it says."""

    status: int
    body: bytes

    @property
    def faults(self) -> tuple[Fault, ...] | None:
        """What Slurm has against the request; None where the body is no answer of Slurm's."""
        try:
            return decode(self.body, Answer).errors
        except Unreachable:
            return None

    @property
    def text(self) -> str:
        """For a message: short, and on one line."""
        said = "; ".join(str(fault) for fault in self.faults or ()) or self.body[:SAID_MOST].decode(errors="replace")
        return " ".join(said.split())[:SAID_MOST]


class Denied(Unreachable):
    """slurmrestd does not know us: nothing was done, and another token helps."""


class NotOffered(Unreachable):
    """This release of slurmrestd has no such address."""


class Rest:
    """One slurmrestd at ``url``; ``user`` where the token does not say whose it is. Raises BadInput."""

    def __init__(
        self, url: str, token_file: Path, *, user: str = "", ca_file: Path | None = None, timeout_s: float = 10.0
    ) -> None:
        address = _address(url)
        self.url = url.rstrip("/")
        self.tokens = TokenFile(token_file)
        self.version = ""
        self._folder = address.path.rstrip("/")
        self._user = user
        self._timeout_s = timeout_s
        try:
            self._client = HttpClient(address, ca_file=ca_file)
        except OSError as error:  # TLS's own errors are among them, and say where in C they come from
            why = "holds no certificate" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
            raise BadInput(why, where=f"spec.slurm.caFile {ca_file}", remedy=CA_REMEDY) from error

    def __repr__(self) -> str:
        return f"Rest({self.url!r})"

    def get(self, path: str, shape: type[Shape], *, timeout_s: float | None = None, lenient: bool = False) -> Shape:
        """What there is at ``path``. Raises Unreachable when it is not told in full.

        That there is no such thing is told as an error without a number: ``lenient`` takes that for an answer.
        """
        reply = self._ask("GET", path, None, timeout_s)
        if reply.status != 200:
            raise Unreachable(f"slurmrestd at {self.url} answered {reply.status} to {path}: {reply.text}")
        answer = decode(reply.body, shape)
        if any(fault.error_number or not lenient for fault in answer.errors):
            raise Unreachable(f"slurmrestd at {self.url} could not tell {path}: {reply.text}")
        return answer

    def write(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        """Ask for a change, once. Raises Denied or NotOffered when it did not happen, Unreachable when it may have."""
        return self._ask(method, path, body, None)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None, timeout_s: float | None) -> Reply:
        if not self.version:
            self.version = self._negotiate()
        reply = self._send(method, f"/slurm/{self.version}/{path}", body, timeout_s)
        if reply.status == 404 and (newer := self._negotiate()) != self.version:
            self.version = newer
            reply = self._send(method, f"/slurm/{self.version}/{path}", body, timeout_s)
        if reply.status == 404:
            raise NotOffered(f"slurmrestd at {self.url} has no /slurm/{self.version}/{path}")
        return reply

    def _negotiate(self) -> str:
        """The first of our versions that slurmrestd speaks."""
        for version in VERSIONS:
            status = self._send("GET", f"/slurm/{version}/ping", None, None).status
            if status == 200:
                return version
            if status != 404:
                raise Unreachable(f"slurmrestd at {self.url} answered {status} when asked for its versions")
        raise Unreachable(f"slurmrestd at {self.url} speaks none of {', '.join(sorted(VERSIONS))}")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None, timeout_s: float | None) -> Reply:
        headers = {"X-SLURM-USER-TOKEN": self.tokens.token(time.time()), "Accept": "application/json"}
        headers |= {"X-SLURM-USER-NAME": self._user} if self._user else {}
        content = None if body is None else json.dumps(body).encode()
        headers |= {} if content is None else {"Content-Type": "application/json"}
        request = Request(method, self._folder + path, content, headers)
        try:
            reply = Reply(*self._client.send(request, whole(ANSWER_MOST), timeout_s=timeout_s or self._timeout_s))
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
                said = f"it speaks no TLS (use {self.url.replace('https', 'http', 1)})"
            raise Unreachable(f"slurmrestd at {self.url} gave no answer to {method} {path}: {said}") from error
        if reply.status in DENIED:
            raise Denied(
                f"slurmrestd at {self.url} answered {reply.status} ({reply.text}): the token in {self.tokens.path}"
                " is not accepted; it may have expired, or be somebody's whom Slurm does not know (write a new one"
                " into it: scontrol token username=USER lifespan=86400)"
            )
        return reply


def _address(url: str) -> SplitResult:
    """The parts of the address. Raises BadInput when it is none of slurmrestd's."""
    try:
        address = urlsplit(url)
        wrong = address.scheme not in ("http", "https") or not address.hostname or address.port == 0
        wrong = wrong or bool(address.username or address.query)
    except ValueError:  # a port out of range, a bracket that is left open
        wrong = True
    if wrong:
        raise BadInput(f"{url!r} is no address of slurmrestd", remedy="write http://HOST:PORT or https://HOST:PORT")
    return address
