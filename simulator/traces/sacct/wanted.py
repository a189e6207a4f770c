"""What is asked of an accounting: which jobs of it, counted in what, with local times of which zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

COMMAND = (
    "SLURM_TIME_FORMAT=%s sacct -a -X -P -S 2026-09-01 -E 2026-10-01"
    " -o JobIDRaw,User,Partition,Cluster,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,NNodes,AllocCPUS,State"
)
"""Tells all that is read here, with times that no change to summer time makes ambiguous."""


class Unit(StrEnum):
    """What the size of a job counts."""

    NODES = "nodes"
    CORES = "cores"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs to take, and how.

    ``partitions`` empty means all. ``since_s`` and ``until_s`` bound the arrival, in seconds of the epoch, the second
    one exclusively. ``limit_s`` is the limit of jobs that have none; without it their run time is used.
    """

    unit: Unit = Unit.NODES
    timezone: str = "UTC"
    partitions: frozenset[str] = frozenset()
    since_s: int | None = None
    until_s: int | None = None
    limit_s: int | None = None


def zone(name: str) -> tzinfo:
    """The time zone of that name. Raises ValueError when it is not known here."""
    if name.upper() == "UTC":
        return UTC  # also where no zones are installed
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone known here, such as UTC or Europe/Berlin") from None


def midnight_s(day: date, where: tzinfo) -> int:
    """The epoch second at which a day begins."""
    return int(datetime.combine(day, time(), where).timestamp())


def day_of(at_s: int, where: tzinfo) -> date:
    """The day that an epoch second belongs to."""
    return datetime.fromtimestamp(at_s, where).date()


def utc_offset_s(at_s: int, where: tzinfo) -> int:
    """Local time minus UTC at an epoch second."""
    offset = datetime.fromtimestamp(at_s, where).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
