"""The site's hooks over HTTP: one POST for each time of asking, and what its answer says."""

from __future__ import annotations

import http.client
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from basics.http import Deadline, HttpClient, Request
from connectors.hooks.asking import Asking
from models.acts import Outcome
from models.hooks import HookCall

ANSWER_MOST = 2048  # bytes read of a no, for the log
ASK_AGAIN = frozenset((202, 408, 425, 429))  # accepted and not done yet; too slow, too early, too many

log = logging.getLogger("tidegate.hook")


def post(call: HookCall, asking: Asking) -> Outcome:
    """Ask once, no longer than the call's timeout, but for the search of the host's address."""
    try:
        status, text = _post(call, asking)
    except (OSError, http.client.HTTPException) as error:
        log.warning("%s gave no answer: %s; it is asked again: %s", asking, error or type(error).__name__, call.url)
        return Outcome.UNKNOWN
    except ValueError as error:  # an id or an address that HTTP has no way to say
        log.error("%s cannot be called: %s: %s", asking, error, call.url)
        return Outcome.REFUSED
    outcome = outcome_of(status)
    if outcome is Outcome.REFUSED:
        log.error("%s was refused: %d %r; see the service at %s", asking, status, text, call.url)
    return outcome


def outcome_of(status: int) -> Outcome:
    """What a status says: done, no, or that it is not known and worth asking again."""
    if status in ASK_AGAIN or not 200 <= status < 500:
        return Outcome.UNKNOWN
    return Outcome.DONE if status < 300 else Outcome.REFUSED


def _post(call: HookCall, asking: Asking) -> tuple[int, str]:
    """The status, and for a no the beginning of what was said."""
    address = urlsplit(call.url or "")
    path = address.path or "/"
    request = Request(
        "POST",
        f"{path}?{address.query}" if address.query else path,
        asking.body,
        {"Content-Type": "application/json", "Idempotency-Key": asking.key, "User-Agent": "tidegate"},
    )
    status, said = HttpClient(address).send(request, _why_not, timeout_s=call.timeout_s)
    return status, said.decode(errors="replace")


def _why_not(answer: http.client.HTTPResponse, _: Deadline) -> bytes:
    """What a no says, as far as it comes; of all else the status is enough."""
    if outcome_of(answer.status) is Outcome.REFUSED:
        with suppress(OSError, http.client.HTTPException):
            return answer.read(ANSWER_MOST)
    return b""
