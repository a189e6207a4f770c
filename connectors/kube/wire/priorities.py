"""Priority classes, which templates name and pods have as a number."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Metadata


class PriorityClass(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a name of a priority stands for; one may be what counts where none is named."""

    metadata: Metadata = EMPTY
    value: int = 0
    global_default: bool | None = None
