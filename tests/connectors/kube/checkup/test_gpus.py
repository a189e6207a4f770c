"""Where GPUs are told: among what a node offers, in ResourceSlices, in both, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from models.findings import Level
from tests.connectors.kube.checkup.cluster import DEVICES, bad, healthy, look
from tests.connectors.kube.objects import node, taint

NONE = {"cpu": "8", "memory": "62500Mi"}


def slices(on: str, gpus: int = 4, *, driver: str = "gpu.nvidia.com", of: int = 1, **pool: Any) -> dict[str, Any]:
    name = pool.pop("name", f"{on}-{driver}")
    devices = [{"name": f"gpu-{number}"} for number in range(gpus)]
    told = {"name": f"{on}-pool", "generation": 1, "resourceSliceCount": of, **pool}
    return {"metadata": {"name": name}, "spec": {"driver": driver, "nodeName": on, "pool": told, "devices": devices}}


def plain(name: str, **more: Any) -> dict[str, Any]:
    shown = node(name, **more)
    return {**shown, "status": {**shown["status"], "allocatable": NONE}}


@pytest.mark.parametrize(
    ("nodes", "sliced", "needle"),
    [
        pytest.param([], [], "", id="plug-ins"),
        pytest.param([plain(f"n{n}") for n in (1, 2, 3)], [slices(f"n{n}") for n in (1, 2, 3)], "", id="DRA"),
        pytest.param([plain(f"n{n}") for n in (1, 2, 3)], [], "", id="no GPUs"),
        pytest.param([plain("n1")], [slices("n1")], "node n1 tell GPUs in ResourceSlices only", id="mixed"),
        pytest.param([], [slices("n1")], "node n1 show GPUs both", id="both"),
        pytest.param([plain("n1")], [], "node n1 open to pods and without the GPUs", id="nowhere"),
        pytest.param([plain("n1", taints=[taint("tidegate.dev/side", value="hpc")])], [], "", id="nowhere, HPC's"),
        pytest.param([plain("n1", ready=False)], [], "", id="nowhere, not ready"),
        pytest.param([plain("n1")], [slices("n1", of=2)], "not all ResourceSlices of node n1", id="not whole"),
        pytest.param(
            [plain(f"n{n}") for n in (1, 2, 3)],
            [*(slices(f"n{n}") for n in (1, 2)), slices("n3", 2, of=2), slices("n3", 2, of=2, name="second")],
            "",
            id="two slices",
        ),
        pytest.param(
            [plain(f"n{n}") for n in (1, 2, 3)],
            [*(slices(f"n{n}") for n in (1, 2)), slices("n3", 0, generation=2, name="a"), slices("n3", 4, name="b")],
            "without the GPUs",
            id="an old generation does not count",
        ),
        pytest.param([plain("n1")], [slices("n1", driver="net.example.org")], "without the GPUs", id="other devices"),
    ],
)
def test_gpus(nodes: list[dict[str, Any]], sliced: list[dict[str, Any]], needle: str):
    api = healthy(*DEVICES)
    for one in nodes:
        api.put("nodes", one)
    selector = {"cel": {"expression": "device.driver == 'gpu.nvidia.com'"}}
    api.put("deviceclasses", {"metadata": {"name": "gpu.nvidia.com"}, "spec": {"selectors": [selector]}})
    for one in sliced:
        api.put("resourceslices", one)
    found = bad(look(api), "kubernetes.gpus")
    assert [needle in one.what for one in found] == ([True] if needle else [])


def test_what_is_well_is_told_with_where():
    (found,) = [one for one in look(healthy()) if one.check == "kubernetes.gpus"]
    assert (found.level, found.what) == (Level.OK, "pool gpu: GPUs are told as resources of the nodes")
