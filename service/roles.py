"""Which parts a process has in each role, and what each part needs: the one table of the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a process of the service does."""

    ALL = "all"
    CONNECT = "connect"
    FORECAST = "forecast"
    CONTROL = "control"
    PAGE = "page"


NEEDS: Mapping[str, tuple[str, ...]] = {
    "bus": (),
    "slurm": (),
    "kubernetes": ("slurm",),
    "signals": (),
    "publishing": ("bus", "slurm", "kubernetes", "signals"),
    "forecasting": ("bus",),
    "audit": (),
    "leadership": ("slurm", "kubernetes"),
    "control": ("audit", "slurm", "kubernetes", "bus", "leadership"),
    "page": ("bus",),
    "metrics": (),
}
"""What each part needs. A part is opened after all that it needs, in this order, and closed before."""

PARTS: Mapping[Role, tuple[str, ...]] = {
    Role.CONNECT: ("publishing",),
    Role.FORECAST: ("forecasting",),
    Role.CONTROL: ("control",),
    Role.PAGE: ("page",),
    Role.ALL: ("control", "publishing", "forecasting"),
}
"""What each role is for; the rest follows from what these need. Any has the metrics where the site file says so."""


def in_order_of_need(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts and all that they need, each once and after what it needs."""

    def with_needs(part: str) -> Iterator[str]:
        for need in NEEDS[part]:
            yield from with_needs(need)
        yield part

    return tuple(dict.fromkeys(each for part in parts for each in with_needs(part)))
