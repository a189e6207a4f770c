"""Times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import typer


def time_s(text: str, option: str) -> int:
    """Unix seconds of a time such as ``2026-12-01T18:00``, in UTC where it has no offset. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        example = "2026-12-01T18:00 or 2026-12-01T18:00+01:00"
        raise typer.BadParameter(f"{option} is a time such as {example}") from error
    return int((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp())
