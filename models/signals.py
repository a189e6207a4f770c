"""Signals: numbers from a site's Prometheus that say something about demand to come, by name and with their unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from models.fields import Part, field, lasting, matching

SIGNALS_MOST = 64  # each is a column that every refit learns from, for every sample of its history
VALUE_MOST = 1e15  # what is greater is unknown: no sum of squares may overflow by it
QUERY_MOST = 2000  # characters: with each of them escaped, the address stays below what servers take

_NAME = matching(r"[a-z][a-z0-9_]{0,62}", "a name of lower-case letters, digits and underscores", longest=63)
_QUERY = matching(r"[\s\S]*\S[\s\S]*", "a query in PromQL", longest=QUERY_MOST)
_UNIT = matching(r"[^\s]([^\r\n]*[^\s])?", "a unit such as nodes, jobs/s or °C", longest=32)


class SignalPolicy(Part):
    """A query whose value forecasts may learn from."""

    name: Annotated[str, _NAME] = Field(
        description="What the signal is called, on the bus and in the forecaster: keep it, what was learned is by name."
    )
    query: Annotated[str, _QUERY] = Field(
        description="The query, in PromQL. Its result has one series: aggregate, with sum(...) say. No other query is"
        " ever asked for a signal."
    )
    unit: Annotated[str, _UNIT] = Field(description="The unit of its value, for people: nodes, jobs, jobs/s, °C.")
    max_age: Annotated[int, lasting("30s", "6h")] = field(
        "5m", "How old a value may be; an older one is unknown. At least four times as long as between two scrapes."
    )


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal's value."""

    name: str
    value: float
    unit: str

    def __post_init__(self) -> None:
        if not abs(self.value) <= VALUE_MOST:
            raise ValueError(f"a signal is a number of at most {VALUE_MOST:g}, not {self.value}")


@dataclass(frozen=True, slots=True)
class Signals:
    """What was known of a pool's signals at ``at_s``, the instant of its demand; one that is unknown is left out."""

    at_s: int
    signals: tuple[Signal, ...]

    def __post_init__(self) -> None:
        if len(self.signals) > SIGNALS_MOST or len({one.name for one in self.signals}) < len(self.signals):
            raise ValueError(f"at most {SIGNALS_MOST} signals, each once, not {len(self.signals)}")

    @property
    def values(self) -> dict[str, float]:
        """The values by name."""
        return {one.name: one.value for one in self.signals}
