"""The demand of pools, from a whole cluster."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.demand.assembled import Demands, PoolDemand, pool_demand
from connectors.kube.demand.known import Known
from connectors.kube.demand.need import Held, Need, Part, Place
from connectors.kube.demand.pods import Alone, Group, Rules, group_by_controller
from connectors.kube.demand.pools import Pool
from connectors.kube.demand.requests import interned
from connectors.kube.wire.daemonsets import DaemonSet
from connectors.kube.wire.nodes import Node
from connectors.kube.wire.pods import Pod
from models.announced import Announced
from models.nodes import Side
from models.unserved import UnservedReason as Why
from models.work import WorkRecord, WorkState
from tests.connectors.kube.demand.made import (
    CREATED_S,
    GPU,
    NOW_S,
    claim,
    cluster,
    device_class,
    device_slice,
    node,
    pod,
    pool,
)

NODES = [node("n1"), node("n2"), node("n3")]
POOL = pool("n1", "n2", "n3")


def demands(pods: Iterable[Pod] = (), nodes: list[Node] = NODES, **told: Any) -> Demands:
    pools = told.pop("pools", [POOL])
    rules, needs = told.pop("rules", Rules()), told.pop("needs", ())
    seen = cluster(list(pods), nodes, others=told.pop("others", {}))
    return pool_demand(seen, pools, needs, rules, NOW_S, **told)


def demand(pods: Iterable[Pod] = (), nodes: list[Node] = NODES, **told: Any) -> PoolDemand:
    return demands(pods, nodes, **told).pools["gpu"]


def unserved(found: PoolDemand) -> dict[str, int]:
    return {one.why: one.count for one in found.waiting.unserved}


def gang(one: Pod) -> Group:
    return Alone((one.metadata.labels or {}).get("gang", one.metadata.uid), "gang" in (one.metadata.labels or {}))


def test_a_cluster_without_work():
    found = demand()
    assert (found.demand.running, found.demand.waiting, found.waiting.sizes) == (0, 0, ())
    assert (found.demand.at_s, found.demand.side) == (NOW_S, Side.KUBERNETES)
    assert (found.records, found.waiting.unserved, found.demand.announced) == ((), (), ())
    assert dict(found.shape) == {"cpu": 64_000, "memory": 256 * 2**30, GPU: 8, "pods": 110}


def test_nodes_with_pods_that_count_run():
    pods = [
        pod("a", on="n1"),
        pod("b", on="n1"),
        pod("c", on="n2", owner=("DaemonSet", "d")),
        pod("d", on="n3", priority=-10),
        pod("e", on="elsewhere"),
        pod("f", on="n2", status={"phase": "Succeeded"}),
        pod("g", on="n4"),
    ]
    assert demand(pods, pools=[pool("n1", "n2", "n3", "n4")]).demand.running == 1
    assert demand([*pods, pod("h", on="n2", asks={})]).demand.running == 2


def test_pods_that_wait_are_told_by_their_shares_and_packed_together():
    found = demand([pod(f"p{number}", asks={"cpu": "16", GPU: 1}) for number in range(5)])
    assert found.waiting.sizes == (0.25,) * 5
    assert found.demand.waiting == 2


def test_a_queue_is_in_the_order_of_priority_and_time():
    found = demand(
        [
            pod("late", asks={GPU: 1}, creationTimestamp="2026-11-30T10:10:00Z"),
            pod("early", asks={GPU: 2}),
            pod("first", asks={GPU: 4}, priority=5, creationTimestamp="2026-11-30T10:20:00Z"),
        ]
    )
    assert found.waiting.sizes == (0.5, 0.25, 0.125)


def test_a_queue_is_handed_on_only_so_far():
    found = demand([pod(f"p{number}", owner=("Job", "j"), asks={"cpu": "1"}) for number in range(1200)])
    assert len(found.waiting.sizes) == 1000
    assert found.demand.waiting == 19


GANGS: dict[str, tuple[int, dict[str, Any], tuple[float, ...], float]] = {
    "larger than a node": (4, {GPU: 4}, (2,), 2),
    "within a node": (2, {GPU: 2}, (0.5,), 1),
    "by what fits beside one another": (3, {GPU: 5}, (3,), 3),
    "a whole node": (2, {GPU: 4}, (1,), 1),
}


@pytest.mark.parametrize("name", GANGS)
def test_a_gang_is_one_piece(name: str):
    count, asks, sizes, waiting = GANGS[name]
    pods = [pod(f"p{number}", asks=asks, labels={"gang": "g"}) for number in range(count)]
    found = demand(pods, group_of=gang)
    assert found.waiting.sizes == sizes
    assert found.demand.waiting == waiting
    assert [(one.id, one.nodes) for one in found.records] == [("g", sizes[0])]


def test_a_gang_larger_than_what_kubernetes_can_have_of_the_pool_is_oversize():
    pods = [pod(f"p{number}", asks={GPU: 8}, labels={"gang": "g"}) for number in range(4)]
    found = demand(pods, group_of=gang, pools=[pool("n1", "n2", "n3", most=3)])
    assert (found.waiting.sizes, found.demand.waiting) == ((), 0)
    (one,) = found.waiting.unserved
    assert (one.why, one.count, one.nodes) == (Why.POOL, 4, 4)
    assert one.example == "team/p0: it needs 4 nodes at once, and Kubernetes can have 3 of the pool"


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"nodeSelector": {"kubernetes.io/hostname": "n1"}}, Why.MATCH),
        ({"schedulingGates": [{"name": "wait"}]}, Why.GATE),
        ({"asks": {GPU: 9}}, Why.NODE),
    ],
)
def test_a_gang_waits_for_none_while_one_of_it_cannot_start(odd: dict[str, Any], reason: str):
    pods = [pod("a", labels={"gang": "g"}), pod("b", labels={"gang": "g"}, **odd)]
    found = demand(pods, group_of=gang)
    assert (found.demand.waiting, found.waiting.sizes) == (0, ())
    assert unserved(found) == {reason: 2}


def test_pods_larger_than_a_node_are_counted_and_told():
    pods = [pod(f"p{number}", asks={"cpu": "500m", "memory": "1Ti"}, owner=("Job", "j")) for number in range(41)]
    found = demand(pods)
    assert (found.demand.waiting, found.waiting.sizes) == (0, ())
    (one,) = found.waiting.unserved
    assert (one.why, one.count, one.nodes) == (Why.NODE, 41, 164)
    assert one.example == "team/p0: it asks for 1024 GiB of memory, and a node offers 256 GiB of memory"
    assert [(record.id, record.state, record.nodes) for record in found.records] == [("j", WorkState.HELD, 164)]


def test_what_daemon_sets_take_is_not_there_for_others():
    daemons = [
        pod("d1", on="n1", asks={"cpu": "4"}, owner=("DaemonSet", "cni")),
        pod("d2", on="n2", asks={"cpu": "4"}, owner=("DaemonSet", "cni")),
    ]
    found = demand([*daemons, pod("a", asks={"cpu": "32"}), pod("b", asks={"cpu": "32"})])
    assert (found.shape["cpu"], found.shape["pods"]) == (60_000, 109)
    assert (found.demand.running, found.demand.waiting) == (0, 2)


def test_where_no_daemon_runs_those_that_select_the_pool_count():
    def daemon_set(name: str, **spec: Any) -> DaemonSet:
        asks = [{"resources": {"limits": {"cpu": "4"}}}]
        told = {"metadata": {"uid": name}, "spec": {"template": {"spec": {"containers": asks} | spec}}}
        return msgspec.convert(told, DaemonSet)

    sets = {one.metadata.uid: one for one in (daemon_set("a"), daemon_set("b", nodeSelector={"gpu": "no"}))}
    assert demand(others={"daemonsets.apps": sets}).shape["cpu"] == 60_000


CPU_NODES = [node("c1", offers={"cpu": "32", "memory": "64Gi", "pods": "110"}, labels={"kind": "cpu"})]
TWO = [Pool("cpu", frozenset(["c1"]), 10), POOL]


def test_a_pod_goes_to_the_first_pool_with_a_node_that_holds_it():
    pods = [
        pod("small"),
        pod("gpu", asks={GPU: 1}),
        pod("wide", asks={"cpu": "48"}),
        pod("bound", asks={"cpu": "48"}, nodeSelector={"kind": "cpu"}),
        pod("lost", nodeSelector={"kind": "fpga"}),
    ]
    found = demands(pods, [*NODES, *CPU_NODES], pools=TWO)
    assert found.pools["cpu"].waiting.sizes == (1 / 32,)
    assert sorted(found.pools["gpu"].waiting.sizes) == [0.125, 0.75]
    assert unserved(found.pools["cpu"]) == {Why.NODE: 1}
    (lost,) = found.nowhere
    assert (lost.why, lost.count) == (Why.MATCH, 1)
    assert lost.example == "team/lost: no node of a pool is for it: no label kind=fpga"


def test_the_parts_of_a_gang_may_go_to_two_pools():
    pods = [
        pod("head", labels={"gang": "g"}, nodeSelector={"kind": "cpu"}),
        pod("worker", labels={"gang": "g"}, asks={GPU: 8}),
    ]
    found = demands(pods, [*NODES, *CPU_NODES], pools=TWO, group_of=gang)
    assert [found.pools[name].waiting.sizes for name in ("cpu", "gpu")] == [(1 / 32,), (1.0,)]


def test_records_say_who_runs_waits_and_is_held():
    pods = [
        pod("a", on="n1", owner=("Job", "j"), asks={GPU: 8}, namespace="blue", activeDeadlineSeconds=600),
        pod("b", on="n2", owner=("Job", "j"), asks={GPU: 4}, namespace="blue", activeDeadlineSeconds=900),
        pod("c", owner=("Job", "j"), asks={GPU: 4}, namespace="blue"),
        pod("d", owner=("Job", "k"), asks={GPU: 2}, schedulingGates=[{"name": "g"}]),
        pod("e", on="n3", asks={}),
    ]
    shared = {"side": Side.KUBERNETES, "submitted_s": CREATED_S}
    assert demand(pods).records[:3] == (
        WorkRecord(
            id="j", state=WorkState.RUNNING, nodes=1.5, started_s=CREATED_S + 20, limit_s=900, user="blue", **shared
        ),
        WorkRecord(id="uid-e", state=WorkState.RUNNING, nodes=1 / 110, started_s=CREATED_S + 20, user="team", **shared),
        WorkRecord(id="j_eligible", state=WorkState.ELIGIBLE, nodes=0.5, user="blue", **shared),
    )
    assert demand(pods).records[3:] == (
        WorkRecord(id="k", state=WorkState.HELD, nodes=0.25, user="team", **shared),
    )  # fmt: skip


def need(ident: str = "w", count: int = 2, *, asks: int = 4, **more: Any) -> Need:
    parts = (Part(count, interned(((GPU, asks),))),)
    return Need(**{"id": ident, "source": "workloads", "parts": parts, "submitted_s": CREATED_S, "user": "team"} | more)


def test_work_without_pods_is_demand():
    found = demand(needs=[need(), need("g", 3, together=True)])
    assert sorted(found.waiting.sizes) == [0.5, 0.5, 2.0]
    assert found.demand.waiting == 3


def test_what_a_source_tells_of_a_gang_and_its_pods_are_one_piece():
    pods = [pod("a", asks={GPU: 4}, labels={"gang": "g"})]
    found = demand(pods, needs=[need("g", 3, together=True)], group_of=gang)
    assert found.waiting.sizes == (2.0,)
    assert [one.id for one in found.records] == ["g"]


def test_a_gang_of_which_a_source_says_that_it_is_impossible_waits_for_nothing():
    pods = [pod("a", asks={GPU: 4}, labels={"gang": "g"})]
    stuck = need("g", 1, together=True, held=Held.IMPOSSIBLE, why="no such flavour")
    found = demand(pods, needs=[stuck], group_of=gang)
    assert (found.waiting.sizes, unserved(found)) == ((), {Why.MATCH: 2})


@pytest.mark.parametrize(
    ("group", "told"),
    [
        (Alone("w", told=True), {}),
        (Alone("w", held=Held.BY_QUOTA, why="over quota"), {Why.QUOTA: 1}),
        (Alone("w"), {Why.GATE: 1}),
    ],
    ids=["told by another", "held by its gang", "held by its gate"],
)
def test_what_a_pods_gang_says_goes_before_what_it_says_itself(group: Alone, told: dict[str, int]):
    found = demand([pod(schedulingGates=[{"name": "g"}])], group_of=lambda _: group)
    assert (found.demand.waiting, unserved(found)) == (0, told)


def test_what_is_held_is_told_with_its_reason_and_is_no_demand():
    held = need(held=Held.BY_QUOTA, why="LocalQueue a is full", name="team/train")
    found = demand(needs=[held, need("v", 1, held=Held.BY_QUOTA)])
    assert found.demand.waiting == 0
    (one,) = found.waiting.unserved
    assert (one.why, one.count, one.nodes) == (Why.QUOTA, 3, 1.5)
    assert one.example == "team/train: LocalQueue a is full"


def test_what_begins_later_is_announced_and_no_demand():
    at_s = NOW_S + 600
    found = demand(needs=[need(begins_s=at_s, why="CronJob a"), need("g", 3, together=True, begins_s=at_s)])
    assert found.demand.announced == (
        Announced(at_s, Side.KUBERNETES, 1.0, "CronJob a"),
        Announced(at_s, Side.KUBERNETES, 2, "workloads"),
    )
    assert (found.demand.waiting, found.waiting.sizes, found.records) == (0, (), ())
    assert demand(needs=[need(begins_s=NOW_S)]).demand.waiting == 1


def test_a_pod_counts_once_its_scheduler_has_left_it_alone_for_long():
    fresh = pod(status={"conditions": []}, creationTimestamp="2026-11-30T10:59:40Z")
    known, seen = Known(), cluster([fresh], NODES)
    waiting = [
        pool_demand(seen, [POOL], (), Rules(), NOW_S + s, known=known).pools["gpu"].demand.waiting for s in (0, 60)
    ]
    assert waiting == [1, 0]


def test_a_pod_below_all_that_runs_is_no_need_where_the_rules_say_so():
    pods = [pod("a", on="n1", priority=10), pod("b", priority=5), pod("c", priority=10)]
    assert demand(pods).demand.waiting == 1
    assert len(demand(pods).waiting.sizes) == 2
    found = demand(pods, rules=Rules(yielding=True))
    assert (len(found.waiting.sizes), unserved(found)) == (1, {Why.PRIORITY: 1})
    never = pod("a", on="n1", priority=10, preemptionPolicy="Never")
    assert len(demand([never, *pods[1:]], rules=Rules(yielding=True)).waiting.sizes) == 2


def test_devices_that_kubelet_does_not_tell_of_count():
    bare = [node(name, offers={"cpu": "64", "memory": "256Gi"}) for name in ("n1", "n2")]
    claims = {
        "deviceclasses.resource.k8s.io": {
            "c": device_class("gpu.nvidia.com", GPU, "device.driver == 'gpu.nvidia.com'")
        },
        "resourceslices.resource.k8s.io": {name: device_slice(name) for name in ("n1", "n2")},
        "resourceclaims.resource.k8s.io": {
            "x": claim("x", {"exactly": {"deviceClassName": "gpu.nvidia.com", "count": 6}})
        },
    }
    pods = [pod("a", asks={GPU: 4}), pod("b", resourceClaims=[{"name": "g", "resourceClaimName": "x"}])]
    found = demand(pods, bare, pools=[pool("n1", "n2")], others=claims)
    assert found.shape[GPU] == 8
    assert sorted(found.waiting.sizes) == [0.5, 0.75]
    assert found.demand.waiting == 2


def test_a_claim_that_comes_later_is_heeded():
    waits = pod(resourceClaims=[{"name": "g", "resourceClaimName": "x"}])
    known = Known()
    before = pool_demand(cluster([waits], NODES), [POOL], (), Rules(), NOW_S, known=known).pools["gpu"]
    made = {"resourceclaims.resource.k8s.io": {"x": claim("x")}}
    after = pool_demand(cluster([waits], NODES, others=made), [POOL], (), Rules(), NOW_S, known=known).pools["gpu"]
    assert (before.demand.waiting, after.demand.waiting) == (0, 1)


def test_where_no_node_says_what_it_offers_nothing_is_packed():
    found = demand([pod()], [node("n1", offers={})])
    assert found.demand.waiting == 0
    assert found.waiting.unserved[0].example.endswith(": it is not known what a node of the pool offers")


KINDS: dict[str, dict[str, Any]] = {
    "lone": {},
    "GPU": {"asks": {GPU: 2}},
    "large": {"asks": {GPU: 9}},
    "gated": {"schedulingGates": [{"name": "g"}]},
    "balloon": {"priority": -1},
    "invisible": {"asks": {}},
    "lost": {"nodeSelector": {"kind": "none"}},
    "named": {"nodeSelector": {"kubernetes.io/hostname": "n1"}},
    "daemon": {"owner": ("DaemonSet", "d")},
    "leaving": {"deletionTimestamp": "2026-11-30T10:30:00Z"},
    "unread": {"asks": {"cpu": "two"}},
    "plug-in": {"owner": ("DaemonSet", "d"), "on": "n1", "asks": {"cpu": "8"}},
    "runs": {"on": "n1", "asks": {GPU: 2}},
    "runs low": {"on": "n2", "asks": {GPU: 2}, "priority": -1},
}
IGNORED = ("daemon", "leaving", "plug-in", "runs", "runs low")
MADE = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(["", "g", "h"])), max_size=25)


@cache
def one(number: int, kind: str, its: str) -> Pod:
    return pod(f"p{number}", **KINDS[kind] | ({"labels": {"gang": its}} if its else {}))


def made(kinds: list[tuple[str, str]]) -> list[Pod]:
    """Pods; those of the same kind, gang and place are the very same objects from one list to the next."""
    return [one(number, kind, its) for number, (kind, its) in enumerate(kinds)]


@given(MADE, st.booleans())
def test_each_pod_that_waits_is_told_in_exactly_one_way(kinds: list[tuple[str, str]], gangs: bool):
    pods = made(kinds)
    found = demands(pods, group_of=gang) if gangs else demands(pods)
    told = sum(one.count for one in (*found.pools["gpu"].waiting.unserved, *found.nowhere))
    wanted = len(pods) - sum(kind in IGNORED for kind, _ in kinds)
    if not gangs:
        assert len(found.pools["gpu"].waiting.sizes) + told == wanted
    assert told <= wanted
    assert (told == wanted) is (not found.pools["gpu"].waiting.sizes)


@given(MADE, st.lists(st.booleans(), min_size=25, max_size=25), MADE, st.booleans(), st.booleans())
def test_what_is_known_changes_nothing(
    before: list[tuple[str, str]], stays: list[bool], other: list[tuple[str, str]], low: bool, gangs: bool
):
    after = [old if keep else new for old, keep, new in zip(before, stays, [*other, *before], strict=False)]
    rules = Rules(ignore_priority_below=-5 if low else 0)
    nodes = [node("n1", labels={"kind": "none"}), *NODES[1:]] if low else NODES
    told: dict[str, Any] = {"rules": rules, "group_of": gang if gangs else group_by_controller}
    known = Known()
    demands(made(before), group_of=gang, known=known)
    expected = demands(made(after), nodes, **told)
    assert demands(made(after), nodes, known=known, **told) == expected
    assert demands(made(after), nodes, known=known, **told) == expected


def test_a_record_is_another_once_its_pods_or_the_shape_are():
    known, pods = Known(), [one(0, "runs", "g"), one(1, "runs", "g")]
    nodes = [node(name, offers={"cpu": "64", GPU: "4"}) for name in ("n1", "n2", "n3")]
    looks = [(pods[:1], NODES), (pods, NODES), (pods, nodes)]
    found = [demand(those, here, group_of=gang, known=known).records[0].nodes for those, here in looks]
    assert found == [0.25, 0.5, 1.0]
    limits = [demand([pod(activeDeadlineSeconds=limit)], known=known).records[0].limit_s for limit in (60, 90)]
    assert limits == [60, 90]


def test_a_group_that_comes_to_start_together_is_one_piece():
    known, pods = Known(), [one(0, "GPU", "g"), one(1, "GPU", "g")]
    apart = demand(pods, group_of=lambda _: Alone("g"), known=known)
    assert (apart.waiting.sizes, demand(pods, group_of=gang, known=known).waiting.sizes) == ((0.25, 0.25), (0.5,))


def test_a_place_of_a_need_is_heeded():
    parts = (Part(1, interned(((GPU, 1),)), Place(selector=(("kind", "none"),))),)
    found = demands(needs=[need(parts=parts)])
    assert (found.pools["gpu"].waiting.sizes, [one.why for one in found.nowhere]) == ((), [Why.MATCH])
