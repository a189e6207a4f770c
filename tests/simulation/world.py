"""A world: the real controller, as one or two processes, against the twin, on one clock, with a plan of faults."""

from __future__ import annotations

import heapq
import logging
import random
from collections.abc import Callable, Mapping

from controller.decide.loans import SLOT_S
from controller.handover.record import decode
from models.acts import Outcome, Verb
from models.errors import TidegateError
from models.forecasts import Forecast, Source
from models.nodes import NodeShape, Side
from models.policies import (
    ForecastPolicy,
    MovesPolicy,
    PoolPolicy,
    SafetyPolicy,
    Settle,
    Shares,
    Spec,
    Takeover,
    Weights,
)
from simulator.faulty import LOSS_WINDOW_S, Past, Trouble
from simulator.hpc import NodeKind
from simulator.lease_store import TwinLeaseStore
from simulator.machine import HandoverDelay, Machine, Workload
from simulator.twin import TwinHpc, TwinKubernetes
from simulator.work import Job, Pod
from tests.simulation.observer import Observer, Violation
from tests.simulation.plan import Plan
from tests.simulation.process import IDENTITY, Process, Site
from tests.simulation.story import Story

SHAPE = NodeShape(8000, 64_000, 4000)
HORIZONS_S = (60, 300, 600)
LEVELS = (0.5,)
POLL_S = 4
CALM_EVERY_S = 15
VANISHED_HOLD_S = 300
REST_S = 150  # longer than a lease lasts, a poll, and what a repair takes to settle
REST_STEP_S = 15
NEVER_S = 1 << 60


