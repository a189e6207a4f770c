"""The definitions of custom resources, as their projects publish them: the schema is real, the controller is not there.

Volcano publishes Go types only; ``definitions/`` has what its own generator makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import yaml

from tests.real import cache, packages
from tests.real.kube import go
from tests.real.kube.client import MERGE, Client, RefusedError

if TYPE_CHECKING:
    from tests.real.kube.control_plane import ControlPlane

PUBLISHED = {
    "jobset": (
        "sigs.k8s.io/jobset@v0.11.1",
        "h1:WgLEBnXTeX+4MxfVkIbfm4jIVgjvIY6Jfaei2okxKNk=",
        "config/components/crd/bases",
    ),
    "kuberay": (
        "github.com/ray-project/kuberay/ray-operator@v1.5.0",
        "h1:KCjCQ7PSsvs9Ke+90CZbbs498nuaIJ/JkXk4vd54EVg=",
        "config/crd/bases",
    ),
    "kueue": (
        "sigs.k8s.io/kueue@v0.17.0",
        "h1:7hzb38M4eKGzYW+CFv2s1L+swzzacUCHOCXxZmAV90I=",
        "config/components/crd/bases",
    ),
    "lws": (
        "sigs.k8s.io/lws@v0.8.0",
        "h1:DdhJ8QabwTfWgbgaHH2gdf8twliioHaoSfmDXRYEVU0=",
        "config/crd/bases",
    ),
}  # the module, the checksum of what is in it, and where the definitions lie
OWN = Path(__file__).with_name("definitions")
NAMES = (*PUBLISHED, "volcano")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVED_S = 30.0


@remembered
def folder() -> Path:
    """Where those lie that are published, each project's in a folder of its name."""
    return cache.kept("kubernetes-definitions", f"{crc32(repr(PUBLISHED).encode()):08x}", _fetch)


def read(name: str) -> Iterator[Any]:
    """The definitions of one project, of ``NAMES``."""
    where = folder() / name if name in PUBLISHED else OWN / name
    for file in sorted(where.glob("*.yaml")):
        yield from filter(None, yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader))


def apply(control_plane: ControlPlane, name: str) -> list[str]:
    """Have the API server know a project's resources, if it does not yet, and wait until it serves them.

    Tells their names, ``jobsets.jobset.x-k8s.io`` say.
    """
    made = []
    for definition in read(name):
        made.append(definition["metadata"]["name"])
        answer = control_plane.admin.ask("POST", DEFINITIONS, definition)
        if answer.status not in (201, 409):
            raise RuntimeError(f"{made[-1]} was refused: {answer.body}")
    control_plane.wait(lambda: all(_is_served(control_plane, one) for one in made), f"{name} is served", SERVED_S)
    return made


def remove(control_plane: ControlPlane, name: str) -> None:
    """Have the API server forget a project's resources, and all objects that there are."""
    for definition in read(name):
        control_plane.admin.delete(f"{DEFINITIONS}/{definition['metadata']['name']}")


def create(client: Client, path: str, kind: str, name: str, spec: Mapping[str, Any], **meta: Any) -> Any:
    """Make an object in ``/apis/GROUP/VERSION/[namespaces/NAMESPACE/]PLURAL``."""
    group, version = path.split("/")[2:4]
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name, **meta}, "spec": dict(spec)}
    return client.create(path, body)


def set_status(client: Client, path: str, status: Mapping[str, Any]) -> None:
    """Say what its controller would: merged into the status that an object has; Volcano's have no door of their own."""
    answer = client.ask("PATCH", f"{path}/status", {"status": dict(status)}, content_type=MERGE)
    if answer.status == 404:
        client.patch(path, {"status": dict(status)})
    elif answer.status != 200:
        raise RefusedError(f"the status of {path}", answer)


def _is_served(control_plane: ControlPlane, name: str) -> bool:
    """Whether the API server lists these objects, in each version that it is to serve."""
    spec = control_plane.admin.get(f"{DEFINITIONS}/{name}")["spec"]
    served = [version["name"] for version in spec["versions"] if version["served"]]
    paths = [f"/apis/{spec['group']}/{version}/{spec['names']['plural']}" for version in served]
    return all(control_plane.admin.ask("GET", path).status == 200 for path in paths)


def _fetch(into: Path) -> None:
    packages.say("fetching the definitions of custom resources")
    told = go.downloaded(into, *(module for module, _, _ in PUBLISHED.values()))
    for name, (module, checksum, where) in PUBLISHED.items():
        if told[module]["Sum"] != checksum:
            raise packages.MissingError(f"{module} has the checksum {told[module]['Sum']}, not {checksum}")
        (into / name).mkdir()
        for file in (Path(told[module]["Dir"]) / where).glob("*.yaml"):
            (into / name / file.name).write_bytes(file.read_bytes())
