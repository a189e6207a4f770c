"""``tidegate run --role``: every role in a process of its own, on real Slurm and real Kafka, for two pools."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from models.bus import Subscription
from models.demand import Demand
from models.events import Event, Latest, Planned, Topic
from models.forecasts import Forecast
from models.handovers import Handover, Stage
from models.nodes import HpcNode
from models.work import WorkRecord, WorkState
from tests.conformance.benches import FOREIGN
from tests.real import ports
from tests.real.kafka.broker import Broker
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import KubeSite
from tests.real.running import Running
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES

NODES = tuple(Node(f"n{number:02}", cpus=4) for number in range(1, 9))
POOLS = {"a": {"n01", "n02", "n03", "n04"}, "b": {"n05", "n06", "n07", "n08"}}
PARTITIONS = {"a": "Nodes=n[01-04] Default=YES", "b": "Nodes=n[05-08]"}
ROLES = ("connect", "forecast", "control", "page")
EVERY_S = 180
QUIET_S = 8.0  # without a new plan: nothing that came before wakes a decision any more
POLICY = {
    "mode": "auto",
    "forecast": {"aheadMost": "100%"},
    "pools": [
        {"name": "a", "nodes": "n[01-04]", "floor": {"hpc": 2, "kubernetes": 0}},
        {"name": "b", "nodes": "n[05-08]", "floor": {"hpc": 2, "kubernetes": 0}},
    ],
    "moves": {
        "every": f"{EVERY_S}s",
        "soonest": "2s",
        "debounce": "1s",
        "settle": "10s",
        "leadTime": "30s",
        "dwell": "0s",
        "readyFor": "0s",
        "atOnce": "100%",
        "perHour": 1000,
    },
}
KEYS = {f"site/{pool}/{side}" for pool in POOLS for side in ("hpc", "kubernetes")}
NODE_KEYS = {f"site/{pool}/{side}/{node}" for pool in POOLS for side in ("hpc", "kubernetes") for node in POOLS[pool]}
Moved = dict[str, Handover]  # by the node's key on the bus


class Observed:
    """The site as anybody sees it: what the bus tells, and what Slurm and Kubernetes show."""

    def __init__(self, site: Running, subscription: Subscription) -> None:
        self.site = site
        self._subscription = subscription
        self._latest = {topic: Latest() for topic in Topic}
        self.letters: list[Event] = []

    def latest(self, topic: Topic) -> dict[str, Event]:
        """The newest event of each key, of a topic, by all that has come until now."""
        while events := self._subscription.poll(0.0).events:
            for event in events:
                self._latest[event.topic].take(event)
                self.letters += [event] if event.topic is Topic.DEAD_LETTER else []
        return self._latest[topic].state

    def handovers(self) -> Moved:
        told = {key: event.payload for key, event in self.latest(Topic.HANDOVERS).items()}
        return {key: one for key, one in told.items() if isinstance(one, Handover)}

    def work(self, pool: str, job: int) -> WorkState | None:
        """The state of a job; None for one that is not on the bus."""
        told = [event.payload for key, event in self.latest(Topic.WORK).items() if key == f"site/{pool}/hpc/{job}"]
        return told[0].state if told and isinstance(told[0], WorkRecord) else None

    def drained(self, pool: str, node: str) -> str | None:
        """Why a node is drained, as the bus tells it; None where it is not."""
        told = self.latest(Topic.NODES)[f"site/{pool}/hpc/{node}"].payload
        return told.drain_reason if isinstance(told, HpcNode) else None

    def planned_s(self, pool: str) -> int:
        """When the newest plan of a pool was made; 0 before there is one."""
        event = self.latest(Topic.PLANS).get(f"site/{pool}")
        return event.payload.plan.at_s if event is not None and isinstance(event.payload, Planned) else 0

    def marks(self, pool: str) -> dict[str, str]:
        """The pool's drained nodes, each with its mark."""
        reasons = {name: self.site.cluster.node(name).get("Reason", "") for name in sorted(POOLS[pool])}
        return {name: reason for name, reason in reasons.items() if reason.startswith("tidegate:")}

    def none_is_open_to_both(self) -> bool:
        """Kubernetes is looked at first: a node comes back to Slurm long after it was closed there."""
        opened = self.site.kube.open_nodes()
        both = {name for name in opened if "DRAIN" not in self.site.cluster.flags(name)}
        assert not both, f"open to both: {both}"
        return True


@pytest.fixture(params=RELEASES)
def observed(
    request: pytest.FixtureRequest,
    own_slurm: Callable[..., Cluster],
    kube: ControlPlane,
    space: str,
    broker: Broker,
    prefix: str,
    tmp_path: Path,
) -> Iterator[Observed]:
    cluster = own_slurm(request.param, nodes=NODES, partitions=PARTITIONS)
    page = f"127.0.0.1:{ports.free(1)[0]}"
    there = KubeSite(kube, space, POOLS, space)
    site = Running(tmp_path, cluster, there, f"kafka:{broker.address()}", prefix, POLICY, page=page)
    site.need(2)  # in each pool
    bus = site.open_bus()
    subscription = bus.subscribe(tuple(Topic), "test")
    try:
        yield Observed(site, subscription)
    finally:
        site.stop_all()
        there.close()
        subscription.close()
        bus.close()


def moved_in_both(observed: Observed) -> bool:
    """Two nodes of each pool are drained: what the service needs, and all that its floor lets go."""
    return observed.none_is_open_to_both() and all(len(observed.marks(pool)) == 2 for pool in POOLS)


