"""A fleet of nodes behind both ports that obeys them to the letter, and can be told to fail.

It has no scheduler of its own: what runs on a node is what a test says. Acts are listed in the order in which they
were asked for. ``faults`` are used up one by one, by the verb that they are meant for.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from controller.handover.carry_out import Ports
from models.acts import Act, Outcome, Verb
from models.audit import Entry
from models.demand import Demand
from models.errors import Unreachable, Unrecorded
from models.handovers import Direction
from models.identity import PoolId
from models.leadership import Orders
from models.nodes import HpcNode, KubernetesNode, Node, NodeShape, Side
from models.ports import Hook
from models.reading import Picture
from models.scheduler_facts import SchedulerFacts
from models.work import WaitingWork

IDENTITY = PoolId("site", "pool")
SCOPE = IDENTITY.scope
SHAPE = NodeShape(cpu_milli=8000, memory_mib=64_000, gpu_milli=4000)
OLD_MARK = "tidegate:before"
HPC_FACTS = SchedulerFacts(
    "Bolt",
    settle_s=6,
    lands_s=30,
    write_longest_s=10.0,
    show_command="bolt show {node}",
    open_command="bolt open --node={node}",
)
KUBERNETES_FACTS = SchedulerFacts(
    "Kube",
    settle_s=0,
    lands_s=20,
    write_longest_s=5.0,
    show_command="kube describe {node}",
    open_command="kube untaint {node}",
    forget_command="kube annotate {node} handover-",
)


class Fault(Enum):
    """What becomes of a write that does not simply succeed."""

    REFUSED = auto()
    TIMED_OUT = auto()  # it did not happen, but nobody can know
    TIMED_OUT_DONE = auto()  # it did happen
    CUT = auto()  # the port raises; it did not happen
    CUT_DONE = auto()  # the port raises; it did


@dataclass
class Machine:
    """One node as it really is."""

    drain: str | None = None
    busy: bool = False
    frees_at_s: int | None = None
    hpc_ready: bool = True
    booked: str | None = None
    hpc_offers: NodeShape | None = SHAPE
    closed: str | None = None
    discouraged: bool = False
    pods: int = 0
    kubernetes_ready: bool = True
    ready_since_s: int | None = None
    cordoned: bool = False
    kubernetes_offers: NodeShape | None = SHAPE
    lacks: str = ""
    uid: str = "u1"
    record: str | None = None
    managed_by: str = ""
    fenced: bool = False
    bare: int = 0
    in_hpc: bool = True
    in_kubernetes: bool = True
    opens_slowly: bool = False  # the side that is opened is not ready until a test says so


@dataclass
class Clock:
    """A clock that only a test moves."""

    now_s: int = 0

    def __call__(self) -> int:
        return self.now_s


@dataclass
class Leader:
    """Leadership as a test orders it. ``acts`` is how many more writes may start, None for any number; ``kept``
    whether what is to be remembered is safe in the lease."""

    epoch: int | None = 1
    orders: Orders = field(default_factory=Orders)
    remembered: str = ""
    resume: str = "tidegate resume lock"
    acts: int | None = None
    kept: bool = True
    risen: list[int] = field(default_factory=list)

    def may_act(self) -> bool:
        return self.epoch is not None and (self.acts is None or self.acts > 0)

    def rise_above(self, epoch: int) -> None:
        self.risen.append(epoch)


@dataclass
class Audit:
    """The audit as a list; with ``full`` nothing more can be written, with ``full_for`` no entry of such a type."""

    entries: list[Entry] = field(default_factory=list)
    full: bool = False
    full_for: type[object] | None = None

    def append(self, entry: Entry) -> None:
        if self.full or (self.full_for is not None and isinstance(entry, self.full_for)):
            raise Unrecorded("no space left on device")
        self.entries.append(entry)

    def of(self, kind: type[Entry]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry, kind)]


@dataclass
class FakeHook:
    """A site's hook: says what it is told to, and notes who called."""

    before_says: Outcome = Outcome.DONE
    after_says: Outcome = Outcome.DONE
    lets_go: bool = True
    calls: list[tuple[str, str, Direction, str]] = field(default_factory=list)

    def before(self, node: str, direction: Direction, ident: str) -> Outcome:
        self.calls.append(("before", node, direction, ident))
        return self.before_says

    def after(self, node: str, direction: Direction, ident: str) -> Outcome:
        self.calls.append(("after", node, direction, ident))
        return self.after_says

    def let_go(self, node: str, direction: Direction, ident: str) -> bool:
        return self.lets_go


