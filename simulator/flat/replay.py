"""A replay of one policy on the flat twin: the forecaster, the rule and the figures of ``simulator/replay.py``."""

from __future__ import annotations

from collections.abc import Callable

from controller.lead_times import LeadTimes
from controller.whatif import deciding
from controller.whatif.batch_queue import BatchQueue, Jobs
from controller.whatif.deciding import Deciding
from controller.whatif.integral import Integral
from controller.whatif.moving import DOWN, UP, Moving, Pace
from controller.whatif.replicas import Replicas
from controller.whatif.run import Meter, Run, Told
from models.handovers import Direction
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster
from models.work import WorkRecord, WorkState
from simulator.figures import Moved, figures
from simulator.flat import columns
from simulator.flat.measured import FlatMeasured, FlatPods, FlatRan, counts_of
from simulator.flat.pods import PodSide
from simulator.kube import PodGroup
from simulator.machine import Machine
from simulator.outcome import Outcome
from simulator.perfect import Present
from simulator.rows import Rows
from simulator.twin import HPC_FACTS, KUBERNETES_FACTS
from simulator.unserved import unserved_of
from simulator.world import Progress, World, quiet

ForecasterOf = Callable[[Machine, Present], Forecaster]


def not_flat(world: World) -> str | None:
    """What the world has that the flat twin does not know; None when there is nothing of the kind."""
    steps_s = [at_s for at_s, _ in world.workload.rate_steps]
    if steps_s != sorted(set(steps_s)) or min(steps_s, default=0) < 0:
        return "request rates out of order"
    return columns.not_flat(world) or deciding.not_flat(world.policy.spec)


def pace_of(world: World) -> Pace:
    """How long hand-overs of a world take."""
    moves, machine = world.policy.spec.moves, world.machine()

    def delay_s(direction: Direction, node: int, count: int) -> int:
        return machine.delay[direction.target].draw(world.seed, node, count)

    settle_s = {
        UP: max(moves.settle.of(Side.HPC), HPC_FACTS.settle_s),
        DOWN: max(moves.settle.of(Side.KUBERNETES), KUBERNETES_FACTS.settle_s),
    }
    return Pace(settle_s, moves.drain_deadline, delay_s)


