"""One run: a world and a policy, or a world and all its fixed splits. The seam: whoever has a faster twin, put it in
here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulator.compare import replay
from simulator.preemptive import preemptive_ideal
from simulator.static import run_fixed
from simulator.world import World

SPLITS = "splits"  # the name of a run of all fixed splits
MOVING = ("reactive", "persistence", "predictive", "perfect")
ORACLE = "oracle"  # replays all of them, and tries out thousands of hours besides
NO_DELAY, PREEMPTIVE = "no-delay", "preemptive"
SCALES = (NO_DELAY, PREEMPTIVE)  # reacting where a hand-over takes no time, and the pre-emptive ideal

Figures = Mapping[str, float | int]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run: the figures by setting (nodes for Kubernetes of a fixed split; one, ``""``, of a policy that
    moves nodes), and the seconds of CPU that it took."""

    figures: Mapping[str, Figures]
    cpu_s: float


def run(world: World, policy: str) -> Result:
    """Run in this process."""
    begun_s = time.process_time()
    if policy == SPLITS:
        low, high = world.bounds
        found: Mapping[str, Figures] = {
            str(nodes): run_fixed(world, nodes).figures(world) for nodes in range(low, high + 1)
        }
    elif policy == NO_DELAY:
        found = {"": replay(replace(world, handover_s=0), "reactive").figures}
    elif policy == PREEMPTIVE:
        found = {"": preemptive_ideal(world)}
    else:
        found = {"": replay(world, policy).figures}
    return Result(found, time.process_time() - begun_s)
