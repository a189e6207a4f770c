"""A fortified rollout on the true future: the best complete plan so far is followed, and left only for a better one.

A plan says which base policy decides in each ``EVERY_S`` of the span. The first is the best of the plans that follow
one throughout. At each beginning of a stretch all base policies are tried there, with the plan after it, as far as
``AHEAD_S``; the one that comes out cheapest is tried to the end of the span, and becomes the plan if that is cheaper
than the plan is (fortified rollout: Bertsekas, "Rollout, Policy Iteration, and Distributed Reinforcement Learning",
2020, section 2.3). So it costs no more than any of its base policies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.whatif.beginning import moving_of, queue_of, side_of
from controller.whatif.deciding import Deciding
from controller.whatif.moving import Pace
from controller.whatif.run import Meter, Run
from controller.whatif.state import Future, State
from models.demand import Demand
from models.forecasts import Forecast
from models.nodes import Side
from models.observations import Observation
from simulator.flat.bases import Base, bases_of
from simulator.flat.present import state_of, true_future
from simulator.flat.replay import FlatReplay, pace_of
from simulator.machine import Machine
from simulator.outcome import Outcome
from simulator.perfect import PerfectForecaster, Present
from simulator.world import Progress, World, quiet

EVERY_S = 3 * 3600  # a stretch, which one base policy decides in
AHEAD_S = 12 * 3600  # that all are tried for
AHEAD_LARGE_S = 24 * 3600  # the same where jobs want more than half the machine

Plan = Sequence[int]  # the number of the base policy in each stretch


class Ahead:
    """A run ahead from a state on the true future, by a plan. It is a ``Present`` in the workload's own terms.

    ``before`` is how many jobs had come and gone when it began.
    """

    def __init__(
        self, state: State, future: Future, before: int, bases: Sequence[Base], plan: Plan, pace: Pace
    ) -> None:
        self._before = before
        self._state = state
        self._bases = bases
        self._plan = plan
        self._queue, side = queue_of(state, future), side_of(state, future)
        self._moving = moving_of(state, self._queue, side, pace)
        begun_s = deque(state.begun_s)
        self._deciding = [Deciding(base.spec, self._queue, side, self._moving, begun_s) for base in bases]
        self._meter = Meter(self._queue, side)
        self._every_s = bases[0].spec.moves.every
        self._run = Run(self._queue, side, self._moving, self._turn, self._every_s, self._meter.read)
        self._run.now_s, self._run.jobs_in = state.now_s, len(state.running) + len(state.queue)
        self._meter.read(state.now_s)

    @property
    def jobs_in(self) -> int:
        """See the protocol."""
        return self._before + self._run.jobs_in

    def job_ends(self) -> list[tuple[int, int]]:
        """See the protocol."""
        nodes = self._queue.jobs.nodes
        return [(end_s, nodes[job]) for end_s, _, job in self._queue.ends]

    def go(self, until_s: int) -> tuple[float, float]:
        """Run to ``until_s``, with turns before it: unmet node-seconds of HPC and of Kubernetes."""
        self._run.go(_next_turn_s(self._state.now_s + 1, self._every_s), until_s, until_s)
        return self._meter.unmet_hpc.until(until_s), self._meter.unmet_kubernetes.until(until_s)

    def waiting(self) -> tuple[int, int]:
        """Nodes of what waits, and its node-seconds; what is larger than the HPC side may be is left out."""
        queue, jobs = self._queue, self._queue.jobs
        waiting = [job for job in queue.queue if jobs.nodes[job] <= queue.nodes_max]
        return sum(jobs.nodes[job] for job in waiting), sum(jobs.nodes[job] * jobs.run_s[job] for job in waiting)

    def _turn(self, now_s: int) -> None:
        number = self._plan[now_s // EVERY_S]
        deciding = self._deciding[number]
        demand = deciding.demand(now_s)
        deciding.turn(now_s, demand, self._bases[number].foresee(now_s, demand, self))
        self._moving.tend(now_s)


@dataclass(slots=True)
class Listening:
    """The forecaster of a replay that foresees what the base policy foresees that decides now."""

    present: Present
    bases: Sequence[Base]
    number: int = 0
    demand: Mapping[Side, Demand] | None = None

    def observe(self, observation: Observation) -> None:
        """Take in the demand now."""
        self.demand = observation.demand

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """What the base policy foresees."""
        return self.bases[self.number].foresee(now_s, self.demand or {}, self.present)


class Rollout:
    """The rollout over the span of a world that is flat and has no pods. ``plan`` is what it follows, ``cost``
    what that costs, and ``base_costs`` what following one base policy throughout would, by its name."""

    def __init__(self, world: World) -> None:
        self.plan: list[int] = []
        self.cost = 0.0
        self.base_costs: dict[str, float] = {}
        self._world = world
        self.replay = FlatReplay(world, "rollout", self._listen)
        self._span_s = self.replay.span_s
        self._pace = pace_of(world)
        own = self.replay.deciding
        self._deciding = [
            Deciding(base.spec, own.queue, own.side, own.moving, own.begun_s, own.vanishing)
            for base in self._listening.bases
        ]
        large = any(2 * nodes > world.nodes for nodes in own.queue.jobs.nodes)
        self._ahead_s = AHEAD_LARGE_S if large else AHEAD_S

    def _listen(self, machine: Machine, present: Present) -> Listening:
        """The bases need a present, which the replay is, and the replay a forecaster."""
        world, moves = self._world, self._world.policy.spec.moves
        steps_s = tuple(range(moves.every, moves.look_ahead + 1, moves.every))
        perfect = PerfectForecaster(world.workload, machine, steps_s, world.hpc_nodes_max, present)
        self._listening = Listening(present, bases_of(world, perfect))
        return self._listening

    def run(self, progress: Progress = quiet) -> Outcome:
        """Find the plan, and follow it. Raises TooSlow where a node would be stuck."""
        replay, listening, span_s = self.replay, self._listening, self._span_s
        self._begin()
        for number in range(len(self.plan)):
            begin_s, end_s = number * EVERY_S, min((number + 1) * EVERY_S, span_s)
            replay.run_.now_s = begin_s - 1
            self._improve(number)
            listening.number = self.plan[number]
            replay.deciding = self._deciding[listening.number]
            turn_s = _next_turn_s(begin_s, self._world.policy.spec.moves.every)
            replay.run_.go(turn_s, end_s, span_s if end_s == span_s else end_s - 1)
            progress(end_s / span_s)
        return replay.outcome()

    def _begin(self) -> None:
        """Follow the best base policy throughout."""
        self.replay.run_.now_s = -1
        state, future = state_of(self.replay), true_future(self.replay)
        stretches = max(1, -(-self._span_s // EVERY_S))
        costs = [
            self._cost(self._ahead(state, future, [number] * stretches), self._span_s)
            for number in range(len(self._listening.bases))
        ]
        self.base_costs = {base.name: cost for base, cost in zip(self._listening.bases, costs, strict=True)}
        self.cost = min(costs)
        self.plan = [costs.index(self.cost)] * stretches

    def _improve(self, number: int) -> None:
        """Let another base policy decide in a stretch if that makes the whole plan cheaper."""
        state, future = state_of(self.replay), true_future(self.replay)
        until_s = min(state.now_s + 1 + self._ahead_s, self._span_s)
        plans = [[*self.plan[:number], other, *self.plan[number + 1 :]] for other in range(len(self._deciding))]
        costs = []
        for plan in plans:
            ahead = self._ahead(state, future, plan)
            costs.append(self._cost(ahead, until_s) + (self._backlog_cost(ahead) if until_s < self._span_s else 0.0))
        plan = plans[costs.index(min(costs))]
        if plan == self.plan or min(costs) == costs[self.plan[number]]:
            return
        cost = self._spent(state.now_s) + self._cost(self._ahead(state, future, plan), self._span_s)
        if cost < self.cost:
            self.plan, self.cost = plan, cost

    def _ahead(self, state: State, future: Future, plan: Plan) -> Ahead:
        before = self.replay.jobs_in - len(state.running) - len(state.queue)
        return Ahead(state, future, before, self._listening.bases, plan, self._pace)

    def _cost(self, ahead: Ahead, until_s: int) -> float:
        """Unmet node-hours of a run until then, weighted as the policy is written."""
        return self._weighted(*ahead.go(until_s))

    def _spent(self, now_s: int) -> float:
        meter = self.replay.meter
        return self._weighted(meter.unmet_hpc.until(now_s), meter.unmet_kubernetes.until(now_s))

    def _weighted(self, hpc: float, kubernetes: float) -> float:
        weights = self._world.weights
        return (weights.hpc * hpc + weights.kubernetes * kubernetes) / 3600

    def _backlog_cost(self, ahead: Ahead) -> float:
        """What the queue will cost that a run ahead leaves: served by half of the machine it shrinks evenly, and waits
        for half of that time on average."""
        nodes, node_s = ahead.waiting()
        half = self._world.nodes / 2
        return self._world.weights.hpc * min(nodes, half) * node_s / half / 3600 / 2


def _next_turn_s(at_s: int, every_s: int) -> int:
    """The first turn from ``at_s`` on."""
    return -(-at_s // every_s) * every_s
