"""What a person asked of a replay, as values; light to import, so that wrong usage is answered at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.nodes import NodeShape

POLICIES = ("static", "static-before", "reactive", "persistence", "predictive", "perfect", "oracle")


def audited(names: Sequence[str]) -> str | None:
    """The policy of a comparison whose audit is written: the predictive one, else the first that decides turn by turn.

    None when none of them does: an oracle chooses among whole replays.
    """
    moving = [name for name in names if name in POLICIES and not name.startswith(("static", "oracle"))]
    return "predictive" if "predictive" in moving else next(iter(moving), None)


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of the inputs to replay, and how they are read onto nodes."""

    procs_per_node: int
    rate_per_node: float | None
    start_s: Mapping[str, int]
    days: float | None
    max_job_nodes: int | None


@dataclass(frozen=True, slots=True)
class Twin:
    """How the twin behaves."""

    shape: NodeShape
    handover_s: int
    seed: int
    discipline: str
    shared_cores: bool
