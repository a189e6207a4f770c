"""The stand-in for Kubernetes: its time passes by a clock, and what was written outlives the process."""

from __future__ import annotations

import tracemalloc
from contextlib import AbstractContextManager, nullcontext

import pytest

from models.acts import Outcome
from models.errors import Unreachable
from models.nodes import NodeShape, Side
from simulator.machine import INITIAL_MARK, REPLICAS_MOST
from simulator.standin import KeptNode, Memory, StandIn
from simulator.twin import WAITING_MAX

NAMES = ("n07", "n08", "gpu1")
SHAPE = NodeShape(8000, 64_000, 0)
BEGINS_S = 1_700_000_000
STEPS = ((0, 10.0), (60, 25.0), (120, 0.0))


class Site:
    def __init__(self) -> None:
        self.now_s = BEGINS_S
        self.memory = Memory(BEGINS_S, {"n07": KeptNode(closed_by=None)})
        self.full = False

    def read(self) -> Memory:
        return self.memory

    def changing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def write(self, memory: Memory) -> None:
        if self.full:
            raise Unreachable("the disk is full")
        self.memory = memory

    def opened(self) -> StandIn:
        return StandIn(NAMES, SHAPE, STEPS, 10.0, store=self, clock=lambda: self.now_s)


@pytest.fixture
def site() -> Site:
    return Site()


def give(stand_in: StandIn, node: str, mark: str = INITIAL_MARK) -> Outcome:
    shown = stand_in.look(node)
    assert shown is not None
    return stand_in.open(node, mark=mark, record="r", version=shown.version)


@pytest.mark.parametrize(
    ("per_s", "per_node"),
    [(1.0, 1e-12), (1e12, 1e-9), (1e12, 5e-324), (1e12, 1.0)],
    ids=["a tiny share", "the widest allowed", "the quotient overflows", "a huge rate"],
)
def test_a_service_that_needs_more_than_any_pool_has_takes_no_memory_and_no_time(
    site: Site, per_s: float, per_node: float
):
    stand_in = StandIn(NAMES, SHAPE, [(0, per_s)], per_node, store=site, clock=lambda: site.now_s)
    tracemalloc.start()
    try:
        shown = stand_in.read()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert shown.waiting.sizes == (1.0,) * WAITING_MAX
    assert shown.demand.running == 1.0
    assert shown.demand.waiting == REPLICAS_MOST - 1


def test_what_is_not_in_the_memory_belongs_to_the_hpc_side(site: Site):
    shown = site.opened().read().nodes
    assert {name: node.closed_by for name, node in shown.items()} == {
        "n07": None,
        "n08": INITIAL_MARK,
        "gpu1": INITIAL_MARK,
    }


@pytest.mark.parametrize(
    ("after_s", "running", "waiting"), [(0, 1, 0), (59, 1, 0), (60, 1, 2), (119, 1, 2), (120, 0, 0), (10**6, 0, 0)]
)
def test_demand_follows_the_rate_by_the_clock(site: Site, after_s: int, running: int, waiting: int):
    stand_in = site.opened()
    site.now_s += after_s
    demand = stand_in.read().demand
    assert (demand.side, demand.at_s, demand.running, demand.waiting) == (
        Side.KUBERNETES,
        site.now_s,
        running,
        waiting,
    )


def test_a_node_that_is_opened_takes_what_waits(site: Site):
    stand_in = site.opened()
    site.now_s += 60
    assert give(stand_in, "n08") is Outcome.DONE
    assert (stand_in.read().demand.running, stand_in.read().demand.waiting) == (2, 1)
    assert stand_in.look("n08").pods == 1


def test_what_was_written_is_there_after_a_restart(site: Site):
    give(site.opened(), "gpu1")
    site.now_s += 61
    again = site.opened()
    shown = again.look("gpu1")
    assert (shown.closed_by, shown.record) == (None, "r")
    assert again.read().demand.running == 2, "the service went on meanwhile"


def test_an_old_version_is_refused(site: Site):
    stand_in = site.opened()
    version = stand_in.look("n08").version
    give(stand_in, "n08")
    assert stand_in.close("n08", mark="tidegate:1", record="", version=version) is Outcome.REFUSED


def test_a_write_that_cannot_be_kept_has_no_answer(site: Site):
    stand_in = site.opened()
    site.full = True
    with pytest.raises(Unreachable):
        give(stand_in, "n08")
    assert site.opened().look("n08").closed_by == INITIAL_MARK


def test_time_that_goes_back_changes_nothing(site: Site):
    stand_in = site.opened()
    site.now_s += 60
    stand_in.read()
    site.now_s -= 60
    assert (stand_in.read().demand.running, stand_in.read().demand.waiting) == (1, 2)
