"""Numbers as people read them: the same unit and precision along a row, no zero that is not one."""

from __future__ import annotations

import math
from collections.abc import Sequence

ABSENT = "–"
_DURATIONS = (("s", 1.0, 120.0), ("min", 60.0, 7_200.0), ("h", 3_600.0, 172_800.0), ("days", 86_400.0, math.inf))


def decimals_for(values: Sequence[float | None]) -> int:
    """How many decimals a row gets: about three significant digits of its largest value, none for whole numbers."""
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    if not known or all(value == int(value) for value in known):
        return 0
    largest = max(known)
    if largest >= 100:
        return 0
    return 1 if largest >= 10 else 2


def number(value: float | None, decimals: int) -> str:
    """The value with thousands separated; a small one that would print as zero says so, an unknown one is a dash."""
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{value:,.{decimals}f}"
    if value and not text.strip("-0.,"):
        least = f"{10**-decimals:.{decimals}f}"
        return f"<{least}" if value > 0 else f">-{least}"
    return text.replace("-", "−")


def duration_unit(values_s: Sequence[float | None]) -> tuple[str, float]:
    """The unit that suits a row of durations in seconds, and how many seconds one of it has."""
    known = [value for value in values_s if value is not None and math.isfinite(value)]
    largest = max(known, default=0.0)
    return next((name, size_s) for name, size_s, below_s in _DURATIONS if largest < below_s)


def span(seconds: float) -> str:
    """A length of time in words: ``14 days``, ``36 hours``, ``90 minutes``."""
    if seconds >= 2 * 86_400:
        return _plural(seconds / 86_400, "day")
    if seconds >= 7_200:
        return _plural(seconds / 3_600, "hour")
    return _plural(seconds / 60, "minute")


def ahead(horizon_s: int) -> str:
    """A forecast horizon, short: ``5 min``, ``3 h``, ``1.5 h``."""
    if horizon_s < 3_600:
        return f"{horizon_s / 60:g} min"
    return f"{horizon_s / 3_600:.3g} h"


def percent(share: float) -> str:
    """A share as a whole percentage; one decimal below 1 %."""
    points = 100 * share
    text = f"{points:,.0f}" if abs(points) >= 0.95 or points == 0 else f"{points:.1f}"
    return f"{text.replace('-', '−')} %"


def _plural(amount: float, word: str) -> str:
    """The amount, whole or with one decimal, and its word."""
    text = f"{amount:,.1f}".removesuffix(".0")
    return f"{text} {word}" if text == "1" else f"{text} {word}s"
