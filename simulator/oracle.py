"""The oracle: the cheapest that is found with the trace's own future, which no site has.

It is a bound by construction on what it is compared with: of complete plans, each a whole replay, it is the cheapest.
The plans are all those policies, and the fortified rollout, which nearly always does better. Where a world is not flat,
or has pods, no state of it can be tried out: then it is the policy ``perfect``, which is no bound, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from controller.whatif.moving import TooSlow
from simulator.flat.replay import not_flat
from simulator.flat.rollout import Rollout
from simulator.outcome import Outcome
from simulator.world import Progress, World

ORACLE, PERFECT = "oracle", "perfect"
BOUNDED = ("static", "static-before", "reactive", "persistence", "predictive", PERFECT)  # never below the oracle
ROLLOUT_PART = 0.7  # of the time that an oracle takes; the rest are the other plans
NO_BOUND = "no bound here, but the same decisions with a perfect forecast, for the world has {why}"


def why_no_bound(world: World) -> str | None:
    """What a world has that cannot be tried out ahead; None where the oracle is a bound."""
    return "pods" if world.workload.gangs else not_flat(world)


def replay_oracle(world: World, replay: Callable[[World, str], Outcome], progress: Progress) -> Outcome:
    """The cheapest of all complete plans; ``replay`` replays a policy of ``BOUNDED``."""
    why = why_no_bound(world)
    if why is None:
        try:
            rollout = Rollout(world).run(lambda part: progress(ROLLOUT_PART * part))
        except TooSlow:
            why = "hand-overs that take longer than they may"
    if why is not None:
        found = replay(world, PERFECT)
        return replace(found, policy=ORACLE, notes=(*found.notes, NO_BOUND.format(why=why)))
    names = [name for name in BOUNDED if name != "static-before" or world.kubernetes_nodes_first is not None]
    plans = [rollout, *(replay(world, name) for name in names)]
    best = min(plans, key=lambda plan: plan.figures["unmet_cost"])
    note = f"a bound: the cheapest of {len(plans)} complete plans, found by {best.policy}"
    return replace(best, policy=ORACLE, bands=(), notes=(note,), splits=())
