"""Announced takeovers as they stand beside a lock or in a Lease.

Whoever may write there can write anything: what no request can be is left out, told once, and stops nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict

import msgspec
from msgspec import UNSET, UnsetType

from basics.log_once import Trouble
from models.leadership import TURNED_BACK_MOST
from models.takeovers import REQUESTS_MOST, Request

log = logging.getLogger("tidegate.takeovers")
_refused = Trouble(log, "an announced takeover is refused")


def read_requests(found: object) -> tuple[Request, ...]:
    """Those of a list that can be meant, each id once, REQUESTS_MOST at most; the others are refused, and the log says
    why. ``found`` is what JSON has."""
    known: dict[str, Request] = {}
    wrong: list[str] = []
    if found is UNSET:
        return ()
    if not isinstance(found, list):
        wrong, found = ["they are no list"], []
    for one in found:
        try:
            request = msgspec.convert(one, Request)
        except msgspec.ValidationError as error:
            wrong.append(str(error)[:200])
            continue
        if request.ident in known:
            wrong.append(f"two have the id {request.ident}")
        elif len(known) == REQUESTS_MOST:
            wrong.append(f"there are more than {REQUESTS_MOST}")
        else:
            known[request.ident] = request
    if wrong:
        _refused.met(wrong[0] if len(wrong) == 1 else f"{wrong[0]}; and {len(wrong) - 1} more")
    elif known:
        _refused.over()
    return tuple(known.values())


def read_turned_back(found: tuple[str, ...] | UnsetType) -> tuple[str, ...]:
    """The ids of hand-overs that persons ordered back, as many of the newest as are kept."""
    return () if isinstance(found, UnsetType) else found[-TURNED_BACK_MOST:]


def write_requests(requests: Iterable[Request]) -> list[dict[str, object]] | UnsetType:
    """The same as what JSON has; none are left out, as a release that knows of none has it."""
    return [asdict(one) for one in requests] or UNSET
