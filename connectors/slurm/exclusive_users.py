"""Users who have nodes to themselves take whole ones, however little of them they use."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from msgspec.structs import replace

from connectors.slurm.jobs import Piece
from models.work import WorkState

EVEN = 1e-9  # below this a share of a node is none


def with_unused(work: Iterable[Piece], nodes_max: int) -> list[Piece]:
    """The same work; the first of a user's pieces says what nobody else can use of the nodes that are his alone.

    What runs of his takes the nodes that it is on. What waits of his fits together, and takes whole nodes; what is
    larger than ``nodes_max`` is left alone.
    """
    work = list(work)
    firsts: dict[tuple[str, WorkState], int] = {}
    sizes: dict[tuple[str, WorkState], float] = {}
    nodes: dict[tuple[str, WorkState], set[str]] = {}
    for place, piece in enumerate(work):
        if piece.owns and piece.size <= nodes_max:
            key = piece.record.user, piece.record.state
            firsts.setdefault(key, place)
            sizes[key] = sizes.get(key, 0.0) + piece.size * piece.parts
            nodes.setdefault(key, set()).update(piece.nodes)
    for key, place in firsts.items():
        whole = float(len(nodes[key])) if nodes[key] else float(ceil(sizes[key] - EVEN))
        work[place] = replace(work[place], unused=max(0.0, whole - sizes[key]))
    return work
