"""Kueue: which word of the policy its quota looks like, which queue and flavor would do, and what the policy says."""

from __future__ import annotations

from typing import Any

import pytest

from models.findings import Level
from tests.connectors.kube.checkup.cluster import KUEUE, Looked, bad, healthy, look, policy, text
from tests.connectors.kube.objects import node, taint

WARNING, ERROR = Level.WARNING, Level.ERROR
HPC = taint("tidegate.dev/side", value="hpc")


def queue(name: str = "gpus", flavor: str = "h100", *, lending: str = "", **quotas: str) -> dict[str, Any]:
    more = {"lendingLimit": lending} if lending else {}
    resources = [{"name": key.replace("gpu", "nvidia.com/gpu"), "nominalQuota": value, **more}
                 for key, value in quotas.items()]  # fmt: skip
    return {
        "metadata": {"name": name},
        "spec": {"resourceGroups": [{"flavors": [{"name": flavor, "resources": resources}]}]},
    }


def flavor(name: str = "h100", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"nodeLabels": labels}}


def cluster(*queues: dict[str, Any], closed: int = 1, flavors: tuple[dict[str, Any], ...] = ()) -> Looked:
    """Four nodes of the flavor, 8 processors and 4 GPUs each; the last ones are HPC's, and show no GPUs."""
    api = healthy(*KUEUE, names=[])
    for number in range(1, 5):
        away = number > 4 - closed
        allocatable = {"cpu": "8", "memory": "62500Mi"} | ({} if away else {"nvidia.com/gpu": "4"})
        labels = {"gpu": "h100", "zone": "a"}
        taints = [HPC] if away else []
        api.put("nodes", node(f"n{number}", taints=taints, labels=labels, status={"allocatable": allocatable}))
    for one in flavors or (flavor(gpu="h100"),):
        api.put("resourceflavors", one)
    for one in queues:
        api.put("clusterqueues", one)
    return api


def says(quota: str | None, **more: str) -> Any:
    kueue = {} if quota is None else {"kubernetes": {"kueue": {"quota": quota, **more}}}
    return {"nodes": "n[1-4]", **kueue}


FOLLOWS = says("follows", clusterQueue="gpus", flavor="h100")


def kueue(api: Looked, pool: Any, mode: str = "auto") -> list[Any]:
    return bad(look(api, policy(mode, **pool)), "kubernetes.kueue")


@pytest.mark.parametrize(
    ("quotas", "closed", "needle"),
    [
        pytest.param({"cpu": "24"}, 1, "follows (cpu: quota 24, all nodes 32, those that are open 24)", id="today"),
        pytest.param({"cpu": "32"}, 1, "looks like none (", id="the fleet"),
        pytest.param({"cpu": "400"}, 1, "looks like none (", id="more than the fleet"),
        pytest.param({"cpu": "28"}, 1, "looks like fixed (", id="in between"),
        pytest.param({"cpu": "4"}, 1, "looks like fixed (", id="less"),
        pytest.param({"cpu": "32"}, 0, "looks like follows or none (", id="both alike"),
        pytest.param({"gpu": "12"}, 1, "looks like follows (nvidia.com/gpu: quota 12, all nodes 16", id="by GPUs"),
        pytest.param({"gpu": "16", "memory": "187500Mi"}, 1, "looks like follows (memory in GiB", id="memory first"),
        pytest.param({"pods": "10"}, 1, "nothing that can be told", id="nothing to compare"),
        pytest.param({"cpu": "lots"}, 1, "looks like fixed (", id="no quantity"),
    ],
)  # fmt: skip
def test_what_the_quota_looks_like(quotas: dict[str, str], closed: int, needle: str):
    (found,) = kueue(cluster(queue(**quotas), closed=closed), says(None))
    assert found.level is ERROR
    assert needle in found.what


def test_where_nothing_moves_a_word_that_is_missing_is_a_warning():
    (found,) = kueue(cluster(queue(cpu="24")), says(None), "recommend")
    assert found.level is WARNING


