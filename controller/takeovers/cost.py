"""What a takeover would cost, and when it could be, by what a decision knew. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from controller.takeovers.foresight import expected, reach_s
from controller.takeovers.preparation import Preparation, prepare
from models.nodes import Side
from models.policies import MovesPolicy
from models.snapshot import Snapshot
from models.takeovers import Window

STEP_S = 900


@dataclass(frozen=True, slots=True)
class Cost:
    """``lost`` node-hours of the other side's demand are expected to be unmet that would otherwise be met, until
    ``foreseen_s`` or its end; None where nothing is foreseen of its hours. ``found`` is what it needs."""

    lost: float | None
    foreseen_s: int
    found: Preparation


def cost_of(window: Window, wanted: int, snapshot: Snapshot, moves: MovesPolicy) -> Cost:
    """What the takeover of ``wanted`` nodes costs the other side, which has those of now without it."""
    found = prepare(window, wanted, snapshot, moves, books=True)
    other = window.side.other
    forecast, nodes = snapshot.sides[other].forecast, len(snapshot.nodes)
    has = sum(node.owner is other for node in snapshot.nodes)
    until_s = min(window.to_s, reach_s(forecast))
    times = range(window.from_s, until_s, STEP_S)
    left = min(has, nodes - found.wanted)
    lost = sum(
        (min(expected(forecast, at_s), has) - left) * min(STEP_S, until_s - at_s) / 3600
        for at_s in times
        if expected(forecast, at_s) > left
    )
    return Cost(lost if times else None, until_s, found)


def unforeseen(side: Side) -> str:
    """What is said where nothing is foreseen."""
    return f"what {side} will need then is not foreseen yet"
