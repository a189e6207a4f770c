"""What counts as a pod beside a job, as an eviction, and as late, on looks and events made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.real.both.history import History
from tests.real.both.observer import Between, Bound, Look
from tests.real.both.rules import beside_jobs, fewest_ready
from tests.real.kube.site import SIDE
from tests.real.slurm.observer import Shown, Sight

BUSY, IDLE = frozenset(("ALLOCATED",)), frozenset(("IDLE",))


def look(**pods: bool) -> Look:
    """Pods of n01 by uid, and whether each runs; those that do are ready."""
    return Look(
        0.0, 0.0, frozenset(), frozenset(), {uid: Bound(uid, "n01", "web", runs, runs) for uid, runs in pods.items()}
    )


def seen(before: Look, flags: frozenset[str], after: Look) -> Between:
    return before, Sight(0.0, 0.0, {"n01": Shown(flags, "")}, {}, {}), after


@pytest.mark.parametrize(
    ("between", "late", "told"),
    [
        pytest.param(seen(look(a=True), BUSY, look(a=True)), (), ["a"], id="it runs before and after"),
        pytest.param(seen(look(a=True, b=True), BUSY, look(a=True, b=True)), ("a",), ["b"], id="but for the late one"),
        pytest.param(seen(look(a=True), BUSY, look()), (), [], id="it may have ended before the job"),
        pytest.param(seen(look(), BUSY, look(a=True)), (), [], id="the job may have ended before it"),
        pytest.param(seen(look(a=True), BUSY, look(b=True)), (), [], id="one pod and then another"),
        pytest.param(seen(look(a=False), BUSY, look(a=True)), (), [], id="it is not known to have run yet"),
        pytest.param(seen(look(a=True), IDLE, look(a=True)), (), [], id="no job is there"),
    ],
)
def test_a_pod_beside_a_job_is_one_that_ran_all_around_a_sight_of_it(
    between: Between, late: tuple[str, ...], told: list[str]
):
    assert [one.split()[3] for one in beside_jobs([between], late)] == told


def test_the_fewest_that_were_ready_count_from_when_all_were():
    rising = [look(), look(a=True), look(a=True, b=True), look(a=True, b=False), look(a=True, b=True)]
    assert fewest_ready([seen(one, IDLE, one) for one in rising], "web") == 1


def node(revision: int, *, fenced: bool) -> dict[str, Any]:
    taints = [{"key": SIDE, "effect": effect} for effect in ("NoSchedule", *(["NoExecute"] if fenced else []))]
    return {"metadata": {"name": "n01", "resourceVersion": str(revision)}, "spec": {"taints": taints}}


def pod(revision: int, *, phase: str = "Running", node: str = "n01", **meta: str) -> dict[str, Any]:
    named = {"name": "a", "uid": "a", "resourceVersion": str(revision), **meta}
    return {"metadata": named, "spec": {"nodeName": node} if node else {}, "status": {"phase": phase}}


@pytest.fixture
def history() -> History:
    return History(SimpleNamespace(admin=None), "space")  # type: ignore[arg-type] - nothing is asked


@pytest.mark.parametrize(
    ("revisions", "is_late"),
    [((5, 10), False), ((15, 17), True), ((15, 25), True), ((25, 30), False), ((9, 15), False)],
    ids=["before it", "beside it", "seen later", "when it was lifted", "bound before it"],
)
def test_late_is_what_was_bound_when_the_fence_was_there(history: History, revisions: tuple[int, int], is_late: bool):
    for changed in (node(1, fenced=False), node(10, fenced=True), node(12, fenced=True), node(20, fenced=False)):
        history._see_node(changed)
    history._see_pod(pod(2, node="", phase="Pending"))
    for revision in revisions:
        history._see_pod(pod(revision))
    assert history.came_late() == ({"a"} if is_late else set())


@pytest.mark.parametrize(
    ("phase", "is_harmed"), [("Running", True), ("Pending", True), ("Failed", True), ("Succeeded", False)]
)
def test_a_pod_is_harmed_that_is_deleted_before_it_has_succeeded(history: History, phase: str, is_harmed: bool):
    history._see_pod(pod(2))
    history._see_pod(pod(3, phase=phase, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert bool(history.harmed) is is_harmed
