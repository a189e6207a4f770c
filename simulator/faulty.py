"""Faults between a controller and the twin: the ports again, with what real schedulers were measured to do to a client.

A slurmctld that is killed forgets drains that it acknowledged in its last seconds; one that hangs gives no answer and
does what was asked when it goes on; a write that times out may have happened; a read may show what was a moment ago.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol

from models.acts import Outcome, Verb
from models.errors import Unreachable
from models.leadership import LeaseRecord
from models.nodes import HpcNode, KubernetesNode
from models.reading import Picture, Shown
from simulator.lease_store import TwinLeaseStore
from simulator.machine import Machine
from simulator.twin import TwinHpc, TwinKubernetes

LOSS_WINDOW_S = 5  # slurmctld saves its state at least so often (SAVE_MAX_WAIT), and not after each change
PAST_KEPT = 16  # states of a node that stale reads may choose from


class Witness(Protocol):
    """Who watches every write: told before it takes effect, and after."""

    def before(self, verb: Verb, node: str, mark: str, record: str) -> None:
        """A write is about to take effect."""
        ...

    def after(self, verb: Verb, node: str, outcome: Outcome) -> None:
        """It has."""
        ...

    def pass_time(self, seconds: int) -> None:
        """The caller waits so long for its answer."""
        ...

    def later(self, seconds: int, effect: Callable[[], object]) -> None:
        """The caller has given up, and the write takes effect in so long."""
        ...


@dataclass(slots=True)
class Trouble:
    """What is wrong with one side now, for everybody: ``timeouts`` are of the next writes (whether each happens all
    the same), ``late`` after how many seconds the next ones happen that are given up, ``slow`` how long the next ones
    take to be done and then to be answered."""

    down: bool = False
    hung: bool = False
    timeouts: deque[bool] = field(default_factory=deque)
    late: deque[int] = field(default_factory=deque)
    slow: deque[tuple[int, int]] = field(default_factory=deque)
    held: list[Callable[[], object]] = field(default_factory=list)

    def go_on(self) -> None:
        """A side that hung works off what it was asked meanwhile, in that order."""
        self.hung = False
        held, self.held = self.held, []
        for call in held:
            call()


class Past(Generic[Shown]):
    """What each node showed lately, so that a read can be stale."""

    def __init__(self) -> None:
        self._shown: dict[str, deque[tuple[int, Shown]]] = {}

    def keep(self, node: str, shown: Shown, now_s: int) -> None:
        """Note what the node shows now."""
        past = self._shown.setdefault(node, deque(maxlen=PAST_KEPT))
        if not past or past[-1][1] is not shown:
            past.append((now_s, shown))

    def at(self, node: str, then_s: int, now: Shown) -> Shown:
        """What the node showed at ``then_s``; ``now`` where that is not known."""
        for since_s, shown in reversed(self._shown.get(node, ())):
            if since_s <= then_s:
                return shown
        return now


class Line:
    """How one process reaches one side: ``stale_s`` is how old what it is shown is, ``cut`` whether it reaches it at
    all."""

    def __init__(self, trouble: Trouble, witness: Witness) -> None:
        self.trouble = trouble
        self.witness = witness
        self.stale_s = 0
        self.bulk_age_s = 0
        self.cut = False

    def read(self, what: str) -> None:
        """Raises Unreachable while no answer comes."""
        if self.trouble.down or self.trouble.hung or self.cut:
            raise Unreachable(f"{what} does not answer")

    def write(self, verb: Verb, node: str, mark: str, record: str, call: Callable[[], Outcome]) -> Outcome:
        """Ask for the write through whatever is wrong with the side."""
        return self.write_together(verb, (node,), mark, record, lambda _: call())[node]

    def write_together(
        self, verb: Verb, nodes: Collection[str], mark: str, record: str, call: Callable[[str], Outcome]
    ) -> dict[str, Outcome]:
        """Ask for writes to several nodes in one request: what is wrong with the side meets all of them alike."""
        trouble, witness = self.trouble, self.witness

        def effect() -> dict[str, Outcome]:
            outcomes = {}
            for node in nodes:
                witness.before(verb, node, mark, record)
                outcomes[node] = call(node)
                witness.after(verb, node, outcomes[node])
            return outcomes

        unknown = dict.fromkeys(nodes, Outcome.UNKNOWN)
        if trouble.down or self.cut:
            return unknown
        if trouble.hung:
            trouble.held.append(effect)
            return unknown
        if trouble.timeouts:
            if trouble.timeouts.popleft():
                effect()
            return unknown
        if trouble.late:
            witness.later(trouble.late.popleft(), lambda: None if trouble.down or trouble.hung else effect())
            return unknown
        if trouble.slow:
            until_done_s, until_told_s = trouble.slow.popleft()
            witness.pass_time(until_done_s)
            outcomes = effect()
            witness.pass_time(until_told_s)
            return outcomes
        return effect()


class FaultyHpc:
    """The twin's HPC scheduler at the end of a line."""

    def __init__(self, twin: TwinHpc, machine: Machine, line: Line, past: Past[HpcNode]) -> None:
        self.facts = twin.facts
        self._twin = twin
        self._machine = machine
        self._line = line
        self._past = past

    def read(self) -> Picture[HpcNode]:
        """See the port."""
        self._line.read("the HPC scheduler")
        return replace(self._twin.read(), at_s=self._machine.now_s - self._line.bulk_age_s)

    def look(self, node: str) -> HpcNode | None:
        """See the port."""
        line = self._line
        line.read("the HPC scheduler")
        shown = self._twin.refresh().get(node)
        if line.stale_s and shown is not None:
            return self._past.at(node, self._machine.now_s - line.stale_s, shown)
        return shown

    def drain(self, nodes: Collection[str], *, mark: str) -> dict[str, Outcome]:
        """See the port."""

        def one(node: str) -> Outcome:
            return self._twin.drain((node,), mark=mark)[node]

        return self._line.write_together(Verb.DRAIN, nodes, mark, "", one)

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """See the port."""
        return self._line.write(Verb.UNDRAIN, node, mark, "", lambda: self._twin.undrain(node, mark=mark))

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        """See the port."""
        return self._line.write(
            Verb.RESERVE, node, mark, "", lambda: self._twin.reserve(node, start_s=start_s, mark=mark)
        )

    def release(self, node: str, *, mark: str) -> Outcome:
        """See the port."""
        return self._line.write(Verb.RELEASE, node, mark, "", lambda: self._twin.release(node, mark=mark))


