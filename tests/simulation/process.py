"""A process of the service: the real controller and its lease, with what can happen to a process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING
from zlib import crc32

from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.lease import Lease, Term
from controller.site_leadership import SiteLeadership
from models.acts import Outcome, Verb
from models.audit import Answered, Asked, Decided, Entered, Entry, TakeoverStands
from models.errors import Unrecorded
from models.handovers import Direction
from models.identity import PoolId, split_name
from models.takeovers import Phase
from simulator.faulty import FaultyHpc, FaultyKubernetes, FaultyLeaseStore, Line

if TYPE_CHECKING:
    from tests.simulation.world import World

NAMES = "ABC"
IDENTITY = PoolId("twin", "pool")


class Crashed(BaseException):
    """The process has ended, as by kill -9."""


class Audit:
    """One process's audit: what was asked for and not answered, so that the observer sees that each act was written
    down before."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.asked: set[tuple[Verb, str]] = set()
        self.epoch = 0
        self.full = False

    def append(self, entry: Entry) -> None:
        if self.full:
            raise Unrecorded("the disk is full")
        kind = type(entry)
        if kind is Asked:
            self.epoch = entry.epoch
            self.asked.add((entry.act.verb, entry.act.node))
        elif kind is Answered:
            self.asked.discard((entry.act.verb, entry.act.node))
        elif kind is Decided:
            self.process.world.observer.decided(entry)
        elif isinstance(entry, TakeoverStands):
            self.process.world.observer.taken_over += entry.phase is Phase.HELD
        story = self.process.world.story
        if story is not None and kind in (Answered, Entered, Decided):
            story.entry(self.process, entry)


class Site:
    """The site's hook: now and then it says no, or takes its time, the same way for the same hand-over."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}

    def before(self, node: str, direction: Direction, ident: str) -> Outcome:
        self.calls[ident] = self.calls.get(ident, 0) + 1
        luck = crc32(f"{split_name(ident)[1]}{self.calls[ident]}".encode()) % 50
        return Outcome.REFUSED if luck == 0 else Outcome.UNKNOWN if luck < 10 else Outcome.DONE

    def after(self, node: str, direction: Direction, ident: str) -> Outcome:
        return Outcome.DONE

    def let_go(self, node: str, direction: Direction, ident: str) -> bool:
        return True


class Process:
    """One of the processes that could lead."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = NAMES[number]
        self.runs = 0
        self.controller: Controller | None = None
        self.lease: Lease | None = None
        self.audit = Audit(self)
        self.hpc_line = Line(world.hpc_trouble, self)
        self.kubernetes_line = Line(world.kubernetes_trouble, self)
        self.store = FaultyLeaseStore(world.store)
        self.busy = False
        self.stopped = False
        self.restarts = True
        self.crash_at: tuple[str, int] | None = None  # a crash point, and how often it is passed until it is the one
        self.passed: Counter[str] = Counter()
        self.crash_in = 0
        self.pause_s = 0
        self.wall_offset_s = 0
        self.turn_s = 0
        self.turns = 0

    def start(self) -> None:
        """Begin with nothing but what both sides show."""
        world, machine = self.world, self.world.machine
        self.runs += 1
        offset_s = self.wall_offset_s
        self.crash_in = self.pause_s = 0
        self.audit = Audit(self)
        hpc = FaultyHpc(world.twin_hpc, machine, self.hpc_line, world.hpc_past)
        kubernetes = FaultyKubernetes(world.twin_kubernetes, machine, self.kubernetes_line, world.kubernetes_past)
        term = Term.around((hpc.facts, kubernetes.facts))
        self.lease = Lease(self.store, f"{self.name}{self.runs}", lambda: float(machine.now_s), term)
        led = SiteLeadership(self.lease, [IDENTITY.pool])
        ports = Ports(hpc, kubernetes, led.pool(IDENTITY.pool), world.site, self.reached)
        self.controller = Controller(
            ports, IDENTITY, world.pool, world.spec, lambda: machine.now_s + offset_s, self.audit, led.budget
        )
        world.say(f"{self.name} starts")

    @property
    def leads(self) -> bool:
        return self.controller is not None and self.lease is not None and self.lease.epoch is not None

    def poll(self) -> None:
        """What a process does every few seconds: keep its lease, and look after the nodes."""
        if self.controller is None or self.stopped or self.lease is None:
            return
        self.lease.tick()
        if not self.busy:
            self.wake()

    def wake(self) -> None:
        """Take the turn if it is due, else see to what is under way."""
        if self.controller is None or self.busy:
            return
        self.busy = True
        now_s = self.world.machine.now_s
        try:
            if now_s >= self.turn_s:
                self.turn_s = now_s + self.world.plan.every_s
                self.turns += 1
                if self.leads and self._sees():
                    self.world.observer.read(self.world.twin_hpc.demand().nodes)
                self.controller.turn(self.world.forecasts(now_s))
            else:
                self.controller.watch()
        except Crashed:
            self.controller = self.lease = None
        finally:
            self.busy = False
        self.world.settle()

    def _sees(self) -> bool:
        lines = (self.hpc_line, self.kubernetes_line)
        return not any(line.trouble.down or line.trouble.hung or line.cut for line in lines)

    def reached(self, point: str) -> None:
        """A crash point: here a process may end, or stand still."""
        self.passed[point] += 1
        if self.crash_at == (point, self.passed[point]):
            self._crash(point)
        if self.crash_in:
            self.crash_in -= 1
            if not self.crash_in:
                self._crash(point)
        if self.pause_s:
            seconds, self.pause_s = self.pause_s, 0
            self.world.say(f"{self.name} stands still {point} for {seconds} s")
            self.stopped = True
            self.world.pass_time(seconds)
            self.stopped = False

    def _crash(self, point: str) -> None:
        self.world.say(f"{self.name} crashes {point}")
        if self.restarts:
            self.world.after(15, self.start)
        raise Crashed(point)

    def before(self, verb: Verb, node: str, mark: str, record: str) -> None:
        """See ``Witness``."""
        if (verb, node) not in self.audit.asked and not self.world.working_off:
            self.world.observer.fail("I9", f"{verb} of {node} was not written down before it was asked for")
        self.world.before_write(f"{self.name}{self.runs}", self.audit.epoch, verb, node, mark, record)

    def after(self, verb: Verb, node: str, outcome: Outcome) -> None:
        """See ``Witness``."""
        self.world.after_write(self.audit.epoch, verb, node, outcome)

    def pass_time(self, seconds: int) -> None:
        """See ``Witness``."""
        self.world.pass_time(seconds)

    def later(self, seconds: int, effect: Callable[[], object]) -> None:
        """See ``Witness``."""
        self.world.after(seconds, lambda: self.world.land(effect))
