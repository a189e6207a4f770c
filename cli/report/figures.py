"""The figures of a comparison, declared once: their names for people, units, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from cli.report.numbers import decimals_for, duration_unit, number
from simulator.outcome import Outcome


class Unit(Enum):
    """What a figure is counted in, as its column head says it."""

    SECONDS = "s"
    NODE_HOURS = "node-hours"
    COST = "weighted node-hours"
    SHARE = "%"
    RATIO = "times"
    COUNT = ""


class Better(Enum):
    """Which value of a row is the best one."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``label`` is for the page; ``short`` is for a terminal of 80 columns."""

    key: str
    group: str
    label: str
    short: str
    unit: Unit
    better: Better = Better.LOWER


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy's value of a figure, None where it was not measured. ``best``: no policy of a real site was better."""

    value: float | None
    text: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all policies, in one unit."""

    figure: Figure
    unit: str
    cells: tuple[Cell, ...]


_HPC, _UNMET, _PODS, _WHOLE = "HPC jobs", "Unmet demand", "Kubernetes", "The machine"
FIGURES = (
    Figure("hpc_wait_mean_s", _HPC, "Waiting time, mean", "HPC wait, mean", Unit.SECONDS),
    Figure(
        "hpc_wait_so_far_mean_s",
        _HPC,
        "Waiting time, mean, with the wait so far of those still waiting",
        "HPC wait so far",
        Unit.SECONDS,
    ),
    Figure("hpc_wait_median_s", _HPC, "Waiting time, median", "HPC wait, median", Unit.SECONDS),
    Figure("hpc_wait_p95_s", _HPC, "Waiting time, 95th percentile", "HPC wait, 95th pct", Unit.SECONDS),
    Figure("hpc_bounded_slowdown_mean", _HPC, "Bounded slowdown, mean", "HPC slowdown, mean", Unit.RATIO),
    Figure("hpc_jobs_in", _HPC, "Submitted", "HPC jobs submitted", Unit.COUNT, Better.NEITHER),
    Figure("hpc_jobs_finished", _HPC, "Finished", "HPC jobs finished", Unit.COUNT, Better.HIGHER),
    Figure("hpc_jobs_running", _HPC, "Still running at the end", "HPC jobs running", Unit.COUNT, Better.NEITHER),
    Figure("hpc_jobs_queued", _HPC, "Still waiting at the end", "HPC jobs waiting", Unit.COUNT),
    Figure("hpc_jobs_refused", _HPC, "Refused", "HPC jobs refused", Unit.COUNT),
    Figure("unmet_hpc_node_h", _UNMET, "HPC demand without a node", "Unmet HPC", Unit.NODE_HOURS),
    Figure("unmet_kubernetes_node_h", _UNMET, "Kubernetes demand without a node", "Unmet Kubernetes", Unit.NODE_HOURS),
    Figure("unmet_cost", _UNMET, "Cost of unmet demand", "Unmet cost", Unit.COST),
    Figure("oversize_jobs", _UNMET, "Jobs too big for their side", "Oversize jobs", Unit.COUNT, Better.NEITHER),
    Figure("oversize_wait_node_h", _UNMET, "Waiting of jobs too big for their side", "Oversize wait", Unit.NODE_HOURS),
    Figure(
        "large_jobs_wait_node_h",
        _UNMET,
        "Waiting of jobs of more than half the pool",
        "Large jobs' wait",
        Unit.NODE_HOURS,
    ),
    Figure("pod_wait_mean_s", _PODS, "Waiting time of a pod, mean", "Pod wait, mean", Unit.SECONDS),
    Figure("pod_wait_p95_s", _PODS, "Waiting time of a pod, 95th percentile", "Pod wait, 95th pct", Unit.SECONDS),
    Figure("pods_refused", _PODS, "Pods that can never run here", "Pods refused", Unit.COUNT, Better.NEITHER),
    Figure(
        "pods_refused_nodes",
        _PODS,
        "What these pods ask for, in nodes",
        "Refused, in nodes",
        Unit.COUNT,
        Better.NEITHER,
    ),
    Figure("unmet_requests_share", _PODS, "Requests that found no capacity", "Requests unmet", Unit.SHARE),
    Figure("utilisation", _WHOLE, "Utilisation", "Utilisation", Unit.SHARE, Better.HIGHER),
    Figure("moves", _WHOLE, "Nodes moved", "Nodes moved", Unit.COUNT, Better.NEITHER),
    Figure("handover_lost_node_h", _WHOLE, "Lost while moving", "Lost in moves", Unit.NODE_HOURS, Better.NEITHER),
    Figure("killed", _WHOLE, "Running work killed", "Killed", Unit.COUNT),
)
SHOWN_AT_ZERO = frozenset(("killed", "unmet_cost", "moves"))  # what nobody may have to guess
OF_JOBS = frozenset(("hpc_wait_mean_s",))  # the same, where there are jobs
_BY_KEY = {figure.key: figure for figure in FIGURES}
_SUFFIXES = (("_node_h", Unit.NODE_HOURS), ("_share", Unit.SHARE), ("_s", Unit.SECONDS))


def is_bound(policy: str) -> bool:
    """Whether a policy is there to compare with only: it sees the future, so no site can run it."""
    return policy.lower().startswith(("oracle", "perfect"))


def rows(outcomes: Sequence[Outcome]) -> tuple[Row, ...]:
    """One row for each figure that any outcome has and that is not 0 in all: the known ones in their order, then others
    as they appear."""
    present = dict.fromkeys(key for outcome in outcomes for key in outcome.figures)
    known = [figure for figure in FIGURES if figure.key in present]
    others = [_unknown(key) for key in present if key not in _BY_KEY]
    made = (_row(figure, outcomes) for figure in (*known, *others))
    shown = SHOWN_AT_ZERO | (OF_JOBS if any(outcome.value("hpc_jobs_in") for outcome in outcomes) else frozenset())
    return tuple(row for row in made if row.figure.key in shown or any(cell.value != 0 for cell in row.cells))


def units() -> dict[str, str]:
    """The unit of each figure as JSON has it, where it has one."""
    names = {Unit.SHARE: "share from 0 to 1", Unit.RATIO: "ratio"}
    return {one.key: names.get(one.unit, one.unit.value) for one in FIGURES if one.unit is not Unit.COUNT}


def _unknown(key: str) -> Figure:
    """A figure that this page does not know: shown under its own name, its unit read off its suffix."""
    suffix, unit = next(((end, unit) for end, unit in _SUFFIXES if key.endswith(end)), ("", Unit.COUNT))
    name = key.removesuffix(suffix).replace("_", " ").strip() or key
    return Figure(key, "Other", name, name, unit, Better.NEITHER)


def _row(figure: Figure, outcomes: Sequence[Outcome]) -> Row:
    """All values of one figure in the unit and precision that suit the largest."""
    values = [outcome.value(figure.key) for outcome in outcomes]
    unit, scale = figure.unit.value, 1.0
    if figure.unit is Unit.SECONDS:
        unit, size_s = duration_unit(values)
        scale = 1 / size_s
    elif figure.unit is Unit.SHARE:
        scale = 100.0
    scaled = [None if value is None else value * scale for value in values]
    decimals = decimals_for(scaled)
    texts = [number(value, decimals) for value in scaled]
    best = _best(figure.better, scaled, texts, [is_bound(outcome.policy) for outcome in outcomes])
    return Row(figure, unit, tuple(Cell(*cell) for cell in zip(values, texts, best, strict=True)))


def _best(better: Better, values: list[float | None], texts: list[str], bounds: list[bool]) -> list[bool]:
    """Mark the best of the policies a site could run, and what prints the same; nobody when there is no difference."""
    running = [(value, text) for value, text, bound in zip(values, texts, bounds, strict=True) if not bound]
    known = [(value, text) for value, text in running if value is not None]
    if better is Better.NEITHER or len({text for _, text in known}) < 2:
        return [False] * len(values)
    pick = min if better is Better.LOWER else max
    best_text = pick(known)[1]
    return [text == best_text and not bound for text, bound in zip(texts, bounds, strict=True)]
