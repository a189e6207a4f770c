"""Names and times as a checkup shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

from basics.text import clean

SHOWN_MOST = 200  # characters of a hostlist


def folded(names: Iterable[str]) -> str:
    """The names as a hostlist, ``n[01-03]`` say."""
    known = sorted(set(names))
    try:
        return str(NodeSet.fromlist(known, resolver=RESOLVER_NOGROUP))
    except NodeSetException:
        return ",".join(known)


def cut(text: str) -> str:
    """No more than SHOWN_MOST characters of it."""
    return text if len(text) <= SHOWN_MOST else f"{text[: SHOWN_MOST - 1]}…"


def nodes(names: Iterable[str]) -> str:
    """``node n01``, or ``3 nodes (n[01-03])``."""
    known = sorted(set(names))
    return f"node {known[0]}" if len(known) == 1 else f"{len(known)} nodes ({cut(folded(known))})"


def moment(at_s: float) -> str:
    """A time as ``2026-11-24 13:48 UTC``; seconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {at_s:.0f}"


def span_text(seconds: float) -> str:
    """A length of time in two units at the most: ``45 s``, ``12 min``, ``3 h 5 min``, ``6 d 2 h``."""
    left = round(abs(seconds))
    if left < 60:
        return f"{left} s"
    left = left if left < 3600 else round(left / 60) * 60
    parts = [(left // 86_400, "d"), (left % 86_400 // 3600, "h"), (left % 3600 // 60, "min"), (left % 60, "s")]
    first = next(number for number, (amount, _) in enumerate(parts) if amount)
    shown = [(amount, unit) for amount, unit in parts[first : first + 2] if amount and (unit != "s" or left < 600)]
    return " ".join(f"{amount} {unit}" for amount, unit in shown)


def plain(text: str) -> str:
    """What somebody else wrote, on one line, without what could steer a terminal."""
    return cut(clean(text))
