"""The site's hooks over HTTP: one POST for each time of asking, and what its answer says."""

from __future__ import annotations

import http.client
import json
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from basics.http import Deadline, HttpClient, Request
from models.acts import Outcome
from models.handovers import Direction
from models.identity import PoolId
from models.pools import HookCall, Hooks

BODY_MOST = 8192  # bytes sent; ours have about two hundred
ANSWER_MOST = 2048  # bytes read of a no, for the log
ASK_AGAIN = frozenset((202, 408, 425, 429))  # accepted and not done yet; too slow, too early, too many

log = logging.getLogger("tidegate.hook")


class HttpHook:
    """Calls the addresses of a policy's ``hooks``, as the port ``Hook``; where there is none, all is done.

    A call bears the hand-over's id, which begins with site and pool, and its phase as Idempotency-Key: asked again, it
    is the same call, and of several sites' none is another's.
    """

    def __init__(self, hooks: Hooks, identity: PoolId) -> None:
        self._hooks = hooks
        self._identity = identity

    def before(self, node: str, direction: Direction, ident: str) -> Outcome:
        """See the port. Takes no longer than the policy's timeout, but for the search of the host's address."""
        return _ask(self._hooks.before, "before", self._identity, node, direction, ident)

    def after(self, node: str, direction: Direction, ident: str) -> Outcome:
        """See the port. Takes no longer than the policy's timeout, but for the search of the host's address."""
        return _ask(self._hooks.after, "after", self._identity, node, direction, ident)


def _ask(call: HookCall | None, phase: str, pool: PoolId, node: str, direction: Direction, ident: str) -> Outcome:
    if call is None:
        return Outcome.DONE
    told_of = {"node": node, "direction": direction, "handover": ident, "phase": phase}
    body = json.dumps({"site": pool.site, "pool": pool.pool, **told_of}).encode()
    told = f"the hook {phase} hand-over {ident} of node {node}"
    if len(body) > BODY_MOST:
        log.error("%s was not called: its body of %d bytes is larger than %d", told, len(body), BODY_MOST)
        return Outcome.REFUSED
    try:
        status, text = _post(call, body, f"{ident}:{phase}")
    except (OSError, http.client.HTTPException) as error:
        log.warning("%s gave no answer: %s; it is asked again: %s", told, error or type(error).__name__, call.url)
        return Outcome.UNKNOWN
    except ValueError as error:  # an id or an address that HTTP has no way to say
        log.error("%s cannot be called: %s: %s", told, error, call.url)
        return Outcome.REFUSED
    outcome = outcome_of(status)
    if outcome is Outcome.REFUSED:
        log.error("%s was refused: %d %r; see the service at %s", told, status, text, call.url)
    return outcome


def outcome_of(status: int) -> Outcome:
    """What a status says: done, no, or that it is not known and worth asking again."""
    if status in ASK_AGAIN or not 200 <= status < 500:
        return Outcome.UNKNOWN
    return Outcome.DONE if status < 300 else Outcome.REFUSED


def _post(call: HookCall, body: bytes, key: str) -> tuple[int, str]:
    """The status, and for a no the beginning of what was said."""
    address = urlsplit(call.url)
    path = address.path or "/"
    request = Request(
        "POST",
        f"{path}?{address.query}" if address.query else path,
        body,
        {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "tidegate"},
    )
    status, said = HttpClient(address).send(request, _why_not, timeout_s=call.timeout)
    return status, said.decode(errors="replace")


def _why_not(answer: http.client.HTTPResponse, _: Deadline) -> bytes:
    """What a no says, as far as it comes; of all else the status is enough."""
    if outcome_of(answer.status) is Outcome.REFUSED:
        with suppress(OSError, http.client.HTTPException):
            return answer.read(ANSWER_MOST)
    return b""
