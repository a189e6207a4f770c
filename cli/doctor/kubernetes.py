"""What the checkup of a site's Kubernetes finds, and what it is told of the HPC side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property

from connectors.kube.checkup.checkup import KubeCheckup
from connectors.kube.checkup.pools import Shapes
from connectors.kube.settings import KubernetesSettings
from connectors.slurm import flags
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.pool import shape_of
from connectors.slurm.read import present
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.wire import Node
from models.findings import Finding, skipped, wrong
from models.policies import Mode, Policy

CHECK = "kubernetes"


def kubernetes_findings(
    settings: KubernetesSettings | None,
    policy: Policy | None,
    site: str,
    *,
    hpc: SlurmNodes | None = None,
    lease_in: str = "",
) -> Iterator[Finding]:
    """Everything that is found of a site's Kubernetes; see ``KubeCheckup``. Without settings, whether it needs none."""
    if settings is not None:
        shapes, drained = (None, None) if hpc is None else (hpc.shapes, hpc.drained)
        yield from KubeCheckup(settings, policy, site, time.time, shapes, lease_in, drained).findings()
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


class SlurmNodes:
    """Slurm's nodes, asked for once. What is called raises as a transport does."""

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings

    def shapes(self) -> Shapes:
        """What each registered with, by its name."""
        return {node.name: shape_of(node) for node in self._nodes}

    def drained(self) -> frozenset[str]:
        """Those that are closed to jobs."""
        return frozenset(node.name for node in self._nodes if flags.is_drained(flags.flags_of(node.state)))

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        with closing(open_transport(self._settings)) as slurm:
            return tuple(present(slurm.nodes().nodes, "nodes"))
