"""The real controller between the twin's HPC side and a real Kubernetes: one pool of kwok nodes, in a thread of its
own. An observer looks at both sides all the while, apart from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any, Self

from connectors.kube.demand.pools import Pool
from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.node_events import NodeEvents
from connectors.kube.nodes import Rules
from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.watching.silence import Silence
from connectors.kube.work import ClusterWork, PoolRules
from connectors.sources.standing import Standing
from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.lease import Lease, Term
from models.errors import Unreachable
from models.forecasts import Forecast, Source
from models.handovers import Handover, Stage
from models.identity import PoolId
from models.leadership import LeaseRecord
from models.nodes import NodeShape, Side
from models.plans import Plan
from models.policies import (
    Evict,
    ForecastPolicy,
    KubernetesPolicy,
    MovesPolicy,
    PoolPolicy,
    SafetyPolicy,
    Settle,
    Spec,
    Weights,
)
from service.kube_api import open_api
from simulator.agenda import Kind
from simulator.hpc import NodeKind
from simulator.lease_store import TwinLeaseStore
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import TwinHpc
from simulator.work import Job
from tests.real.kube import nodes
from tests.real.kube.asked import Audit, Interrupted
from tests.real.kube.client import RefusedError
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.observer import Observer
from tests.real.kube.site import OURS, RIGHTS, SIDE
from tests.real.scripted_controller import HORIZONS_S, LEVELS

PACE_S = 0.3  # between two looks of the controller
WAIT_S = 120.0  # the machine may be busy
SYNC_S = 30.0
SETTLE_S = 2
DEADLINE_S = 60
STALE_S = 90  # a watch of pods that do not change tells each minute that they have not
SHAPE = NodeShape(64_000, 256_000, 4000)
HOUR_S = 3600
NUMBERS = count(1)


@dataclass(frozen=True)
class Wanted:
    """What a test wants of a pool.

    ``lent`` of its nodes, the last ones, Kubernetes has at first. ``jobs`` of a node each, an hour long, wait for the
    HPC side's nodes. ``server`` is a proxy's address, and ``kubeconfig`` somebody's own. ``moves`` and ``safety`` are
    words of the policy that are not as usual here.
    """

    lent: int = 0
    jobs: int = 0
    server: str = ""
    kubeconfig: Path | None = None
    silence: Silence = field(default_factory=Silence)
    moves: Mapping[str, Any] = field(default_factory=dict)
    safety: Mapping[str, Any] = field(default_factory=dict)
    synced: bool = True


class HandingOver:
    """A pool of the nodes ``called``; ``want`` says how many of them Kubernetes needs, and takes a turn.

    Between turns the controller looks after what is under way, in a thread. ``ended`` are the hand-overs that ended.
    """

    def __init__(self, control_plane: ControlPlane, called: Sequence[str], wanted: Wanted) -> None:
        self.control_plane = control_plane
        self.admin = control_plane.admin
        self.names = list(called)
        self.wanted = wanted
        self.ended: list[Handover] = []
        self.error: BaseException | None = None
        self._wants = wanted.lent
        self._account = None
        if wanted.kubeconfig is None:
            named = f"handing-over-{next(NUMBERS)}"
            self._account = control_plane.account(named, RIGHTS, server=wanted.server)
        kubeconfig = wanted.kubeconfig or (self._account and self._account.kubeconfig)
        self.machine = Machine(Workload(), [NodeKind("", len(called))], SHAPE)
        self.machine.names = list(called)
        self.observer = Observer(self.admin, self.machine, called)
        pool, spec = policy(len(called), wanted)
        self.hpc = Interrupted(TwinHpc(self.machine, len(called)), self._work_begins)
        self.api = open_api(KubernetesSettings(kubeconfig=str(kubeconfig)))
        self.cluster = KubeCluster(self.api, silence=wanted.silence)
        names = PoolNames(pool.name, called)
        work = ClusterWork([PoolRules(Pool(pool.name, frozenset(called), len(called)))], KubernetesPolicy())
        rules = Rules(evict=spec.moves.evict)
        self.port = KubernetesPool(self.cluster, self.api, names, rules, work.of, clock=_clock)
        self.kubernetes = Interrupted(self.port)
        self.events = NodeEvents(self.api, names)
        self.audit = Audit(self.events.hear)
        store = TwinLeaseStore()
        store.write(LeaseRecord("", epoch=0, beat=0, duration_s=0.0))  # released, so that nobody has to wait for it
        self.lease = Lease(store, "one", time.monotonic, Term.around((self.hpc.facts, self.port.facts)))
        self.source = Standing(self.port, Side.KUBERNETES)
        ports = Ports(self.hpc, self.kubernetes, self.lease)  # type: ignore[arg-type] - as far as it is asked
        whose = PoolId("real", pool.name)
        self.controller = Controller(
            ports, whose, pool, spec, _clock, self.audit, sources=(self.hpc, self.source)  # type: ignore[arg-type]
        )  # fmt: skip
        self._standing = RLock()
        self._ended = Event()
        self._told_s = 0.0
        self._threads = [
            Thread(target=self._look_after, name="controller", daemon=True),
            Thread(target=self._tell, name="events", daemon=True),
        ]

    def __enter__(self) -> Self:
        self.cluster.start()
        if self.wanted.synced:
            self.cluster.wait(SYNC_S)
            self._wait_until_settled_in()
        for thread in self._threads:
            thread.start()
        if self.wanted.synced:
            self.wait(lambda: self.controller.leads and self.lease.kept, "the controller leads")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self.cluster.close()
        for name in self.names:
            restore(self.control_plane, name)
        if self._account is not None:
            self._account.delete()

    def begin(self) -> None:
        """Each side is closed where the other has the node: before anybody looks."""
        first = len(self.names) - self.wanted.lent
        self.machine.agenda.now_s = _clock()
        for number, name in enumerate(self.names):
            if number < first:
                insist(self.control_plane, lambda name=name: nodes.taint(self.admin, name, SIDE, "hpc"))  # type: ignore[misc]
            else:
                self.machine.hpc.drain(number, INITIAL_MARK)
                self.machine.belongs_to[number] = Side.KUBERNETES
        for number in range(self.wanted.jobs):
            job = Job(number, self.machine.now_s, HOUR_S, HOUR_S, 1, user="ada")
            self.machine.agenda.add(self.machine.now_s, Kind.JOB_SUBMIT, number, job)
        self._work_begins()

    def want(self, count_of_nodes: int) -> Plan | None:
        """Kubernetes wants so many from now on: decide, on what is known now."""
        self._wants = count_of_nodes
        with self._standing:
            self._read()
            return self.controller.turn(self._forecasts())

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """The controller's process does nothing meanwhile."""
        with self._standing:
            yield

    def node(self, name: str) -> Any:
        return nodes.get(self.admin, name)

    def closed_by(self, name: str) -> str | None:
        """The value of our taint on the node."""
        return nodes.taints(self.node(name)).get(SIDE, (None,))[0]

    def drained_by(self, name: str) -> str | None:
        """The mark that closes the node on the HPC side."""
        return self.machine.hpc.drained_by[self.machine.names.index(name)]

    def stage(self, node: str) -> Stage | None:
        """Where the node's latest hand-over stands."""
        stages = self.audit.stages(node)
        return stages[-1] if stages else None

    def why(self, node: str) -> Any:
        """Why the node's last hand-over that has ended turned back."""
        return next((one.why for one in reversed(self.ended) if one.node == node), None)

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            if self.error is not None:
                raise RuntimeError("the controller has ended") from self.error
            if time.monotonic() > end_s:
                shown = {name: self.audit.stages(name) for name in self.names}
                acts = (*self.hpc.acts, *self.kubernetes.acts)
                raise RuntimeError(f"not so after {timeout_s:.0f} s: {what}; stages: {shown}; acts: {acts}")
            time.sleep(PACE_S / 10)

    def wait_for(self, node: str, *stages: Stage, timeout_s: float = WAIT_S) -> None:
        self.wait(lambda: self.stage(node) in stages, f"{node} is {' or '.join(stages)}", timeout_s)

    def wait_ended(self, *called: str, timeout_s: float = WAIT_S) -> None:
        """Wait until nothing is under way on these nodes any more, and something was."""

        def have_ended() -> bool:
            return all((stage := self.stage(name)) is not None and stage.finished for name in called)

        self.wait(have_ended, f"ended: {', '.join(called)}", timeout_s)

    # ---- within ----

    def _wait_until_settled_in(self) -> None:
        """Until what was written on the nodes at first has been heard."""

        def has_heard() -> bool:
            told = self.port.read().nodes
            return {name for name, node in told.items() if node.closed_by is None} == set(self.names[-self.wanted.lent:]
                if self.wanted.lent else ())  # fmt: skip

        self.control_plane.wait(has_heard, "the nodes are told as they are")

    def _work_begins(self) -> None:
        """Whatever the HPC scheduler may start starts."""
        self.machine.agenda.now_s = max(self.machine.now_s, _clock())
        while self.machine.agenda and self.machine.agenda.next_s <= _clock():
            self.machine.advance()
        self.machine.schedule()

    def _look_after(self) -> None:
        try:
            while not self._ended.wait(PACE_S):
                with self._standing:
                    self._read()
                    self.controller.watch()
                    self.ended += self.controller.finished
                    self.controller.finished.clear()
        except BaseException as error:
            self.error = error
            raise

    def _tell(self) -> None:
        """Events on nodes, as the service has them told."""
        while not self._ended.wait(PACE_S):
            if time.monotonic() >= self._told_s:
                self._told_s = time.monotonic() + self.events.tell()

    def _read(self) -> None:
        self._work_begins()
        self.lease.tick()

    def _forecasts(self) -> Mapping[Side, Forecast]:
        """What is wanted is wanted now."""
        now_s = _clock()
        need = {Side.KUBERNETES: float(self._wants), Side.HPC: float(len(self.names) - self._wants)}
        try:
            now = {Side.KUBERNETES: self.source.read().demand.nodes, Side.HPC: self.hpc.read().demand.nodes}
        except Unreachable:
            return {}
        return {
            side: Forecast(side, now_s, now[side], HORIZONS_S, LEVELS, ((need[side],),) * 3, Source.MODEL)
            for side in Side
        }


