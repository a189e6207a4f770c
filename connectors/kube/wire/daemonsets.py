"""DaemonSets, as far as they are read: a pod on each node that they choose."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.pods import PodSpec


class Template(msgspec.Struct, frozen=True, gc=False):
    """What the pods of an owner will be."""

    metadata: Metadata = EMPTY
    spec: PodSpec = PodSpec()


class DaemonSetSpec(msgspec.Struct, frozen=True, gc=False):
    """The pods that it makes."""

    template: Template = Template()


class DaemonSet(msgspec.Struct, frozen=True, gc=False):
    """A DaemonSet."""

    metadata: Metadata = EMPTY
    spec: DaemonSetSpec = DaemonSetSpec()
