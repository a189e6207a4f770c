"""Kueue's quota follows the nodes: the real controller moves them, on a real API server, beside Kueue's own controller.

The HPC side is the twin's. What was written, and in which order, is read afterwards from the API server's history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from connectors.kube.access.api import Answer, Api
from connectors.kube.quota import LEDGER, LOWERED, Quota
from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.lease import Lease, Term
from models.forecasts import Forecast, Source
from models.handovers import Handover, Stage
from models.identity import PoolId
from models.leadership import LeaseRecord
from models.nodes import NodeShape, Side
from models.plans import Plan
from models.policies import Evict, ForecastPolicy, MovesPolicy, PoolPolicy, SafetyPolicy, Settle, Spec, Weights
from models.pools import KueuePolicy
from models.unserved import UnservedReason
from simulator.hpc import NodeKind
from simulator.lease_store import TwinLeaseStore
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import TwinHpc
from tests.real.kube import kueue as told
from tests.real.kube import nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.kueue import QUEUE, Kueue
from tests.real.kube_bench import SIDE, KubeBench

OPEN, LENT = ("n01", "n02"), ("n03", "n04")
CALLED = (*OPEN, *LENT)
LABEL = "test/quota"
PACE_S = 0.3
WAIT_S = 60.0
SETTLE_S = 6  # no policy allows less
SHAPE = NodeShape(64_000, 256_000, 4000)
HORIZONS_S = (1, 300, 600)  # what is wanted is wanted now
ONE, TWO, THREE, FOUR = (
    {"cpu": str(64 * count), "memory": f"{250 * count}Gi", "nvidia.com/gpu": str(4 * count)} for count in (1, 2, 3, 4)
)
GAVE = {"cpu": 64_000, "memory": 250 * 2**30, "nvidia.com/gpu": 4}
Change = tuple[int, Any]
"""A version of the API server's, and what was so from then on."""


@dataclass
class Site:
    """A pool of four nodes, two of the HPC side, and a ClusterQueue whose quota is the other two. ``name`` is its own,
    its flavor's and its namespace's."""

    control_plane: ControlPlane
    name: str
    benches: list[KubeBench] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{told.API}/clusterqueues/{self.name}"

    def bench(self, word: str = "follows") -> KubeBench:
        """The connector under that word of the policy."""
        names = {"cluster_queue": self.name, "flavor": self.name} if word == "follows" else {}
        policy = KueuePolicy.model_validate({"quota": word, **names})
        self.benches.append(KubeBench(self.control_plane, self.name, CALLED, Evict.NEVER, kueue=policy))
        return self.benches[-1]

    def job(self, name: str, pods: int = 1) -> None:
        labels = {QUEUE: "users"}
        admin = self.control_plane.admin
        objects.job(admin, self.name, name, objects.WHOLE, parallelism=pods, suspend=True, labels=labels)

    def end(self, name: str) -> None:
        admin = self.control_plane.admin
        admin.delete(f"{objects.BATCH}/{self.name}/jobs/{name}", propagationPolicy="Background")
        gone = lambda: name not in self.jobs_pods()  # noqa: E731
        self.control_plane.wait(gone, f"the pods of {name} are gone")

    def jobs_pods(self) -> dict[str, list[str]]:
        """The nodes of each Job's pods that are there, "" of one that has none."""
        found: dict[str, list[str]] = {}
        for one in objects.pods(self.control_plane.admin, self.name):
            job = one["metadata"]["labels"]["job-name"]
            found.setdefault(job, []).append(one["spec"].get("nodeName", ""))
        return found

    def wait_pending(self, name: str) -> None:
        """Wait until Kueue says that a Job waits for quota."""
        admin, waits = self.control_plane.admin, ("False", "Pending")

        def is_told() -> bool:
            workload = told.workloads(admin, self.name).get(name, {})
            return told.condition(workload, "QuotaReserved") == waits

        self.control_plane.wait(is_told, f"{name} waits for quota")

    def quota(self) -> dict[str, str]:
        return quota_in(self.control_plane.admin.get(self.path))

    def note(self, key: str) -> Any:
        """What an annotation of the queue says; nothing where there is none."""
        annotations = self.control_plane.admin.get(self.path)["metadata"].get("annotations", {})
        return msgspec.json.decode(annotations.get(key, "{}"))

    def version(self) -> int:
        """That of the API server as it is now."""
        return int(self.control_plane.admin.get(nodes.NODES)["metadata"]["resourceVersion"])

    def changes(self, path: str, name: str, since: int, shown: Callable[[Any], Any]) -> list[Change]:
        """What an object showed since a version, each time that it showed something else, and from which version on."""
        selected = {"fieldSelector": f"metadata.name={name}", "resourceVersion": since, "timeoutSeconds": 1}
        found: list[Change] = []
        for event in self.control_plane.admin.watch(path, **selected):
            one = event["object"]
            if event["type"] == "MODIFIED" and (not found or found[-1][1] != shown(one)):
                found.append((int(one["metadata"]["resourceVersion"]), shown(one)))
        return found

    def quotas_since(self, since: int) -> list[Change]:
        return self.changes(f"{told.API}/clusterqueues", self.name, since, quota_in)

    def closings_since(self, node: str, since: int) -> list[Change]:
        """Whether our taint forbade new pods on the node."""
        return self.changes(nodes.NODES, node, since, is_closed)


