"""What a generator accepts."""

from __future__ import annotations

from models.errors import BadInput

SEED_MAX = 2**63 - 1


def check_bounds(name: str, value: float, low: float, high: float) -> None:
    """Raise BadInput unless ``low <= value <= high``; what is not a number is outside of everything."""
    if not low <= value <= high:
        raise BadInput(f"{name} is {value}, not within {low:g} to {high:g}", remedy=f"choose another value for {name}")
