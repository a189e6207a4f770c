"""Answers that every application here gives: a value as JSON, and what is wrong with a request."""

from __future__ import annotations

import logging

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.page.model import Problem

JSON = "application/json"

log = logging.getLogger("tidegate.service")


def answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, headers, JSON)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the table below has it so
    return answer(Problem(error.detail), error.status_code, dict(error.headers or {}))


async def _bug(_: Request, error: Exception) -> Response:
    log.error("a request to the page met a bug of ours: %s %s", type(error).__name__, error)
    return answer(Problem("this is a bug in Tidegate; the log of the service says more"), 500)


HANDLERS = {HTTPException: _problem, Exception: _bug}
