"""The status of a service, as its API answers it."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import msgspec

from basics.http import HttpClient, Request, whole
from basics.text import clean
from models.errors import BadInput, Unreachable
from service.page.model import Status

ANSWER_MOST = 64 << 20
WAIT_S = 10.0


def fetched(url: str) -> Status:
    """What the page at ``url`` says. Raises BadInput for what is no such address, or Unreachable."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise BadInput("is no address of a status page", where=clean(url), remedy="name one as http://127.0.0.1:8470")
    client = HttpClient(address)
    try:
        code, body = client.send(Request("GET", "/api/status"), whole(ANSWER_MOST), timeout_s=WAIT_S)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(
            f"{clean(url)} does not answer: {clean(str(error))}; see whether tidegate run serves a page there"
        ) from error
    finally:
        client.close()
    if code != 200:
        raise Unreachable(
            f"{clean(url)} answered {code} to /api/status: {clean(body[:200].decode('utf-8', 'replace'))}"
        )
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"is no status page of Tidegate, or of a later one: {error}", where=clean(url)) from error
