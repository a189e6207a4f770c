"""Names: those that may go into an address, and the reservation's that tells whose it is."""

from __future__ import annotations

import re

from models.handovers import MARK_PREFIX

_NODE = re.compile(r"[A-Za-z0-9._-]{1,253}\Z")
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
BOOKING_PREFIX = "tidegate-"  # a colon in a reservation's name makes an address that slurmrestd does not find


def is_node(name: str) -> bool:
    """Whether a node can be called so, and nothing else can hide in it."""
    return _NODE.match(name) is not None and name not in {".", ".."}


def is_mark(mark: str) -> bool:
    """Whether it is a mark of ours that a reservation's name can carry."""
    return mark.startswith(MARK_PREFIX) and _ID.match(mark.removeprefix(MARK_PREFIX)) is not None


def given_reason(reason: str) -> str:
    """The reason that was given: slurmctld adds to it when the node stops answering, and leaves it so."""
    return re.sub(r"( : Not responding)+\Z", "", reason)


def booking_name(node: str, mark: str) -> str:
    """What our reservation of the node is called: ``tidegate-7.p3-n01`` for the mark ``tidegate:7.p3``."""
    return f"{BOOKING_PREFIX}{mark.removeprefix(MARK_PREFIX)}-{node}"


def booking_mark(node: str, name: str) -> str:
    """The mark that a reservation of the node bears: ours again, or its own name where it is none of ours."""
    ident = name.removeprefix(BOOKING_PREFIX).removesuffix(f"-{node}")
    if ident and booking_name(node, MARK_PREFIX + ident) == name:
        return MARK_PREFIX + ident
    return f"reservation {name}" if name.startswith(MARK_PREFIX) else name  # we give none such a name