def quota_in(queue: Any) -> dict[str, str]:
    resources = queue["spec"]["resourceGroups"][0]["flavors"][0]["resources"]
    return {one["name"]: one["nominalQuota"] for one in resources}


def is_closed(node: Any) -> bool:
    return any(one["key"] == SIDE and one["effect"] == "NoSchedule" for one in node["spec"].get("taints") or ())


@pytest.fixture
def site(kube: ControlPlane, kueue: Kueue, space: str) -> Iterator[Site]:
    one = Site(kube, space)
    for name in CALLED:
        kube.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"labels": {LABEL: space}}})
    for name in LENT:
        nodes.taint(kube.admin, name, SIDE, "hpc")
    told.flavor(kube.admin, space, {LABEL: space})
    told.cluster_queue(kube.admin, space, space, TWO, cohortName=f"{space}-all")
    told.local_queue(kube.admin, space, "users", space)
    try:
        yield one
    finally:
        for job in kube.admin.items(f"{objects.BATCH}/{space}/jobs"):
            one.end(job["metadata"]["name"])
        for bench in one.benches:
            bench.close()
        for name in CALLED:
            kube.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"labels": {LABEL: None}}})
            nodes.set_offers(kube.admin, name, {"memory": nodes.OFFERS["memory"]})
        for kind in ("clusterqueues", "resourceflavors"):
            kube.admin.delete(f"{told.API}/{kind}/{space}")


