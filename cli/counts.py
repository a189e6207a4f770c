"""Counts in words."""

from __future__ import annotations


def count(number: int, word: str) -> str:
    """``1 message``, ``2,000 messages``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
