"""Which tests run with which release of Slurm: the newest has every one, the older one those marked ``both_releases``.

``--all-releases`` lets every test run with both.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.real.slurm.install import RELEASES

OPTION = "--all-releases"
MARK = "both_releases"


def release_of(item: pytest.Item) -> str | None:
    """The release that a test is parametrised with, if it is."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((value for value in given if value in tuple(RELEASES)), None)


def left_out(items: list[Any]) -> list[Any]:
    """The tests that an older release need not run; of those asked for, the newest release there is has each test."""
    there = defaultdict[tuple[object, str], set[str]](set)
    for item in items:
        if release := release_of(item):
            there[item.parent, item.originalname].add(release)

    def is_left_out(item: Any) -> bool:
        if not (release := release_of(item)) or item.get_closest_marker(MARK):
            return False
        return release != max(there[item.parent, item.originalname], key=list(RELEASES).index)

    return [item for item in items if is_left_out(item)]
