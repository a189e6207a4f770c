"""A part of the service: what it does again and again, what it counts, and how it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.registry import Collector

from models.events import Topic


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done again and again: ``take`` does it, and says after how many seconds it wants to be taken
    again. It is taken for the first time after ``after_s``."""

    name: str
    take: Callable[[], float]
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """How a part is, for a person: ``well`` is false while something keeps it from its work."""

    part: str
    well: bool
    text: str


class Part:
    """What every part has; most have less to tell than this."""

    name = ""

    def steps(self) -> Sequence[Step]:
        """What it does, each at its own pace."""
        return ()

    def tell_anew(self, lost: Collection[Topic]) -> None:
        """Events of these topics were lost on their way to the bus: what the part told there is told again."""

    def lags(self) -> Mapping[str, int]:
        """How many messages each of its readers of the bus has not read yet. Raises BusUnavailable or BusRefused."""
        return {}

    def metrics(self) -> Sequence[Collector]:
        """What it counts."""
        return ()

    def status(self) -> Status:
        """How it is now."""
        return Status(self.name, True, "")