class FaultyKubernetes:
    """The twin's Kubernetes at the end of a line. A stale read is never older than this process's own last write."""

    def __init__(self, twin: TwinKubernetes, machine: Machine, line: Line, past: Past[KubernetesNode]) -> None:
        self.facts = twin.facts
        self._twin = twin
        self._machine = machine
        self._line = line
        self._past = past
        self._wrote_s: dict[str, int] = {}

    def read(self) -> Picture[KubernetesNode]:
        """See the port."""
        self._line.read("Kubernetes")
        return replace(self._twin.read(), at_s=self._machine.now_s - self._line.bulk_age_s)

    def look(self, node: str) -> KubernetesNode | None:
        """See the port."""
        line = self._line
        line.read("Kubernetes")
        shown = self._twin.refresh().get(node)
        if line.stale_s and shown is not None:
            then_s = self._machine.now_s - line.stale_s
            return shown if self._wrote_s.get(node, -1) > then_s else self._past.at(node, then_s, shown)
        return shown

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(Verb.NOTE, node, "", record, lambda: self._twin.note(node, record=record, version=version))

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(
            Verb.DISCOURAGE, node, "", record, lambda: self._twin.discourage(node, record=record, version=version)
        )

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(
            Verb.CLOSE, node, mark, record, lambda: self._twin.close(node, mark=mark, record=record, version=version)
        )

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(
            Verb.OPEN, node, mark, record, lambda: self._twin.open(node, mark=mark, record=record, version=version)
        )

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        return self._write(
            Verb.FENCE, node, mark, record, lambda: self._twin.fence(node, mark=mark, record=record, version=version)
        )

    def evict(self, node: str) -> Outcome:
        """See the port."""
        return self._write(Verb.EVICT, node, "", "", lambda: self._twin.evict(node))

    def _write(self, verb: Verb, node: str, mark: str, record: str, call: Callable[[], Outcome]) -> Outcome:
        outcome = self._line.write(verb, node, mark, record, call)
        self._wrote_s[node] = self._machine.now_s
        return outcome


class FaultyLeaseStore:
    """The twin's lease at the end of a line."""

    def __init__(self, store: TwinLeaseStore) -> None:
        self.store = store
        self.cut = False
        self.timeouts: deque[bool] = deque()

    def read(self) -> LeaseRecord | None:
        """See the port."""
        if self.cut:
            raise Unreachable("the lease cannot be read")
        return self.store.read()

    def write(self, lease: LeaseRecord) -> Outcome:
        """See the port."""
        if self.cut:
            return Outcome.UNKNOWN
        if self.timeouts:
            if self.timeouts.popleft():
                self.store.write(lease)
            return Outcome.UNKNOWN
        return self.store.write(lease)
