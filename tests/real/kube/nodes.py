"""Nodes that kwok keeps alive: they are objects like any other node's, and what runs there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tests.real.kube.client import NOTHING, Client
from tests.real.kube.control_plane import ControlPlane

NODES = "/api/v1/nodes"
KWOK = {"kwok.x-k8s.io/node": "fake"}
CPUS, GPUS = 64, 4
OFFERS: Mapping[str, str] = MappingProxyType(
    {"cpu": str(CPUS), "memory": "250Gi", "pods": "110", "nvidia.com/gpu": str(GPUS)}
)
GONE_S = 30.0


def names(count: int) -> list[str]:
    """The names that Slurm's nodes have in its test bed, too."""
    return [f"n{number:02d}" for number in range(1, count + 1)]


def create(
    control_plane: ControlPlane,
    *called: str,
    offers: Mapping[str, str] = OFFERS,
    labels: Mapping[str, str] = NOTHING,
    taints: Sequence[Mapping[str, str]] = (),
) -> None:
    """Make the nodes and wait until all of them are ready and open to pods."""
    for name in called:
        own = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", **labels}
        control_plane.admin.create(
            NODES,
            {
                "metadata": {"name": name, "labels": own, "annotations": KWOK},
                "spec": {"taints": [*taints]},
                "status": {"allocatable": dict(offers), "capacity": dict(offers)},
            },
        )
    if control_plane.options.kwok:
        wait_ready(control_plane, called)


def get(client: Client, name: str) -> Any:
    return client.get(f"{NODES}/{name}")


def is_ready(node: Mapping[str, Any]) -> bool:
    return condition(node, "Ready") == "True"


def condition(node: Mapping[str, Any], kind: str) -> str:
    """The status of a condition; nothing when the node has none of that kind."""
    told = node.get("status", {}).get("conditions") or ()
    return next((str(one["status"]) for one in told if one["type"] == kind), "")


def taints(node: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The value and the effect of each taint by its key; of two with the same key, the last."""
    told = node["spec"].get("taints") or ()
    return {one["key"]: (one.get("value", ""), one["effect"]) for one in told}


def taint(client: Client, name: str, key: str, value: str = "", effect: str = "NoSchedule") -> None:
    """Add a taint to those that are there, as ``kubectl taint`` does."""
    node = get(client, name)
    wanted = [*(node["spec"].get("taints") or ()), {"key": key, "value": value, "effect": effect}]
    _set_taints(client, node, wanted)


def untaint(client: Client, name: str, key: str) -> None:
    """Take away every taint with that key."""
    node = get(client, name)
    _set_taints(client, node, [one for one in node["spec"].get("taints") or () if one["key"] != key])


def cordon(client: Client, name: str, *, on: bool = True) -> None:
    """Close a node as ``kubectl cordon`` does, or open it."""
    client.patch(f"{NODES}/{name}", {"spec": {"unschedulable": on or None}})


def annotate(client: Client, name: str, **annotations: str | None) -> None:
    client.patch(f"{NODES}/{name}", {"metadata": {"annotations": annotations}})


def set_offers(client: Client, name: str, offers: Mapping[str, str | None]) -> None:
    """Change what a node can give: ``None`` takes a resource away, as when a device plug-in has gone."""
    client.patch(f"{NODES}/{name}/status", {"status": {"allocatable": dict(offers), "capacity": dict(offers)}})


def silence(control_plane: ControlPlane, name: str) -> None:
    """Kwok leaves the node alone from now on: its lease is not renewed any more, and it becomes not ready in time.

    A kwok that runs neither lets go of a node nor takes one back, so it is started anew.
    """
    annotate(control_plane.admin, name, **dict.fromkeys(KWOK))
    control_plane.kwok.stop()
    control_plane.kwok.start()


def revive(control_plane: ControlPlane, name: str) -> None:
    """Kwok keeps the node alive again."""
    annotate(control_plane.admin, name, **KWOK)
    control_plane.kwok.stop()
    control_plane.kwok.start()


def delete(control_plane: ControlPlane, *called: str) -> None:
    """Delete the nodes, and wait until they are gone."""
    for name in called:
        control_plane.admin.delete(f"{NODES}/{name}")
    left = set(called)
    control_plane.wait(lambda: not left & set(_listed(control_plane)), f"gone: {', '.join(called)}", GONE_S)


def wait_ready(control_plane: ControlPlane, called: Iterable[str]) -> None:
    """Wait until the nodes are ready and nothing but what a test wants keeps pods off them."""
    wanted = set(called)

    def are_ready() -> bool:
        there = {name: node for name, node in _listed(control_plane).items() if name in wanted}
        is_new = "node.kubernetes.io/not-ready"
        return set(there) == wanted and all(is_ready(one) and is_new not in taints(one) for one in there.values())

    control_plane.wait(are_ready, f"ready: {', '.join(sorted(wanted))}")


def wait_not_ready(control_plane: ControlPlane, name: str, timeout_s: float = 90.0) -> None:
    control_plane.wait(lambda: not is_ready(get(control_plane.admin, name)), f"{name} is not ready", timeout_s)


def _listed(control_plane: ControlPlane) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in control_plane.admin.items(NODES)}


def _set_taints(client: Client, node: Mapping[str, Any], wanted: list[Any]) -> None:
    meta = node["metadata"]
    body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "spec": {"taints": wanted or None}}
    client.patch(f"{NODES}/{meta['name']}", body)
