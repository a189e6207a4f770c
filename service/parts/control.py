"""Control: every pool is decided on at its pace, woken by what matters, and its hand-overs are tended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from prometheus_client.registry import Collector

from basics.log_once import Trouble
from connectors.hooks.command import Commands, check_programs
from connectors.hooks.site_hook import SiteHook
from connectors.slurm.read import Answers
from connectors.sources.paced import Paced
from connectors.sources.standing import Standing
from controller.controller import Controller
from controller.event_watch import EventWatch
from controller.forecast_subscriber import ForecastSubscriber
from controller.handover.carry_out import Ports
from controller.metrics import ControllerMetrics, TakeoverMetrics, UnservedMetrics
from controller.plan_metrics import NodeMetrics, PlanMetrics, SeesNodes
from controller.plan_publisher import PlanPublisher
from controller.pool_loop import PoolLoop
from controller.recommender import Recommender
from controller.tally import Tally
from controller.turn_pace import TurnPace
from controller.unserved_log import UnservedLog
from models.acts import ON_HPC
from models.audit import Answered, AuditLog, Decided, Entry
from models.errors import BusRefused, BusUnavailable
from models.events import Topic
from models.identity import CONTROLLER, PoolId
from models.leadership import Leadership
from models.nodes import KubernetesNode, Side
from models.policies import PoolPolicy
from service.part import Part, Status, Step
from service.parts.audit import AuditPart
from service.parts.bus import BusPart
from service.parts.kubernetes import KubernetesPart
from service.parts.leadership import LeadershipPart
from service.parts.slurm import SlurmPart, SlurmPool
from service.parts.staleness import rests_on_old
from service.plan_text import in_a_line
from service.process import Process

LISTEN_S = 0.2  # between two looks at what has come
WATCH_S = 2.0  # between two looks at what is under way
WATCH_SHARE = 0.25  # the part of the time that these looks may take

log = logging.getLogger("tidegate.service")


class LastDecision:
    """An audit that is kept elsewhere, and of which the last decision stays at hand, and when an act on the HPC side
    was last answered (-1: none was); each of ``hear`` is told of every entry that was kept."""

    def __init__(self, audit: AuditLog, *hear: Callable[[Entry], None]) -> None:
        self.decided: Decided | None = None
        self.acted_s = -1
        self._audit = audit
        self._hear = hear

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._audit.append(entry)
        for hear in self._hear:
            hear(entry)
        if isinstance(entry, Decided):
            self.decided = entry
        elif isinstance(entry, Answered) and entry.act.verb in ON_HPC:
            self.acted_s = entry.at_s


@dataclass(slots=True)
class ControlledPool:
    """One pool: its loop, what it was last decided on, when it is decided on, and who does it."""

    whose: PoolId
    loop: PoolLoop
    last: LastDecision
    publisher: PlanPublisher
    pace: TurnPace
    slurm: SlurmPool
    kubernetes: Standing[KubernetesNode]
    controller: Controller | None
    stale: Trouble
    unserved: UnservedLog
    tally: Tally
    subscriber: ForecastSubscriber
    sees: SeesNodes
    order: int = -1  # the newest reading of Slurm that an event told of and that was not read here; -1: none
    heard_s: int = 0  # when it was told


class ControlPart(Part):
    """The pools by name. ``leadership`` is kept at the pace of the looks at what is under way."""

    name = "control"

    def __init__(
        self,
        pools: Mapping[str, ControlledPool],
        leadership: LeadershipPart,
        watch: EventWatch,
        paced: Paced[Answers],
        process: Process,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pools = pools
        self.leadership = leadership
        self._watch = watch
        self._paced = paced
        self._process = process
        self._monotonic = monotonic
        self._deafness = Trouble(log, "what happens is not heard, turns go by the clock")

    def steps(self) -> Sequence[Step]:
        """See the base. The first reading comes first."""
        tending = (Step("watch", self.tend),) if self.leadership.lock is not None else ()
        turns = [Step(f"turn {name}", partial(self.turn, name), 0.1) for name in self.pools]
        return (*tending, Step("listen", self.listen, 0.1), *turns)

    def tend(self) -> float:
        """Keep the lead, or take it, and tend what is under way; the more there is, the less often."""
        began_s = self._monotonic()
        self.leadership.keep()
        for pool in self.pools.values():
            pool.loop.watch()
        self.leadership.keep_what_is_new()
        return max(WATCH_S, (self._monotonic() - began_s) / WATCH_SHARE)

    def listen(self) -> float:
        """Hear what has come, and wake the turns of the pools to which it matters."""
        try:
            news = self._watch.hear()
        except (BusUnavailable, BusRefused) as error:
            self._deafness.met(error)
            return WATCH_S
        self._deafness.over()
        now_s = self._monotonic()
        for one in news:
            pool = self.pools[one.pool.pool]
            if one.side is Side.HPC:
                pool.order, pool.heard_s = max(pool.order, one.order), self._process.clock()
            pool.pace.hear(now_s)
        for name in {one.pool.pool for one in news}:
            self._process.wake(f"turn {name}", self.pools[name].pace.due_in_s(now_s))
        return LISTEN_S

    def turn(self, name: str) -> float:
        """Decide on one pool, on its own newest picture, and tell the log what was decided."""
        pool = self.pools[name]
        shown = pool.slurm.source.read()
        if shown.order < pool.order or shown.at_s <= pool.last.acted_s:
            self._paced.hurry()
        plan = pool.loop.turn()
        now_s = self._monotonic()
        pool.pace.turned(now_s)
        if plan is not None:
            old = rests_on_old(pool.loop, pool.last.decided, self._unread(pool), self._process)
            if old:
                pool.stale.met(old)
            else:
                pool.stale.over()
            whose = "" if len(self.pools) == 1 else f"pool {name}: "
            log.info("%s%s", whose, in_a_line(plan, old))
            pool.unserved.tell(plan.unserved)
        if plan is None or self._lags(pool):
            pool.pace.hear(now_s)  # what is lacking may come at any time: nothing was decided that could stand
            return max(WATCH_S, pool.pace.due_in_s(now_s))
        return pool.pace.due_in_s(now_s)

    def _lags(self, pool: ControlledPool) -> bool:
        """Whether what woke the turn is not in the picture that it was decided on: Slurm was read only just before."""
        picture = pool.slurm.source.read()
        if picture.order >= pool.order or picture.at_s > pool.heard_s:  # slurmctld's clock may have been set back
            pool.order = -1
        return pool.order >= 0 and not pool.slurm.source.unread

    def tell_anew(self, lost: Collection[Topic]) -> None:
        """See the base."""
        if Topic.HANDOVERS in lost:
            for pool in self.pools.values():
                pool.publisher.tell_anew()

    def _unread(self, pool: ControlledPool) -> set[Side]:
        unread = {Side.HPC: pool.slurm.source.unread, Side.KUBERNETES: pool.kubernetes.unread}
        return {side for side, is_unread in unread.items() if is_unread}

    def lags(self) -> Mapping[str, int]:
        """See the base."""
        forecasts = sum(pool.subscriber.lag() for pool in self.pools.values())
        return {"forecasts-for-control": forecasts, "events-for-control": self._watch.lag()}

    def metrics(self) -> Sequence[Collector]:
        """See the base."""
        controllers = {name: pool.controller for name, pool in self.pools.items() if pool.controller is not None}
        return [
            ControllerMetrics(controllers),
            NodeMetrics({name: pool.sees for name, pool in self.pools.items()}),
            PlanMetrics({name: pool.tally for name, pool in self.pools.items()}),
            TakeoverMetrics({name: controller.takeovers for name, controller in controllers.items()}),
            UnservedMetrics({name: pool.unserved for name, pool in self.pools.items()}),
        ]

    def status(self) -> Status:
        """See the base."""
        held = [f"{name}: {pool.loop.standstill}" for name, pool in self.pools.items() if pool.loop.standstill]
        return Status(self.name, not held, "; ".join(held) or f"decides on {', '.join(self.pools)}")


def open_control(process: Process) -> ControlPart:
    """A loop for each pool. Raises BusUnavailable or BusRefused."""
    bus, slurm, leadership = process.part(BusPart).bus, process.part(SlurmPart), process.part(LeadershipPart)
    pools = {whose.pool: _open_pool(process, whose, pool) for whose, pool in process.pools()}
    group = f"{CONTROLLER}-events-{process.run}"
    watch = EventWatch(bus, [whose for whose, _ in process.pools()], group=group)
    process.at_end.callback(watch.close)
    return ControlPart(pools, leadership, watch, slurm.paced, process)


def _open_pool(process: Process, whose: PoolId, pool: PoolPolicy) -> ControlledPool:
    spec, clock, bus = process.policy.spec, process.clock, process.part(BusPart).bus
    slurm, kubernetes = process.part(SlurmPart).pools[whose.pool], process.part(KubernetesPart)
    leadership = process.part(LeadershipPart)
    sources = slurm.source, kubernetes.sources[whose.pool]
    publisher = PlanPublisher(process.part(AuditPart).log, bus, whose)
    tally = Tally()
    last = LastDecision(publisher, kubernetes.events[whose.pool].hear, tally.hear)
    subscriber = ForecastSubscriber(bus, whose, group=f"{CONTROLLER}-{whose.scope}-{process.run}")
    process.at_end.callback(subscriber.close)
    controller: Controller | None = None
    if leadership.site is not None:
        led = leadership.site.pool(whose.pool)
        kubernetes.ports[whose.pool].may_act = led.may_act
        ports = Ports(slurm.port, kubernetes.ports[whose.pool], led, _open_hook(process, whose, pool, led))
        controller = Controller(ports, whose, pool, spec, clock, last, leadership.site.budget, sources=sources)
    mover = controller or Recommender(*sources, whose, pool, spec, clock, last)
    moves = spec.moves
    return ControlledPool(
        whose,
        PoolLoop(mover, subscriber, clock, every_s=moves.every),
        last,
        publisher,
        TurnPace(moves.every, moves.soonest, moves.debounce),
        slurm,
        sources[1],
        controller,
        Trouble(log, "plans rest on what is old"),
        UnservedLog(log, "" if len(spec.pools) == 1 else whose.pool),
        tally,
        subscriber,
        mover,
    )


def _open_hook(process: Process, whose: PoolId, pool: PoolPolicy, led: Leadership) -> SiteHook | None:
    """The hooks of a pool, where it has any. Raises BadInput where a program of theirs cannot be run."""
    if not (pool.hooks.before or pool.hooks.after):
        return None
    check_programs(pool.hooks)
    commands = Commands(lambda: led.epoch is not None)
    process.at_end.callback(commands.close)
    return SiteHook(pool.hooks, whose, commands)
