"""What people put onto a cluster, as few lines as a test needs to say: pods, and what makes pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from tests.real.kube.client import NOTHING, Client, RefusedError
from tests.real.kube.control_plane import ControlPlane

CORE = "/api/v1/namespaces"
APPS = "/apis/apps/v1/namespaces"
BATCH = "/apis/batch/v1/namespaces"
POLICY = "/apis/policy/v1/namespaces"
WHOLE: Mapping[str, str] = MappingProxyType({"cpu": "60", "nvidia.com/gpu": "4"})  # no other such pod fits beside it
SMALL: Mapping[str, str] = MappingProxyType({"cpu": "1"})
ENDS, AFTER = "test.tidegate.dev/ends", "test.tidegate.dev/after"  # of our stage of kwok's
SOON_S = 30.0


def namespace(client: Client, name: str, **labels: str) -> str:
    """Make a namespace, and give its name back."""
    client.create(CORE, {"metadata": {"name": name, "labels": labels}})
    return name


def pod_spec(
    requests: Mapping[str, str] = SMALL,
    *,
    node: str = "",
    selector: Mapping[str, str] = NOTHING,
    tolerations: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The spec of a pod with one container; ``node`` binds it there whatever a scheduler would say."""
    extended = {resource: amount for resource, amount in requests.items() if "/" in resource}
    container = {
        "name": "main",
        "image": "nothing",
        "resources": {"requests": dict(requests), "limits": extended},
    }
    spec: dict[str, Any] = {"containers": [container], "terminationGracePeriodSeconds": 0, **more}
    spec |= {"nodeName": node} if node else {}
    spec |= {"nodeSelector": dict(selector)} if selector else {}
    spec |= {"tolerations": [*tolerations]} if tolerations else {}
    return spec


def pod(
    client: Client,
    space: str,
    name: str,
    requests: Mapping[str, str] = SMALL,
    *,
    labels: Mapping[str, str] = NOTHING,
    annotations: Mapping[str, str] = NOTHING,
    owner: Mapping[str, Any] | None = None,
    finalizers: Sequence[str] = (),
    **spec: Any,
) -> Any:
    """Make a pod; ``owner`` is the object that controls it, and ``spec`` is what ``pod_spec`` takes."""
    meta: dict[str, Any] = {"name": name, "labels": dict(labels), "annotations": dict(annotations)}
    meta |= {"ownerReferences": [owned_by(owner)]} if owner else {}
    meta |= {"finalizers": [*finalizers]} if finalizers else {}
    body = {"metadata": meta, "spec": pod_spec(requests, **spec)}
    return client.create(f"{CORE}/{space}/pods", body)


