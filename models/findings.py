"""What a check of a site found, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: an error keeps Tidegate from working as it should, a warning is to be known."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a checkup.

    ``check`` is the name of the check, which stays the same from release to release. ``remedy`` is what to do, and
    ``commands`` are commands that do it, to be pasted.
    """

    check: str
    level: Level
    what: str
    remedy: str = ""
    commands: tuple[str, ...] = ()


def well(check: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, what)


def skipped(check: str, why: str, remedy: str = "") -> Finding:
    """What was not looked at, and why."""
    return Finding(check, Level.SKIPPED, f"not checked: {why}", remedy)


def warning(check: str, what: str, remedy: str, *commands: str) -> Finding:
    """Something to know."""
    return Finding(check, Level.WARNING, what, remedy, commands)


def wrong(check: str, what: str, remedy: str, *commands: str) -> Finding:
    """Something to mend."""
    return Finding(check, Level.ERROR, what, remedy, commands)
