"""Events in words, and what strangers wrote, so that it can be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from basics.text import clean, count
from cli.audit.format import hpc_words, kubernetes_words
from models.demand import Demand
from models.durations import duration_text
from models.events import DeadLetter, Event, Planned
from models.forecasts import Forecast
from models.handovers import Handover
from models.nodes import HpcNode, KubernetesNode
from models.signals import Signals
from models.work import WorkRecord, WorkState


def event_text(event: Event) -> str:
    """What has happened, in a few words, the most telling ones first."""
    return "gone" if event.payload is None else clean(_WORDS[type(event.payload)](event.payload))


def moment(at_s: float) -> str:
    """A time as ``month-day hh:mm:ss``, UTC; seconds where no calendar reaches."""
    try:
        return datetime.fromtimestamp(at_s, UTC).strftime("%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{at_s:.0f} s"


def printable(raw: bytes | None, most: int | None = None) -> str:
    """Bytes as text of which every character prints; what does not is escaped, and so is the backslash itself.

    No more than ``most`` characters, the last one an ellipsis where there would be more. A dash stands for no bytes.
    """
    if raw is None:
        return "–"
    text = raw if most is None else raw[: 4 * most]
    shown = "".join(map(_escaped, text.decode("utf-8", "surrogateescape")))
    return shown if most is None else cut(shown, most)


def cut(text: str, columns: int) -> str:
    """The text in so many columns of a terminal at the most, the last one an ellipsis where it is longer."""
    return text if cell_len(text) <= columns else f"{set_cell_size(text, columns - 1).rstrip()}…"


def padded(text: str, columns: int) -> str:
    """The text with spaces up to so many columns."""
    return text + " " * (columns - cell_len(text))


def amount(number: float) -> str:
    """A number as short as its first decimal allows."""
    return f"{number:,.1f}".removesuffix(".0")


def _escaped(char: str) -> str:
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode()


def _work(work: WorkRecord) -> str:
    state = "waiting" if work.state is WorkState.ELIGIBLE else str(work.state)
    since_s = {WorkState.RUNNING: work.started_s, WorkState.ENDED: work.ended_s}.get(work.state, work.submitted_s)
    since = "" if since_s is None else f" {'at' if work.state is WorkState.ENDED else 'since'} {moment(since_s)}"
    nodes = "1 node" if work.nodes == 1 else f"{amount(work.nodes)} nodes"
    return ", ".join(part for part in (state + since, nodes, work.user) if part)


def _demand(demand: Demand) -> str:
    return f"{amount(demand.running)} running, {amount(demand.waiting)} waiting, in nodes"


def _forecast(forecast: Forecast) -> str:
    levels, parts = forecast.levels, [f"{amount(forecast.now)} now"]
    if levels:
        middle = min(range(len(levels)), key=lambda number: abs(levels[number] - 0.5))
        parts += [
            f"{amount(row[middle])} in {duration_text(horizon_s)}"
            for horizon_s, row in zip(forecast.horizons_s, forecast.values, strict=True)
        ]
    return f"{', '.join(parts)} ({forecast.source})"


def _plan(planned: Planned) -> str:
    plan = planned.plan
    stay = sum(len(one.nodes) for one in plan.rejections)
    parts = [
        f"Kubernetes {plan.current} to {plan.target}",
        f"held ({', '.join(hold.switch for hold in plan.holds)})" if plan.holds else "",
        count(len(plan.moves), "move"),
        f"{len(plan.cancellations)} back" if plan.cancellations else "",
        f"{stay} stay",
        f"{planned.left_out} left out" if planned.left_out else "",
        f"{sum(one.count for one in plan.unserved)} unserved" if plan.unserved else "",
        f"epoch {planned.epoch}",
    ]
    return ", ".join(part for part in parts if part)


def _handover(handover: Handover) -> str:
    why = f" ({handover.why})" if handover.why is not None else " (repair)" if handover.repair else ""
    return f"{handover.stage}{why}, to {handover.direction.target}, {handover.id}"


_WORDS: Mapping[type, Callable[[Any], str]] = {
    WorkRecord: _work,
    HpcNode: lambda node: hpc_words(node, moment),
    KubernetesNode: kubernetes_words,
    Demand: _demand,
    Signals: lambda told: ", ".join(f"{one.name} {amount(one.value)} {one.unit}" for one in told.signals) or "unknown",
    Forecast: _forecast,
    Planned: _plan,
    Handover: _handover,
    DeadLetter: lambda dead: dead.reason,
}