class Told(logging.Handler):
    """The log lines that call a person."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class World:
    """Everything of one plan, at second 0; ``run`` lets it pass. Raises Violation at the first one."""

    def __init__(self, plan: Plan, story: Story | None = None) -> None:
        self.plan = plan
        self.story = story
        self.machine = Machine(
            workload(plan),
            [NodeKind("", plan.nodes)],
            SHAPE,
            delay=dict.fromkeys(Side, HandoverDelay(8)),
            seed=plan.seed,
        )
        self.twin_hpc = TwinHpc(self.machine, plan.nodes)
        self.twin_kubernetes = TwinKubernetes(self.machine)
        self.hpc_trouble, self.kubernetes_trouble = Trouble(), Trouble()
        self.hpc_past, self.kubernetes_past = Past(), Past()
        self.keeps_past = any(event.fault == "stale" for event in plan.events)
        self.store = TwinLeaseStore()
        self.pool, self.spec = policy(plan)
        self.site = Site() if plan.hook else None
        self.observer = Observer(plan, self.machine, self.twin_hpc, self.twin_kubernetes, VANISHED_HOLD_S)
        self.journal: list[tuple[int, int, str | None, tuple[int, str] | None]] = []
        self.working_off = False
        self.told = Told()
        self.dead: set[int] = set()
        self._levels = levels(plan)
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._entries = 0
        self._was: tuple[int, str | None, tuple[int, str] | None] | None = None
        self.machine.agenda.now_s = 0
        self.processes = [Process(self, number) for number in range(plan.processes)]

    def run(self) -> None:
        """Let the whole plan happen, and a quiet time after it, at whose end everything must have ended."""
        from tests.simulation.happen import happen  # noqa: PLC0415

        self.machine.split(self.plan.nodes // 2)
        log = logging.getLogger("tidegate")
        log.propagate = False
        log.addHandler(self.told)
        try:
            for process in self.processes:
                process.start()
            for event in self.plan.events:
                self.at(event.at_s, lambda event=event: happen(self, event))
            self._poll_again(0)
            self._calm_again()
            self._pass_until(self._faults_end_s())
            self._come_to_rest()
        except TidegateError as error:
            raise Violation("bug", f"{type(error).__name__}: {error}", self.machine.now_s) from error
        finally:
            log.removeHandler(self.told)
        bugs = [line for line in self.told.lines if "a bug in Tidegate" in line]
        if bugs:
            raise Violation("bug", bugs[0], self.machine.now_s)
        self.observer.at_the_end(len(self.told.lines))

    def _faults_end_s(self) -> int:
        """When every fault has passed: those that last are over, processes that crashed are back."""
        return max((event.at_s + abs(event.amount) + 30 for event in self.plan.events), default=self.plan.span_s)

    def _come_to_rest(self) -> None:
        """Wait until nothing has been under way for a while, and no longer than every deadline one after another."""
        rested_s, end_s = 0, self.machine.now_s + quiet_s(self.plan)
        while rested_s < REST_S and self.machine.now_s < end_s:
            self.pass_time(REST_STEP_S)
            rested_s = rested_s + REST_STEP_S if self.observer.at_rest else 0

    def forecasts(self, now_s: int) -> Mapping[Side, Forecast]:
        """A demand that swings between the sides, so that many nodes move."""
        level = 0.5 if now_s > self.plan.span_s else self._levels[(now_s // self.plan.every_s) % len(self._levels)]
        need = {Side.KUBERNETES: level * self.plan.nodes, Side.HPC: (1 - level) * self.plan.nodes}
        now = {Side.HPC: self.twin_hpc.demand().nodes, Side.KUBERNETES: self.twin_kubernetes.demand().nodes}
        forecasts = {
            side: Forecast(side, now_s, now[side], HORIZONS_S, LEVELS, ((need[side],),) * 3, Source.MODEL)
            for side in Side
        }
        if self.plan.loans and now_s <= self.plan.span_s and now_s // SLOT_S % 2 == 0:
            forecasts[Side.KUBERNETES] = self._rise_later(now_s, now[Side.KUBERNETES])
        return forecasts

    def _rise_later(self, now_s: int, now: float) -> Forecast:
        """Kubernetes' demand stays until the next quarter of an hour, and is another one then."""
        slot = now_s // SLOT_S + 1
        need, left_s = self._levels[slot % len(self._levels)] * self.plan.nodes, max(2, slot * SLOT_S - now_s)
        rows = ((now,), (need,), (need,))
        return Forecast(Side.KUBERNETES, now_s, now, (left_s - 1, left_s, left_s + 300), LEVELS, rows, Source.MODEL)

    def at(self, at_s: int, call: Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (at_s, self._entries, call))

    def after(self, seconds: int, call: Callable[[], None]) -> None:
        self.at(self.machine.now_s + seconds, call)

    def pass_time(self, seconds: int) -> None:
        """Everything else goes on while one process waits."""
        self._pass_until(self.machine.now_s + seconds)

    def land(self, effect: Callable[[], object]) -> None:
        """A write that its process has given up takes effect."""
        self.say("a write that was given up takes effect now")
        self.working_off = True
        effect()
        self.working_off = False
        self.settle()

    def settle(self) -> None:
        """Let both schedulers use what has opened, and the observer look."""
        machine = self.machine
        if machine.hpc.changed or machine.kube.changed:
            self.changed()

    def changed(self) -> None:
        self.machine.schedule()
        self.observer.look()
        if self.keeps_past:
            self._keep_past()

    def before_write(self, who: str, epoch: int, verb: Verb, node: str, mark: str, record: str) -> None:
        number = self.observer.number[node]
        hpc = self.machine.hpc
        self._was = (number, hpc.drained_by[number], hpc.booking[number])
        lease = None if self.working_off else self.store.lease
        self.observer.before_write(who, epoch, lease, verb, node, mark, record)
        self._record = "" if record == self.twin_kubernetes.refresh()[node].record else record  # as it was: no news

    def after_write(self, epoch: int, verb: Verb, node: str, outcome: Outcome) -> None:
        hpc = self.machine.hpc
        if self._was is not None:
            number, drained_by, booking = self._was
            if (hpc.drained_by[number], hpc.booking[number]) != (drained_by, booking):
                self.journal.append((self.machine.now_s, number, drained_by, booking))
        if outcome is Outcome.DONE and self._record:
            self.observer.wrote(node, decode(self._record, IDENTITY.scope), late=self.working_off)
        self.observer.after_write(verb, node)
        if self.keeps_past:
            self._keep_past()

    def say(self, text: str) -> None:
        if self.story is not None:
            self.story.say(self.machine.now_s, text)

    def forget_since(self, at_s: int) -> None:
        """The HPC scheduler has its state of ``at_s`` again: what it acknowledged since is lost."""
        for when_s, number, drained_by, booking in reversed(self.journal):
            if when_s > at_s:
                self.restore(number, drained_by, booking)
        self.journal.clear()

    def restore(self, number: int, drained_by: str | None, booking: tuple[int, str] | None) -> None:
        hpc = self.machine.hpc
        if hpc.drained_by[number] != drained_by:
            self.say(f"{self.machine.names[number]} is {drained_by or 'undrained'} again")
            hpc.undrain(number) if drained_by is None else hpc.drain(number, drained_by)
        if hpc.booking[number] != booking:
            hpc.release(number) if booking is None else hpc.reserve(number, *booking)

    def _poll_again(self, now_s: int) -> None:
        for place, process in enumerate(self.processes):
            self.at(now_s + place + 1, process.poll)
        self.at(now_s + POLL_S, lambda: self._poll_again(now_s + POLL_S))

    def _calm_again(self) -> None:
        troubled = any(
            trouble.down or trouble.hung or trouble.timeouts or trouble.late  # a write that is sent now is lost
            for trouble in (self.hpc_trouble, self.kubernetes_trouble)
        )
        calm = not troubled and any(
            process.leads and not process.busy and not process.audit.full and not process.hpc_line.cut
            for process in self.processes
        )
        self.observer.calm(calm)
        if self.journal and self.machine.now_s - self.journal[0][0] > LOSS_WINDOW_S * 4:
            self.journal = [entry for entry in self.journal if self.machine.now_s - entry[0] <= LOSS_WINDOW_S]
        self.after(CALM_EVERY_S, self._calm_again)

    def _pass_until(self, end_s: int) -> None:
        machine, agenda, own = self.machine, self.machine.agenda, self._agenda
        while True:
            own_s = own[0][0] if own else NEVER_S
            twin_s = agenda.next_s if agenda else NEVER_S
            if min(own_s, twin_s) > end_s:
                break
            if twin_s <= own_s:
                machine.advance()
                self.observer.look()
                if self.keeps_past:
                    self._keep_past()
            else:
                agenda.now_s = max(agenda.now_s, own_s)
                heapq.heappop(own)[2]()
        agenda.now_s = max(agenda.now_s, end_s)

    def _keep_past(self) -> None:
        now_s = self.machine.now_s
        for name, shown in self.twin_hpc.refresh().items():
            self.hpc_past.keep(name, shown, now_s)
        for name, node in self.twin_kubernetes.refresh().items():
            self.kubernetes_past.keep(name, node, now_s)