@pytest.mark.parametrize(
    ("queues", "flavors", "needle"),
    [
        pytest.param([queue(cpu="24")], [flavor(gpu="h100")],
                     "{quota: follows, clusterQueue: gpus, flavor: h100}", id="one"),
        pytest.param([queue(cpu="12"), queue("more", cpu="12")], [flavor(gpu="h100")],
                     "with the clusterQueue and flavor that are meant; these would do: gpus with h100, more with h100",
                     id="two queues share the flavor"),
        pytest.param([queue(cpu="24"), queue("any", "default", cpu="24")], [flavor(gpu="h100"), flavor("default")],
                     "clusterQueue: gpus, flavor: h100}", id="the flavor that says more"),
        pytest.param([queue(cpu="24"), queue("b", "zone", cpu="24")], [flavor(gpu="h100"), flavor("zone", zone="a")],
                     "these would do: b with zone, gpus with h100", id="two flavors that say as much"),
        pytest.param([queue(cpu="32")], [flavor(gpu="h100")], "{quota: none}", id="another word"),
    ],
)  # fmt: skip
def test_what_is_proposed(queues: list[Any], flavors: list[Any], needle: str):
    (found,) = kueue(cluster(*queues, flavors=tuple(flavors)), says(None))
    assert needle in found.remedy


@pytest.mark.parametrize(
    "flavors", [[flavor(gpu="a100")], [flavor(gpu="h100", zone="b")], [flavor("unused", gpu="h100")]]
)
def test_a_pool_that_no_flavor_chooses_needs_no_word(flavors: list[Any]):
    assert kueue(cluster(queue(cpu="24"), flavors=tuple(flavors)), says(None)) == []


@pytest.mark.parametrize(
    ("pool", "level", "needle"),
    [
        pytest.param(FOLLOWS, None, "", id="as it is"),
        pytest.param(says("fixed"), WARNING, "says kueue.quota: fixed, but it looks like follows", id="fixed"),
        pytest.param(says("none"), WARNING, "says kueue.quota: none, but it looks like follows", id="none"),
        pytest.param(says("follows", clusterQueue="x", flavor="h100"), ERROR, "no ClusterQueue x", id="no queue"),
        pytest.param(says("follows", clusterQueue="gpus", flavor="x"), ERROR, "has no flavor x", id="no flavor"),
        pytest.param(
            says("follows", clusterQueue="gpus", flavor="other"), ERROR, "gpus has no flavor other", id="not in it"
        ),
    ],
)
def test_what_the_policy_says(pool: Any, level: Level | None, needle: str):
    api = cluster(queue(cpu="24"), flavors=(flavor(gpu="h100"), flavor("other", zone="b")))
    found = kueue(api, pool)
    assert [one.level for one in found] == ([] if level is None else [level])
    assert all(needle in one.what for one in found)


def test_a_quota_that_is_to_follow_and_is_not_that_of_the_open_nodes():
    (found,) = kueue(cluster(queue(cpu="32")), FOLLOWS)
    assert "is not that of the open ones now (cpu: quota 32" in found.what
    assert found.commands == ("kubectl edit clusterqueue gpus",)


def test_a_flavor_that_does_not_choose_all_nodes_of_the_pool():
    api = cluster(queue(cpu="24"))
    api.put("nodes", node("n2", labels={"gpu": "a100"}))
    (found,) = kueue(api, FOLLOWS)
    assert "does not choose 1 of its 4 nodes (n2)" in found.what


@pytest.mark.parametrize(
    ("lending", "floor", "is_told"),
    [
        pytest.param("8", None, False, id="as much as is left with one node"),
        pytest.param("9", None, True, id="more"),
        pytest.param("9", {"kubernetes": 2}, False, id="but two nodes stay"),
        pytest.param("", None, False, id="no limit"),
    ],
)
def test_a_lending_limit_above_what_would_be_left(lending: str, floor: Any, is_told: bool):
    pool = FOLLOWS | ({"floor": floor} if floor else {})
    found = kueue(cluster(queue(cpu="24", lending=lending)), pool)
    assert ["lendingLimit 9 of cpu" in one.what for one in found] == ([True] if is_told else [])


@pytest.mark.parametrize(("pool", "levels"), [(FOLLOWS, [ERROR]), (says("fixed"), [WARNING]), (says(None), [])])
def test_kueue_that_is_not_there(pool: Any, levels: list[Level]):
    found = bad(look(healthy(names=[f"n{n}" for n in range(1, 5)]), policy(**pool)), "kubernetes.kueue")
    assert [one.level for one in found] == levels
    assert all("is not served here" in text(one) for one in found)
