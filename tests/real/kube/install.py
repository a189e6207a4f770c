"""Kubernetes' own programs, compiled from Go modules. ``python -m tests.real.kube.install`` makes them beforehand.

That is the control plane, and the definitions of custom resources. With ``--all`` come kubelet, kubectl and Kueue's
controller, and Debian's containerd.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from zlib import crc32

from tests.real import cache, packages
from tests.real.kube import crds, go

TOOLS = Path(__file__).with_name("tools")
PLUGINS = Path("/usr/lib/cni")  # where Debian has them
VERSION = "1.37.2"
STAGES = (
    "node/fast/node-initialize",
    "node/heartbeat-with-lease/node-heartbeat-with-lease",
    "pod/fast/pod-ready",
    "pod/fast/pod-delete",
)
SMALL = "-s -w"  # without what a debugger would want
MAJOR, MINOR, _ = VERSION.split(".")
VERSIONED = " ".join(
    f"-X k8s.io/component-base/version.git{name}={value}"
    for name, value in (("Version", f"v{VERSION}"), ("Major", MAJOR), ("Minor", MINOR), ("TreeState", "clean"))
)  # a server that does not know its version says v0.0.0-master, which clients cannot read


@dataclass(frozen=True)
class Programs:
    """What is built in one go of one module."""

    name: str
    version: str
    module: Path
    packages: tuple[str, ...]
    flags: str = SMALL
    minutes: int = 1

    @property
    def key(self) -> str:
        """The version, and what tells two ways of building it apart."""
        inputs = [(self.module / file).read_text(encoding="utf-8") for file in ("go.mod", "go.sum")]
        return f"{self.version}-{crc32(repr([inputs, self.packages, self.flags, STAGES]).encode()):08x}"


CONTROL_PLANE = Programs(
    "kubernetes",
    VERSION,
    TOOLS,
    (
        "go.etcd.io/etcd/server/v3",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "sigs.k8s.io/kwok/cmd/kwok",
    ),
    f"{SMALL} {VERSIONED}",
    minutes=10,
)
NODE = Programs(
    "kubernetes-node",
    VERSION,
    TOOLS,
    ("k8s.io/kubernetes/cmd/kubelet", "k8s.io/kubernetes/cmd/kubectl"),
    f"{SMALL} {VERSIONED}",
    minutes=3,
)
KUEUE = Programs("kueue", "0.17.0", TOOLS / "kueue", ("sigs.k8s.io/kueue/cmd/kueue",), minutes=4)


@remembered
def control_plane() -> Path:
    """The folder with etcd, the servers of the control plane and kwok, and kwok's stages in ``stages/``."""
    return cache.kept(CONTROL_PLANE.name, CONTROL_PLANE.key, _make_control_plane)


@remembered
def node() -> Path:
    """The folder with kubelet and kubectl."""
    return cache.kept(NODE.name, NODE.key, lambda folder: build(NODE, folder))


@remembered
def kueue() -> Path:
    """The folder with Kueue's controller."""
    return cache.kept(KUEUE.name, KUEUE.key, lambda folder: build(KUEUE, folder))


def containers() -> None:
    """Have what runs containers: containerd, runc, a plug-in for networks, and a program to run in them."""
    for command, package in (("containerd", "containerd"), ("runc", "runc"), ("busybox", "busybox-static")):
        packages.need(command, package)
    if not (PLUGINS / "loopback").exists():
        packages.install("containernetworking-plugins", "containerd's plug-ins for networks are missing")


def is_kept(programs: Programs) -> bool:
    """Whether they are in the cache, so that nothing has to be built."""
    return (cache.home() / f"{programs.name}-{programs.key}").is_dir()


def build(programs: Programs, folder: Path) -> None:
    """Compile them into a folder."""
    packages.say(f"building {programs.name} {programs.version} (about {programs.minutes} minutes if nothing is cached)")
    flags = ["-trimpath", f"-ldflags={programs.flags}"]
    go.run(programs.module, "build", *flags, "-o", f"{folder}/", *programs.packages)


def _make_control_plane(folder: Path) -> None:
    build(CONTROL_PLANE, folder)
    (folder / "server").rename(folder / "etcd")
    (folder / "stages").mkdir()
    kwok = Path(go.run(TOOLS, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok").strip())
    for stage in STAGES:
        source = kwok / "kustomize/stage" / f"{stage}.yaml"
        (folder / "stages" / source.name).write_bytes(source.read_bytes())


def _main(arguments: list[str]) -> None:
    wanted: list[tuple[str, Callable[[], Path]]] = [(f"Kubernetes {VERSION}", control_plane)]
    wanted += [("what custom resources are", crds.folder)]
    if "--all" in arguments:
        containers()
        wanted += [("kubelet and kubectl", node), (f"Kueue {KUEUE.version}", kueue)]
    for name, get in wanted:
        packages.say(f"{name} is in {get()}")


if __name__ == "__main__":
    try:
        _main(sys.argv[1:])
    except packages.MissingError as error:
        sys.exit(f"test bed: {error}")