@contextmanager
def handing_over(control_plane: ControlPlane, called: Sequence[str], **wanted: Any) -> Iterator[HandingOver]:
    """The controller leads and the observer watches; afterwards the nodes are as they were."""
    one = HandingOver(control_plane, called, Wanted(**wanted))
    one.begin()
    with one.observer.watching(), one:
        yield one


def policy(count_of_nodes: int, wanted: Wanted) -> tuple[PoolPolicy, Spec]:
    """One that moves all that is wanted at once; built without the limits that keep a person from such a one."""
    gets = Side.HPC if wanted.lent else Side.KUBERNETES  # what it lacks counts for more than what runs
    unmet = Weights(**{side.value: 1000.0 if side is gets else 1.0 for side in Side})
    pool = PoolPolicy(name="pool", unmet_cost=unmet).without_usual_floors()
    usual: dict[str, Any] = {
        "every": 10,
        "look_ahead": 600,
        "at_once": count_of_nodes,
        "per_hour": 1000,
        "min_gain": 0.0,
        "dwell": 0,
        "settle": Settle(kubernetes=f"{SETTLE_S}s"),
        "lead_time": 10,
        "drain_deadline": DEADLINE_S,
        "reserve_ahead": False,
        "ready_for": 0,
        "fit_deadline": 10,
        "evict": Evict.NEVER,
    }
    moves = MovesPolicy.model_construct(**{**usual, **wanted.moves})
    held: dict[str, Any] = {"stale_after": STALE_S, "unready_max": 99, "failures_to_pause": 9, "vanished_hold": 300}
    safety = SafetyPolicy.model_construct(**{**held, **wanted.safety})
    return pool, Spec.model_construct(pools=(pool,), moves=moves, safety=safety, forecast=ForecastPolicy())


def restore(control_plane: ControlPlane, name: str) -> None:
    """The node is as a new one is, but for its labels."""
    admin = control_plane.admin
    gone: dict[str, None] = dict.fromkeys(OURS)
    nodes.cordon(admin, name, on=False)
    admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"annotations": gone, "labels": gone}})
    insist(control_plane, lambda: nodes.untaint(admin, name, SIDE))


def insist(control_plane: ControlPlane, change: Callable[[], None]) -> None:
    """Change something as somebody else changes it at the same time."""

    def has_changed() -> bool:
        try:
            change()
        except RefusedError as error:
            if error.status != 409:
                raise
            return False
        return True

    control_plane.wait(has_changed, "it is changed")


def _clock() -> int:
    return int(time.time())
