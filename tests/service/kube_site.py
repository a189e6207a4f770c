"""A Kubernetes for a site in tests: a fake API server on loopback, with the nodes that Slurm has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.connectors.kube import objects
from tests.connectors.kube.fake_api import FakeApi
from tests.connectors.kube.fake_http import serving
from tests.connectors.kube.objects import Object

HPCS = objects.taint("tidegate.dev/side", value="hpc")
RACK = "test/rack"  # a label
TOKEN_FILE = "kube-token"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True)
class KubeSite:
    """``text`` is what a site file says of it."""

    api: FakeApi
    url: str

    @property
    def text(self) -> str:
        return f"{{server: '{self.url}', tokenFile: {TOKEN_FILE}}}"

    def put_node(self, name: str, **more: object) -> None:
        self.api.put("nodes", objects.node(name, **more))  # type: ignore[arg-type]

    def wait_for(self, nodes: int, rack: str = "") -> None:
        """So many pods wait, each for a whole node; with ``rack`` for the one of that name."""
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        chosen = {"nodeSelector": {RACK: rack}} if rack else {}
        for number in range(nodes):
            name = f"waits-{rack}{number}"
            pod = objects.pod(name, owner="ReplicaSet", status={"conditions": [condition]}, spec=chosen)
            self.api.put("pods", pod)

    def taints(self, name: str) -> list[Object]:
        shown = self.api.get("nodes", name)
        assert shown is not None
        return shown["spec"].get("taints") or []


@contextmanager
def kube_site(folder: Path, names: Iterable[str]) -> Iterator[KubeSite]:
    """All nodes are of the HPC side; one pod waits."""
    api = FakeApi(patient=True)
    with serving(api) as server:
        site = KubeSite(api, server.url)
        for name in names:
            site.put_node(name, taints=[HPCS], labels={RACK: name})
        site.wait_for(1)
        (folder / TOKEN_FILE).touch(mode=0o600)
        (folder / TOKEN_FILE).write_text("of-nobody")
        yield site