def owned_by(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The reference of what an object controls to it."""
    meta = owner["metadata"]
    named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"]}
    return {**named, "controller": True, "blockOwnerDeletion": False}


def runs_for(seconds: float) -> dict[str, str]:
    """The annotations of a pod that succeeds after so long; without them it runs until it is deleted."""
    return {ENDS: "Succeeded", AFTER: f"{int(seconds * 1000)}ms"}


def job(
    client: Client,
    space: str,
    name: str,
    requests: Mapping[str, str] = SMALL,
    *,
    parallelism: int = 1,
    completions: int | None = None,
    suspend: bool = False,
    labels: Mapping[str, str] = NOTHING,
    annotations: Mapping[str, str] = NOTHING,
    **spec: Any,
) -> Any:
    """Make a Job; the annotations are its pods', ``runs_for`` say."""
    template = {
        "metadata": {"annotations": dict(annotations)},
        "spec": pod_spec(requests, restartPolicy="Never", **spec),
    }
    wanted = {
        "parallelism": parallelism,
        "completions": parallelism if completions is None else completions,
        "suspend": suspend,
        "template": template,
    }
    return client.create(f"{BATCH}/{space}/jobs", {"metadata": {"name": name, "labels": dict(labels)}, "spec": wanted})


def deployment(
    client: Client, space: str, name: str, requests: Mapping[str, str] = SMALL, *, replicas: int = 1, **spec: Any
) -> Any:
    wanted = {"replicas": replicas, **_of_app(name, pod_spec(requests, **spec))}
    return client.create(f"{APPS}/{space}/deployments", {"metadata": {"name": name}, "spec": wanted})


@contextmanager
def deployed(control_plane: ControlPlane, space: str, **where: str) -> Iterator[None]:
    """A Deployment of one pod on each of these nodes, by name; its pods are gone afterwards."""
    admin = control_plane.admin
    for name, node in where.items():
        deployment(admin, space, name, selector={"kubernetes.io/hostname": node})
    try:
        wait_count(control_plane, space, len(where))
        yield
    finally:
        for name in where:
            admin.delete(f"{APPS}/{space}/deployments/{name}", propagationPolicy="Background")
        apps = f"app in ({','.join(where)})"
        control_plane.wait(lambda: not pods(admin, space, labelSelector=apps), "their pods are gone")


def daemon_set(client: Client, space: str, name: str, requests: Mapping[str, str] = SMALL, **spec: Any) -> Any:
    wanted = _of_app(name, pod_spec(requests, **spec))
    return client.create(f"{APPS}/{space}/daemonsets", {"metadata": {"name": name}, "spec": wanted})


def budget(client: Client, space: str, name: str, *, app: str, min_available: int | str = "100%", **more: Any) -> Any:
    """A PodDisruptionBudget over the pods with the label ``app``."""
    spec = {"minAvailable": min_available, "selector": {"matchLabels": {"app": app}}, **more}
    return client.create(f"{POLICY}/{space}/poddisruptionbudgets", {"metadata": {"name": name}, "spec": spec})


def priority_class(client: Client, name: str, value: int) -> Any:
    body = {"metadata": {"name": name}, "value": value}
    return client.create("/apis/scheduling.k8s.io/v1/priorityclasses", body)


def get_pod(client: Client, space: str, name: str) -> Any:
    return client.get(f"{CORE}/{space}/pods/{name}")


def pods(client: Client, space: str, **query: Any) -> list[Any]:
    return client.items(f"{CORE}/{space}/pods", **query)


def pods_on(client: Client, node: str) -> list[Any]:
    """Everybody's pods on a node that have not ended."""
    on_it = client.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    return [one for one in on_it if one["status"]["phase"] not in {"Succeeded", "Failed"}]


def evict(client: Client, space: str, name: str, *, uid: str = "") -> Any:
    """Ask the API server to end a pod as budgets allow. Raises RefusedError when they do not."""
    body: dict[str, Any] = {"metadata": {"name": name, "namespace": space}}
    body |= {"deleteOptions": {"preconditions": {"uid": uid}}} if uid else {}
    return client.create(f"{CORE}/{space}/pods/{name}/eviction", body)


def delete_pod(client: Client, space: str, name: str) -> None:
    """Let it go at once; one that has gone already is gone."""
    try:
        client.delete(f"{CORE}/{space}/pods/{name}", gracePeriodSeconds=0)
    except RefusedError as error:
        if error.status != 404:
            raise


def delete_namespace(client: Client, name: str) -> None:
    """Let it go, with all that is in it; nobody waits for that."""
    try:
        client.delete(f"{CORE}/{name}")
    except RefusedError as error:
        if error.status not in (404, 409):
            raise


def wait_running(control_plane: ControlPlane, space: str, *names: str, timeout_s: float = SOON_S) -> dict[str, str]:
    """Wait until the pods run, and tell on which nodes."""
    wanted, where = set(names), dict[str, str]()

    def run() -> bool:
        there = {one["metadata"]["name"]: one for one in pods(control_plane.admin, space)}
        running = {name for name in wanted & set(there) if there[name]["status"]["phase"] == "Running"}
        where.update({name: there[name]["spec"]["nodeName"] for name in running})
        return running == wanted

    control_plane.wait(run, f"running: {', '.join(sorted(wanted))}", timeout_s)
    return where


def wait_unschedulable(control_plane: ControlPlane, space: str, name: str, timeout_s: float = SOON_S) -> str:
    """Wait until the scheduler says that it has no place for a pod, and tell what it says."""
    said: list[str] = []

    def is_refused() -> bool:
        conditions = get_pod(control_plane.admin, space, name)["status"].get("conditions") or ()
        said[:] = [one["message"] for one in conditions if one.get("reason") == "Unschedulable"]
        return bool(said)

    control_plane.wait(is_refused, f"{name} has no place", timeout_s)
    return said[0]


def wait_count(control_plane: ControlPlane, space: str, count: int, *, phase: str = "Running") -> None:
    """Wait until there are so many pods in this phase."""

    def are_so_many() -> bool:
        return [one["status"]["phase"] for one in pods(control_plane.admin, space)].count(phase) == count

    control_plane.wait(are_so_many, f"{count} pods are {phase} in {space}", SOON_S)


def wait_gone(control_plane: ControlPlane, space: str, name: str, timeout_s: float = SOON_S) -> None:
    def is_gone() -> bool:
        return control_plane.admin.ask("GET", f"{CORE}/{space}/pods/{name}").status == 404

    control_plane.wait(is_gone, f"{name} is gone", timeout_s)


def _of_app(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": dict(spec)}}
