"""The definitions of custom resources in the test bed: an API server takes them, and objects with any status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.kube import crds, objects
from tests.real.kube.client import RefusedError
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.fixtures import running

POD = {"template": {"spec": objects.pod_spec(objects.WHOLE, restartPolicy="Never")}}
WORKER = {"groupName": "workers", "replicas": 2, "minReplicas": 0, "maxReplicas": 4, "rayStartParams": {}, **POD}
OBJECTS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "jobset": (
        "/apis/jobset.x-k8s.io/v1alpha2/namespaces/default/jobsets",
        "JobSet",
        {"replicatedJobs": [{"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 2, **POD}}}]},
        {"restarts": 1},
    ),
    "kuberay": (
        "/apis/ray.io/v1/namespaces/default/rayclusters",
        "RayCluster",
        {"headGroupSpec": {"rayStartParams": {}, **POD}, "workerGroupSpecs": [WORKER]},
        {"desiredWorkerReplicas": 2, "availableWorkerReplicas": 1},
    ),
    "kueue": (
        "/apis/kueue.x-k8s.io/v1beta2/namespaces/default/workloads",
        "Workload",
        {"queueName": "users", "podSets": [{"name": "main", "count": 3, **POD}]},
        {"resourceRequests": [{"name": "main", "resources": {"cpu": "6"}}]},
    ),
    "lws": (
        "/apis/leaderworkerset.x-k8s.io/v1/namespaces/default/leaderworkersets",
        "LeaderWorkerSet",
        {
            "replicas": 2,
            "rolloutStrategy": {"type": "RollingUpdate"},
            "leaderWorkerTemplate": {"size": 4, "workerTemplate": POD["template"]},
        },
        {"replicas": 1, "readyReplicas": 1},
    ),
    "volcano": (
        "/apis/scheduling.volcano.sh/v1beta1/namespaces/default/podgroups",
        "PodGroup",
        {"minMember": 4, "queue": "default", "minResources": {"nvidia.com/gpu": "16"}},
        {"phase": "Pending"},
    ),
}


@pytest.fixture(scope="module")
def apiserver(tmp_path_factory: pytest.TempPathFactory, kube_logs: None) -> Iterator[ControlPlane]:
    """An API server alone, that knows no custom resources yet."""
    only = {"scheduler": False, "controller_manager": False, "kwok": False}
    with running(tmp_path_factory.mktemp("crds"), 0, **only) as control_plane:
        yield control_plane


@pytest.mark.parametrize("name", crds.NAMES)
def test_objects_are_taken_with_the_status_that_a_test_gives_them(apiserver: ControlPlane, name: str):
    path, kind, spec, status = OBJECTS[name]
    assert apiserver.admin.ask("GET", path).status == 404
    assert path.rpartition("/")[2] in {one.partition(".")[0] for one in crds.apply(apiserver, name)}
    with pytest.raises(RefusedError, match=r"422|400"):
        crds.create(apiserver.admin, path, kind, "wrong", {key: {"no": "such"} for key in spec})
    assert crds.create(apiserver.admin, path, kind, "one", spec)["spec"].keys() >= spec.keys()
    crds.set_status(apiserver.admin, f"{path}/one", status)
    told = apiserver.admin.get(f"{path}/one")["status"]
    assert {key: told[key] for key in status} == status
    crds.remove(apiserver, name)
    apiserver.wait(lambda: apiserver.admin.ask("GET", path).status == 404, "it is forgotten")
