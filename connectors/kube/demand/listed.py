"""What demand is read from besides pods and nodes: each kind of object, in the versions that say the same of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.kube.resource import Resource
from connectors.kube.wire.apps import Deployment, HorizontalPodAutoscaler, StatefulSet
from connectors.kube.wire.job_sets import JobSet
from connectors.kube.wire.jobs import CronJob, Job
from connectors.kube.wire.kueue import Workload
from connectors.kube.wire.kueue_queues import ClusterQueue, Cohort, LocalQueue, ResourceFlavor
from connectors.kube.wire.leader_worker_sets import LeaderWorkerSet
from connectors.kube.wire.pod_groups import KaiPodGroup, NativePodGroup, PluginPodGroup
from connectors.kube.wire.priorities import PriorityClass
from connectors.kube.wire.ray import RayCluster, RayJob
from connectors.kube.wire.volcano import VolcanoPodGroup, VolcanoQueue

_KUEUE = "kueue.x-k8s.io"

PRIORITY_CLASSES = Resource("scheduling.k8s.io", "v1", "priorityclasses", False, PriorityClass)
JOBS = Resource("batch", "v1", "jobs", True, Job)
CRON_JOBS = Resource("batch", "v1", "cronjobs", True, CronJob)
DEPLOYMENTS = Resource("apps", "v1", "deployments", True, Deployment)
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", True, StatefulSet)
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", True, HorizontalPodAutoscaler)
WORKLOADS = Resource(_KUEUE, "v1beta2", "workloads", True, Workload)
CLUSTER_QUEUES = Resource(_KUEUE, "v1beta2", "clusterqueues", False, ClusterQueue)
LOCAL_QUEUES = Resource(_KUEUE, "v1beta2", "localqueues", True, LocalQueue)
COHORTS = Resource(_KUEUE, "v1beta2", "cohorts", False, Cohort)
FLAVORS = Resource(_KUEUE, "v1beta2", "resourceflavors", False, ResourceFlavor)
VOLCANO_POD_GROUPS = Resource("scheduling.volcano.sh", "v1beta1", "podgroups", True, VolcanoPodGroup)
VOLCANO_QUEUES = Resource("scheduling.volcano.sh", "v1beta1", "queues", False, VolcanoQueue)
KAI_POD_GROUPS = Resource("scheduling.run.ai", "v2alpha2", "podgroups", True, KaiPodGroup)
PLUGIN_POD_GROUPS = Resource("scheduling.x-k8s.io", "v1alpha1", "podgroups", True, PluginPodGroup)
NATIVE_POD_GROUPS = Resource("scheduling.k8s.io", "v1beta1", "podgroups", True, NativePodGroup)
JOB_SETS = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", True, JobSet)
LEADER_WORKER_SETS = Resource("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", True, LeaderWorkerSet)
RAY_CLUSTERS = Resource("ray.io", "v1", "rayclusters", True, RayCluster)
RAY_JOBS = Resource("ray.io", "v1", "rayjobs", True, RayJob)

_KUEUES = (WORKLOADS, CLUSTER_QUEUES, LOCAL_QUEUES, COHORTS, FLAVORS)

LISTED: tuple[Resource[Any], ...] = (
    PRIORITY_CLASSES,
    JOBS,
    CRON_JOBS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    AUTOSCALERS,
    *_KUEUES,
    *(replace(one, version="v1beta1") for one in _KUEUES),
    replace(COHORTS, version="v1alpha1"),
    VOLCANO_POD_GROUPS,
    VOLCANO_QUEUES,
    KAI_POD_GROUPS,
    PLUGIN_POD_GROUPS,
    NATIVE_POD_GROUPS,
    JOB_SETS,
    LEADER_WORKER_SETS,
    RAY_CLUSTERS,
    RAY_JOBS,
)
"""Of several rows with one name, versions of the same resource, the first that is served is read."""
