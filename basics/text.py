"""Text for people: counts, lists, and what strangers wrote made safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterable


def count(number: int, word: str) -> str:
    """``1 message``, ``2,000 messages``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def clean(text: str) -> str:
    """The text on one line, without what could steer a terminal: reasons and names on nodes are written by anybody."""
    return "".join(char if char.isprintable() else "?" for char in text)


def some(names: Iterable[str], most: int = 8) -> str:
    """The first names of a list, and how many more there are."""
    known = [clean(name) for name in names]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