class FlatReplay:
    """One run of one policy over the span of a world that is flat. ``moved`` tells of every move that was done."""

    def __init__(self, world: World, name: str, forecaster_of: ForecasterOf) -> None:
        if world.span_s is None:
            raise ValueError("a controller is replayed over a known span; see simulator.compare.with_span")
        self.world = world
        self.name = name
        self.span_s = world.span_s
        self.rows = Rows()
        spec, self._names = world.policy.spec, world.workload.jobs
        jobs: Jobs = columns.jobs_of(world)
        self.queue = columns.queue_of(world, jobs)
        self.side = side_of(world)
        _split(world, self.queue, self.side)
        self.moving = Moving(self.queue, self.side, pace_of(world), LeadTimes(spec.moves.lead_time))
        self.deciding = Deciding(spec, self.queue, self.side, self.moving)
        self.meter = Meter(self.queue, self.side)
        self.requests = Requests(world, self.side)
        self._told: Told = []
        self._progress: Progress = quiet
        self._forecaster = forecaster_of(world.machine(), self)
        self.run_ = Run(self.queue, self.side, self.moving, self._turn, spec.moves.every, self._watch, self._told)

    @property
    def jobs_in(self) -> int:
        """How many jobs of the workload have come."""
        return self.run_.jobs_in

    def job_ends(self) -> list[tuple[int, int]]:
        """When each running job will end, and its nodes."""
        nodes = self.queue.jobs.nodes
        return [(end_s, nodes[job]) for end_s, _, job in self.queue.ends]

    def run(self, progress: Progress = quiet) -> Outcome:
        """Replay the whole span and sum up. Raises TooSlow where a node would be stuck."""
        self._progress = progress
        self.run_.go(0, self.span_s, self.span_s)
        return self.outcome()

    def outcome(self) -> Outcome:
        """What a run to the end of the span came to."""
        measured = self._measured()
        pods = self.side if isinstance(self.side, PodSide) else None
        counts = counts_of(self.queue, self.jobs_in, pods.pod_waits_s if pods else None)
        ran = FlatRan(self.run_.now_s, counts, self.queue, FlatPods(pods.unserved if pods else ()))
        return Outcome(
            policy=self.name,
            figures=figures(ran, measured, self._moved(), self.span_s, self.world.weights),
            timeline=self.rows.timeline(),
            bands=self.rows.shown_bands(),
            unserved=unserved_of(self.world),
        )

    def _watch(self, now_s: int) -> None:
        self.meter.read(now_s)
        self.requests.read(now_s)

    def _turn(self, now_s: int) -> None:
        demand = self.deciding.demand(now_s)
        self._forecaster.observe(Observation(now_s, demand, self._take_records()))
        forecasts = self._forecaster.forecast(now_s)
        self.deciding.turn(now_s, demand, forecasts)
        if self.moving.open:
            self.moving.tend(now_s)
        owned = self.queue.size - self.queue.closed_nodes, self.side.open_nodes
        self.rows.note(now_s, demand, owned, self.queue.size, forecasts)
        self._progress(now_s / self.span_s)

    def _take_records(self) -> tuple[WorkRecord, ...]:
        """The work that changed since this was last asked, each with its whole present state."""
        found = [self._record(*one) for one in self._told]
        self._told.clear()
        if isinstance(self.side, PodSide):
            found += [_group_record(*one) for one in self.side.told]
            self.side.told.clear()
        return tuple(found)

    def _record(self, at_s: int, state: WorkState, number: int) -> WorkRecord:
        job, queue = self._names[number], self.queue
        return WorkRecord(
            id=f"job/{job.id}",
            side=Side.HPC,
            state=state,
            nodes=float(queue.jobs.nodes[number]),
            submitted_s=job.submit_s,
            limit_s=job.limit_s,
            started_s=None if state is WorkState.ELIGIBLE else queue.start_s[number],
            ended_s=at_s if state is WorkState.ENDED else None,
            user=job.user,
        )

    def _moved(self) -> Moved:
        moving = self.moving
        open_s = sum(self.span_s - move.emptied_s for move in moving.open.values() if move.emptied_s is not None)
        return Moved(len(moving.done), moving.cancelled, 0, moving.lost_s + open_s)

    def _measured(self) -> FlatMeasured:
        meter, requests, span_s = self.meter, self.requests, self.span_s
        return FlatMeasured(
            self.queue,
            self.jobs_in,
            unmet_hpc=float(meter.unmet_hpc.until(span_s)),
            oversize=float(meter.oversize.until(span_s)),
            large=float(meter.large.until(span_s)),
            unmet_kubernetes=float(meter.unmet_kubernetes.until(span_s)),
            unserved_requests=float(requests.unserved.until(span_s)),
            requests=float(requests.all.until(span_s)),
            used=float(meter.used.until(span_s)),
        )


class Requests:
    """Requests that come, and those of them that the replicas do not serve."""

    def __init__(self, world: World, side: Replicas | PodSide) -> None:
        self.unserved = Integral()
        self.all = Integral()
        self._side = side
        self._steps = world.workload.rate_steps
        self._per_node = world.workload.rate_per_node
        self._next = 0
        self._per_s = 0.0

    def read(self, now_s: int) -> None:
        """Read both as they are from now on."""
        steps = self._steps
        while self._next < len(steps) and steps[self._next][0] <= now_s:
            self._per_s = steps[self._next][1]
            self._next += 1
        self.all.read(self._per_s, now_s)
        self.unserved.read(max(0.0, self._per_s - self._side.replicas_running * self._per_node), now_s)


def side_of(world: World) -> Replicas | PodSide:
    """The Kubernetes side of a world at its beginning, with no node."""
    if world.workload.gangs:
        return PodSide(world)
    replicas_for = world.workload.replicas_for
    return Replicas([(at_s, replicas_for(per_s)) for at_s, per_s in world.workload.rate_steps])


def _group_record(at_s: int, state: WorkState, group: PodGroup) -> WorkRecord:
    return WorkRecord(
        id=f"pods/{group.id}",
        side=Side.KUBERNETES,
        state=state,
        nodes=group.nodes,
        submitted_s=group.create_s,
        started_s=None if state is WorkState.ELIGIBLE else group.start_s,
        ended_s=at_s if state is WorkState.ENDED else None,
    )


def _split(world: World, queue: BatchQueue, side: Replicas | PodSide) -> None:
    """Give Kubernetes its first nodes, the last ones of the machine."""
    for node in range(world.nodes - world.first_split, world.nodes):
        queue.drain(node)
        side.open(node)
