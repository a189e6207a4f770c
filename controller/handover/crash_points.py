"""Named points at which a process may end: before and after each act, and between an act and the memory of it.

The tests end the process at every one of them and let another go on. Nothing here does anything by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from models.acts import Verb

BEFORE = {verb: f"before-{verb}" for verb in Verb}
AFTER = {verb: f"after-{verb}" for verb in Verb}
CRASH_POINTS = (*BEFORE.values(), *AFTER.values())

Reached = Callable[[str], None]


def go_on(_: str) -> None:
    """What a process does at a crash point unless it is told otherwise."""
