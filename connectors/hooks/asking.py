"""What a hook is told, over whatever way: who asks, of which node, in which phase, and the key of asking again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from models.handovers import Direction
from models.identity import PoolId

BODY_MOST = 8192  # bytes sent; ours have about two hundred


@dataclass(frozen=True, slots=True)
class Asking:
    """One hand-over before or after its node changes sides, as ``phase`` says."""

    whose: PoolId
    node: str
    direction: Direction
    handover: str
    phase: str

    @property
    def key(self) -> str:
        """The hand-over's id, which begins with site and pool, and the phase: asked again, it is the same; of several
        sites none has another's."""
        return f"{self.handover}:{self.phase}"

    @property
    def told(self) -> Mapping[str, str]:
        """What is told, by its name."""
        return {
            "site": self.whose.site,
            "pool": self.whose.pool,
            "node": self.node,
            "direction": self.direction.value,
            "handover": self.handover,
            "phase": self.phase,
        }

    @property
    def body(self) -> bytes:
        """The same as a JSON object. Raises ValueError when it is too large."""
        body = json.dumps(self.told).encode()
        if len(body) > BODY_MOST:
            raise ValueError(f"its body of {len(body)} bytes is larger than {BODY_MOST}")
        return body

    def __str__(self) -> str:
        return f"the hook {self.phase} hand-over {self.handover} of node {self.node}"
