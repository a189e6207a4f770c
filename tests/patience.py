"""Waiting for what must come, however busy the machine is: the one place where a test may look at a clock."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG_S = 600.0  # only whoever waits for ever is ended by it


def until(condition: Callable[[], bool], still: Callable[[], object] = lambda: None, every_s: float = 0.02) -> None:
    """Wait for the condition; ``still`` is called meanwhile, and raises when it cannot come any more."""
    end_s = time.monotonic() + LONG_S
    while not condition():
        still()
        assert time.monotonic() < end_s, "it does not come"
        time.sleep(every_s)
