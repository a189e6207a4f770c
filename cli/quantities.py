"""Durations as options take them: everywhere a plain number in the option's own unit, or a number with a unit."""

from __future__ import annotations

from collections.abc import Callable

import typer

from models.durations import duration_s, duration_text, typed_s

DURATION = "DURATION"  # what the help calls one


def lasting(unit: str, least: str, most: str) -> Callable[[object], float]:
    """Reads an option's duration from ``least`` to ``most`` as a number in ``unit``, which a plain number is in, too.

    Raises BadParameter for any other. A default, which is a number already, is itself.
    """
    size_s = duration_s(f"1{unit}")
    low_s, high_s = duration_s(least), duration_s(most)

    def read(value: object) -> float:
        if not isinstance(value, str):
            return float(value)  # type: ignore[arg-type]
        try:
            seconds = typed_s(value, unit)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if not low_s <= seconds <= high_s:
            raise typer.BadParameter(f"must be from {duration_text(low_s)} to {duration_text(high_s)}, not {value}")
        return seconds / size_s

    return read
