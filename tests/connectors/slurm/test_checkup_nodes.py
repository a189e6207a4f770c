"""What a checkup makes of nodes, drains, reservations and partitions, however Slurm tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from connectors.checkup.format import folded, plain, span_text
from connectors.slurm.checkup import nodes, partitions
from connectors.slurm.checkup.running_conf import Settings
from connectors.slurm.checkup.scontrol import scontrol
from connectors.slurm.checkup_wire import CheckupNode, CheckupNodes, CheckupPartitions, CheckupReservations
from connectors.slurm.wire import decode
from models.findings import Finding, Level
from models.policies import Policy
from models.pools import PoolPolicy, Shares
from tests.connectors.slurm import makers
from tests.connectors.slurm.makers import number

SINCE_S = 1_790_000_000
LIMITED = {"maximums": {"shares": 1, "time": number(2880)}}


def seen(*told: dict[str, Any]) -> dict[str, CheckupNode]:
    answer = decode(json.dumps({"nodes": told}).encode(), CheckupNodes)
    return {node.name: node for node in answer.nodes or ()}


def eight() -> dict[str, CheckupNode]:
    return seen(*(makers.node(f"n{number:02}") for number in range(1, 9)))


def drained(name: str, reason: str, **more: Any) -> dict[str, Any]:
    by = {"reason": reason, "reason_set_by_user": "ops", "reason_changed_at": number(SINCE_S)}
    return makers.node(name, "IDLE", "DRAIN", **by, **more)


def told(findings: Iterable[Finding]) -> list[tuple[Level, str]]:
    return [(one.level, one.what) for one in findings]


def pool(nodes: str | None = "n[01-08]", **more: Any) -> PoolPolicy:
    return PoolPolicy(name="a100", nodes=nodes, **more)


# ---- nodes ----


@pytest.mark.parametrize("names", ["n[01-08]", None])
def test_all_nodes_of_a_pool_are_there(names: str | None):
    said = "pool a100: Slurm has all of its 8 nodes (n[01-08])"
    assert told(nodes.pool_findings([pool(names)], eight())) == [(Level.OK, said)]


def test_nodes_that_slurm_has_not_are_named():
    (only,) = nodes.pool_findings([pool("n[05-11],x1")], eight())
    assert (only.level, only.what) == (Level.ERROR, "pool a100: Slurm has no 4 nodes (n[09-11],x1)")
    assert only.commands == ("sinfo --noheader --format=%N",)


def test_no_node_at_all():
    assert told(nodes.pool_findings([pool(None)], {})) == [(Level.ERROR, "pool a100: Slurm shows no node at all")]


def test_nodes_of_another_size_do_not_replace_the_others():
    small = eight() | seen(makers.node("n03", cpus=32), makers.node("n04", gres=""))
    size, has = nodes.pool_findings([pool()], small)
    assert {size.level, has.level} == {Level.WARNING}
    assert "not of the size of the other 6: 2 nodes (n[03-04])" in size.what
    assert "only some of its nodes have gpu:a100 (7 of 8);" in has.what


def test_what_jobs_ask_for_and_only_some_nodes_have_is_told():
    other = {"gres": "gpu:h100:4", "features": ["ib", "rack\x1b[2"]}
    unlike = seen(
        *(makers.node(f"n{number:02}", **(other if number > 5 else {"features": ["ib"]})) for number in range(1, 9))
    )
    (only,) = nodes.pool_findings([pool()], unlike)
    assert (only.level, only.remedy[:21]) == (Level.WARNING, "Make a pool of its ow")
    assert "have gpu:a100 (5 of 8), gpu:h100 (3 of 8), rack" in only.what
    assert "\x1b" not in only.what
    many = seen(*(makers.node(f"n{number:02}", features=[f"rack{number}"]) for number in range(1, 13)))
    (only,) = nodes.pool_findings([pool("n[01-12]")], many)
    assert "rack5 (1 of 12)" in only.what
    assert " and 2 more; a job" in only.what


def test_floors_that_leave_no_split():
    (first, _) = nodes.pool_findings([pool(None, floor=Shares(hpc=6, kubernetes=3))], eight())
    assert (first.level, "leave no split of its 8 nodes" in first.what) == (Level.ERROR, True)


def test_nodes_that_do_not_work_are_told_by_what_keeps_them_and_why():
    down = {"reason": "psu\x1b[2J", "reason_set_by_user": "ops"}
    shown = eight() | seen(
        makers.node("n01", "DOWN", **down),
        makers.node("n02", "DOWN", **down),
        makers.node("n03", "IDLE", "DRAIN", "POWERED_DOWN"),
        makers.node("n04", "UNKNOWN"),
        makers.node("n05", "IDLE", "SOMETHING_NEW"),
        makers.node("n06", "MIXED", "DRAIN"),
    )
    assert told(nodes.state_findings(shown)) == [
        (Level.WARNING, "DOWN: 2 nodes (n[01-02]): psu?[2J (ops)"),
        (Level.WARNING, "POWERED_DOWN: node n03"),
        (Level.WARNING, "SOMETHING_NEW: node n05"),
        (Level.WARNING, "UNKNOWN: node n04"),
    ]


def test_all_nodes_are_up():
    assert [one.level for one in nodes.state_findings(eight())] == [Level.OK]


# ---- drains ----


def test_no_node_is_drained():
    assert told(nodes.drain_findings(eight(), True)) == [(Level.OK, "no node is drained")]


def test_drains_of_others_are_told_with_who_why_and_since_when():
    shown = eight() | seen(drained("n01", "disk"), drained("n02", "disk"), drained("n04", ""))
    nameless, disk = nodes.drain_findings(shown, True)
    since = "since 2026-09-21 14:13 UTC"
    assert (disk.level, disk.what) == (Level.WARNING, f"2 nodes (n[01-02]) drained by ops {since}: disk")
    assert disk.commands == ("scontrol update 'nodename=n[01-02]' state=undrain",)
    assert nameless.what == f"node n04 drained by ops {since}: no reason given"


def test_of_very_many_drains_it_says_that_there_are_more():
    shown = seen(*(drained(f"n{number:02}", f"reason {number}") for number in range(nodes.GROUPS_MOST + 3)))
    found = list(nodes.drain_findings(shown, True))
    assert (len(found), found[-1].what) == (nodes.GROUPS_MOST + 1, "and 3 more like these")


@pytest.mark.parametrize(("leads", "level"), [(True, Level.OK), (None, Level.OK), (False, Level.WARNING)])
def test_a_drain_of_ours_is_left_over_where_nobody_moves_nodes(leads: bool | None, level: Level):
    (only,) = nodes.drain_findings(eight() | seen(drained("n01", "tidegate:1.p1")), leads)
    assert (only.level, "node n01 drained by Tidegate (tidegate:1.p1)" in only.what) == (level, True)


def test_a_drain_by_which_a_person_gives_a_node_to_kubernetes_is_well():
    shown = eight() | seen(drained("n01", "tidegate:initial"), drained("n02", "tidegate:1.p1"))
    assert told(nodes.drain_findings(shown, True))[0] == (
        Level.OK, "node n01 drained as Kubernetes' (tidegate:initial)")  # fmt: skip
    assert [one.level for one in nodes.drain_findings(shown, False)] == [Level.OK, Level.WARNING]


def test_a_drain_of_ours_that_slurm_would_end_by_itself():
    _, late = nodes.drain_findings(seen(drained("n01", "tidegate:1.p1", resume_after=number(SINCE_S + 60))), True)
    assert (late.level, late.commands) == (Level.ERROR, ("scontrol update nodename=n01 resumeafter=-1",))


# ---- reservations ----


def reservations(*some: dict[str, Any]) -> Any:
    return decode(json.dumps({"reservations": some}).encode(), CheckupReservations).reservations


def reservation(name: str, node_list: str) -> dict[str, Any]:
    return {
        "name": name,
        "node_list": node_list,
        "users": "root",
        "start_time": number(SINCE_S),
        "end_time": number(SINCE_S + 3600),
    }


def test_reservations_over_our_nodes_are_told_those_of_ours_without_worry():
    some = [reservation("maint;ls", "n[07-20]"), reservation("tidegate-7.p3-n01", "n01"), reservation("far", "m1")]
    theirs, mine = nodes.reservation_findings(eight(), reservations(*some))
    span = "from 2026-09-21 14:13 UTC to 2026-09-21 15:13 UTC"
    assert (theirs.level, theirs.what) == (Level.WARNING, f"maint;ls for root, {span}: 2 nodes (n[07-08])")
    assert theirs.commands == ("scontrol show reservation 'maint;ls'",), "it can be pasted whatever its name is"
    assert (mine.level, mine.what) == (Level.OK, f"tidegate-7.p3-n01, made by Tidegate, {span}: node n01")


def test_no_reservation_is_over_our_nodes():
    assert [one.level for one in nodes.reservation_findings(eight(), ())] == [Level.OK]


# ---- pools ----


def test_no_node_is_in_two_pools():
    apart = [pool("n[01-02]"), PoolPolicy(name="b", nodes="n[03-04]")]
    assert told(nodes.overlap_findings(apart)) == [(Level.OK, "2 pools, and no node is in two")]
    both = [pool("n[01-03]"), PoolPolicy(name="b", nodes="n[03-04]")]
    assert told(nodes.overlap_findings(both)) == [(Level.ERROR, "node n03 in pools a100 and b")]
    (only,) = nodes.overlap_findings([pool(None), PoolPolicy(name="b", nodes="n03")])
    assert (only.level, "a100 names no nodes" in only.what) == (Level.ERROR, True)


# ---- partitions ----


def of(*some: dict[str, Any], settings: Settings | None = None) -> list[Finding]:
    parts = decode(json.dumps({"partitions": some}).encode(), CheckupPartitions).partitions or ()
    names = {"a100": frozenset(eight())}
    return list(partitions.partition_findings(names, parts, Policy(), settings))


def part(name: str = "batch", where: str = "n[01-08]", **more: Any) -> dict[str, Any]:
    return makers.partition(name, where) | LIMITED | more


def test_a_partition_with_nothing_to_say():
    assert [one.level for one in of(part())] == [Level.OK]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"maximums": {"time": number(None, infinite=True)}}, "no MaxTime in batch"),
        ({"partition": {"state": ["DRAIN"]}}, "batch is not UP (DRAIN)"),
        ({"preempt_mode": ["REQUEUE"]}, "batch has PreemptMode=REQUEUE"),
        ({"preempt_mode": "CANCEL"}, "batch has PreemptMode=CANCEL"),
        ({"partition": {"state": ["UP"], "oversubscribe": "FORCE:4"}}, "batch has OverSubscribe=FORCE:4"),
        (
            {"maximums": {"time": number(60), "oversubscribe": {"jobs": 4, "flags": ["force"]}}},
            "batch has OverSubscribe=FORCE:4",
        ),
    ],
)
def test_a_partition_with_something_to_say(more: dict[str, Any], said: str):
    (only,) = of(part(**more))
    assert (only.level, said in only.what) == (Level.WARNING, True)


@pytest.mark.parametrize(
    "more",
    [
        {"partition": {"state": ["UP"], "oversubscribe": "NO"}},
        {"partition": {"state": ["UP"], "oversubscribe": "EXCLUSIVE"}},
        {"partition": {"state": ["UP"], "oversubscribe": "FORCE:1"}},
        {"preempt_mode": ["SUSPEND", "GANG"]},
        {"preempt_mode": ""},
    ],
)
def test_a_partition_that_neither_ends_jobs_nor_shares(more: dict[str, Any]):
    assert [one.level for one in of(part(**more))] == [Level.OK]


def test_nothing_is_preempted_where_the_settings_say_so():
    ends = part(preempt_mode=["REQUEUE"])
    assert of(ends, settings=Settings({"preempttype": "preempt/none"}, ""))[0].level is Level.OK
    assert of(ends, settings=Settings({"preempttype": "preempt/qos"}, ""))[0].level is Level.WARNING


def test_a_release_that_does_not_tell_preemption_has_it_from_slurm_conf():
    settings = Settings({"preempttype": "preempt/qos"}, "", partitions={"batch": {"preemptmode": "requeue"}})
    assert "batch has PreemptMode=REQUEUE" in of(part(), settings=settings)[0].what


def test_a_partition_that_reaches_over_the_edge():
    (only,) = of(part(where="n[01-10]"))
    assert "batch has 2 nodes (n[09-10]) outside of pool a100" in only.what


def test_nodes_in_no_partition():
    (only,) = of(part(where="n[01-06]"), part("far", "m[1-2]"))
    assert (only.level, "2 nodes (n[07-08]) in no partition" in only.what) == (Level.ERROR, True)


# ---- words ----


def test_names_and_lengths_of_time():
    assert (folded(["n02", "n01", "m"]), folded([])) == ("m,n[01-02]", "")
    lengths = [
        (5, "5 s"),
        (65, "1 min 5 s"),
        (900, "15 min"),
        (10_800, "3 h"),
        (11_100, "3 h 5 min"),
        (-90_000, "1 d 1 h"),
    ]
    assert [span_text(seconds) for seconds, _ in lengths] == [text for _, text in lengths]
    assert plain("a\x1b\nb" + "c" * 300) == "a??b" + "c" * 195 + "…"
    assert scontrol("update", "nodename=n[1-2]; ls") == "scontrol update 'nodename=n[1-2]; ls'"
