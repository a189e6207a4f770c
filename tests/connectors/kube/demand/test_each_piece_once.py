"""Whatever layers a cluster mixes, each piece of work is told once: by its pod, or by a need of one source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kube.demand.all_needs import Words, all_needs
from connectors.kube.demand.sources.kueue_standing import Quota, QuotaWords
from tests.connectors.kube.demand.objects import NOW_S, of

Object = dict[str, Any]
Made = tuple[list[Object], int]  # objects, and how many pods they are to have in all
SPEC: Object = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]}
PLAIN = {"spec": SPEC}
GATE = [{"name": "kueue.x-k8s.io/admission"}]
JOBSET_LABEL = "jobset.sigs.k8s.io/replicatedjob-name"
LWS = "leaderworkerset.sigs.k8s.io/"


def meta(name: str, owner: str = "", **more: Any) -> Object:
    references = [{"kind": "X", "name": owner, "uid": owner, "controller": True}] if owner else []
    return {"name": name, "uid": name, "namespace": "team", "ownerReferences": references, **more}


def thing(version: str, kind: str, metadata: Object, spec: Object, **status: Any) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "status": status}


def pods(name: str, owner: str, count: int, *, gated: bool = False, **more: Any) -> list[Object]:
    spec = SPEC | ({"schedulingGates": GATE} if gated else {})
    return [thing("v1", "Pod", meta(f"{name}-p{n}", owner, **more), spec, phase="Pending") for n in range(count)]


def job(name: str, owner: str, wanted: int, template: Object = PLAIN, **more: Any) -> Object:
    spec = {"parallelism": wanted, "completions": wanted, "template": template}
    return thing("batch/v1", "Job", meta(name, owner, **more), spec)


def workload(name: str, owner: str, counts: dict[str, int], *, admitted: bool) -> Object:
    spec = {"queueName": "lq", "podSets": [{"name": n, "count": c, "template": PLAIN} for n, c in counts.items()]}
    conditions = [
        {"type": "QuotaReserved", "status": str(admitted), "reason": "Pending"},
        {"type": "Admitted", "status": str(admitted), "reason": "X"},
    ]
    return thing("kueue.x-k8s.io/v1beta2", "Workload", meta(name, owner), spec, conditions=conditions)


def some(draw: st.DrawFn, wanted: int) -> int:
    return draw(st.integers(0, wanted))


def a_job(draw: st.DrawFn, name: str) -> Made:
    wanted = draw(st.integers(0, 4))
    owner = draw(st.sampled_from(["", f"{name}-cron", "unknown"]))
    cron = thing("batch/v1", "CronJob", meta(f"{name}-cron"), {"schedule": "0 0 * * *", "suspend": True})
    ended = thing("v1", "Pod", meta(f"{name}-old", name), SPEC, phase="Failed")
    return [job(name, owner, wanted), cron, ended, *pods(name, name, some(draw, wanted))], wanted


def a_job_in_kueue(draw: st.DrawFn, name: str) -> Made:
    wanted, admitted = draw(st.integers(1, 4)), draw(st.booleans())
    there = pods(name, name, some(draw, wanted), gated=draw(st.booleans()) or not admitted)
    owner = draw(st.sampled_from(["", f"{name}-cron"]))
    return [job(name, owner, wanted), workload(f"{name}-wl", name, {"main": wanted}, admitted=admitted), *there], wanted


def an_unknown_kind_in_kueue(draw: st.DrawFn, name: str) -> Made:
    counts = {"launcher": draw(st.integers(0, 1)), "worker": draw(st.integers(1, 4))}
    there = [
        one
        for of_set, count in counts.items()
        for one in pods(f"{name}-{of_set}", name, some(draw, count), labels={"kueue.x-k8s.io/podset": of_set})
    ]
    group = thing("scheduling.volcano.sh/v1beta1", "PodGroup", meta(f"{name}-pg", name), {"minMember": 9})
    return [workload(f"{name}-wl", name, counts, admitted=True), group, *there], sum(counts.values())


def a_job_set(draw: st.DrawFn, name: str) -> Made:
    replicas, wide = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    template = {"spec": {"parallelism": wide, "completions": wide, "template": PLAIN}}
    spec = {"replicatedJobs": [{"name": "r", "replicas": replicas, "template": template}]}
    found = [thing("jobset.x-k8s.io/v1alpha2", "JobSet", meta(name), spec)]
    for number in range(some(draw, replicas)):
        child = f"{name}-j{number}"
        found += [job(child, name, wide, labels={JOBSET_LABEL: "r"}), *pods(child, child, some(draw, wide))]
    if draw(st.booleans()):
        found.append(workload(f"{name}-wl", name, {"r": replicas * wide}, admitted=True))
    if draw(st.booleans()):
        found.append(thing("scheduling.k8s.io/v1beta1", "PodGroup", meta(f"{name}-pg", name), {}))
    return found, replicas * wide


def a_leader_worker_set(draw: st.DrawFn, name: str) -> Made:
    replicas, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    spec = {"replicas": replicas, "leaderWorkerTemplate": {"size": size, "workerTemplate": PLAIN}}
    found = [thing("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", meta(name), spec)]
    found.append(thing("apps/v1", "StatefulSet", meta(f"{name}-s", name), {"replicas": replicas, "template": PLAIN}))
    for index in range(some(draw, replicas)):
        labels = {f"{LWS}group-index": str(index), f"{LWS}worker-index": "0"}
        (leader,) = pods(f"{name}-{index}", f"{name}-s", 1, labels=labels)
        workers = {"replicas": size - 1, "podManagementPolicy": "Parallel", "template": PLAIN}
        uid = leader["metadata"]["uid"]
        found += [leader, thing("apps/v1", "StatefulSet", meta(f"{uid}-s", uid), workers)]
        found += pods(f"{uid}-w", f"{uid}-s", some(draw, size - 1), labels=labels | {f"{LWS}worker-index": "1"})
    return found, replicas * size


def a_ray_job(draw: st.DrawFn, name: str) -> Made:
    wanted = draw(st.integers(0, 3))
    groups = [{"groupName": "w", "replicas": wanted, "template": PLAIN}]
    spec = {"headGroupSpec": {"template": PLAIN}, "workerGroupSpecs": groups}
    found = [thing("ray.io/v1", "RayJob", meta(name), {"rayClusterSpec": spec})]
    if not draw(st.booleans()):
        return found, 1 + wanted
    cluster = f"{name}-rc"
    found.append(thing("ray.io/v1", "RayCluster", meta(cluster, name), spec))
    found += pods(f"{name}-h", cluster, some(draw, 1), labels={"ray.io/node-type": "head"})
    labels = {"ray.io/node-type": "worker", "ray.io/group": "w"}
    found += pods(f"{name}-w", cluster, some(draw, wanted), labels=labels)
    found.append(job(f"{name}-submit", name, 1))
    group = {"minMember": 1 + wanted, "minResources": {"cpu": "4"}}
    for number in range(draw(st.integers(0, 2))):
        found.append(thing("scheduling.volcano.sh/v1beta1", "PodGroup", meta(f"{name}-pg{number}", cluster), group))
    return found, 1 + wanted + 1


def a_volcano_job(draw: st.DrawFn, name: str) -> Made:
    wanted, group = draw(st.integers(1, 4)), f"{name}-pg"
    annotations = {"scheduling.k8s.io/group-name": group}
    there = pods(name, name, some(draw, wanted), annotations=annotations)
    spec = {"minMember": wanted, "minResources": {"cpu": str(wanted)}}
    owner = draw(st.sampled_from(["", name]))
    found = [thing("scheduling.volcano.sh/v1beta1", "PodGroup", meta(group, owner), spec, phase="Inqueue"), *there]
    if draw(st.booleans()):
        found.append(job(name, "", wanted, PLAIN | {"metadata": {"annotations": annotations}}))
    return found, wanted


def a_kai_group(draw: st.DrawFn, name: str) -> Made:
    wanted = draw(st.integers(1, 4))
    there = pods(name, "", draw(st.integers(1, wanted)), annotations={"pod-group-name": name})
    return [thing("scheduling.run.ai/v2alpha2", "PodGroup", meta(name), {"minMember": wanted}), *there], wanted


def a_group_over_jobs(draw: st.DrawFn, name: str) -> Made:
    labels = {"scheduling.x-k8s.io/pod-group": name}
    found = [thing("scheduling.x-k8s.io/v1alpha1", "PodGroup", meta(name), {"minMember": 3})]
    wanted = 0
    for number in range(draw(st.integers(0, 2))):
        child, wide = f"{name}-j{number}", draw(st.integers(1, 3))
        found.append(job(child, "", wide, PLAIN | {"metadata": {"labels": labels}}))
        found += pods(child, child, some(draw, wide), labels=labels)
        wanted += wide
    return found, wanted


def a_service(draw: st.DrawFn, name: str) -> Made:
    wanted, kind = draw(st.integers(1, 4)), draw(st.sampled_from(["Deployment", "StatefulSet"]))
    count = some(draw, wanted)
    spec = {"replicas": wanted, "podManagementPolicy": "Parallel", "template": PLAIN}
    failure = [{"type": "ReplicaFailure", "status": "True"}]
    there = pods(name, f"{name}-rs" if kind == "Deployment" else name, count)
    return [thing("apps/v1", kind, meta(name), spec, replicas=count, conditions=failure), *there], wanted


def plain_pods(draw: st.DrawFn, name: str) -> Made:
    count = draw(st.integers(0, 3))
    if not count or not draw(st.booleans()):
        return pods(name, "", count), count
    label = {"kueue.x-k8s.io/pod-group-name": f"{name}-wl"}
    gated = draw(st.booleans())
    there = pods(name, "", count, gated=gated, labels=label)
    group = workload(f"{name}-wl", "", {"main": count}, admitted=not gated)
    group["metadata"]["ownerReferences"] = [{"kind": "Pod", "uid": one["metadata"]["uid"]} for one in there]
    return [group, *there], count


RECIPES: tuple[Callable[[st.DrawFn, str], Made], ...] = (
    a_job,
    a_job_in_kueue,
    an_unknown_kind_in_kueue,
    a_job_set,
    a_leader_worker_set,
    a_ray_job,
    a_volcano_job,
    a_kai_group,
    a_group_over_jobs,
    a_service,
    plain_pods,
)


@st.composite
def works(draw: st.DrawFn) -> list[Made]:
    recipes = draw(st.lists(st.sampled_from(RECIPES), max_size=6))
    return [recipe(draw, f"w{number}") for number, recipe in enumerate(recipes)]


def counted(objects: list[Object], word: Quota) -> tuple[int, set[str]]:
    """Pieces that are told in all, and the names that they are told by."""
    state = of(objects)
    found = all_needs(state, Words(quota=QuotaWords(word)), NOW_S)
    assert found.unread == ()
    gangs = [found.gang_of(one) for one in state.pods.values() if not one.ended]
    by_needs = sum(part.count for need in found.needs for part in need.parts)
    names = {need.id for need in found.needs} | {gang.id for gang in gangs}
    return by_needs + sum(not gang.told for gang in gangs), names


@settings(max_examples=300)
@given(works(), st.sampled_from(list(Quota)), st.randoms(use_true_random=False))
def test_each_piece_is_told_once(made: list[Made], word: Quota, order: Any):
    objects = [one for objects, _ in made for one in objects]
    order.shuffle(objects)
    told, _ = counted(objects, word)
    assert told == sum(pieces for _, pieces in made)


@given(works())
def test_what_is_told_of_one_work_is_what_is_told_of_it_alone(made: list[Made]):
    together = counted([one for objects, _ in made for one in objects], Quota.NONE)
    alone = [counted(objects, Quota.NONE) for objects, _ in made]
    assert together[0] == sum(pieces for pieces, _ in alone)
    assert together[1] == {name for _, names in alone for name in names}


NAMES_MOST = {a_leader_worker_set: 3, a_ray_job: 2, a_service: 2, plain_pods: 3}  # groups; submitter; replica set


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_the_needs_of_a_work_and_its_pods_have_the_same_names(recipe: Callable[[st.DrawFn, str], Made]):
    @settings(max_examples=60)
    @given(st.composite(recipe)("w"))
    def holds(made: Made) -> None:
        state = of(made[0])
        found = all_needs(state, Words(), NOW_S)
        pieces = [found.gang_of(one) for one in state.pods.values() if not one.ended] + list(found.needs)
        said = {(piece.id, piece.together) for piece in pieces}
        assert len(said) == len({name for name, _ in said}) <= NAMES_MOST.get(recipe, 1)

    holds()
