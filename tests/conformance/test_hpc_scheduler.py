"""What every HPC scheduler behind the port must do, sentence by sentence."""

from __future__ import annotations

import pytest

from models.acts import Outcome
from models.nodes import HpcNode, Side
from models.work import WorkState
from tests.conformance.benches import FOREIGN, HpcBench
from tests.conformance.implementations import HPC

MARK, OTHER = "tidegate:1.p1", "tidegate:1.p2"
DONE, REFUSED = Outcome.DONE, Outcome.REFUSED


@pytest.fixture(params=HPC.values(), ids=HPC.keys())
def bench(request: pytest.FixtureRequest) -> HpcBench:
    return request.param()


@pytest.fixture
def working(bench: HpcBench) -> HpcBench:
    if not bench.runs_work:
        pytest.skip("it starts no work of its own")
    return bench


def look(bench: HpcBench, node: str) -> HpcNode:
    shown = bench.port.look(node)
    assert shown is not None
    return shown


def keep_free(bench: HpcBench, *nodes: str) -> None:
    """Drain all others, so that work can only start on these."""
    for node in bench.nodes:
        if node not in nodes:
            assert bench.port.drain([node], mark=OTHER)[node] is DONE


# ---- looking ----


def test_the_bench_begins_with_open_empty_nodes(bench: HpcBench):
    assert len(bench.nodes) >= 3
    for node in bench.nodes:
        shown = look(bench, node)
        assert (shown.name, shown.open, shown.busy, shown.frees_at_s) == (node, True, False, None)
        assert (shown.drain_reason, shown.booked_by) == (None, None)


def test_a_reading_is_whole(bench: HpcBench):
    picture = bench.port.read()
    assert picture.side is Side.HPC
    assert sorted(picture.nodes) == sorted(bench.nodes)
    assert all(picture.nodes[node].name == node for node in bench.nodes)
    assert (picture.demand.side, picture.waiting.side) == (picture.side, picture.side)
    assert all(record.side is picture.side for record in picture.records)
    assert (picture.demand.nodes, picture.waiting.sizes) == (0.0, ())
    assert all(record.state is WorkState.ENDED for record in picture.records), "of others, lately"


def test_of_a_node_that_there_is_not_nothing_is_shown(bench: HpcBench):
    assert bench.port.look("no-such-node") is None


def test_a_look_shows_what_others_did_a_moment_ago(bench: HpcBench):
    node = bench.nodes[0]
    look(bench, node)
    bench.foreign_drain(node)
    assert look(bench, node).drain_reason == FOREIGN
    bench.foreign_undrain(node)
    assert look(bench, node).drain_reason is None
    bench.foreign_reserve(node, start_s=bench.now_s + 1000)
    assert look(bench, node).booked_by == FOREIGN
    bench.occupy(node, run_s=100)
    assert look(bench, node).busy


def test_what_runs_is_told_with_when_it_must_have_ended(bench: HpcBench):
    node, began_s = bench.nodes[0], bench.now_s
    bench.occupy(node, run_s=100)
    assert (look(bench, node).busy, look(bench, node).frees_at_s) == (True, began_s + 100)
    bench.end_job(node)
    assert (look(bench, node).busy, look(bench, node).frees_at_s) == (False, None)


def test_a_restart_can_be_told_by_the_run_that_is_shown(bench: HpcBench):
    """All nodes of one reading are of one run, and it does not change by itself."""
    assert len({look(bench, node).booted for node in bench.nodes}) == 1
    before = look(bench, bench.nodes[0]).booted
    bench.port.drain([bench.nodes[0]], mark=MARK)
    bench.pass_time(100)
    assert look(bench, bench.nodes[0]).booted == before


def test_what_it_tells_of_itself_stays_the_same(bench: HpcBench):
    before = bench.port.facts
    bench.pass_time(100)
    assert bench.port.facts == before
    assert before.name


# ---- drain ----


def test_a_drained_node_shows_the_mark_and_is_not_open(bench: HpcBench):
    node = bench.nodes[0]
    assert bench.port.drain([node], mark=MARK)[node] is DONE
    shown = look(bench, node)
    assert (shown.drain_reason, shown.open, shown.drained) == (MARK, False, True)
    assert all(look(bench, other).open for other in bench.nodes[1:])


def test_to_drain_is_safe_to_repeat(bench: HpcBench):
    node = bench.nodes[0]
    bench.port.drain([node], mark=MARK)
    before = look(bench, node)
    assert bench.port.drain([node], mark=MARK)[node] is DONE
    assert look(bench, node) == before


@pytest.mark.parametrize("theirs", ["somebody", "another batch of ours"])
def test_what_is_drained_already_is_refused_and_keeps_its_reason(bench: HpcBench, theirs: str):
    node = bench.nodes[0]
    if theirs == "somebody":
        bench.foreign_drain(node)
    else:
        bench.port.drain([node], mark=OTHER)
    before = look(bench, node)
    assert bench.port.drain([node], mark=MARK)[node] is REFUSED
    assert look(bench, node) == before


