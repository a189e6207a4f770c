"""A node that is one: kubelet and containerd, whose pods are processes on this machine, in the machine's own network.

Nothing of the machine is changed: both run with mounts and process numbers of their own, which go with them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.real import packages, ports
from tests.real.kube import image, install, nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.options import LOOPBACK
from tests.real.slurm.daemon import Daemon
from tests.real.slurm.enclosure import ENVIRONMENT, child

CONTAINERD = "/run/containerd/containerd.sock"  # in a /run of its own
CGROUPS = Path("/sys/fs/cgroup")
READY_S = 60.0
RUNTIME = """
version = 2
root = "{folder}/containerd"
state = "/run/containerd"
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
"""


class Apart:
    """Mounts and process numbers of their own for what runs in it; all of it ends with ``close``, or with us."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[bytes] | None = None
        self._first = 0

    def open(self) -> None:
        """Begin; it has to be called in the main thread."""
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        first = ["env", "--ignore-signal=CHLD", "sleep", "infinity"]  # it buries what is orphaned
        self._holder = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *unshare, *first], env=ENVIRONMENT)
        self._first = child(self._holder)
        self.run("mount", "-t", "tmpfs", "tmpfs", "/run")

    def close(self) -> None:
        if self._holder and self._first:
            with suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)
            self._holder.wait()
        self._holder, self._first = None, 0

    def command(self, *argv: str) -> list[str]:
        """What to execute so that ``argv`` runs in it."""
        return ["nsenter", "--target", str(self._first), "--mount", "--pid", "--", *argv]

    def run(self, *argv: str) -> str:
        """What a command says that has to end well."""
        done = subprocess.run(self.command(*argv), env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout


class RealNode:
    """A node of a control plane; ``kubelet`` and ``containerd`` can be killed, paused and started by themselves."""

    def __init__(self, control_plane: ControlPlane, name: str, folder: Path) -> None:
        if os.geteuid() != 0:
            raise packages.MissingError("a real node needs root, to run containers")
        install.containers()
        self.control_plane = control_plane
        self.name = name
        self.folder = folder
        self._apart = Apart()
        self._health, port = ports.free(2)
        self._write(port)
        logs = control_plane.logs
        argv: tuple[str, ...] = ("containerd", f"--config={folder / 'containerd.toml'}")
        self.containerd = Daemon("containerd", self._apart, argv, logs / f"containerd-{name}.log")  # type: ignore[arg-type]
        argv = (
            str(install.node() / "kubelet"),
            f"--config={folder / 'kubelet.json'}",
            f"--kubeconfig={control_plane.kubeconfig}",
            f"--hostname-override={name}",
            f"--root-dir={folder / 'kubelet'}",
            f"--cert-dir={folder / 'kubelet'}",
        )
        self.kubelet = Daemon("kubelet", self._apart, argv, logs / f"kubelet-{name}.log")  # type: ignore[arg-type]

    def start(self) -> None:
        """Start both, with the image there, and wait until the node is ready."""
        try:
            self._apart.open()
            self.containerd.start()
            self.control_plane.wait(self._has_image, "containerd has the image", READY_S)
            self.kubelet.start()
            nodes.wait_ready(self.control_plane, [self.name])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both and every container, at once."""
        self._apart.close()
        for daemon in (self.kubelet, self.containerd):
            daemon.gone()
        for left in sorted(CGROUPS.glob("*/k8s.io/**/"), reverse=True):
            with suppress(OSError):  # somebody is in it
                left.rmdir()

    def containers(self) -> set[str]:
        """The names of the pods of which a container runs, as its process says: nobody's opinion."""
        found = set()
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                environment = dict(pair.partition("=")[::2] for pair in file.read_text(errors="replace").split("\0"))
                if environment.get("TEST_NODE") == self.name:
                    found.add(environment["TEST_POD"])
        return found

    def pod(self, space: str, name: str, *, bound: bool = True, **more: Any) -> Any:
        """Make a pod that sleeps on the node, bound to it by hand or left to the scheduler."""
        container = {
            "name": "main",
            "image": image.NAME,
            "imagePullPolicy": "Never",
            "env": [{"name": "TEST_NODE", "value": self.name}, {"name": "TEST_POD", "value": name}],
            "resources": {"requests": {"cpu": "10m"}},
        }
        on = {"nodeName": self.name} if bound else {"nodeSelector": {"kubernetes.io/hostname": self.name}}
        spec = {"containers": [container], "hostNetwork": True, "terminationGracePeriodSeconds": 0, **on, **more}
        body = {"metadata": {"name": name}, "spec": {**spec, "automountServiceAccountToken": False}}
        return self.control_plane.admin.create(f"{objects.CORE}/{space}/pods", body)

    def _has_image(self) -> bool:
        try:
            self._apart.run("ctr", f"--address={CONTAINERD}", "--namespace=k8s.io", "images", "import",
                            "--snapshotter=native", str(self.folder / "image.tar"))  # fmt: skip
        except RuntimeError as error:
            raise OSError(str(error)) from error
        return True

    def _write(self, port: int) -> None:
        """The files of both."""
        (self.folder / "cni").mkdir(parents=True)
        image.write(self.folder / "image.tar")
        network = {"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "loopback"}]}
        (self.folder / "cni/10-none.conflist").write_text(json.dumps(network), encoding="utf-8")
        text = RUNTIME.format(folder=self.folder, socket=CONTAINERD, image=image.NAME, plugins=install.PLUGINS)
        (self.folder / "containerd.toml").write_text(text, encoding="utf-8")
        (self.folder / "kubelet.json").write_text(json.dumps(self._kubelet(port)), encoding="utf-8")

    def _kubelet(self, port: int) -> Mapping[str, Any]:
        certificates = self.control_plane.certificates
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": LOOPBACK,
            "port": port,
            "healthzBindAddress": LOOPBACK,
            "healthzPort": self._health,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": False},
                "x509": {"clientCAFile": str(certificates.ca)},
            },
            "authorization": {"mode": "AlwaysAllow"},
            "tlsCertFile": str(certificates.server.certificate),
            "tlsPrivateKeyFile": str(certificates.server.key),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
            "podLogsDir": str(self.folder / "pods"),
            "volumePluginDir": str(self.folder / "plugins"),
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
            "nodeStatusUpdateFrequency": "2s",
        }
