"""The twin's Kubernetes: placement, gangs, replicas, closed and discouraged nodes; nothing is ever evicted."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.nodes import NodeShape
from simulator.kube import KubeCluster, PodGroup
from simulator.work import Pod

SHAPE = NodeShape(cpu_milli=4000, memory_mib=8000, gpu_milli=2000)


def pod(cpu_milli: int = 1000, memory_mib: int = 1000, gpu_milli: int = 0, run_s: int | None = 100) -> Pod:
    return Pod("p", 0, run_s, cpu_milli, memory_mib, gpu_milli)


def submit(cluster: KubeCluster, ident: int, *pods: Pod) -> PodGroup:
    group = cluster.group(ident, pods)
    cluster.submit(group)
    return group


def run(cluster: KubeCluster, now_s: int, *arrived: PodGroup) -> list[int]:
    begun = [group.id for group in cluster.schedule(now_s, list(arrived))]
    check(cluster)
    return begun


def check(cluster: KubeCluster) -> None:
    """Free resources and pod counts, counted again from what runs where."""
    used = np.zeros_like(cluster.free)
    pods = np.zeros(cluster.size, dtype=int)
    for group in cluster.running:
        for node, one in zip(group.placed, group.pods, strict=True):
            used[node] += (one.cpu_milli, one.memory_mib, one.gpu_milli)
            pods[node] += 1
    for node in cluster.replicas:
        used[node] += cluster.full
        pods[node] += 1
    assert (used + cluster.free == np.array(cluster.full)).all()
    assert (cluster.free >= 0).all()
    assert (pods == cluster.pods_on).all()
    assert cluster.used_nodes == int((pods > 0).sum())
    assert cluster.running_share == pytest.approx(sum(group.nodes for group in cluster.running))
    waiting = np.array([[p.cpu_milli, p.memory_mib, p.gpu_milli] for g in cluster.pending for p in g.pods])
    share = cluster.shape.share(*(float(total) for total in waiting.sum(axis=0))) if waiting.size else 0.0
    assert cluster.pending_nodes() == pytest.approx(share)


def test_a_pod_goes_where_it_leaves_the_least_room():
    cluster = KubeCluster(3, SHAPE)
    first = submit(cluster, 1, pod(3000, 1000))
    run(cluster, 0, first)
    small, large = submit(cluster, 2, pod(1000, 1000)), submit(cluster, 3, pod(2000, 1000))
    assert run(cluster, 1, small, large) == [2, 3]
    assert small.placed == first.placed
    assert large.placed != first.placed


@pytest.mark.parametrize(
    ("request_", "fits"),
    [((4000, 8000, 2000), True), ((4001, 1, 0), False), ((1, 8001, 0), False), ((1, 1, 2001), False)],
    ids=["a whole node", "too much cpu", "too much memory", "too many gpus"],
)
def test_a_pod_must_fit_one_node(request_: tuple[int, int, int], fits: bool):
    cluster = KubeCluster(5, SHAPE)
    group = cluster.group(1, (pod(*request_),))
    assert cluster.could_ever_fit(group) is fits


def test_a_gang_larger_than_the_cluster_can_never_fit():
    cluster = KubeCluster(2, SHAPE)
    assert cluster.could_ever_fit(cluster.group(1, (pod(4000),) * 2))
    assert not cluster.could_ever_fit(cluster.group(1, (pod(4000),) * 3))


def test_a_gang_starts_as_a_whole_or_not_at_all():
    cluster = KubeCluster(2, SHAPE)
    busy = submit(cluster, 1, pod(3000))
    run(cluster, 0, busy)
    gang = submit(cluster, 2, pod(4000), pod(4000))
    single = submit(cluster, 3, pod(2000))
    assert run(cluster, 1, gang, single) == [3]  # what stands behind it is not held up
    assert (gang.start_s, gang.placed, cluster.used_nodes) == (-1, [], 2)
    cluster.end(single)
    assert run(cluster, 2) == []
    cluster.end(busy)
    assert run(cluster, 3) == [2]
    assert (gang.start_s, sorted(gang.placed)) == (3, [0, 1])


def test_a_gang_ends_with_its_last_pod_and_one_that_outlives_the_trace_never_does():
    cluster = KubeCluster(2, SHAPE)
    assert cluster.group(1, (pod(run_s=5), pod(run_s=50))).run_s == 50
    assert cluster.group(1, (pod(run_s=5), pod(run_s=None))).run_s is None


def test_replicas_follow_what_is_wanted_and_the_newest_end_first():
    cluster = KubeCluster(4, SHAPE)
    cluster.want_replicas(2)
    run(cluster, 0)
    oldest = list(cluster.replicas)
    cluster.want_replicas(4)
    run(cluster, 1)
    assert (len(cluster.replicas), cluster.missing_replicas) == (4, 0)
    cluster.want_replicas(2)
    assert cluster.replicas == oldest
    cluster.want_replicas(0)
    assert (cluster.replicas, cluster.used_nodes) == ([], 0)
    check(cluster)


def test_replicas_beyond_the_room_are_missing_and_start_once_there_is_some():
    cluster = KubeCluster(2, SHAPE)
    cluster.set_closed(0, "mark")
    cluster.want_replicas(3)
    run(cluster, 0)
    assert (cluster.replicas, cluster.missing_replicas) == ([1], 2)
    cluster.set_closed(0, None)
    run(cluster, 1)
    assert (cluster.replicas, cluster.missing_replicas) == ([1, 0], 1)


def test_a_replica_needs_a_node_of_its_own():
    cluster = KubeCluster(2, SHAPE)
    group = submit(cluster, 1, pod(1))
    run(cluster, 0, group)
    cluster.want_replicas(2)
    run(cluster, 1)
    assert len(cluster.replicas) == 1
    assert cluster.replicas != group.placed


def test_closing_a_node_evicts_nothing_and_admits_nothing():
    cluster = KubeCluster(1, SHAPE)
    group = submit(cluster, 1, pod())
    run(cluster, 0, group)
    cluster.set_closed(0, "mark")
    second = submit(cluster, 2, pod())
    assert run(cluster, 1, second) == []
    assert (cluster.running, int(cluster.pods_on[0])) == ([group], 1)
    cluster.set_closed(0, None)
    assert run(cluster, 2) == [2]


def test_closing_a_node_leaves_its_replica_running():
    cluster = KubeCluster(1, SHAPE)
    cluster.want_replicas(1)
    run(cluster, 0)
    cluster.set_closed(0, "mark")
    run(cluster, 1)
    assert cluster.replicas == [0]


def test_a_node_that_is_not_ready_starts_nothing():
    cluster = KubeCluster(1, SHAPE)
    cluster.set_absent(0, True)
    group = submit(cluster, 1, pod())
    assert run(cluster, 0, group) == []
    cluster.set_absent(0, False)
    assert run(cluster, 1) == [1]


def test_a_discouraged_node_is_used_last_but_it_is_used():
    cluster = KubeCluster(2, SHAPE)
    first = submit(cluster, 1, pod(3000))
    run(cluster, 0, first)
    cluster.set_discouraged(first.placed[0], True)
    second, third = submit(cluster, 2, pod(1000)), submit(cluster, 3, pod(4000))
    assert run(cluster, 1, second) == [2]
    assert second.placed != first.placed  # although the other node would have been the fuller one
    assert run(cluster, 2, third) == []
    fourth = submit(cluster, 4, pod(1000, 7000))
    fifth = submit(cluster, 5, pod(1000, 7000))
    assert run(cluster, 3, fourth, fifth) == [4, 5]
    assert fifth.placed == first.placed


def test_pending_pods_are_tried_again_only_when_room_appears_and_then_in_their_order():
    cluster = KubeCluster(1, SHAPE)
    holder = submit(cluster, 1, pod(4000))
    run(cluster, 0, holder)
    waiting = [submit(cluster, ident, pod(3000)) for ident in (2, 3)]
    assert run(cluster, 1, *waiting) == []
    cluster.end(holder)
    assert run(cluster, 2) == [2]


@settings(max_examples=60)
@given(st.integers(0, 1 << 30))
def test_nothing_is_overbooked_or_evicted_whatever_is_done(seed: int):  # noqa: C901 - one branch for each act
    dice = random.Random(seed)
    cluster = KubeCluster(4, SHAPE)
    for now_s in range(50):
        act = dice.choice(["pods", "pods", "end", "want", "close", "open", "discourage", "absent"])
        node, arrived = dice.randrange(4), []
        before = {group.id for group in cluster.running}
        ended: set[int] = set()
        if act == "pods":
            size = dice.choice([(500, 500, 0), (4000, 100, 0), (1000, 8000, 500), (100, 100, 2000)])
            group = cluster.group(now_s, (pod(*size),) * dice.choice([1, 1, 2, 4]))
            if cluster.could_ever_fit(group):
                cluster.submit(group)
                arrived = [group]
        elif act == "end" and cluster.running:
            group = dice.choice(cluster.running)
            cluster.end(group)
            ended = {group.id}
        elif act == "want":
            cluster.want_replicas(dice.randrange(6))
        elif act in ("close", "open"):
            cluster.set_closed(node, "mark" if act == "close" else None)
        elif act == "discourage":
            cluster.set_discouraged(node, dice.random() < 0.5)
        elif act == "absent":
            cluster.set_absent(node, dice.random() < 0.5)
        closed = {n for n in range(4) if not cluster.open[n]}
        started = cluster.schedule(now_s, arrived)
        check(cluster)
        assert before - ended <= {group.id for group in cluster.running}
        for group in started:
            assert not closed & set(group.placed)
            assert len(group.placed) == len(group.pods)
        assert len(cluster.replicas) <= cluster.replicas_wanted
        for group in cluster.pending:  # nobody waits for room that is there
            assert not cluster._place(group, now_s)
