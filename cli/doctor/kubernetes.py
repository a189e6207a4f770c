"""What the checkup of a site's Kubernetes finds, and what it is told of the HPC side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from connectors.kube.checkup.checkup import KubeCheckup
from connectors.kube.checkup.pools import Shapes
from connectors.kube.settings import KubernetesSettings
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.pool import shape_of
from connectors.slurm.read import present
from connectors.slurm.settings import SlurmSettings
from models.findings import Finding, skipped, wrong
from models.policies import Mode, Policy

CHECK = "kubernetes"


def kubernetes_findings(
    settings: KubernetesSettings | None,
    policy: Policy | None,
    site: str,
    *,
    hpc: Callable[[], Shapes] | None = None,
    lease_in: str = "",
) -> Iterator[Finding]:
    """Everything that is found of a site's Kubernetes; see ``KubeCheckup``. Without settings, whether it needs none."""
    if settings is not None:
        yield from KubeCheckup(settings, policy, site, time.time, hpc, lease_in).findings()
    elif policy is None or policy.spec.mode is Mode.OBSERVE:
        yield skipped(CHECK, "the site file names no Kubernetes, so the HPC side is observed alone")
    else:
        yield wrong(
            CHECK,
            f"the site file names no Kubernetes, and mode {policy.spec.mode} needs one",
            "Name it as spec.kubernetes; reading is all that mode recommend needs. Or write mode: observe in the"
            " policy. This makes an account that may read:",
            "tidegate rights --mode recommend | kubectl apply -f -",
        )


def slurm_nodes(settings: SlurmSettings) -> Callable[[], Shapes]:
    """How to ask Slurm for its nodes, and what each registered with. What is called raises as a transport does."""

    def ask() -> Shapes:
        with closing(open_transport(settings)) as slurm:
            return {node.name: shape_of(node) for node in present(slurm.nodes().nodes, "nodes")}

    return ask
