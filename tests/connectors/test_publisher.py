"""Publishing: what each step tells the bus, whatever of the two sides and the bus can be reached."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from connectors.publishing.feed import FLUSH_S, Feed
from connectors.publishing.publisher import AWAY_FLUSH_S, WHOLE, PublishedPool, Publisher
from connectors.slurm.streamed import StreamedSource
from connectors.sources.backoff import SPREAD, Backoff
from connectors.sources.paced import Paced
from connectors.sources.standing import Standing
from models.demand import Demand
from models.errors import BusRefused, Unreachable
from models.events import Topic
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.reading import Picture, Source
from models.signals import Signal, Signals
from models.work import WaitingWork, WorkRecord, WorkState
from tests.list_bus import ListBus
from tests.values import replace

NOW_S, SLURM_S = 1_000_000, 997_000  # Slurm's clock is off
GPU = PoolId("campus", "gpu")
POOL = object()
JOB = WorkRecord("1", Side.HPC, WorkState.ELIGIBLE, 2.0, SLURM_S - 5)
RUNNING = replace(JOB, state=WorkState.RUNNING, started_s=SLURM_S)
ENDED = replace(RUNNING, state=WorkState.ENDED, ended_s=SLURM_S + 9)
POD = WorkRecord("pod", Side.KUBERNETES, WorkState.RUNNING, 1.0, NOW_S - 60, started_s=NOW_S - 50)
IDLE = HpcNode("n1", "", None, False, None)
OPEN = KubernetesNode("n1", None, False, 0)


@dataclass
class Hpc:
    """An HPC scheduler that shows what it is given."""

    at_s: int = SLURM_S
    records: list[WorkRecord] = field(default_factory=lambda: [JOB])
    gone: bool = False
    polls: int = 0

    def read(self) -> Picture[HpcNode]:
        self.polls += 1
        if self.gone:
            raise Unreachable(f"no answer after {self.at_s} s")
        demand, waiting = Demand(Side.HPC, self.at_s, 0.0, 2.0), WaitingWork(Side.HPC, ())
        return Picture(Side.HPC, NOW_S, self.at_s, {"n1": IDLE}, tuple(self.records), demand, waiting)


@dataclass
class Kubernetes:
    """A cluster of one node."""

    gone: bool = False
    records: tuple[WorkRecord, ...] = ()

    def read(self) -> Picture[KubernetesNode]:
        if self.gone:
            raise Unreachable("the API server does not answer")
        demand, waiting = Demand(Side.KUBERNETES, NOW_S - 1, 1.0, 0.0), WaitingWork(Side.KUBERNETES, ())
        return Picture(Side.KUBERNETES, NOW_S, NOW_S, {"n1": OPEN}, self.records, demand, waiting)


class Flushes(ListBus):
    """A bus that remembers how long it was waited for."""

    waits_s: tuple[float, ...] = ()

    def flush(self, timeout_s: float) -> int:
        self.waits_s += (timeout_s,)
        return super().flush(timeout_s)


class World:
    """Both sides, the bus and one connector, with a clock that the test sets."""

    def __init__(self, kubernetes: Kubernetes | None = None) -> None:
        self.now_s = NOW_S
        self.monotonic_s = 0.0
        self.bus = Flushes()
        self.signals: tuple[Signal, ...] = ()
        self.hpc = Hpc()
        self.kubernetes = kubernetes or Kubernetes()
        self.publisher = self.started()

    def started(self, stream: Streamed | None = None) -> Publisher:
        paced = Paced(self.hpc.read, Backoff(30.0), monotonic=lambda: self.monotonic_s)
        self.pace = paced
        hpc: Source[HpcNode] = Standing(paced, Side.HPC)
        sources = (hpc if stream is None else stream.beside(hpc), Standing(self.kubernetes, Side.KUBERNETES))
        pools = [PublishedPool(Feed(self.bus, GPU), sources, lambda now_s: self.signals)]
        return Publisher(self.bus, pools, clock=lambda: self.now_s, interval_s=30.0, due_in_s=lambda: paced.due_in_s)

    def step(self, after_s: float = 30) -> float:
        """After so many seconds; how long the next pause shall be."""
        self.now_s += int(after_s)
        self.monotonic_s += after_s
        return self.publisher.step()

    def poll(self) -> list[float]:
        """Step until the HPC side is asked; how long was to be waited until then."""
        before, waits_s = self.hpc.polls, [self.pause_s()]
        while self.hpc.polls == before:
            waits_s.append(self.step(waits_s[-1]))
        return waits_s

    def pause_s(self) -> float:
        """How long the publisher would wait now."""
        due_s = self.pace.due_in_s
        return due_s if due_s < WHOLE * 30 else 30.0

    def told(self, topic: Topic) -> list[tuple[str, object]]:
        return [(event.key, event.payload) for event in self.bus.on(topic)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_step_tells_all_of_both_sides():
    world = World(Kubernetes(records=(POD,)))
    world.step(0)
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", JOB), ("campus/gpu/kubernetes/pod", POD)]
    assert world.told(Topic.NODES) == [("campus/gpu/hpc/n1", IDLE), ("campus/gpu/kubernetes/n1", OPEN)]
    assert [key for key, _ in world.told(Topic.DEMAND)] == ["campus/gpu/hpc", "campus/gpu/kubernetes"]


def test_signals_stand_before_the_demand_of_their_instant(world: World):
    world.signals = (Signal("held", 3.0, "jobs"),)
    world.step(0)
    keys = ["campus/gpu", "campus/gpu/hpc", "campus/gpu/kubernetes"]
    assert [key for key, _ in world.told(Topic.DEMAND)] == keys
    assert world.told(Topic.DEMAND)[0] == ("campus/gpu", Signals(NOW_S, world.signals))


def test_without_demand_there_are_no_signals_either(world: World):
    world.signals = (Signal("held", 3.0, "jobs"),)
    world.hpc.gone = world.kubernetes.gone = True
    world.step(0)
    assert world.told(Topic.DEMAND) == []


def test_demand_is_of_our_time_on_both_sides(world: World):
    """So that a listener sees both at one instant, whatever the schedulers' clocks say."""
    world.step(0)
    assert {event.at_s for event in world.bus.on(Topic.DEMAND)} == {NOW_S}
    assert {event.payload.at_s for event in world.bus.on(Topic.DEMAND)} == {NOW_S}


