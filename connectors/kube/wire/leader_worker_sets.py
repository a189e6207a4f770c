"""LeaderWorkerSets (leaderworkerset.x-k8s.io/v1), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.templates import PodTemplate


class LeaderWorkerTemplate(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One group of ``size`` pods: a leader, which is like a worker where nothing is said of it, and workers."""

    size: int | None = None
    leader_template: PodTemplate | None = None
    worker_template: PodTemplate = PodTemplate()


class LeaderWorkerSetSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many groups are wanted; one where nothing is said."""

    replicas: int | None = None
    leader_worker_template: LeaderWorkerTemplate = LeaderWorkerTemplate()


class LeaderWorkerSet(msgspec.Struct, frozen=True, gc=False):
    """A LeaderWorkerSet."""

    metadata: Metadata = EMPTY
    spec: LeaderWorkerSetSpec = LeaderWorkerSetSpec()
