"""The best fixed split in hindsight: what a site would have hard-wired had it known the future.

Each side does worse with fewer nodes, so the cost falls toward the best split and rises beyond it: every eighth split
is simulated, then every fourth, second and single one around the best so far. A split is given up once it costs more
than the best so far: the cost only grows with time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.figures import Moved, figures
from simulator.flat.columns import not_flat
from simulator.flat.fixed import run_split
from simulator.frontier import Point, point
from simulator.machine import Machine
from simulator.meter import Meter
from simulator.outcome import Outcome, Timeline
from simulator.ran import Measured, Ran
from simulator.unserved import unserved_of
from simulator.world import Progress, World

STEPS = (8, 4, 2, 1)
EXHAUSTIVE_MAX = 5000
SHOWN = 21  # splits at least of the frontier, evenly spread
CHECK_EVERY = 64  # instants between two looks at the cost so far


@dataclass(slots=True)
class Fixed:
    """A world with a fixed split, run to its end or until it is too dear."""

    machine: Ran
    meter: Measured
    nodes: int
    rows: list[tuple[int, float, float]]
    complete: bool

    def timeline(self) -> Timeline:
        """Who owned how many nodes, and the demand that was noted."""
        rows = np.array(self.rows, dtype=np.float64).reshape(-1, 3)
        kubernetes = np.full(len(rows), float(self.nodes))
        return Timeline(
            times_s=rows[:, 0].astype(np.int64),
            hpc_nodes=self.machine.size - kubernetes,
            kubernetes_nodes=kubernetes,
            moving_nodes=0 * kubernetes,
            hpc_demand=rows[:, 1],
            kubernetes_demand=rows[:, 2],
        )

    def figures(self, world: World) -> dict[str, float | int]:
        """All figures of a run to its end."""
        span_s = world.span_s if world.span_s is not None else self.machine.now_s
        return figures(self.machine, self.meter, Moved(), span_s, world.weights)


def run_fixed(world: World, kubernetes_nodes: int, *, give_up_at: float = math.inf, watch: bool = False) -> Fixed:
    """Run the world with ``kubernetes_nodes`` fixed; stop early once its unmet cost (node-hours) exceeds
    ``give_up_at``.

    With ``watch`` the demand of both sides is noted at each turn of the policy.
    """
    if world.workload.gangs or not (world.workload.jobs or world.span_s) or not_flat(world) is not None:
        return run_fixed_plain(world, kubernetes_nodes, give_up_at=give_up_at, watch=watch)
    split = run_split(world, kubernetes_nodes, give_up_at=give_up_at, watch=watch)
    return Fixed(split.ran, split.measured, kubernetes_nodes, split.rows, split.complete)


def run_fixed_plain(world: World, kubernetes_nodes: int, *, give_up_at: float = math.inf, watch: bool = False) -> Fixed:
    """The same on the plain twin, which knows pods, several kinds of node, and nodes that jobs share."""
    machine = world.machine()
    machine.split(kubernetes_nodes)
    meter = Meter(machine, world.hpc_nodes_max)
    rows: list[tuple[int, float, float]] = []
    every_s = world.policy.spec.moves.every
    agenda, count = machine.agenda, 0
    while agenda and (world.span_s is None or agenda.next_s <= world.span_s):
        while watch and len(rows) * every_s < agenda.next_s:
            rows.append((len(rows) * every_s, *_demand(machine)))
        meter.pass_until(agenda.next_s)
        machine.advance()
        meter.read()
        count += 1
        if count % CHECK_EVERY == 0 and meter.cost(world.weights) > give_up_at:
            return Fixed(machine, meter, kubernetes_nodes, rows, complete=False)
    meter.pass_until(world.span_s if world.span_s is not None else machine.now_s)
    return Fixed(machine, meter, kubernetes_nodes, rows, complete=True)


def _demand(machine: Machine) -> tuple[float, float]:
    waiting = sum(size * count for size, count in machine.hpc.waiting_sizes.items()) / machine.hpc.units_per_node
    return (
        machine.hpc.busy_nodes + waiting,
        machine.kube.used_nodes + machine.kube.missing_replicas + machine.kube.pending_nodes(),
    )


@dataclass(frozen=True, slots=True)
class Best:
    """The fixed split with the least unmet cost, how many were tried, and the points of those that were run to their
    end."""

    nodes: int
    tried: int
    points: tuple[Point, ...]


def best_split(world: World, progress: Progress) -> Best:
    """The best of the fixed splits: of several with the same cost the one with the fewest Kubernetes nodes."""
    low, high = world.bounds
    first = min(max(round(_mean_need(world)), low), high)
    costs: dict[int, float] = {}
    points: list[Point] = []
    best = first
    for step in (*STEPS, 0) if _is_small(world) else STEPS:
        tries = [k for k in range(low, high + 1) if k not in costs and _is_tried(k, step, first, best)]
        for nodes in sorted(tries, key=lambda k: (abs(k - best), k)):
            fixed = run_fixed(world, nodes, give_up_at=min(costs.values(), default=math.inf))
            costs[nodes] = fixed.meter.cost(world.weights) if fixed.complete else math.inf
            points += [point(fixed.figures(world), nodes)] if fixed.complete else []
            progress(len(costs) / (high - low + 1))
        best = min(costs, key=lambda k: (costs[k], k))
    return Best(best, len(costs), tuple(points))


def spread_out(world: World, known: tuple[Point, ...]) -> tuple[Point, ...]:
    """The known points and those of splits all over what the policy allows, by their nodes.

    Only the known ones of a workload so large that the search is not exhaustive either; none without requests.
    """
    if not world.workload.rate_steps:
        return ()
    low, high = world.bounds
    step = max(1, (high - low) // (SHOWN - 1))
    points = {round(one.setting): one for one in known}
    for nodes in (*range(low, high, step), high) if _is_small(world) else ():
        if nodes not in points:
            points[nodes] = point(run_fixed(world, nodes).figures(world), nodes)
    return tuple(points[nodes] for nodes in sorted(points))


def _is_small(world: World) -> bool:
    return len(world.workload.jobs) + len(world.workload.gangs) <= EXHAUSTIVE_MAX


def _is_tried(nodes: int, step: int, first: int, best: int) -> bool:
    """Whether a pass tries a split: the first all over, the next near the best so far, the last (0) all the rest."""
    if step in (0, STEPS[0]):
        return step == 0 or (nodes - first) % step == 0
    return abs(nodes - best) <= 2 * step and (nodes - first) % step == 0


def _mean_need(world: World) -> float:
    """Nodes that Kubernetes' work needs on average, roughly: a good place to begin."""
    workload, machine = world.workload, world.machine()
    rates = [workload.replicas_for(per_s) for _, per_s in workload.rate_steps]
    groups = [machine.kube.group(number, pods) for number, pods in enumerate(workload.gangs)]
    span_s = world.span_s or 1
    pods = sum(
        group.nodes * (min(span_s - group.create_s, group.run_s or span_s))
        for group in groups
        if group.create_s < span_s and machine.kube.could_ever_fit(group)
    )
    return (float(np.mean(rates)) if rates else 0.0) + pods / span_s


def replay_static(world: World, progress: Progress) -> Outcome:
    """The outcome of the best fixed split, found in hindsight, and the points of others all over."""
    best = best_split(world, progress)
    note = f"best of {best.tried} fixed splits tried: {_said(world, best.nodes)}"
    return _outcome(world, "static", best.nodes, note, spread_out(world, best.points))


def replay_static_before(world: World) -> Outcome:
    """The outcome of the split at which all replays of this world begin, see ``simulator.compare.with_beginning``."""
    if world.kubernetes_nodes_first is None:
        raise ValueError("the best split of the period before is not known")
    nodes = world.first_split
    return _outcome(world, "static-before", nodes, f"the best fixed split of the period before: {_said(world, nodes)}")


def _said(world: World, nodes: int) -> str:
    return f"{world.nodes - nodes} nodes for HPC, {nodes} for Kubernetes"


def _outcome(world: World, policy: str, nodes: int, note: str, splits: tuple[Point, ...] = ()) -> Outcome:
    fixed = run_fixed(world, nodes, watch=True)
    return Outcome(
        policy=policy,
        figures=fixed.figures(world),
        timeline=fixed.timeline(),
        notes=(note,),
        unserved=unserved_of(world),
        splits=splits,
    )
