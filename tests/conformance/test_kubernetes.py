"""What every Kubernetes behind the port must do, sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.acts import Outcome
from models.nodes import KubernetesNode, Side
from models.work import WorkState
from tests.conformance.benches import FOREIGN, KubernetesBench
from tests.conformance.implementations import KUBERNETES
from tests.patience import until

MARK, OTHER = "tidegate:1.p1", "tidegate:1.p2"
DONE, REFUSED = Outcome.DONE, Outcome.REFUSED
Write = Callable[[KubernetesBench, str, str, str], Outcome]


@pytest.fixture(params=KUBERNETES.values(), ids=KUBERNETES.keys())
def bench(request: pytest.FixtureRequest) -> KubernetesBench:
    return request.param()


@pytest.fixture
def working(bench: KubernetesBench) -> KubernetesBench:
    if not bench.runs_work:
        pytest.skip("it places no work of its own")
    return bench


def look(bench: KubernetesBench, node: str) -> KubernetesNode:
    shown = bench.port.look(node)
    assert shown is not None
    return shown


def apart_from_record(shown: KubernetesNode) -> KubernetesNode:
    return replace(shown, record=None, version="")


# each write as (bench, node, record, version)
WRITES: dict[str, Write] = {
    "note": lambda b, node, record, version: b.port.note(node, record=record, version=version),
    "discourage": lambda b, node, record, version: b.port.discourage(node, record=record, version=version),
    "close": lambda b, node, record, version: b.port.close(node, mark=MARK, record=record, version=version),
    "fence": lambda b, node, record, version: b.port.fence(node, mark=MARK, record=record, version=version),
    "open": lambda b, node, record, version: b.port.open(node, mark=MARK, record=record, version=version),
}
EVERY_WRITE = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())


def do(bench: KubernetesBench, what: str, node: str, record: str = "r") -> Outcome:
    return WRITES[what](bench, node, record, look(bench, node).version)


# ---- looking ----


def test_what_it_tells_of_itself_stays_the_same(bench: KubernetesBench):
    before = bench.port.facts
    bench.pass_time(100)
    assert bench.port.facts == before
    assert before.name


def test_the_bench_begins_with_open_empty_nodes(bench: KubernetesBench):
    assert len(bench.nodes) >= 3
    for node in bench.nodes:
        shown = look(bench, node)
        assert (shown.name, shown.open, shown.pods, shown.record) == (node, True, 0, None)
        assert (shown.closed_by, shown.discouraged, shown.cordoned) == (None, False, False)
        assert shown.version
        assert shown.uid


def test_a_reading_is_whole(bench: KubernetesBench):
    until(lambda: all(one.state is WorkState.ENDED for one in bench.port.read().records))  # of others, lately
    picture = bench.port.read()
    assert picture.side is Side.KUBERNETES
    assert sorted(picture.nodes) == sorted(bench.nodes)
    assert all(picture.nodes[node].name == node for node in bench.nodes)
    assert (picture.demand.side, picture.waiting.side) == (picture.side, picture.side)
    assert all(record.side is picture.side for record in picture.records)
    assert (picture.demand.nodes, picture.waiting.sizes) == (0.0, ())


def test_of_a_node_that_there_is_not_nothing_is_shown(bench: KubernetesBench):
    assert bench.port.look("no-such-node") is None


def test_a_look_shows_what_others_did_a_moment_ago(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.foreign_close(node)
    assert look(bench, node).closed_by == FOREIGN
    bench.foreign_open(node)
    assert look(bench, node).closed_by is None
    bench.cordon(node)
    assert (look(bench, node).cordoned, look(bench, node).open) == (True, False)


def test_pods_are_counted_on_the_node_that_has_them(bench: KubernetesBench):
    node, other, *_ = bench.nodes
    bench.bind_pod(node)
    assert (look(bench, node).pods, look(bench, other).pods) == (1, 0)
    bench.end_pods(node)
    assert look(bench, node).pods == 0


# ---- every write: its record, its version ----


@EVERY_WRITE
def test_a_write_leaves_its_record_and_is_seen_by_the_next_look(bench: KubernetesBench, write: Write):
    node, other, *_ = bench.nodes
    before = look(bench, node)
    assert write(bench, node, "the record", before.version) is DONE
    after = look(bench, node)
    assert after.record == "the record"
    assert after.version != before.version
    assert look(bench, other).record is None


@EVERY_WRITE
def test_a_write_at_an_old_version_is_refused_and_changes_nothing(bench: KubernetesBench, write: Write):
    node = bench.nodes[0]
    old = look(bench, node).version
    assert bench.port.note(node, record="newer", version=old) is DONE
    before = look(bench, node)
    assert write(bench, node, "late", old) is REFUSED
    assert look(bench, node) == before
    assert write(bench, node, "in time", before.version) is DONE


CHANGES: dict[str, Callable[[KubernetesBench, str], None]] = {
    "cordoned it": lambda bench, node: bench.cordon(node),
    "closed it": lambda bench, node: bench.foreign_close(node),
    "made it anew": lambda bench, node: bench.make_anew(node),
}


@EVERY_WRITE
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_write_is_refused_when_somebody_changed_the_node_since_it_was_looked_at(
    bench: KubernetesBench, change: Callable[[KubernetesBench, str], None], write: Write
):
    node = bench.nodes[0]
    seen = look(bench, node)
    change(bench, node)
    before = look(bench, node)
    assert write(bench, node, "late", seen.version) is REFUSED
    assert look(bench, node) == before


@EVERY_WRITE
def test_a_version_that_there_never_was_is_refused(bench: KubernetesBench, write: Write):
    node = bench.nodes[0]
    before = look(bench, node)
    for version in ("", "no-such-version"):
        assert write(bench, node, "r", version) is REFUSED
    assert look(bench, node) == before


@EVERY_WRITE
def test_a_write_repeated_at_the_version_of_now_is_done_and_changes_nothing_but_the_version(
    bench: KubernetesBench, write: Write
):
    node = bench.nodes[0]
    assert write(bench, node, "r", look(bench, node).version) is DONE
    before = look(bench, node)
    assert write(bench, node, "r", before.version) is DONE
    assert replace(look(bench, node), version="") == replace(before, version="")


@EVERY_WRITE
def test_a_write_to_one_node_does_not_touch_another(bench: KubernetesBench, write: Write):
    node, *others = bench.nodes
    before = [look(bench, other) for other in others]
    write(bench, node, "r", look(bench, node).version)
    assert [look(bench, other) for other in others] == before


def test_of_two_writers_who_saw_the_same_one_is_refused(bench: KubernetesBench):
    node = bench.nodes[0]
    version = look(bench, node).version
    first = bench.port.close(node, mark=MARK, record="first", version=version)
    second = bench.port.close(node, mark=OTHER, record="second", version=version)
    assert (first, second) == (DONE, REFUSED)
    assert (look(bench, node).closed_by, look(bench, node).record) == (MARK, "first")


# ---- note ----


def test_a_note_changes_nothing_else(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.bind_pod(node)
    for what in ("discourage", "close", "note"):
        before = look(bench, node)
        do(bench, what, node)
    assert apart_from_record(look(bench, node)) == apart_from_record(before)


# ---- discourage ----


def test_a_discouraged_node_stays_open_and_nothing_on_it_ends(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.bind_pod(node)
    assert do(bench, "discourage", node) is DONE
    bench.pass_time(60)
    shown = look(bench, node)
    assert (shown.discouraged, shown.open, shown.closed_by, shown.pods) == (True, True, None, 1)


def test_new_pods_prefer_nodes_that_are_not_discouraged_and_are_not_kept_off(working: KubernetesBench):
    *discouraged, free = working.nodes
    for node in discouraged:
        do(working, "discourage", node)
    working.submit_pod()
    assert look(working, free).pods == 1
    working.submit_pod()
    assert sum(look(working, node).pods for node in discouraged) == 1, "nothing is forbidden"


# ---- close ----


def test_a_closed_node_shows_the_mark_and_is_not_open(bench: KubernetesBench):
    node = bench.nodes[0]
    assert do(bench, "close", node) is DONE
    shown = look(bench, node)
    assert (shown.closed_by, shown.open, shown.emptied, shown.cordoned) == (MARK, False, True, False)


def test_running_pods_go_on_after_a_closing(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.bind_pod(node)
    do(bench, "close", node)
    bench.pass_time(600)
    assert (look(bench, node).pods, look(bench, node).emptied) == (1, False)
    bench.end_pods(node)
    assert look(bench, node).emptied


def test_no_new_pod_starts_on_a_closed_node(working: KubernetesBench):
    node, *others = working.nodes
    do(working, "close", node)
    for _ in working.nodes:
        working.submit_pod()
    working.pass_time(60)
    assert look(working, node).pods == 0
    assert all(look(working, other).pods == 1 for other in others)
    assert working.port.read().waiting.nodes == pytest.approx(1.0)


@pytest.mark.parametrize("theirs", ["somebody", "another batch of ours"])
@pytest.mark.parametrize("what", ["close", "fence", "open"])
def test_a_node_that_another_mark_closed_is_neither_closed_nor_fenced_nor_opened(
    bench: KubernetesBench, what: str, theirs: str
):
    node = bench.nodes[0]
    if theirs == "somebody":
        bench.foreign_close(node)
    else:
        bench.port.close(node, mark=OTHER, record="theirs", version=look(bench, node).version)
    before = look(bench, node)
    assert do(bench, what, node, "ours") is REFUSED
    assert look(bench, node) == before, "not even the record"


def test_a_cordoned_node_can_be_closed_and_opened_and_stays_cordoned(bench: KubernetesBench):
    """A cordon is for others; only they lift it."""
    node = bench.nodes[0]
    bench.cordon(node)
    assert do(bench, "close", node) is DONE
    assert do(bench, "open", node) is DONE
    assert (look(bench, node).cordoned, look(bench, node).open) == (True, False)


# ---- fence ----


def test_a_fenced_node_keeps_its_mark_and_opening_it_takes_the_fence_away(bench: KubernetesBench):
    node = bench.nodes[0]
    for what in ("close", "fence"):
        assert do(bench, what, node) is DONE
    assert (look(bench, node).closed_by, look(bench, node).fenced, look(bench, node).open) == (MARK, True, False)
    assert do(bench, "close", node) is DONE
    assert look(bench, node).fenced, "closing it again does not take the fence away"
    assert do(bench, "open", node) is DONE
    assert (look(bench, node).fenced, look(bench, node).open) == (False, True)


def test_a_pod_that_was_bound_before_runs_on_a_closed_node_and_not_on_a_fenced_one(bench: KubernetesBench):
    closed, fenced, *_ = bench.nodes
    for node in (closed, fenced):
        do(bench, "close", node)
    do(bench, "fence", fenced)
    for node in (closed, fenced):
        bench.bind_late(node)
    bench.pass_time(60)
    assert (look(bench, closed).pods, look(bench, fenced).pods) == (1, 0)


def test_a_pod_that_came_before_the_fence_ends(bench: KubernetesBench):
    node = bench.nodes[0]
    do(bench, "close", node)
    bench.bind_late(node)
    assert look(bench, node).pods == 1
    do(bench, "fence", node)
    bench.pass_time(60)
    assert look(bench, node).pods == 0


# ---- open ----


def test_an_opened_node_is_open_and_nothing_discourages_pods(bench: KubernetesBench):
    node = bench.nodes[0]
    for what in ("discourage", "close", "open"):
        assert do(bench, what, node) is DONE
    shown = look(bench, node)
    assert (shown.closed_by, shown.discouraged, shown.open) == (None, False, True)


def test_to_open_a_node_that_is_only_discouraged_takes_that_away(bench: KubernetesBench):
    node = bench.nodes[0]
    do(bench, "discourage", node)
    assert do(bench, "open", node) is DONE
    assert not look(bench, node).discouraged


def test_waiting_pods_start_on_an_opened_node(working: KubernetesBench):
    for node in working.nodes:
        do(working, "close", node)
    working.submit_pod()
    assert working.port.read().waiting.nodes == pytest.approx(1.0)
    do(working, "open", working.nodes[1])
    working.pass_time(10)
    assert (look(working, working.nodes[1]).pods, working.port.read().waiting.sizes) == (1, ())


# ---- evict ----


def test_evicted_pods_leave(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.bind_pod(node)
    do(bench, "close", node)
    assert bench.port.evict(node) is DONE
    bench.pass_time(60)
    assert look(bench, node).emptied


def test_while_a_budget_forbids_it_nothing_leaves(bench: KubernetesBench):
    node = bench.nodes[0]
    bench.bind_pod(node)
    do(bench, "close", node)
    bench.forbid_eviction(True)
    assert bench.port.evict(node) is REFUSED
    bench.pass_time(60)
    assert look(bench, node).pods == 1
    bench.forbid_eviction(False)
    assert bench.port.evict(node) is DONE
    bench.pass_time(60)
    assert look(bench, node).pods == 0


def test_to_evict_from_an_empty_node_is_done_and_changes_nothing(bench: KubernetesBench):
    node = bench.nodes[0]
    before = look(bench, node)
    assert [bench.port.evict(node) for _ in range(2)] == [DONE, DONE]
    assert apart_from_record(look(bench, node)) == apart_from_record(before)


def test_pods_elsewhere_stay(bench: KubernetesBench):
    node, other, *_ = bench.nodes
    bench.bind_pod(node)
    bench.bind_pod(other)
    do(bench, "close", node)
    bench.port.evict(node)
    bench.pass_time(60)
    assert look(bench, other).pods >= 1


# ---- a node that is made anew ----


def test_a_node_that_is_made_anew_has_another_uid_and_nothing_of_ours(bench: KubernetesBench):
    node = bench.nodes[0]
    do(bench, "discourage", node)
    before = look(bench, node)
    bench.make_anew(node)
    after = look(bench, node)
    assert (after.uid != before.uid, after.version != before.version) == (True, True)
    assert (after.record, after.discouraged) == (None, False)


# ---- work ----


def test_demand_is_what_runs_and_what_waits(working: KubernetesBench):
    for node in working.nodes[2:]:
        do(working, "close", node)
    for _ in range(5):
        working.submit_pod()
    demand, waiting = working.port.read().demand, working.port.read().waiting
    assert (demand.running, demand.waiting) == (2.0, pytest.approx(3.0))
    assert waiting.nodes == pytest.approx(3.0)


def test_where_nothing_is_there_is_a_demand_of_nothing(working: KubernetesBench):
    assert (working.port.read().demand.nodes, working.port.read().waiting.sizes) == (0.0, ())