def test_several_are_drained_at_once_and_answered_for_one_by_one(bench: HpcBench):
    first, second, third = bench.nodes[:3]
    bench.foreign_drain(second)
    bench.port.drain([third], mark=MARK)
    assert bench.port.drain([first, second, third], mark=MARK) == {first: DONE, second: REFUSED, third: DONE}
    assert [look(bench, node).drain_reason for node in (first, second, third)] == [MARK, FOREIGN, MARK]
    assert all(look(bench, other).open for other in bench.nodes[3:])


def test_none_is_drained_where_none_is_named(bench: HpcBench):
    assert bench.port.drain([], mark=MARK) == {}
    assert all(look(bench, node).open for node in bench.nodes)


def test_running_work_goes_on_after_a_drain_and_the_node_is_drained_once_it_has_ended(bench: HpcBench):
    node = bench.nodes[0]
    bench.occupy(node, run_s=100)
    assert bench.port.drain([node], mark=MARK)[node] is DONE
    bench.pass_time(50)
    assert (look(bench, node).busy, look(bench, node).drained) == (True, False)
    bench.end_job(node)
    assert (look(bench, node).busy, look(bench, node).drained) == (False, True)


def test_no_new_work_starts_on_a_drained_node(working: HpcBench):
    node, *others = working.nodes
    working.port.drain([node], mark=MARK)
    for _ in working.nodes:
        working.submit_job(limit_s=100)
    assert not look(working, node).busy
    assert all(look(working, other).busy for other in others)
    working.pass_time(50)
    assert not look(working, node).busy
    assert working.port.read().waiting.sizes == (1.0,)


def test_work_that_ends_on_a_drained_node_makes_no_room(working: HpcBench):
    node = working.nodes[0]
    keep_free(working, node)
    working.occupy(node, run_s=100)
    working.port.drain([node], mark=MARK)
    working.submit_job(limit_s=100)
    working.pass_time(200)
    assert (look(working, node).busy, working.port.read().waiting.sizes) == (False, (1.0,))


# ---- undrain ----


def test_an_undrained_node_is_open(bench: HpcBench):
    node = bench.nodes[0]
    bench.port.drain([node], mark=MARK)
    assert bench.port.undrain(node, mark=MARK) is DONE
    assert (look(bench, node).drain_reason, look(bench, node).open) == (None, True)


def test_to_undrain_is_safe_to_repeat(bench: HpcBench):
    node = bench.nodes[0]
    bench.port.drain([node], mark=MARK)
    bench.port.undrain(node, mark=MARK)
    before = look(bench, node)
    assert bench.port.undrain(node, mark=MARK) is DONE
    assert look(bench, node) == before


@pytest.mark.parametrize("theirs", ["somebody", "another batch of ours"])
def test_a_drain_that_does_not_bear_the_mark_is_not_undone(bench: HpcBench, theirs: str):
    node = bench.nodes[0]
    if theirs == "somebody":
        bench.foreign_drain(node)
    else:
        bench.port.drain([node], mark=OTHER)
    before = look(bench, node)
    assert bench.port.undrain(node, mark=MARK) is REFUSED
    assert look(bench, node) == before


def test_waiting_work_starts_on_an_undrained_node(working: HpcBench):
    node = working.nodes[0]
    keep_free(working)
    working.submit_job(limit_s=100)
    assert working.port.read().waiting.sizes == (1.0,)
    working.port.undrain(node, mark=OTHER)
    working.pass_time(10)
    assert (look(working, node).busy, working.port.read().waiting.sizes) == (True, ())


# ---- reserve and release ----


def test_a_reserved_node_shows_the_mark_and_stays_open(bench: HpcBench):
    node = bench.nodes[0]
    assert bench.port.reserve(node, start_s=bench.now_s + 1000, mark=MARK) is DONE
    shown = look(bench, node)
    assert (shown.booked_by, shown.open, shown.drain_reason) == (MARK, True, None)
    assert look(bench, bench.nodes[1]).booked_by is None


def test_to_reserve_is_safe_to_repeat(bench: HpcBench):
    node, start_s = bench.nodes[0], bench.now_s + 1000
    bench.port.reserve(node, start_s=start_s, mark=MARK)
    before = look(bench, node)
    assert bench.port.reserve(node, start_s=start_s, mark=MARK) is DONE
    assert look(bench, node) == before


@pytest.mark.parametrize("theirs", ["somebody", "another batch of ours"])
def test_a_node_that_is_reserved_already_is_refused(bench: HpcBench, theirs: str):
    node, start_s = bench.nodes[0], bench.now_s + 1000
    if theirs == "somebody":
        bench.foreign_reserve(node, start_s=start_s)
    else:
        bench.port.reserve(node, start_s=start_s, mark=OTHER)
    before = look(bench, node)
    assert bench.port.reserve(node, start_s=start_s, mark=MARK) is REFUSED
    assert look(bench, node) == before


