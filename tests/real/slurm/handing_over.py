"""The real controller between a real Slurm and the twin's Kubernetes: one pool of nodes, in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
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
from models.nodes import NodeShape, Side
from models.plans import Plan
from models.policies import ForecastPolicy, MovesPolicy, PoolPolicy, SafetyPolicy, Settle, Spec, Weights
from simulator.agenda import Kind
from simulator.hpc import NodeKind
from simulator.kube import KubeCluster
from simulator.lease_store import TwinLeaseStore
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import TwinKubernetes
from simulator.work import Pod
from tests.real.slurm.cluster import Cluster

PACE_S = 0.3  # between two looks of the controller
WAIT_S = 60.0
SETTLE_S = 6  # no policy allows less
DEADLINE_S = 90
STALE_S = 5
SHAPE = NodeShape(8000, 64_000, 4000)
HORIZONS_S = (1, 300, 600)  # what is wanted is wanted now
LEVELS = (0.5,)

log = logging.getLogger(__name__)


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


class HandingOver:
    """A pool of real nodes, by their names, of which Kubernetes has the last ``lent`` at first.

    ``want`` says how many of them Kubernetes needs, and takes a turn; between turns the controller looks after what is
    under way, in a thread.
    ``pods`` more pods wait in Kubernetes, each as large as a node and without an end, so that whatever opens is used.
    """

    def __init__(
        self,
        cluster: Cluster,
        port: Any,
        names: list[str],
        *,
        lent: int = 0,
        pods: int = 0,
        deadline_s: int = DEADLINE_S,
    ) -> None:
        self.cluster = cluster
        self.names = names
        self._wants = lent
        self.port = Interrupted(port)
        self.audit = Audit()
        self.ended: list[Handover] = []
        self.machine = Machine(Workload(), [NodeKind("", len(names))], SHAPE)
        self.machine.names = list(names)
        self._begin(lent, pods)
        self.kubernetes = TwinKubernetes(self.machine)
        store = TwinLeaseStore()
        store.write(LeaseRecord("", epoch=0, beat=0, duration_s=0.0))  # released, so that nobody has to wait for it
        self.lease = Lease(store, "one", time.monotonic, Term.around((port.facts, self.kubernetes.facts)))
        pool, spec = policy(len(names), deadline_s)
        ports = Ports(self.port, self.kubernetes, self.lease)  # type: ignore[arg-type] - as far as it is asked
        self.hpc = Standing(port, Side.HPC)
        sources = self.hpc, self.kubernetes
        whose, clock = PoolId("real", pool.name), lambda: int(time.time())
        self.controller = Controller(ports, whose, pool, spec, clock, self.audit, sources=sources)
        self.error: BaseException | None = None
        self._standing = RLock()
        self._ended = Event()
        self._thread = Thread(target=self._look_after, name="controller", daemon=True)

    @property
    def kube(self) -> KubeCluster:
        return self.machine.kube

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
            self._read()
            plan = self.controller.turn(self._forecasts())
            self.machine.schedule()
            return plan

    @contextmanager
    def standing_still(self) -> Any:
        """The controller's process does nothing meanwhile."""
        with self._standing:
            yield

    def given(self) -> Mapping[str, int]:
        """The nodes that are open in Kubernetes, with their pods."""
        kube = self.kube
        return {name: int(kube.pods_on[number]) for number, name in enumerate(self.names) if kube.open[number]}

    def closed_by(self, node: str) -> str | None:
        """The mark that closes the node in Kubernetes."""
        return self.kube.closed_by[self.names.index(node)]

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

    def _begin(self, lent: int, pods: int) -> None:
        """Each side is closed where the other has the node; what Kubernetes has is full of pods from the beginning."""
        machine, first = self.machine, len(self.names) - lent
        machine.agenda.now_s = int(time.time())
        for number, name in enumerate(self.names):
            if number < first:
                machine.kube.set_closed(number, INITIAL_MARK)
            else:
                self.cluster.run("scontrol", "update", f"nodename={name}", "state=drain", f"reason={INITIAL_MARK}")
                machine.belongs_to[number] = Side.KUBERNETES
        for number in range(pods):
            pod = Pod(f"pod-{number}", machine.now_s, None, SHAPE.cpu_milli, SHAPE.memory_mib, SHAPE.gpu_milli)
            machine.agenda.add(machine.now_s, Kind.POD_CREATE, number, (pod,))
        if pods:
            machine.advance()

    def _look_after(self) -> None:
        try:
            while not self._ended.wait(PACE_S):
                with self._standing:
                    self._read()
                    self.controller.watch()
                    self.machine.schedule()
                    self.ended += self.controller.finished
                    self.controller.finished.clear()
        except BaseException as error:
            self.error = error
            raise

    def _read(self) -> None:
        self.machine.agenda.now_s = max(self.machine.now_s, int(time.time()))
        self.lease.tick()

    def _forecasts(self) -> Mapping[Side, Forecast]:
        now_s = int(time.time())
        need = {Side.KUBERNETES: float(self._wants), Side.HPC: float(len(self.names) - self._wants)}
        now = {Side.KUBERNETES: self.kubernetes.read().demand.nodes, Side.HPC: self.hpc.read().demand.nodes}
        return {
            side: Forecast(side, now_s, now[side], HORIZONS_S, LEVELS, ((need[side],),) * 3, Source.MODEL)
            for side in Side
        }


def policy(nodes: int, deadline_s: int) -> tuple[PoolPolicy, Spec]:
    """One that moves all that is wanted at once; built without the limits that keep a person from such a one."""
    pool = PoolPolicy(name="pool", unmet_cost=Weights(hpc=1.0, kubernetes=1000.0)).without_usual_floors()
    moves = MovesPolicy.model_construct(
        every=10,
        look_ahead=600,
        at_once=nodes,
        per_hour=1000,
        min_gain=0.0,
        dwell=0,
        settle=Settle(kubernetes=f"{SETTLE_S}s"),
        lead_time=10,
        drain_deadline=deadline_s,
        reserve_ahead=False,
        ready_for=0,
        fit_deadline=10,
        evict="never",
    )
    safety = SafetyPolicy.model_construct(stale_after=STALE_S, unready_max=3, failures_to_pause=9, vanished_hold=300)
    return pool, Spec.model_construct(pools=(pool,), moves=moves, safety=safety, forecast=ForecastPolicy())
