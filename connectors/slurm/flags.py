"""A node's state is a set of flags; one that is not known here makes the node no candidate."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

KEPT = 1024  # states whose flags are remembered
DRAIN = "DRAIN"
BUSY = frozenset(("ALLOCATED", "MIXED", "COMPLETING"))  # until the last epilog has ended
OFF = frozenset(("POWERED_DOWN", "POWERING_UP"))  # or on the way from there
BASES = frozenset(("IDLE", "ALLOCATED", "MIXED"))  # of a node that works; else it is DOWN, ERROR, FUTURE, UNKNOWN
HARMLESS = BASES | {DRAIN, "COMPLETING", "RESERVED", "PLANNED", "CLOUD", "DYNAMIC_FUTURE", "DYNAMIC_NORM"}


def is_busy(flags: Collection[str]) -> bool:
    """Whether work runs on the node, or is being cleared away."""
    return not BUSY.isdisjoint(flags)


def is_drained(flags: Collection[str]) -> bool:
    """Whether no work may start on the node by somebody's wish."""
    return DRAIN in flags


def is_waking_for_work(flags: Collection[str]) -> bool:
    """Whether a job has the node that its power is switched on for."""
    return is_busy(flags) and not OFF.isdisjoint(flags)


def is_ready(flags: Collection[str]) -> bool:
    """Whether nothing but a drain can keep the node from working: every flag is one that is known to be harmless."""
    return HARMLESS.issuperset(flags) and not BASES.isdisjoint(flags)


@lru_cache(KEPT)
def flags_of(state: tuple[str, ...]) -> frozenset[str]:
    """The flags as one set, in capitals."""
    return frozenset(flag.strip().upper() for flag in state)
