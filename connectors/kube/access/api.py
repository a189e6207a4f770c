"""What is asked of an API server, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from models.errors import Refused, Unreachable

MERGE_PATCH = "application/merge-patch+json"
SOME_S = 10.0  # how long one call may take


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``retry_after_s`` is what the server asks to wait, ``date`` its clock as it tells it."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    date: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a yes."""
        return 200 <= self.status < 300


class Cause(msgspec.Struct, frozen=True, gc=False):
    """One cause in a Status."""

    reason: str = ""
    message: str = ""
    field: str = ""


class Details(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Details of a Status."""

    causes: tuple[Cause, ...] | None = None
    retry_after_seconds: int | None = None


class Status(msgspec.Struct, frozen=True, gc=False):
    """What an API server says with a no."""

    reason: str | None = None
    message: str | None = None
    code: int | None = None
    details: Details | None = None


class ApiRefused(Refused):
    """The API server said no for good: ``status`` is HTTP's, ``reason`` its own word."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(message)


class Busy(Unreachable):
    """The API server cannot now; ``retry_after_s`` is what it asks to wait, None where it does not say."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Api(Protocol):
    """One API server."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout_s: float = SOME_S,
    ) -> Answer:
        """Ask once, never again by itself. Raises Unreachable when there is no whole answer."""
        ...

    def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The lines of a stream, until the server ends it; ``watch=true`` is added to the query.

        Raises Unreachable when it breaks off, or is silent for so long; ApiRefused for a no.
        """
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...


_STATUSES = msgspec.json.Decoder(Status)


def status_of(answer: Answer) -> Status:
    """What the server says with a no; an empty one where it says nothing that can be read."""
    try:
        return _STATUSES.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Status()


def body_of(answer: Answer, what: str) -> bytes:
    """The body of a yes. Raises ApiRefused for a no that asking again does not mend, Busy for another."""
    if answer.ok:
        return answer.body
    status = status_of(answer)
    told = f"{what}: {answer.status} {status.reason or ''} {status.message or ''}".rstrip()
    if answer.status in (408, 429) or answer.status >= 500:
        raise Busy(told, answer.retry_after_s)
    raise ApiRefused(answer.status, status.reason or "", told)
