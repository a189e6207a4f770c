"""The past of demand, as a policy declares where it is to be had: queries of the site's Prometheus, in nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.fields import Contradiction, Part, field, lasting, matching
from models.signals import QUERY_MOST

_QUERY = matching(r"[\s\S]*\S[\s\S]*", "a query in PromQL", longest=QUERY_MOST)
_LABEL = matching(r"[A-Za-z0-9._/-]{1,253}", "a name of letters, digits, dots, dashes, slashes and underscores", 253)
_PATTERN = matching(r"[A-Za-z0-9._|()\[\]*+?{},-]{1,500}", "a pattern such as gpu[0-9]+", longest=500)


class OwnPast(Part):
    """A site's own queries, each with one series, in nodes."""

    running: Annotated[str, _QUERY] = Field(description="What was in use, in nodes.")
    waiting: Annotated[str, _QUERY] | None = field(
        None, "What waited and could have used a node, in nodes. Without it, nothing counts as having waited."
    )


class SlurmPast(Part):
    """Slurm's own OpenMetrics (since 25.11, MetricsType=metrics/openmetrics), scraped at /metrics/partitions."""

    partition: Annotated[str, _LABEL] = Field(description="The partition that has the pool's nodes, and no others.")


class KubernetesPast(Part):
    """What kube-state-metrics tells of pods and, where Kueue is, what Kueue tells of what it has queued."""

    resource: Literal["cpu", "memory", "nvidia_com_gpu", "amd_com_gpu"] = field(
        "cpu", "Which requests are counted, as kube-state-metrics writes it."
    )
    per_node: float = Field(description="How much of that a node has: processors, bytes, GPUs.", gt=0, le=1e15)
    nodes: Annotated[str, _PATTERN] = field(".+", "The pool's nodes in Kubernetes, as a pattern of the whole name.")
    cluster_queue: Annotated[str, _LABEL] | None = field(
        None,
        "The ClusterQueue whose pending work counts as having waited. Without it, nothing does: a pod that waits is on"
        " no node, so by kube-state-metrics it is of no pool.",
    )


class PastOfHpc(Part):
    """Slurm's metrics, or a site's own queries."""

    slurm: SlurmPast | None = field(None, "By Slurm's own OpenMetrics.")
    own: OwnPast | None = field(None, "By queries of your own, instead.")

    @model_validator(mode="after")
    def _one(self) -> PastOfHpc:
        _check_one("slurm", self.slurm, self.own)
        return self


class PastOfKubernetes(Part):
    """The metrics of kube-state-metrics, or a site's own queries."""

    kube_state_metrics: KubernetesPast | None = field(None, "By kube-state-metrics, and Kueue.")
    own: OwnPast | None = field(None, "By queries of your own, instead.")

    @model_validator(mode="after")
    def _one(self) -> PastOfKubernetes:
        _check_one("kubeStateMetrics", self.kube_state_metrics, self.own)
        return self


class PastPolicy(Part):
    """What of the past is read from Prometheus when a pool starts without any."""

    span: Annotated[int, lasting("1d", "90d")] = field(
        "14d", "How far back. Each week of two sides takes forecasts some 7 s of one core at the first start."
    )
    hpc: PastOfHpc | None = field(None, "Where the HPC side's demand is to be had. Without it, none is read.")
    kubernetes: PastOfKubernetes | None = field(None, "Where Kubernetes' is. Without it, none is read.")


def _check_one(name: str, shipped: Part | None, own: Part | None) -> None:
    if (shipped is None) == (own is None):
        raise Contradiction(((), f"needs either {name} or own, and not both"))
