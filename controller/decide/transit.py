"""What each side has while nodes are on their way: the capacity that the first step of a path really gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes that could go, or are going, one way: when each leaves its side and arrives on the other.

    Both in seconds from now, rising. ``going`` of them, those that are under way already, come in the arrays
    ``left_s`` and ``lands_s``; the last ``recallable`` of these can still be turned back. ``leaves_s`` and
    ``arrives_s`` are the candidates.
    """

    left_s: Floats
    lands_s: Floats
    recallable: int
    leaves_s: Floats
    arrives_s: Floats

    @property
    def going(self) -> int:
        """Nodes under way."""
        return int(self.left_s.size)


def _count_by(times_s: Floats, at_s: Floats) -> Ints:
    """How many of ``times_s`` (rising) have come by each of ``at_s``."""
    return np.searchsorted(times_s, at_s, side="right")


@dataclass(frozen=True, slots=True)
class Transit:
    """For each first step d (d > 0: so many more nodes to Kubernetes): what both sides have, and until when it matters.

    ``hpc`` and ``kubernetes`` have shape (steps, targets); ``landed`` is the step by which everything has arrived.
    ``new_moves`` counts the hand-overs that d begins; turning one back is not a move.
    """

    hpc: Ints
    kubernetes: Ints
    landed: Ints
    new_moves: Ints


def capacities(open_hpc: int, open_kubernetes: int, up: Flow, down: Flow, offsets: Ints, at_s: Floats) -> Transit:
    """Capacities for every first step in ``offsets``: first turn back what goes the other way, then move candidates."""
    rise, fall = np.maximum(offsets, 0), np.maximum(-offsets, 0)
    back_down, back_up = np.minimum(rise, down.recallable), np.minimum(fall, up.recallable)
    more_up, more_down = rise - back_down, fall - back_up
    hpc = open_hpc + _side(up, down, back_up, back_down, more_up, more_down, at_s)
    kubernetes = open_kubernetes + _side(down, up, back_down, back_up, more_down, more_up, at_s)
    landed = np.maximum(_landed(up, back_up, more_up, at_s), _landed(down, back_down, more_down, at_s))
    return Transit(hpc, kubernetes, landed, more_up + more_down)


def _side(away: Flow, home: Flow, back: Ints, lost: Ints, leaving: Ints, coming: Ints, at_s: Floats) -> Ints:
    """Change of one side's nodes: ``away`` leads from it, ``home`` to it; ``back`` of ``away`` and ``lost`` of
    ``home`` are recalled."""
    still_here = away.going - np.minimum(_count_by(away.left_s, at_s)[:, None], (away.going - back)[None, :])
    landed = np.minimum(_count_by(home.lands_s, at_s)[:, None], (home.going - lost)[None, :])
    arrived = np.minimum(_count_by(home.arrives_s, at_s)[:, None], coming[None, :])
    left = np.minimum(_count_by(away.leaves_s, at_s)[:, None], leaving[None, :])
    return np.asarray(still_here + landed + arrived - left)


def _landed(flow: Flow, recalled: Ints, more: Ints, at_s: Floats) -> Ints:
    """The first step at which all that goes one way has arrived; the number of steps when that is beyond the
    horizon."""
    going = np.minimum(_count_by(flow.lands_s, at_s)[:, None], (flow.going - recalled)[None, :])
    new = np.minimum(_count_by(flow.arrives_s, at_s)[:, None], more[None, :])
    missing = (going + new) < (flow.going - recalled + more)[None, :]
    return np.asarray(missing.sum(axis=0))