class Fleet:
    """The nodes, both schedulers' faces of them, and everything that can go wrong between."""

    def __init__(self, **machines: Machine) -> None:
        self.machines = machines
        self.clock = Clock()
        self.leader = Leader()
        self.audit = Audit()
        self.booted = "1"
        self.down: set[Side] = set()
        self.silent: set[str] = set()  # nodes that neither side can be asked about one by one
        self.ages_s: dict[Side, float] = {Side.HPC: 0.0, Side.KUBERNETES: 0.0}
        self.running: dict[Side, float] = {Side.HPC: 0.0, Side.KUBERNETES: 0.0}
        self.sizes: dict[Side, tuple[float, ...]] = {Side.HPC: (), Side.KUBERNETES: ()}
        self.faults: dict[Verb, deque[Fault]] = defaultdict(deque)
        self.asked: list[Act] = []
        self.drains: list[tuple[str, ...]] = []  # the nodes of each request to drain
        self.versions: dict[str, int] = dict.fromkeys(machines, 1)
        self.hpc = FakeHpc(self)
        self.kubernetes = FakeKubernetes(self)
        self._drawn: dict[tuple[Side, str], HpcNode | KubernetesNode] = {}

    def ports(self, hook: Hook | None = None) -> Ports:
        return Ports(self.hpc, self.kubernetes, self.leader, hook)

    @property
    def verbs(self) -> list[Verb]:
        return [act.verb for act in self.asked]

    def node(self, name: str = "n1") -> Node:
        return Node(name, self.shown_hpc(name), self.shown_kubernetes(name))

    def shown_hpc(self, name: str) -> HpcNode:
        """The same value for as long as nothing of it changes, as the twin has it."""
        one = self.machines[name]
        return self._drawn_once(
            Side.HPC,
            HpcNode(
                name=name,
                kind="",
                drain_reason=one.drain,
                busy=one.busy,
                frees_at_s=one.frees_at_s,
                ready=one.hpc_ready,
                booked_by=one.booked,
                offers=one.hpc_offers,
                booted=self.booted,
            ),
        )

    def shown_kubernetes(self, name: str) -> KubernetesNode:
        """The version rises with every change, whoever made it."""
        one = self.machines[name]
        shown = KubernetesNode(
            name=name,
            closed_by=one.closed,
            discouraged=one.discouraged,
            pods=one.pods,
            ready=one.kubernetes_ready,
            cordoned=one.cordoned,
            ready_since_s=one.ready_since_s,
            offers=one.kubernetes_offers,
            lacks=one.lacks,
            version=str(self.versions[name]),
            uid=one.uid,
            record=one.record,
            managed_by=one.managed_by,
            fenced=one.fenced,
            bare=one.bare,
        )
        before = self._drawn.get((Side.KUBERNETES, name))
        if before is not None and before != shown and before.version == shown.version:  # type: ignore[union-attr]
            self.versions[name] += 1
            shown = replace(shown, version=str(self.versions[name]))
        return self._drawn_once(Side.KUBERNETES, shown)

    def _drawn_once(self, side: Side, shown):
        before = self._drawn.get((side, shown.name))
        if before == shown:
            return before
        self._drawn[side, shown.name] = shown
        return shown

    def write(self, verb: Verb, node: str, mark: str, happen) -> Outcome:
        """Note what was asked, and let it happen unless a fault stands in the way."""
        self.asked.append(Act(verb, node, mark))
        side = Side.HPC if verb in (Verb.DRAIN, Verb.UNDRAIN, Verb.RESERVE, Verb.RELEASE) else Side.KUBERNETES
        if side in self.down:
            raise Unreachable(f"{side} does not answer")
        fault = self.faults[verb].popleft() if self.faults[verb] else None
        if fault is Fault.REFUSED:
            return Outcome.REFUSED
        if fault in (Fault.TIMED_OUT, Fault.TIMED_OUT_DONE):
            if fault is Fault.TIMED_OUT_DONE:
                happen()
            return Outcome.UNKNOWN
        if fault in (Fault.CUT, Fault.CUT_DONE):
            if fault is Fault.CUT_DONE:
                happen()
            raise Unreachable(f"{side} was cut off")
        return happen()


class FakeSide:
    """What both faces have in common."""

    side: Side

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def check(self, name: str = "") -> None:
        if self.side in self.fleet.down or name in self.fleet.silent:
            raise Unreachable(f"{self.side} does not answer")

    def picture(self, shown) -> Picture:
        fleet, side, now_s = self.fleet, self.side, self.fleet.clock()
        sizes = fleet.sizes[side]
        demand = Demand(side, now_s, fleet.running[side], sum(sizes))
        return Picture(side, now_s - int(fleet.ages_s[side]), now_s, shown, (), demand, WaitingWork(side, sizes))


