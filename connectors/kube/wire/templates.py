"""Templates of pods, as owners carry them."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata
from connectors.kube.wire.pods import PodSpec


class PodTemplate(msgspec.Struct, frozen=True, gc=False):
    """A pod that is not there yet; its metadata has labels and annotations only."""

    metadata: Metadata = EMPTY
    spec: PodSpec = PodSpec()
