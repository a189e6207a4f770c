"""Quantities as Kubernetes writes them: ``500m``, ``2Gi``, ``1e3``, ``0.5``, ``128974848``."""

from __future__ import annotations

import re
from functools import lru_cache

KEPT = 16384  # texts whose meaning is remembered: of many pods few differ in what they ask for
MOST = 2**63 - 1  # whole units; what is larger counts as this
FINEST = -9  # the smallest part is a billionth; what is smaller is rounded up to it
DIGITS_MOST = 1000
_GRAMMAR = re.compile(
    rf"([+-]?)(?=\.?[0-9])([0-9]{{0,{DIGITS_MOST}}})(?:\.([0-9]{{0,{DIGITS_MOST}}}))?"
    r"(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,9}))?",
    re.ASCII,
)
_TENS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TWOS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def milli(quantity: str | int | float) -> int:
    """The quantity in thousandths, a part of one counted as a whole one. Raises ValueError for what is none.

    Source: ``ParseQuantity`` and ``MilliValue`` of k8s.io/apimachinery/pkg/api/resource.
    """
    return _scaled(quantity, -3)


def whole(quantity: str | int | float) -> int:
    """The quantity in whole units, likewise (``Value``)."""
    return _scaled(quantity, 0)


@lru_cache(KEPT)
def _scaled(quantity: str | int | float, scale: int) -> int:
    match = _GRAMMAR.fullmatch(str(quantity))
    if match is None:
        raise ValueError(f"{str(quantity)[:60]!r} is no quantity")
    sign, before, after, suffix, exponent = match.groups()
    digits = int(before + (after or "") or "0")
    tens = _TENS.get(suffix or "", int(exponent or "0")) - len(after or "")
    shown = _times_ten(digits << _TWOS.get(suffix or "", 0), max(tens, FINEST - DIGITS_MOST * 2) - FINEST)
    amount = min(_times_ten(shown, FINEST - scale), _times_ten(MOST, -scale))
    return -amount if sign == "-" else amount


def _times_ten(amount: int, power: int) -> int:
    """``amount * 10**power``, rounded up; what would be far beyond MOST is less, and beyond it still."""
    tens = int(10 ** min(abs(power), 3 * DIGITS_MOST))
    return -(-amount // tens) if power < 0 else amount * tens