def all_done(observed: Observed) -> bool:
    stages = [one.stage for one in observed.handovers().values()]
    return observed.none_is_open_to_both() and len(stages) == 4 and set(stages) == {Stage.DONE}


def test_every_role_alone_does_its_part_and_the_others_hear_of_it(observed: Observed):
    site, cluster = observed.site, observed.site.cluster
    job = cluster.submit("--exclusive", "--nodelist=n01", minutes=60)
    site.start(*ROLES)
    site.wait(lambda: observed.latest(Topic.NODES).keys() == NODE_KEYS, "all nodes of both pools are on the bus")
    site.wait(lambda: observed.work("a", job) is WorkState.RUNNING, "the job is, with its pool")
    for topic, kind in ((Topic.DEMAND, Demand), (Topic.FORECASTS, Forecast)):
        site.wait(lambda topic=topic: observed.latest(topic).keys() == KEYS, f"{topic} of both pools and sides")
        assert all(isinstance(event.payload, kind) for event in observed.latest(topic).values())
    site.wait(lambda: moved_in_both(observed), "nodes of both pools are drained")
    for pool in POOLS:
        assert all(mark.startswith(f"tidegate:site_{pool}.1.") for mark in observed.marks(pool).values())
    assert "n01" not in observed.marks("a"), "a job runs there"
    site.wait(lambda: all_done(observed), "their hand-overs are done")
    the_page_shows(observed)
    a_job_wakes_a_decision(observed)
    connect_is_killed(observed, job)
    assert observed.letters == []
    assert site.stop_all() == dict.fromkeys(ROLES, 0)


def the_page_shows(observed: Observed) -> None:
    """What it shows comes from the bus alone."""
    observed.site.wait(
        lambda: all(pool["plan"] for pool in json.loads(got(observed, "/api/status"))["pools"]), "plans are shown"
    )
    status = json.loads(got(observed, "/api/status"))
    sides = {f"site/{pool['name']}/{side['side']}" for pool in status["pools"] for side in pool["sides"]}
    assert sides == KEYS
    assert {part["part"]: part["well"] for part in status["parts"]} == {"bus": True, "page": True}
    assert b"/api/status" in got(observed, "/")
    assert b'tidegate_bus_received_total{role="page"}' in got(observed, "/metrics")
    assert got(observed, "/livez") == b"ok\n"


def got(observed: Observed, path: str) -> bytes:
    with urlopen(f"http://{observed.site.page}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body


def a_job_wakes_a_decision(observed: Observed) -> None:
    """Long before its time; that it wakes no other pool's is tried where nothing else happens (tests/service)."""
    site = observed.site
    site.wait(
        lambda: max(observed.planned_s(pool) for pool in POOLS) < time.time() - QUIET_S, "decisions wait for their time"
    )
    before_s = {pool: observed.planned_s(pool) for pool in POOLS}
    free = min(POOLS["b"] - observed.marks("b").keys())
    job = site.cluster.submit("--exclusive", "--partition=b", f"--nodelist={free}", minutes=60)
    site.wait(lambda: observed.planned_s("b") > before_s["b"], "the job wakes a decision", 20.0)
    assert observed.planned_s("b") - before_s["b"] < EVERY_S / 2
    site.wait(lambda: observed.work("b", job) is WorkState.RUNNING, "it is on the bus, with its pool")
    assert observed.work("a", job) is None


def connect_is_killed(observed: Observed, job: int) -> None:
    """What happens while it is away is told when it is back, of work and of nodes: what ended, too."""
    site, cluster = observed.site, observed.site.cluster
    site.stop("connect", kill=True)
    cluster.run("scancel", str(job))
    later = cluster.submit("--exclusive", "--nodelist=n01", minutes=60)
    cluster.wait(lambda: cluster.job(later)["JobState"] == "RUNNING", "the next job runs")
    idle = next(name for name in sorted(POOLS["b"]) if cluster.flags(name) == {"IDLE"})
    cluster.run("scontrol", "update", f"nodename={idle}", "state=drain", f"reason={FOREIGN}")
    told_s = observed.latest(Topic.DEMAND)["site/a/hpc"].at_s
    assert observed.work("a", later) is None
    site.start("connect")
    site.wait(lambda: observed.work("a", later) is WorkState.RUNNING, "the next job is on the bus")
    site.wait(lambda: observed.work("a", job) in (None, WorkState.ENDED), "the first one has ended there")
    site.wait(lambda: observed.drained("b", idle) == FOREIGN, "what a person drained is shown so")
    site.wait(lambda: observed.latest(Topic.DEMAND)["site/a/hpc"].at_s > told_s, "demand is told on")
    assert observed.latest(Topic.NODES).keys() == NODE_KEYS


def test_control_that_is_killed_goes_on_with_what_is_open(observed: Observed):
    site = observed.site
    site.start(*ROLES)
    site.wait(lambda: moved_in_both(observed) and len(observed.handovers()) == 4, "hand-overs of both pools are open")
    site.stop("control", kill=True)
    begun = observed.handovers()
    assert not any(one.stage.finished for one in begun.values()), "each is killed on its way"
    marks = {pool: observed.marks(pool) for pool in POOLS}
    site.start("control")
    site.wait(lambda: all_done(observed), "the next leader carries them on")
    done = observed.handovers()
    assert {key: (one.id, one.batch) for key, one in done.items()} == {
        key: (one.id, one.batch) for key, one in begun.items()
    }, "the same ones, and no others"
    assert {one.epoch for one in begun.values()} == {1}
    assert {one.epoch for one in done.values()} == {2}
    assert {pool: observed.marks(pool) for pool in POOLS} == marks
    assert site.stop_all() == dict.fromkeys(ROLES, 0)
