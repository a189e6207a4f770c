"""The page for new sites, command by command on a real API server and a real Slurm: it ends with a plan."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import join

import pytest

from tests.real.kube import install, nodes
from tests.real.kube.control_plane import ControlPlane
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.enclosure import ENVIRONMENT
from tests.test_getting_started import POLICY, SITE, blocks

NODES = tuple(Node(f"gpu{number:02}", cpus=4) for number in range(1, 9))
BATCH = {"batch": "Nodes=ALL Default=YES MaxTime=60"}
USER = "nobody"  # whom slurmctld's host knows


class Admin:
    """Somebody who types what the page says, with ``folder`` for /etc/tidegate."""

    def __init__(self, folder: Path, kube: ControlPlane, slurm: Cluster) -> None:
        self.folder = folder
        self.tools = folder / "bin"
        self.tools.mkdir()
        self._kubeconfig = kube.kubeconfig
        self._tool("kubectl", str(install.node() / "kubectl"))
        self._tool("tidegate", sys.executable, "-m", "cli.main")
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        self._tool("scontrol", "env", "-i", *environment, *slurm.inside("scontrol"))

    def types(self, text: str) -> str:
        """What the commands print; they are well."""
        text = text.replace("/etc/tidegate", str(self.folder)).replace("username=tidegate", f"username={USER}")
        text = re.sub(r"^chown .*$|runuser -u tidegate -- ", "", text, flags=re.MULTILINE)
        path = f"{self.tools}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "KUBECONFIG": str(self._kubeconfig), "COLUMNS": "80"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = subprocess.run(
            ["sh", "-eu", "-c", text], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _tool(self, name: str, *argv: str) -> None:
        (self.tools / name).write_text(f'#!/bin/sh\nexec {join(argv)} "$@"\n')
        (self.tools / name).chmod(0o755)


@pytest.mark.skipif(not install.is_kept(install.NODE), reason="kubectl has not been built")
def test_from_nothing_to_a_plan(
    own_kube: Callable[..., ControlPlane], own_slurm: Callable[..., Cluster], tmp_path: Path
):
    kube = own_kube(nodes=0)
    nodes.create(kube, *(node.name for node in NODES))
    slurm = own_slurm("26.05", nodes=NODES, partitions=BATCH)
    admin = Admin(tmp_path, kube, slurm)
    rights, renew, mark, look, _ = blocks("sh")[1:]
    address = admin.types(rights).splitlines()[-1]
    admin.types(renew)
    site = SITE.replace("http://slurm.example.org:6820", slurm.rest_url).replace("/var/lib/tidegate", "state")
    site = site.replace("https://kubernetes.example.org:6443", address).replace("page: {}", "")
    (tmp_path / "site.yaml").write_text(site)
    (tmp_path / "policy.yaml").write_text(POLICY)
    admin.types(mark)
    told = admin.types(look)
    assert "kubernetes.sides: pool gpu: HPC has 3 nodes, Kubernetes 5" in told
    assert "\n0 errors, " in told
    assert "pool gpu: Kubernetes has 5 nodes and should have 5; nothing moves." in told
    assert "Nothing was moved: the policy's mode is not auto." in told