def test_what_has_not_changed_is_not_told_again(world: World):
    world.step()
    world.step(40)  # both sides are due
    assert len(world.told(Topic.WORK)) == 1
    assert len(world.told(Topic.NODES)) == 2
    assert len(world.told(Topic.DEMAND)) == 4, "demand is told of every instant"


def test_the_demand_comes_after_the_work_that_it_is_made_of(world: World):
    world.step()
    calls = world.bus.calls
    assert calls.index(f"publish {Topic.DEMAND}") > calls.index("flush") > calls.index(f"publish {Topic.WORK}")


def test_an_hpc_side_that_is_away_is_left_out_and_not_zero(world: World):
    world.hpc.gone = True
    world.step()
    assert [key for key, _ in world.told(Topic.DEMAND)] == ["campus/gpu/kubernetes"]
    assert world.told(Topic.WORK) == []
    assert world.told(Topic.NODES) == [("campus/gpu/kubernetes/n1", OPEN)]


def test_a_kubernetes_that_is_away_is_left_out_and_not_zero(world: World):
    world.kubernetes.gone = True
    world.step()
    assert [key for key, _ in world.told(Topic.DEMAND)] == ["campus/gpu/hpc"]
    assert world.told(Topic.NODES) == [("campus/gpu/hpc/n1", IDLE)]


def test_a_side_that_is_away_at_a_restart_keeps_its_work_on_the_bus():
    """The other side's first telling must not take for gone what was never looked for."""
    world = World(Kubernetes(records=(POD,)))
    world.step()
    world.publisher, world.hpc.gone = world.started(), True
    world.step()
    assert ("campus/gpu/hpc/1", None) not in world.told(Topic.WORK)
    world.hpc.gone, world.hpc.records = False, []
    world.hpc.at_s += 90
    world.poll()
    assert world.told(Topic.WORK)[-1] == ("campus/gpu/hpc/1", None)
    assert ("campus/gpu/kubernetes/pod", None) not in world.told(Topic.WORK)


@pytest.mark.parametrize("side", Side)
def test_a_side_that_stays_away_is_said_once_and_so_is_its_return(
    world: World, side: Side, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "tidegate")
    away = {Side.HPC: world.hpc, Side.KUBERNETES: world.kubernetes}[side]
    for gone in (True, True, True, False, False):
        away.gone = gone
        world.hpc.at_s += 1  # a number in the error is no other error
        world.poll()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert all(f"side {side} cannot be read" in record.message for record in caplog.records)


