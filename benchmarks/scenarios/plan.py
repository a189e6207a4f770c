"""What to run: windows, weights and seeds of a size, and from the results who did how well where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from benchmarks.scenarios.runs import MOVING, ORACLE, SCALES, SPLITS, Figures, Result
from benchmarks.scenarios.store import Store
from benchmarks.scenarios.windows import FULL, QUICK, Window
from benchmarks.scenarios.workers import Wanted, results

STATIC, STATIC_BEFORE = "static", "static-before"
ORACLE_WEIGHTS = (3, 10, 30)  # at which the oracle is run, with the first seed


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run."""

    windows: tuple[str, ...]
    weights: tuple[float, ...]
    seeds: tuple[int, ...]


SIZES = {
    "quick": Size(QUICK, (3, 10), (1,)),
    "full": Size(FULL, (3, 5, 10, 30), (1, 2, 3)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What came of one window at one weight: each policy's figures, one for each seed."""

    window: str
    weight: float
    first: int
    figures: Mapping[str, tuple[Figures, ...]]


@dataclass(frozen=True, slots=True)
class Split:
    """All fixed splits of a window and of the period before it, by the nodes of Kubernetes."""

    within: Mapping[int, Figures]
    before: Mapping[int, Figures]


@dataclass(frozen=True, slots=True)
class Ran:
    """All that was run."""

    windows: tuple[Window, ...]
    size: Size
    cases: tuple[Case, ...]
    splits: Mapping[str, Split]
    cpu_s: float


def run_all(
    windows: Sequence[Window], size: Size, store: Store, executor: Executor, tell: Callable[[str], None]
) -> Ran:
    """First the fixed splits, which say where all policies begin, then the policies."""
    tell("the fixed splits of each window and of the period before it")
    wanted = [
        Wanted(f"{one.name} {what}", world, SPLITS)
        for one in windows
        for what, world in (("splits", one.world(1)), ("splits before", one.world_before(1)))
    ]
    found = results(wanted, store, executor, tell)
    splits = {
        one.name: Split(by_nodes(found[2 * number]), by_nodes(found[2 * number + 1]))
        for number, one in enumerate(windows)
    }
    tell("the policies that move nodes")
    runs = [
        (one, weight, policy, seed)
        for policy in (ORACLE, *reversed(MOVING), *SCALES)  # the longest first, so that the cores end together
        for one in windows
        for weight in size.weights
        if policy != ORACLE or weight in ORACLE_WEIGHTS
        for seed in (size.seeds if policy in MOVING else size.seeds[:1])  # dice are thrown for delays alone
    ]
    moving = results(
        [
            Wanted(
                f"{one.name} {policy}, weight {weight:g}, seed {seed}",
                one.world(weight, seed, best(splits[one.name].before, weight)),
                policy,
            )
            for one, weight, policy, seed in runs
        ],
        store,
        executor,
        tell,
    )
    by_run = {
        (one.name, weight, policy, seed): result
        for (one, weight, policy, seed), result in zip(runs, moving, strict=True)
    }
    cases = tuple(
        case(one.name, weight, size.seeds, splits[one.name], by_run) for one in windows for weight in size.weights
    )
    return Ran(tuple(windows), size, cases, splits, sum(result.cpu_s for result in (*found, *moving)))


def case(
    window: str,
    weight: float,
    seeds: Sequence[int],
    split: Split,
    by_run: Mapping[tuple[str, float, str, int], Result],
) -> Case:
    """One window at one weight; what is run with one seed alone, and fixed splits, stands there once for each seed."""
    first = best(split.before, weight)
    fixed = {STATIC: best(split.within, weight), STATIC_BEFORE: first}
    figures = {name: (priced(split.within[nodes], weight),) * len(seeds) for name, nodes in fixed.items()}
    for policy in MOVING:
        figures[policy] = tuple(by_run[window, weight, policy, seed].figures[""] for seed in seeds)
    for once in (*SCALES, ORACLE):
        if result := by_run.get((window, weight, once, seeds[0])):
            figures[once] = (result.figures[""],) * len(seeds)
    return Case(window, weight, first, figures)


def by_nodes(result: Result) -> dict[int, Figures]:
    """The figures of the fixed splits by the nodes that Kubernetes has."""
    return {int(nodes): figures for nodes, figures in result.figures.items()}


def best(splits: Mapping[int, Figures], weight: float) -> int:
    """The fixed split with the least unmet cost at that weight; of several, the one with the fewest nodes for
    Kubernetes."""
    return min(splits, key=lambda nodes: (priced(splits[nodes], weight)["unmet_cost"], nodes))


def priced(figures: Figures, weight: float) -> Figures:
    """The same figures at another weight, which changes nothing of a fixed split but its cost."""
    return {**figures, "unmet_cost": figures["unmet_hpc_node_h"] + weight * figures["unmet_kubernetes_node_h"]}