class FakeHpc(FakeSide):
    side = Side.HPC
    facts = HPC_FACTS

    def read(self) -> Picture[HpcNode]:
        self.check()
        shown = {name: self.fleet.shown_hpc(name) for name, one in self.fleet.machines.items() if one.in_hpc}
        return self.picture(shown)

    def look(self, node: str) -> HpcNode | None:
        self.check(node)
        one = self.fleet.machines.get(node)
        return self.fleet.shown_hpc(node) if one is not None and one.in_hpc else None

    def drain(self, nodes: Collection[str], *, mark: str) -> dict[str, Outcome]:
        """One request: where the answer is cut off, nothing is known of any of them."""
        self.fleet.drains.append(tuple(nodes))
        return {node: self._drain(node, mark) for node in nodes}

    def _drain(self, node: str, mark: str) -> Outcome:
        def happen() -> Outcome:
            if one.drain not in (None, mark):
                return Outcome.REFUSED
            one.drain = mark
            return Outcome.DONE

        one = self.fleet.machines[node]
        return self.fleet.write(Verb.DRAIN, node, mark, happen)

    def undrain(self, node: str, *, mark: str) -> Outcome:
        def happen() -> Outcome:
            if one.drain not in (None, mark):
                return Outcome.REFUSED
            if one.drain is not None and one.opens_slowly:
                one.hpc_ready = False
            one.drain = None
            return Outcome.DONE

        one = self.fleet.machines[node]
        return self.fleet.write(Verb.UNDRAIN, node, mark, happen)

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        def happen() -> Outcome:
            if one.booked not in (None, mark):
                return Outcome.REFUSED
            one.booked = mark
            return Outcome.DONE

        one = self.fleet.machines[node]
        return self.fleet.write(Verb.RESERVE, node, mark, happen)

    def release(self, node: str, *, mark: str) -> Outcome:
        def happen() -> Outcome:
            if one.booked not in (None, mark):
                return Outcome.REFUSED
            one.booked = None
            return Outcome.DONE

        one = self.fleet.machines[node]
        return self.fleet.write(Verb.RELEASE, node, mark, happen)


class FakeKubernetes(FakeSide):
    side = Side.KUBERNETES
    facts = KUBERNETES_FACTS

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet)
        self.pods_stay = False
        self.listed: dict[str, KubernetesNode] | None = None  # what a list shows, when it is older than a look

    def read(self) -> Picture[KubernetesNode]:
        self.check()
        fleet = self.fleet
        shown = {name: fleet.shown_kubernetes(name) for name, one in fleet.machines.items() if one.in_kubernetes}
        return self.picture(shown if self.listed is None else self.listed)

    def look(self, node: str) -> KubernetesNode | None:
        self.check(node)
        one = self.fleet.machines.get(node)
        return self.fleet.shown_kubernetes(node) if one is not None and one.in_kubernetes else None

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        return self._write(Verb.NOTE, node, "", record, version, lambda one: True)

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        def happen(one: Machine) -> bool:
            one.discouraged = True
            return True

        return self._write(Verb.DISCOURAGE, node, "", record, version, happen)

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        def happen(one: Machine) -> bool:
            if one.closed not in (None, mark):
                return False
            one.closed = mark
            return True

        return self._write(Verb.CLOSE, node, mark, record, version, happen)

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        def happen(one: Machine) -> bool:
            if one.closed not in (None, mark):
                return False
            one.closed, one.fenced, one.pods = mark, True, 0
            return True

        return self._write(Verb.FENCE, node, mark, record, version, happen)

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        def happen(one: Machine) -> bool:
            if one.closed not in (None, mark):
                return False
            if one.closed is not None and one.opens_slowly:
                one.kubernetes_ready = False
            one.closed, one.discouraged, one.fenced = None, False, False
            return True

        return self._write(Verb.OPEN, node, mark, record, version, happen)

    def evict(self, node: str) -> Outcome:
        def happen() -> Outcome:
            if self.pods_stay:
                return Outcome.REFUSED
            self.fleet.machines[node].pods = 0
            return Outcome.DONE

        return self.fleet.write(Verb.EVICT, node, "", happen)

    def _write(self, verb: Verb, node: str, mark: str, record: str, version: str, happen) -> Outcome:
        """At the version that was seen only, and with the record in the same write."""

        def whole() -> Outcome:
            one = self.fleet.machines[node]
            if version != self.fleet.shown_kubernetes(node).version or not happen(one):
                return Outcome.REFUSED
            one.record = record
            self.fleet.versions[node] += 1
            return Outcome.DONE

        return self.fleet.write(verb, node, mark, whole)
