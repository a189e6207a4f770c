"""Kueue's own controller in the test bed: quota lets a Job run, and one above it has no pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.kube import kueue as told
from tests.real.kube import objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.kueue import QUEUE, Kueue

QUOTA = {"cpu": "4"}
LABEL = {QUEUE: "users"}
ADMITTED = ("True", "Admitted")


@pytest.fixture
def queue(kube: ControlPlane, kueue: Kueue, space: str) -> Iterator[str]:
    """A queue with four processors for the test's namespace; its name."""
    told.flavor(kube.admin, space)
    told.cluster_queue(kube.admin, space, space, QUOTA)
    told.local_queue(kube.admin, space, "users", space)
    yield space
    for kind in ("clusterqueues", "resourceflavors"):
        kube.admin.delete(f"{told.API}/{kind}/{space}")


def job(kube: ControlPlane, space: str, name: str, parallelism: int) -> None:
    objects.job(kube.admin, space, name, {"cpu": "2"}, parallelism=parallelism, suspend=True, labels=LABEL)


def is_suspended(kube: ControlPlane, space: str, name: str) -> bool:
    return bool(kube.admin.get(f"{objects.BATCH}/{space}/jobs/{name}")["spec"]["suspend"])


def workload(kube: ControlPlane, space: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = told.workloads(kube.admin, space).get(name, {})
    return found


def test_a_job_within_quota_runs_and_one_above_it_has_no_pods_until_quota_grows(
    kube: ControlPlane, queue: str, space: str
):
    job(kube, space, "a", 2)
    kube.wait(lambda: not is_suspended(kube, space, "a"), "the job within quota is let run")
    objects.wait_count(kube, space, 2)
    job(kube, space, "b", 3)
    waits = ("False", "Pending")
    kube.wait(lambda: told.condition(workload(kube, space, "b"), "QuotaReserved") == waits, "the other waits for quota")
    assert is_suspended(kube, space, "b")
    assert len(objects.pods(kube.admin, space)) == 2, "of the other there is none"
    told.set_quota(kube.admin, queue, {"cpu": "10"})
    kube.wait(lambda: not is_suspended(kube, space, "b"), "it is let run")
    objects.wait_count(kube, space, 5)
    assert told.condition(workload(kube, space, "b"), "Admitted") == ADMITTED
