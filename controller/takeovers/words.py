"""What is said of a takeover, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from models.takeovers import Window, nodes_text

HELD_SHOWN = 5


def hour(at_s: int) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def named(window: Window) -> str:
    """What the takeover is, and when."""
    many = nodes_text(window.nodes)
    return f"{window.origin} takeover {window.name} of {many} for {window.side} at {hour(window.from_s)}"


def held_text(held: Sequence[tuple[str, str]]) -> str:
    """What holds it: some nodes, each with why, and how many more."""
    shown = "; ".join(f"{name}: {why}" for name, why in held[:HELD_SHOWN])
    return shown if len(held) <= HELD_SHOWN else f"{shown}; and {len(held) - HELD_SHOWN} more"
