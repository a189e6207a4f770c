"""Five hundred jobs on a real Slurm whose nodes are drained and given back all the time, and what the bus is told."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import pytest

from connectors.bus.open_bus import open_bus
from connectors.publishing.feed import Feed
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from models.bus import Bus
from models.events import Topic
from models.identity import PoolId
from models.nodes import HpcNode, Side
from models.work import WorkRecord, WorkState
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.install import RELEASES
from tests.real.slurm.observer import WORKS, Observer, began_on_drained
from tests.real.slurm_bench import tells

releases = pytest.mark.parametrize("release", RELEASES)
NODES = tuple(Node(f"n{number:02}") for number in range(1, 17))
BATCH = {"batch": "Nodes=ALL Default=YES"}
JOBS, HELD = 500, 3
LANES, CYCLES = 4, 50  # each lane has four nodes of its own
POOL = PoolId("test", "batch")
HPC = f"{POOL.key}/{Side.HPC}/"
STAYS = "n16"  # drained at the end
EMPTIES_S = 4.0  # no job is longer
POLL_S = 1.0
ENDS_S = 200.0
SACCT = ("sacct", "--allusers", "--allocations", "--noheader", "--parsable2", "--starttime=now-1hour")


def script(dice: random.Random, jobs: int) -> str:
    """Submits so many jobs of half a second to three, on one node to four, whole ones or parts."""
    lines = []
    for _ in range(jobs):
        nodes = dice.choice((1, 1, 1, 2, 3, 4))
        share = dice.choice(("--exclusive", "--ntasks-per-node=8", "--ntasks-per-node=32"))
        asked = f"--parsable --output=/dev/null --time=5 --nodes={nodes} {share}"
        lines.append(f"sbatch {asked} --wrap='sleep {dice.uniform(0.5, 3.0):.2f}'")
    return "\n".join(lines)


class Lane:
    """Drains and gives back its own nodes, one after another: as soon as one is empty, or when that takes too long."""

    def __init__(self, cluster: Cluster, token: Path, observer: Observer, number: int) -> None:
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        self.emptied = 0
        self._rest = Rest(cluster.rest_url, token)
        self._port = SlurmScheduler(RestTransport(self._rest))
        self._observer = observer
        self._dice = random.Random(number)
        self._names = [node.name for node in NODES[number * 4 : number * 4 + 4]]

    def run(self) -> None:
        for cycle in range(CYCLES):
            node, mark = self._dice.choice(self._names), f"tidegate:churn.{cycle}"
            self.outcomes["drain", self._port.drain((node,), mark=mark)[node]] += 1
            self.emptied += self._empties(node)
            self.outcomes["undrain", self._port.undrain(node, mark=mark)] += 1
        self._rest.close()

    def _empties(self, node: str) -> bool:
        end_s, seen = monotonic() + self._dice.uniform(0.0, EMPTIES_S), len(self._observer.sights)
        while monotonic() < end_s:
            sights = self._observer.sights[seen:]
            if sights and not WORKS & sights[-1].nodes[node].flags:
                return True
            sleep(0.05)
        return False


class Telling:
    """Tells the bus what the port shows, second by second."""

    def __init__(self, port: SlurmScheduler, bus: Bus) -> None:
        self.bus = bus
        self.longest_s = 0.0
        self._port = port
        self._feed = Feed(bus, POOL)

    def once(self) -> None:
        began_s = monotonic()
        self._feed.tell_picture(int(time()), self._port.read())
        self.longest_s = max(self.longest_s, monotonic() - began_s)

    def work(self) -> dict[str, WorkRecord]:
        told = {key.removeprefix(HPC): event.payload for key, event in self.bus.latest_state(Topic.WORK).items()}
        return {ident: record for ident, record in told.items() if isinstance(record, WorkRecord)}

    def nodes(self) -> dict[str, HpcNode]:
        told = {key.removeprefix(HPC): event.payload for key, event in self.bus.latest_state(Topic.NODES).items()}
        return {name: node for name, node in told.items() if isinstance(node, HpcNode)}


@contextmanager
def telling(cluster: Cluster, token: Path) -> Iterator[Telling]:
    rest, bus = Rest(cluster.rest_url, token), open_bus("memory")
    try:
        port = SlurmScheduler(RestTransport(rest))
        cluster.wait(lambda: tells(port), "slurmctld tells since when it runs")
        yield Telling(port, bus)
    finally:
        bus.close()
        rest.close()


def accounted(cluster: Cluster) -> dict[str, list[str]]:
    """What the accounting has of each job: how it ended, how often it began again, and when it was what."""
    told = cluster.run("env", "SLURM_TIME_FORMAT=%s", *SACCT, "--format=JobID,State,Restarts,Submit,Start,End,NNodes")
    return {ident: more for ident, *more in (line.split("|") for line in told.splitlines())}


@releases
def test_five_hundred_jobs_live_through_two_hundred_drains_and_the_bus_knows_how_they_ended(
    own_slurm: Callable[..., Cluster], tmp_path: Path, release: str
):
    cluster = own_slurm(release, nodes=NODES, partitions=BATCH, accounting=True)
    (tmp_path / "token").write_text(cluster.token(lifespan_s=86_400))
    dice, began_s = random.Random(500), monotonic()
    with telling(cluster, tmp_path / "token") as told, Observer(cluster).watching() as observer:
        lanes = [Lane(cluster, tmp_path / "token", observer, number) for number in range(LANES)]
        with ThreadPoolExecutor() as pool:
            submits = pool.submit(cluster.run, "sh", "-ec", script(dice, JOBS))
            goes: list[Future[Any]] = [submits, *(pool.submit(lane.run) for lane in lanes)]
            while not all(one.done() for one in goes):
                told.once()
                sleep(POLL_S)
        numbers = submits.result().split()
        held = [str(cluster.submit("--hold")) for _ in range(HELD)]
        cluster.run("scontrol", "update", f"nodename={STAYS}", "state=drain", "reason=bad disk")
        cluster.wait(
            lambda: set(cluster.run("squeue", "--noheader", "--format=%i").split()) == set(held), "rest", ENDS_S
        )
        cluster.wait(lambda: all(more[0] == "COMPLETED" for more in list(accounted(cluster).values())[:JOBS]), "known")
        cluster.wait(lambda: not any(WORKS & node.flags for node in observer.sights[-1].nodes.values()), "empty")
        told.once()
        work, shown = told.work(), told.nodes()
        figures = {"seconds": round(monotonic() - began_s), "sights": len(observer.sights), "poll": told.longest_s}
    assert len(set(numbers)) == JOBS
    outcomes = sum((lane.outcomes for lane in lanes), Counter())
    assert outcomes == {("drain", Outcome.DONE): LANES * CYCLES, ("undrain", Outcome.DONE): LANES * CYCLES}
    assert [*observer.ended_badly(), *began_on_drained(observer.sights)] == []
    known = accounted(cluster)
    assert {ident: tuple(more[:2]) for ident, more in known.items()} == dict.fromkeys(numbers, ("COMPLETED", "0"))
    check_work(work, known, held)
    check_nodes(shown, cluster)
    print(figures, Counter(more[0] for more in known.values()), [lane.emptied for lane in lanes])


def check_work(work: dict[str, WorkRecord], known: dict[str, list[str]], held: list[str]) -> None:
    """What the bus tells of the work is what the accounting tells, in which what has not begun is missing."""
    assert work.keys() == known.keys() | set(held)
    assert {work[ident].state for ident in held} == {WorkState.HELD}
    for ident, (_, _, submitted, started, ended, _) in known.items():
        record = work[ident]
        times = (record.submitted_s, record.started_s, record.ended_s)
        assert (record.state, *times) == (WorkState.ENDED, int(submitted), int(started), int(ended))


def check_nodes(nodes: dict[str, HpcNode], cluster: Cluster) -> None:
    """What the bus tells of the nodes is what scontrol shows."""
    assert nodes.keys() == {node.name for node in NODES}
    for name, node in nodes.items():
        assert node.open is (cluster.flags(name) == {"IDLE"})
        assert node.busy is bool(WORKS & cluster.flags(name))
        assert (node.drain_reason == "bad disk") is (name == STAYS)
        assert (node.drain_reason is None) is (name != STAYS)