def test_another_reason_is_said_again(world: World, caplog: pytest.LogCaptureFixture):
    for reason in ("no answer", "no answer", "the token has expired"):
        world.bus.flush = _raising(BusRefused(reason))
        world.step()
    assert [record.message for record in caplog.records] == [
        "the bus is not told: no answer",
        "the bus is not told: the token has expired",
    ]


def test_the_next_step_makes_up_for_what_the_bus_did_not_take(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate")
    world.bus.wanting = 2
    world.hpc.records = [ENDED]
    world.step()
    world.hpc.records = []
    world.step()
    world.step()
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", ENDED)]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"], "once for both failures"


def test_what_was_lost_is_told_anew(world: World):
    world.step()
    world.bus.log.clear()
    world.publisher.tell_anew({Topic.WORK, Topic.NODES})
    world.step()
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", JOB)]
    assert world.told(Topic.NODES) == [("campus/gpu/hpc/n1", IDLE), ("campus/gpu/kubernetes/n1", OPEN)]


def test_work_that_was_lost_is_told_anew_while_the_hpc_side_is_away(world: World):
    world.step()
    world.bus.log.clear()
    world.publisher.tell_anew({Topic.WORK})
    world.hpc.gone = True
    world.step()
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", JOB)]


def test_a_bus_that_keeps_us_waiting_is_waited_for_less(world: World, caplog: pytest.LogCaptureFixture):
    for undelivered in (0, 3, 4, 0, 0):
        world.bus.undelivered = undelivered
        world.step()
    last = [wait_s for number, wait_s in enumerate(world.bus.waits_s) if number % 2]
    assert last == [FLUSH_S, FLUSH_S, AWAY_FLUSH_S, AWAY_FLUSH_S, FLUSH_S]
    assert [record.message for record in caplog.records] == ["the bus is not told: 3 events wait until it takes them"]


def test_work_is_versioned_by_the_scheduler_s_own_clock(world: World):
    world.step()
    (work,) = world.bus.on(Topic.WORK)
    assert work.version // 2**20 == SLURM_S


@pytest.mark.parametrize(("took_s", "gone", "expected_s"), [(0.1, False, 30), (12.0, False, 120), (0.1, True, 60)])
def test_a_scheduler_that_is_slow_or_away_is_asked_more_rarely_and_kubernetes_as_ever(
    took_s: float, gone: bool, expected_s: float
):
    world = World()
    world.hpc.gone = gone
    poll = world.hpc.read

    def slow() -> Picture[HpcNode]:
        world.monotonic_s += took_s
        return poll()

    world.hpc.read = slow
    world.publisher = world.started()
    world.step(0)
    waits_s = world.poll()[:-1]
    assert sum(waits_s) == pytest.approx(expected_s, rel=SPREAD)
    assert max(waits_s) < 1.5 * 30
    told = [key for key, _ in world.told(Topic.DEMAND)]
    assert told.count("campus/gpu/kubernetes") == len(waits_s) + 1
    assert told.count("campus/gpu/hpc") == (0 if gone else 2)


class Streamed:
    """A stream that tells that the job has ended."""

    def __init__(self) -> None:
        self.asked: list[Picture[HpcNode]] = []

    def beside(self, source: Source[HpcNode]) -> StreamedSource:
        return StreamedSource(source, self, lambda: POOL)

    def merged(self, picture: Picture[HpcNode], pool: object) -> tuple[WorkRecord, ...]:
        assert pool is POOL
        self.asked.append(picture)
        return (ENDED,)


def test_what_a_stream_tells_is_told_also_while_the_scheduler_is_away(world: World):
    stream = Streamed()
    world.publisher = world.started(stream)
    world.step()
    world.hpc.gone = True
    world.step()
    assert [picture.records for picture in stream.asked] == [(JOB,), (JOB,)]
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", ENDED)]


def test_a_stream_counts_for_nothing_before_the_first_poll(world: World):
    stream = Streamed()
    world.publisher, world.hpc.gone = world.started(stream), True
    world.step()
    assert stream.asked == []


def test_work_that_is_not_shown_any_more_has_ended_by_the_schedulers_clock(world: World):
    world.step()
    world.hpc.records, world.hpc.at_s = [], SLURM_S + 40
    world.poll()
    ended = replace(JOB, state=WorkState.ENDED, ended_s=SLURM_S + 40)
    assert world.told(Topic.WORK) == [("campus/gpu/hpc/1", JOB), ("campus/gpu/hpc/1", ended)]
    world.poll()
    assert len(world.told(Topic.WORK)) == 2, "once"


def _raising(error: Exception) -> object:
    def raises(timeout_s: float) -> None:
        raise error

    return raises
