"""The real controller of one pool in a thread of its own; how many nodes Kubernetes needs is what a test says."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, RLock, Thread
from typing import Any, Self

from connectors.sources.standing import Standing
from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.lease import Lease, Term
from models.acts import Outcome, Verb
from models.audit import Entered, Entry
from models.forecasts import Forecast, Source
from models.handovers import Handover, Stage
from models.identity import PoolId
from models.leadership import LeaseRecord
from models.nodes import Side
from models.plans import Plan
from models.policies import PoolPolicy, Spec
from simulator.lease_store import TwinLeaseStore

PACE_S = 0.3  # between two looks of the controller
WAIT_S = 60.0
HORIZONS_S = (1, 300, 600)  # what is wanted is wanted now
LEVELS = (0.5,)


class Interrupted:
    """A port at which something can happen just before, or just after, an act on a node: it is done then, by whoever
    acts. ``acts`` are those that were asked for, in order, with what was known of each."""

    def __init__(self, port: Any) -> None:
        self.before: dict[tuple[Verb, str], Callable[[], object]] = {}
        self.after: dict[tuple[Verb, str], Callable[[], object]] = {}
        self.acts: list[tuple[Verb, str, Outcome]] = []
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def drain(self, nodes: Collection[str], *, mark: str) -> Mapping[str, Outcome]:
        return self._act(Verb.DRAIN, nodes, lambda: self._port.drain(nodes, mark=mark))

    def undrain(self, node: str, *, mark: str) -> Outcome:
        return self._act(Verb.UNDRAIN, (node,), lambda: {node: self._port.undrain(node, mark=mark)})[node]

    def _act(
        self, verb: Verb, nodes: Collection[str], act: Callable[[], Mapping[str, Outcome]]
    ) -> Mapping[str, Outcome]:
        for node in nodes:
            if happens := self.before.pop((verb, node), None):
                happens()
        outcomes = act()
        self.acts.extend((verb, node, outcomes[node]) for node in nodes)
        for node in nodes:
            if happens := self.after.pop((verb, node), None):
                happens()
        return outcomes


@dataclass
class Audit:
    """The stages that each hand-over entered, by its node, one after another."""

    entries: list[Entry] = field(default_factory=list)

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)

    def stages(self, node: str) -> list[Stage]:
        return [e.handover.stage for e in self.entries if isinstance(e, Entered) and e.handover.node == node]


class ScriptedController:
    """A pool by the names of its nodes, and the ports of both sides.

    ``want`` says how many of them Kubernetes needs, and takes a turn; between turns the controller looks after what is
    under way, in a thread.
    """

    def __init__(
        self, hpc: Any, kubernetes: Any, names: list[str], policy: tuple[PoolPolicy, Spec], *, wants: int = 0
    ) -> None:
        self.names = names
        self.port = Interrupted(hpc)
        self.kubernetes = kubernetes
        self.audit = Audit()
        self.ended: list[Handover] = []
        self._wants = wants
        pool, spec = policy
        store = TwinLeaseStore()
        store.write(LeaseRecord("", epoch=0, beat=0, duration_s=0.0))  # released, so that nobody has to wait for it
        self.lease = Lease(store, "one", time.monotonic, Term.around((hpc.facts, kubernetes.facts)))
        ports = Ports(self.port, kubernetes, self.lease)  # type: ignore[arg-type] - as far as it is asked
        self._sources = Standing(hpc, Side.HPC), Standing(kubernetes, Side.KUBERNETES)
        whose, clock = PoolId("real", pool.name), lambda: int(time.time())
        self.controller = Controller(ports, whose, pool, spec, clock, self.audit, sources=self._sources)
        self.error: BaseException | None = None
        self._standing = RLock()
        self._ended = Event()
        self._thread = Thread(target=self._look_after, name=f"controller {pool.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait(lambda: self.controller.leads and self.lease.kept, "the controller leads")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def want(self, nodes: int) -> Plan | None:
        """Kubernetes wants so many from now on: decide, on a view that is read now if that can be."""
        self._wants = nodes
        with self._standing:
            self._begin_look()
            plan = self.controller.turn(self._forecasts())
            self._end_look()
            return plan

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """The controller's process does nothing meanwhile."""
        with self._standing:
            yield

    def stage(self, node: str) -> Stage | None:
        """Where the node's latest hand-over stands."""
        stages = self.audit.stages(node)
        return stages[-1] if stages else None

    def open_handover(self, node: str) -> Handover | None:
        return next((one for one in self.controller.open_handovers if one.node == node), None)

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            if self.error is not None:
                raise RuntimeError("the controller has ended") from self.error
            if time.monotonic() > end_s:
                shown = {name: self.audit.stages(name) for name in self.names}
                raise RuntimeError(f"not so after {timeout_s:.0f} s: {what}; stages: {shown}; acts: {self.port.acts}")
            time.sleep(PACE_S / 10)

    def wait_for(self, node: str, *stages: Stage, timeout_s: float = WAIT_S) -> None:
        self.wait(lambda: self.stage(node) in stages, f"{node} is {' or '.join(stages)}", timeout_s)

    def _begin_look(self) -> None:
        """Whatever comes before the controller looks."""
        self.lease.tick()

    def _end_look(self) -> None:
        """Whatever comes after it has acted."""

    def _look_after(self) -> None:
        try:
            while not self._ended.wait(PACE_S):
                with self._standing:
                    self._begin_look()
                    self.controller.watch()
                    self._end_look()
                    self.ended += self.controller.finished
                    self.controller.finished.clear()
        except BaseException as error:
            self.error = error
            raise

    def _forecasts(self) -> Mapping[Side, Forecast]:
        now_s = int(time.time())
        need = {Side.KUBERNETES: float(self._wants), Side.HPC: float(len(self.names) - self._wants)}
        now = {
            side: source.read().demand.nodes
            for side, source in zip((Side.HPC, Side.KUBERNETES), self._sources, strict=True)
        }
        return {
            side: Forecast(side, now_s, now[side], HORIZONS_S, LEVELS, ((need[side],),) * 3, Source.MODEL)
            for side in Side
        }
