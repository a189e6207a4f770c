"""Instants as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def unix_s(text: str | None) -> int | None:
    """An RFC 3339 time in unix seconds; None where there is none, or none that can be read."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
