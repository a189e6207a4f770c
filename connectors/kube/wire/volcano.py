"""Volcano's PodGroups and queues (scheduling.volcano.sh/v1beta1), as far as they are read."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.pods import Amounts


class VolcanoPodGroupSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """How many pods start together, and what these ask for together."""

    min_member: int | None = None
    min_resources: Amounts | None = None
    queue: str | None = None
    priority_class_name: str | None = None


class VolcanoPodGroupStatus(msgspec.Struct, frozen=True, gc=False):
    """``phase`` is Pending (no pods may be made yet), Inqueue, Running, Unknown or Completed."""

    phase: str | None = None
    conditions: tuple[Condition, ...] | None = None
    running: int | None = None
    succeeded: int | None = None
    failed: int | None = None


class VolcanoPodGroup(msgspec.Struct, frozen=True, gc=False):
    """A PodGroup."""

    metadata: Metadata = EMPTY
    spec: VolcanoPodGroupSpec = VolcanoPodGroupSpec()
    status: VolcanoPodGroupStatus = VolcanoPodGroupStatus()


class VolcanoQueueSpec(msgspec.Struct, frozen=True, gc=False):
    """``capability`` is the most that a queue may use, ``parent`` a queue that bounds it too."""

    capability: Amounts | None = None
    parent: str | None = None


class VolcanoQueueStatus(msgspec.Struct, frozen=True, gc=False):
    """``state`` is Open, Closed, Closing or Unknown; ``allocated`` is what is used."""

    state: str | None = None
    allocated: Amounts | None = None


class VolcanoQueue(msgspec.Struct, frozen=True, gc=False):
    """A queue."""

    metadata: Metadata = EMPTY
    spec: VolcanoQueueSpec = VolcanoQueueSpec()
    status: VolcanoQueueStatus = VolcanoQueueStatus()
