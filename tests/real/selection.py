"""Which tests with real components run: those that take long with ``--long`` only, and one part of all with ``--part``.

A file belongs to the part that the first word of its name says; what is with several components is ``together``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

LONG = "--long"
PART = "--part"
MARK = "long"
PARTS = {
    "bus": ("bus", "inspection", "kafka", "proxy"),
    "slurm": ("slurm",),
    "kube": ("kube",),
    "together": (),
}


def part_of(file: str) -> str:
    """The part to which a file of tests belongs, by its name."""
    named = re.fullmatch(r"test_([a-z]+)\w*\.py", file)
    first = named[1] if named else ""
    return next((part for part, words in PARTS.items() if first in words), "together")


def left_out(items: Sequence[Any], *, long: bool, part: str = "") -> list[Any]:
    """The tests that do not run: what takes long, unless it is asked for, and what is of another part."""
    return [
        item
        for item in items
        if (not long and item.get_closest_marker(MARK)) or (part and part_of(item.path.name) != part)
    ]