class Moving:
    """The real controller of the pool: what Kubernetes wants, by the connector's own word, is what it is to have."""

    def __init__(self, bench: KubeBench) -> None:
        self.bench = bench
        machine = Machine(Workload(), [NodeKind("", len(CALLED))], SHAPE)
        machine.names = list(CALLED)
        for number, name in enumerate(CALLED):
            if name in OPEN:
                machine.hpc.drain(number, INITIAL_MARK)
                machine.belongs_to[number] = Side.KUBERNETES
        self.wants: float | None = None  # nodes, whatever the connector says
        self.plan: Plan | None = None
        self._agenda = machine.agenda
        self._hpc = TwinHpc(machine, len(CALLED))
        store = TwinLeaseStore()
        store.write(LeaseRecord("", epoch=0, beat=0, duration_s=0.0))  # released, so that nobody has to wait for it
        self._lease = Lease(store, "one", time.monotonic, Term.around((self._hpc.facts, bench.port.facts)))
        pool, spec = policy()
        ports = Ports(self._hpc, bench.port, self._lease)
        self.controller = Controller(ports, PoolId("real", pool.name), pool, spec, lambda: int(time.time()))

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let it do its work until something is so."""
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"not so: {what}; {self.controller.open_handovers}; {self.plan}"
            self._agenda.now_s = max(self._agenda.now_s, int(time.time()))
            self._lease.tick()
            self.plan = self.controller.turn(self._forecasts())
            time.sleep(PACE_S)

    def until_moved(self, count: int = 1) -> list[Handover]:
        """Until so many hand-overs have ended; these."""
        self.controller.finished.clear()
        self.until(lambda: len(self.controller.finished) >= count, f"{count} hand-overs have ended")
        return self.controller.finished

    def stage(self) -> Stage | None:
        """Where the one hand-over stands that is under way."""
        return next((one.stage for one in self.controller.open_handovers), None)

    def _forecasts(self) -> Mapping[Side, Forecast]:
        now_s, demand = int(time.time()), self.bench.port.read().demand.nodes
        wanted = demand if self.wants is None else self.wants
        now = {Side.KUBERNETES: demand, Side.HPC: self._hpc.read().demand.nodes}
        needs = {Side.KUBERNETES: wanted, Side.HPC: len(CALLED) - wanted}
        return {
            side: Forecast(side, now_s, now[side], HORIZONS_S, (0.5,), ((need,),) * 3, Source.MODEL)
            for side, need in needs.items()
        }


def policy() -> tuple[PoolPolicy, Spec]:
    """One that moves all that is wanted at once; built without the limits that keep a person from such a one."""
    pool = PoolPolicy(name="p", unmet_cost=Weights(hpc=1.0, kubernetes=1000.0)).without_usual_floors()
    moves = MovesPolicy.model_construct(
        every=10,
        look_ahead=600,
        at_once=len(CALLED),
        per_hour=1000,
        min_gain=0.0,
        dwell=0,
        settle=Settle(kubernetes=f"{SETTLE_S}s", hpc=f"{SETTLE_S}s"),
        lead_time=10,
        drain_deadline=90,
        reserve_ahead=False,
        ready_for=0,
        fit_deadline=10,
        evict="never",
        fence="pods",
    )
    safety = SafetyPolicy.model_construct(stale_after=30, unready_max=3, failures_to_pause=9, vanished_hold=300)
    return pool, Spec.model_construct(pools=(pool,), moves=moves, safety=safety, forecast=ForecastPolicy())


def taken(side: str, sign: int) -> list[Any]:
    return [side, {name: sign * amount for name, amount in GAVE.items()}]


def waits(bench: KubeBench) -> tuple[float, ...]:
    return bench.port.read().waiting.sizes


def test_a_suspended_job_is_demand_and_the_node_that_moves_makes_it_start_and_goes_back(site: Site):
    bench = site.bench()
    moving, admin = Moving(bench), site.control_plane.admin
    site.job("a", 2)
    site.control_plane.wait(lambda: sorted(site.jobs_pods().get("a", ())) == list(OPEN), "a runs")
    site.job("b")
    site.wait_pending("b")
    assert "b" not in site.jobs_pods(), "there is no pod"
    site.control_plane.wait(lambda: bench.port.read().demand.waiting, "that it waits has been told")
    picture = bench.port.read()
    assert (picture.demand.running, picture.demand.waiting, picture.waiting.sizes) == (2.0, 1.0, (1.0,))
    before = site.version()
    (moved,) = moving.until_moved()
    assert moved.stage is Stage.DONE
    site.control_plane.wait(lambda: site.jobs_pods().get("b") == [moved.node], "b runs on the node that moved")
    assert (site.quota(), site.note(LEDGER)[moved.node]) == (THREE, taken("kubernetes", 1))
    ((opened, _),) = [one for one in site.closings_since(moved.node, before) if not one[1]]
    ((grew, quota),) = [one for one in site.quotas_since(before) if one[1] != TWO]
    assert quota == THREE
    assert opened < grew, "a pod that is let go finds the node open"

    site.end("b")
    before = site.version()
    (back,) = moving.until_moved()
    assert (back.node, back.stage) == (moved.node, Stage.DONE)
    ((shrank, quota),) = [one for one in site.quotas_since(before) if one[1] != THREE]
    (closed, *_) = [version for version, is_so in site.closings_since(back.node, before) if is_so]
    assert quota == TWO
    assert shrank < closed, "nothing is let go for a node that is about to leave"
    assert site.note(LEDGER) == {back.node: ["hpc", {}]}
    assert admin.get(f"{nodes.NODES}/{back.node}")["metadata"]["labels"][SIDE] == "hpc"


def test_a_hand_over_that_turns_back_gives_back_exactly_what_it_took(site: Site):
    moving, admin = Moving(site.bench()), site.control_plane.admin
    site.job("a")
    site.control_plane.wait(lambda: any(site.jobs_pods().get("a", ())), "a runs")
    moving.wants = 1.0
    moving.until(moving.stage, "a node leaves")
    (node,) = [one.node for one in moving.controller.open_handovers]
    objects.pod(admin, site.name, "late", nodeName=node, labels={"job-name": ""})
    moving.until(lambda: moving.stage() is Stage.EMPTYING, "it is closed, and a pod is on it that came late")
    assert (site.quota(), site.note(LEDGER)) == (ONE, {node: taken("hpc", -1)})
    nodes.set_offers(admin, node, {"memory": "249Gi"})
    site.job("b")
    site.wait_pending("b")
    moving.wants = 2.0
    (turned,) = moving.until_moved()
    assert turned.stage is Stage.CANCELLED
    assert (site.quota(), site.note(LEDGER)) == (TWO, {node: ["kubernetes", {}]})
    site.control_plane.wait(lambda: site.jobs_pods().get("b") == [node], "b runs on the node that stayed")


class Meddled:
    """The API, where before each of the first changes of a ClusterQueue somebody else changes it."""

    def __init__(self, api: Api, meddle: Callable[[], object], times: int) -> None:
        self.conflicts = 0
        self._api = api
        self._meddle = meddle
        self._left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        if self._left and method == "PATCH" and "clusterqueues" in path:
            self._left -= 1
            self._meddle()
        answer = self._api.ask(method, path, **more)
        self.conflicts += answer.status == 409 and "clusterqueues" in path
        return answer


@contextmanager
def lending_all(site: Site, kueue: Kueue) -> Iterator[None]:
    """All of the quota may be lent, which Kueue checks itself at each change."""
    admin = site.control_plane.admin
    groups = admin.get(site.path)["spec"]["resourceGroups"]
    for one in groups[0]["flavors"][0]["resources"]:
        one["lendingLimit"] = one["nominalQuota"]
    admin.patch(site.path, {"spec": {"resourceGroups": groups}})
    with kueue.checking(site.name):
        yield


def test_two_nodes_at_once_while_others_change_the_queue_too(site: Site, kueue: Kueue):
    bench, admin = site.bench(), site.control_plane.admin
    count = iter(range(100))
    meddled = Meddled(
        bench.api,
        lambda: admin.patch(site.path, {"metadata": {"annotations": {"test/by-others": str(next(count))}}}),
        3,
    )
    bench.port._quota = Quota(meddled, site.name, site.name)  # type: ignore[arg-type] - as far as it is asked
    moving = Moving(bench)
    with lending_all(site, kueue):
        for name in ("a", "b"):
            site.job(name, 2)
        site.wait_pending("b")
        assert waits(bench) == (2.0,), "pods that start together are one piece"
        moved = moving.until_moved(2)
        assert {one.node: one.stage for one in moved} == dict.fromkeys(LENT, Stage.DONE)
        site.control_plane.wait(lambda: sorted(site.jobs_pods().get("b", ())) == list(LENT), "b runs")
        assert (site.quota(), meddled.conflicts) == (FOUR, 3)
        for name in ("a", "b"):
            site.end(name)
        gone = moving.until_moved(4)
        assert {one.stage for one in gone} == {Stage.DONE}
        assert set(site.quota().values()) == {"0"}
        assert site.note(LOWERED) == {site.name: {**GAVE, **{name: 2 * amount for name, amount in GAVE.items()}}}
        site.job("c", 2)
        moving.until_moved(2)
        site.control_plane.wait(lambda: len(site.jobs_pods().get("c", ())) == 2, "c runs")
        assert site.quota() == TWO
        there = admin.get(site.path)["spec"]["resourceGroups"][0]["flavors"][0]["resources"]
        assert {one["name"]: one["lendingLimit"] for one in there} == TWO


def test_under_fixed_it_is_held_by_quota_and_told_as_such(site: Site):
    bench = site.bench("fixed")
    site.job("a", 2)
    site.control_plane.wait(lambda: len(site.jobs_pods().get("a", ())) == 2, "a runs")
    site.job("b")
    site.job("c", 3)
    for name in ("b", "c"):
        site.wait_pending(name)
    site.control_plane.wait(lambda: len(bench.port.read().waiting.unserved) == 1, "all is told as one")
    picture = bench.port.read()
    (one,) = picture.waiting.unserved
    assert (picture.demand.running, picture.demand.waiting, picture.waiting.sizes) == (2.0, 0.0, ())
    assert (one.why, one.count, one.nodes) == (UnservedReason.QUOTA, 4, 4.0)
    assert one.text.startswith("4 pods are held by quota")


def test_under_none_it_is_demand_and_the_quota_is_left_alone(site: Site):
    bench = site.bench("none")
    site.job("a", 2)
    site.control_plane.wait(lambda: len(site.jobs_pods().get("a", ())) == 2, "a runs")
    site.job("b")
    site.wait_pending("b")
    assert waits(bench) == (1.0,)
    Moving(bench).until_moved()
    assert (site.quota(), site.note(LEDGER)) == (TWO, {})
