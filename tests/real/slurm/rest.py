"""What slurmrestd answers, as it is."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import Any, NamedTuple

TIMEOUT_S = 60.0


class Answer(NamedTuple):
    """The status, the body (text if it is no JSON), and how long it took."""

    status: int
    body: Any
    seconds: float


def ask(port: int, method: str, path: str, token: str, body: object = None, timeout_s: float = TIMEOUT_S) -> Answer:
    """One request on a connection of its own. Raises OSError or HTTPException when no answer comes."""
    headers = {"X-SLURM-USER-TOKEN": token} if token else {}
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body)
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    began = time.monotonic()
    try:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    try:
        return Answer(response.status, json.loads(text), time.monotonic() - began)
    except ValueError:
        return Answer(response.status, text, time.monotonic() - began)
