"""What Tidegate writes on nodes, by key, and how the nodes of a pool are called on either side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

PREFIX = "tidegate.dev/"
SIDE = f"{PREFIX}side"  # the key of our taint, and of the label that says the same
POOL = f"{PREFIX}pool"  # a label
RECORD = f"{PREFIX}record"  # an annotation: the hand-over's durable record
MARK = f"{PREFIX}mark"  # an annotation: whose closing it is
EVICT = f"{PREFIX}evict"  # an annotation of pods
ALLOWED = "allowed"
HPC, KUBERNETES = "hpc", "kubernetes"  # values of the taint and of the label

NO_SCHEDULE, NO_EXECUTE, PREFER_NOT = "NoSchedule", "NoExecute", "PreferNoSchedule"


@dataclass(frozen=True, slots=True)
class PoolNames:
    """The nodes of a pool: by the HPC scheduler's name, as ``template`` (with ``{name}`` in it) names them in
    Kubernetes."""

    pool: str
    names: Iterable[str]
    template: str = "{name}"
    kubernetes: dict[str, str] = field(init=False)
    hpc: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        kubernetes = {name: self.template.replace("{name}", name) for name in self.names}
        object.__setattr__(self, "kubernetes", kubernetes)
        object.__setattr__(self, "hpc", {there: here for here, there in kubernetes.items()})
