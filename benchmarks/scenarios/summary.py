"""From all figures to what they say: paired ratios with their spread, what was paid for what, bounds that are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.scenarios.plan import STATIC, STATIC_BEFORE, Case, Ran
from benchmarks.scenarios.runs import MOVING, ORACLE, SCALES, Figures
from benchmarks.scenarios.service_level import service_levels
from simulator.ratios import Mean, over_windows, paired

COMPARED = (STATIC, STATIC_BEFORE, *MOVING, ORACLE)
COST = "unmet_cost"
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Told:
    """One policy at one weight, over all windows.

    ``to_reactive`` and ``to_rival`` are ratios of the unmet cost, the rival being the better of reacting and the best
    fixed split, run by run. ``exchange`` is HPC node-hours paid for a Kubernetes node-hour saved against reacting, None
    where nothing is saved. ``large`` is what jobs of more than half the pool waited, in node-hours, of the same under
    reacting; None without such jobs.
    """

    to_reactive: Mean | None
    to_rival: Mean | None
    exchange: float | None
    large: float | None
    moves_per_node_day: float
    killed: int


def summary(ran: Ran) -> dict[str, object]:
    """All that is told, ready for JSON."""
    weights = ran.size.weights
    return {
        "policies": {
            f"{weight:g}": {
                name: asdict(told(name, cases, ran)) for name in COMPARED if (cases := cases_with(ran, weight, name))
            }
            for weight in weights
        },
        "scales": {
            f"{weight:g}": {name: _of_reacting(name, cases_at(ran, weight)) for name in SCALES} for weight in weights
        },
        "oracle_above": [text for one in ran.cases for text in above(one)],
        "service_level": service_levels(ran),
        "windows": [by_window(one) for one in ran.cases],
    }


def _of_reacting(name: str, cases: Sequence[Case]) -> dict[str, object] | None:
    mean = over_windows(ratios(cases, name, lambda one: costs(one, "reactive")))
    return None if mean is None else asdict(mean)


def cases_at(ran: Ran, weight: float) -> list[Case]:
    """All windows at one weight."""
    return [one for one in ran.cases if one.weight == weight]


def cases_with(ran: Ran, weight: float, name: str) -> list[Case]:
    """The windows at one weight in which the policy was run."""
    return [one for one in cases_at(ran, weight) if name in one.figures]


def told(name: str, cases: Sequence[Case], ran: Ran) -> Told:
    """One policy over the windows of one weight."""
    days = {one.name: one.nodes * one.span_s / DAY_S for one in ran.windows}
    moves = [figures["moves"] / days[one.window] for one in cases for figures in one.figures[name]]
    return Told(
        to_reactive=over_windows(ratios(cases, name, lambda one: costs(one, "reactive"))),
        to_rival=over_windows(ratios(cases, name, rival)),
        exchange=exchange(cases, name),
        large=of_reactive(cases, name, "large_jobs_wait_node_h"),
        moves_per_node_day=math.fsum(moves) / len(moves),
        killed=sum(int(figures["killed"]) for one in cases for figures in one.figures[name]),
    )


def costs(one: Case, name: str) -> list[float]:
    """The unmet cost by seed."""
    return [float(figures[COST]) for figures in one.figures[name]]


def rival(one: Case) -> list[float]:
    """The better of reacting and the best fixed split in hindsight, by seed."""
    return [min(pair) for pair in zip(costs(one, "reactive"), costs(one, STATIC), strict=True)]


def ratios(cases: Sequence[Case], name: str, against: Callable[[Case], Sequence[float]]) -> dict[str, float]:
    """The ratio of each window in which neither cost is nothing."""
    found = {one.window: paired(costs(one, name), against(one)) for one in cases}
    return {window: ratio for window, ratio in found.items() if ratio is not None}


def exchange(cases: Sequence[Case], name: str) -> float | None:
    """HPC node-hours paid for each Kubernetes node-hour saved, of all windows and seeds together."""
    paid = total(cases, name, "unmet_hpc_node_h") - total(cases, "reactive", "unmet_hpc_node_h")
    saved = total(cases, "reactive", "unmet_kubernetes_node_h") - total(cases, name, "unmet_kubernetes_node_h")
    return paid / saved if saved > 0 else None


def of_reactive(cases: Sequence[Case], name: str, key: str) -> float | None:
    """A figure of all windows and seeds together, of the same under reacting."""
    theirs = total(cases, "reactive", key)
    return total(cases, name, key) / theirs if theirs > 0 else None


def total(cases: Sequence[Case], name: str, key: str) -> float:
    """The sum of a figure over windows and seeds."""
    return math.fsum(figures[key] for one in cases for figures in one.figures[name])


def above(one: Case) -> list[str]:
    """Where the oracle costs more than another policy, with the one seed that it was run with."""
    if ORACLE not in one.figures:
        return []
    bound = costs(one, ORACLE)[:1]
    pairs = ((name, paired(bound, costs(one, name)[:1])) for name in COMPARED if name != ORACLE)
    where = f"{one.window}, weight {one.weight:g}"
    return [f"{where}: {ratio:.3f} x {name}" for name, ratio in pairs if ratio is not None and ratio > 1 + 1e-9]


def by_window(one: Case) -> dict[str, object]:
    """A window at a weight: the mean of each policy's figures over its seeds, and its cost of that of reacting."""
    names = [name for name in COMPARED if name in one.figures]
    return {
        "window": one.window,
        "weight": one.weight,
        "first_kubernetes_nodes": one.first,
        "to_reactive": {name: paired(costs(one, name), costs(one, "reactive")) for name in names},
        "figures": {name: mean_of(one.figures[name]) for name in names},
    }


def mean_of(figures: Sequence[Figures]) -> Mapping[str, float]:
    """Each figure's mean over the seeds."""
    return {key: math.fsum(one[key] for one in figures) / len(figures) for key in figures[0]}
