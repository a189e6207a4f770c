"""Text for people: counts, lists, and what strangers wrote made safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from models.errors import clean

__all__ = ["clean", "count", "some"]


def count(number: int, word: str) -> str:
    """``1 message``, ``2,000 messages``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def some(names: Iterable[str], most: int = 8) -> str:
    """The first names of a list, and how many more there are."""
    known = [clean(name) for name in names]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
