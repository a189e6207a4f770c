"""The shipped queries for the past of demand: each gives one series, in nodes, and none where nothing is known.

Slurm: names as metrics/openmetrics of 26.05 has them (https://slurm.schedmd.com/metrics.html). A share of a node that
is allocated counts as that share. Of pending jobs Slurm tells how many there are and how many nodes the largest needs,
not what all need together: a job counts as one node, and all together as the largest at least.

Kubernetes: kube-state-metrics' requests of pods that are bound and have not ended; where it is scraped and no such pod
is there, that is zero. What Kueue has queued is by its resources, where it is new enough to tell them, or else one node
for each Workload.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.nodes import Side
from models.past import KubernetesPast, OwnPast, PastPolicy, SlurmPast

_UNITS = {"cpu": "core", "memory": "byte"}  # of other resources it is "integer"


@dataclass(frozen=True, slots=True)
class PastQueries:
    """What tells of one side's demand; without ``waiting`` none of it is known to have waited."""

    running: str
    waiting: str | None


def past_queries(past: PastPolicy, side: Side) -> PastQueries | None:
    """The queries for one side; None where the policy names none."""
    if side is Side.HPC:
        if past.hpc is None:
            return None
        return _own(past.hpc.own) if past.hpc.slurm is None else _slurm(past.hpc.slurm)
    if past.kubernetes is None:
        return None
    shipped = past.kubernetes.kube_state_metrics
    return _own(past.kubernetes.own) if shipped is None else _kubernetes(shipped)


def _own(own: OwnPast | None) -> PastQueries | None:
    return None if own is None else PastQueries(own.running, own.waiting)


def _slurm(past: SlurmPast) -> PastQueries:
    of = f'{{partition="{past.partition}"}}'

    def metric(name: str) -> str:
        return f"max(slurm_partition_{name}{of})"

    running = f"{metric('nodes_cpus_alloc')} / ({metric('cpus')} / {metric('nodes')})"
    jobs = f"clamp_min({metric('jobs_pending')} - {metric('jobs_hold')}, 0)"
    largest = f"{metric('jobs_min_job_nodes_nohold')} * ({metric('jobs_pending')} > bool {metric('jobs_hold')})"
    return PastQueries(
        running, f'max(label_replace({jobs}, "by", "jobs", "", "") or label_replace({largest}, "by", "nodes", "", ""))'
    )


def _kubernetes(past: KubernetesPast) -> PastQueries:
    unit = _UNITS.get(past.resource, "integer")
    requests = (
        "max by (namespace, pod, container) (kube_pod_container_resource_requests"
        f'{{resource="{past.resource}", unit="{unit}", node=~"{past.nodes}", node!=""}})'
    )
    alive = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) == 1'
    running = f"sum({requests} * on (namespace, pod) group_left () ({alive})) or 0 * count(kube_pod_info)"
    waiting = None
    if past.cluster_queue is not None:
        of = f'{{cluster_queue="{past.cluster_queue}"'
        resource = past.resource.replace("_com_", ".com/")
        queued = f'sum(kueue_cluster_queue_resource_pending{of}, resource="{resource}"}}) / {past.per_node:.17g}'
        waiting = f'{queued} or sum(kueue_pending_workloads{of}, status="active"}})'
    return PastQueries(f"({running}) / {past.per_node:.17g}", waiting)