def quiet_s(plan: Plan) -> int:
    """A time after the last fault that is longer than every deadline, one after another."""
    jumps = 900 * any(event.fault == "clock-jump" for event in plan.events)
    return 4 * plan.deadline_s + 300 + jumps


def policy(plan: Plan) -> tuple[PoolPolicy, Spec]:
    """A policy that moves a lot; built without the limits that keep a person from such a one."""
    floor = Shares(hpc=plan.floor, kubernetes=plan.floor)
    weights = Weights(hpc=1.0, kubernetes=30.0 if plan.loans else 1.0)
    pool = PoolPolicy(name="pool", unmet_cost=weights, floor=floor)
    moves = MovesPolicy.model_construct(
        every=plan.every_s,
        look_ahead=plan.every_s * 5,
        at_once=plan.at_once,
        per_hour=plan.per_hour,
        min_gain=0.0,
        dwell=0,
        settle=Settle(kubernetes=f"{plan.settle_s}s"),
        fence=plan.fence,
        lead_time=30,
        drain_deadline=plan.deadline_s,
        reserve_ahead=plan.reserve_ahead,
        loans="dueDates" if plan.loans else "never",
        ready_for=10,
        fit_deadline=60,
        evict="pods" if plan.evict else "never",
    )
    safety = SafetyPolicy.model_construct(
        stale_after=60, unready_max=3, failures_to_pause=4, vanished_hold=VANISHED_HOLD_S
    )
    taken = takeovers() if plan.takeovers else ()
    return pool, Spec.model_construct(
        pools=(pool,), moves=moves, safety=safety, forecast=ForecastPolicy(), takeovers=taken
    )


def takeovers() -> tuple[Takeover, ...]:
    """Each side has all nodes for some minutes, within the shortest span."""
    plain = {"pool": "pool", "nodes": "all", "duration": "6m", "grace": "3m", "prepare": "4m"}
    hours = {"hpc": "8 0 * * *", "kubernetes": "22 0 * * *"}
    return tuple(
        Takeover.model_validate({**plain, "name": side, "side": side, "schedule": hour}) for side, hour in hours.items()
    )


def levels(plan: Plan) -> list[float]:
    """The share of the nodes that Kubernetes wants in each turn."""
    dice = random.Random(f"{plan.seed}/levels")
    return [dice.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for _ in range(97)]


def workload(plan: Plan) -> Workload:
    """Jobs and pods of a minute or two, some of them large, that keep about a third of the nodes busy."""
    dice = random.Random(f"{plan.seed}/work")
    jobs, gangs = [], []
    at_s = 0
    while at_s < plan.span_s:
        at_s += dice.randint(5, 40)
        run_s = dice.randint(5, 90)
        procs = dice.choice((1, 1, 2, 3))
        jobs.append(Job(len(jobs), at_s, run_s, run_s * dice.randint(1, 3), procs))
        run_s = dice.randint(5, 90)
        gangs.append((Pod(f"p{at_s}", at_s, run_s, 8000, 1000, 0),) * dice.choice((1, 1, 2)))
    return Workload(tuple(jobs), tuple(gangs))
