"""Reading signals: one value of each query, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.prom.client import Prometheus
from connectors.prom.read import Answer, labels_text
from models.errors import Unreachable
from models.signals import SignalPolicy


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query gave when it was asked at ``at_s``: a value, or None and why it is unknown."""

    at_s: int
    value: float | None
    why: str = ""


def half_age_s(signal: SignalPolicy) -> int:
    """How far back Prometheus looks, and how long a reading counts: both together are the maximal age."""
    return max(1, signal.max_age // 2)


def read_signals(prometheus: Prometheus, signals: Iterable[SignalPolicy], at_s: int) -> Mapping[SignalPolicy, Reading]:
    """A reading of each signal. After the first that Prometheus leaves without an answer in time no other is asked."""
    readings: dict[SignalPolicy, Reading] = {}
    away = ""
    for signal in signals:
        try:
            if away:
                raise Unreachable(away)
            readings[signal] = single(prometheus.at(signal.query, at_s, age_most_s=half_age_s(signal)), at_s)
        except Unreachable as error:
            away = away or ("" if not isinstance(error.__cause__, OSError) else str(error))
            readings[signal] = Reading(at_s, None, str(error))
    return readings


def single(answer: Answer, at_s: int) -> Reading:
    """The value of an answer that has one series; of any other none, and why."""
    try:
        points = only_series(answer)
    except Unreachable as error:
        return Reading(at_s, None, str(error))
    value = next(iter(points.values()))
    return Reading(at_s, value, "" if value is not None else "its value is NaN or infinite, which is unknown")


def only_series(answer: Answer) -> Mapping[float, float | None]:
    """The values of the one series that an answer has. Raises Unreachable where it has none, or several."""
    if not answer.series:
        raise Unreachable("no series: what it is of is not there, or not recent")
    if len(answer.series) > 1:
        first = labels_text(next(iter(answer.series)))
        raise Unreachable(
            f"{len(answer.series)} series, {first} among them: aggregate them into one, with sum(...) say"
        )
    [points] = answer.series.values()
    return points