def test_until_the_hour_only_work_that_ends_before_it_runs(working: HpcBench):
    node = working.nodes[0]
    keep_free(working, node)
    working.port.reserve(node, start_s=working.now_s + 1000, mark=MARK)
    working.submit_job(limit_s=1001)
    assert not look(working, node).busy, "it would reach into the reservation"
    working.submit_job(limit_s=300)
    assert look(working, node).busy
    working.pass_time(300)
    assert not look(working, node).busy
    working.submit_job(limit_s=700)
    assert look(working, node).busy, "it ends just in time"
    assert working.port.read().waiting.sizes == (1.0,)


def test_what_counts_is_when_work_must_have_ended_not_when_it_will(working: HpcBench):
    node = working.nodes[0]
    keep_free(working, node)
    working.port.reserve(node, start_s=working.now_s + 1000, mark=MARK)
    working.submit_job(limit_s=2000, run_s=10)
    working.pass_time(100)
    assert working.port.read().waiting.sizes == (1.0,)


@pytest.mark.parametrize("after_s", [0, 5000])
def test_from_the_hour_on_no_work_runs(working: HpcBench, after_s: int):
    node = working.nodes[0]
    keep_free(working, node)
    working.port.reserve(node, start_s=working.now_s + 1000, mark=MARK)
    working.pass_time(1000 + after_s)
    working.submit_job(limit_s=1)
    working.pass_time(100)
    assert (look(working, node).busy, working.port.read().waiting.sizes) == (False, (1.0,))


def test_running_work_goes_on_after_a_reservation(bench: HpcBench):
    node = bench.nodes[0]
    bench.occupy(node, run_s=100)
    bench.port.reserve(node, start_s=bench.now_s + 1000, mark=MARK)
    bench.pass_time(50)
    assert look(bench, node).busy


def test_a_released_node_takes_long_work_again(working: HpcBench):
    node = working.nodes[0]
    keep_free(working, node)
    working.port.reserve(node, start_s=working.now_s + 1000, mark=MARK)
    working.submit_job(limit_s=5000)
    assert working.port.release(node, mark=MARK) is DONE
    working.pass_time(10)
    assert (look(working, node).busy, look(working, node).booked_by) == (True, None)


def test_to_release_is_done_when_there_is_none_and_safe_to_repeat(bench: HpcBench):
    node = bench.nodes[0]
    before = look(bench, node)
    assert bench.port.release(node, mark=MARK) is DONE
    assert look(bench, node) == before
    bench.port.reserve(node, start_s=bench.now_s + 1000, mark=MARK)
    assert [bench.port.release(node, mark=MARK) for _ in range(2)] == [DONE, DONE]
    assert look(bench, node).booked_by is None


@pytest.mark.parametrize("theirs", ["somebody", "another batch of ours"])
def test_a_reservation_that_does_not_bear_the_mark_is_not_dropped(bench: HpcBench, theirs: str):
    node, start_s = bench.nodes[0], bench.now_s + 1000
    if theirs == "somebody":
        bench.foreign_reserve(node, start_s=start_s)
    else:
        bench.port.reserve(node, start_s=start_s, mark=OTHER)
    before = look(bench, node)
    assert bench.port.release(node, mark=MARK) is REFUSED
    assert look(bench, node) == before


def test_a_drain_and_a_reservation_do_not_touch_each_other(bench: HpcBench):
    node = bench.nodes[0]
    bench.port.reserve(node, start_s=bench.now_s + 1000, mark=MARK)
    bench.port.drain([node], mark=MARK)
    assert (look(bench, node).booked_by, look(bench, node).drain_reason) == (MARK, MARK)
    bench.port.release(node, mark=MARK)
    assert (look(bench, node).booked_by, look(bench, node).drain_reason) == (None, MARK)
    bench.port.reserve(node, start_s=bench.now_s + 1000, mark=MARK)
    bench.port.undrain(node, mark=MARK)
    assert (look(bench, node).booked_by, look(bench, node).drain_reason) == (MARK, None)


def test_a_node_in_somebodys_reservation_can_be_drained_and_stays_reserved(bench: HpcBench):
    node = bench.nodes[0]
    bench.foreign_reserve(node, start_s=bench.now_s + 1000)
    assert bench.port.drain([node], mark=MARK)[node] is DONE
    assert look(bench, node).booked_by == FOREIGN


# ---- work ----


def test_demand_is_what_runs_and_what_waits(working: HpcBench):
    keep_free(working, *working.nodes[:2])
    for _ in range(5):
        working.submit_job(limit_s=100)
    demand, waiting = working.port.read().demand, working.port.read().waiting
    assert (demand.running, demand.waiting, demand.at_s) == (2.0, 3.0, working.now_s)
    assert (waiting.sizes, waiting.nodes, waiting.oversize) == ((1.0, 1.0, 1.0), 3.0, 0)
    working.pass_time(100)
    assert (working.port.read().demand.running, working.port.read().demand.waiting) == (2.0, 1.0)


def test_where_nothing_is_there_is_a_demand_of_nothing(working: HpcBench):
    assert (working.port.read().demand.nodes, working.port.read().waiting.sizes) == (0.0, ())
