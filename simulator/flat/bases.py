"""Base policies of a rollout: ways to decide with the true future at hand, each by the rule of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.nodes import Side
from models.policies import Spec
from models.pools import PoolInKubernetes
from simulator.perfect import PerfectForecaster, Present
from simulator.world import World

NEVER_WORTH = 1e6  # a gain, as a multiple of a move's cost, that no move has
DEAR = 30.0  # of Kubernetes' unmet demand, of HPC's: nodes are then held for nearly all that is foreseen

Foresee = Callable[[int, Mapping[Side, Demand], Present], Mapping[Side, Forecast]]


@dataclass(frozen=True, slots=True)
class Base:
    """A base policy: what it decides by, and what it foresees."""

    name: str
    spec: Spec
    foresee: Foresee


def bases_of(world: World, perfect: PerfectForecaster) -> tuple[Base, ...]:
    """The base policies of a world: reacting first, which is the policy as it is written.

    A service level is left out: a rollout is about the cost as it is written.
    """
    spec = world.policy.spec
    pool = spec.pools[0].model_copy(update={"kubernetes": PoolInKubernetes()})
    horizons_s, costs = spec.forecast.horizons, pool.unmet_cost

    def priced(hpc: float, kubernetes: float, min_gain: float = spec.moves.min_gain) -> Spec:
        weights = costs.model_copy(update={"hpc": hpc, "kubernetes": kubernetes})
        moves = spec.moves.model_copy(update={"min_gain": min_gain})
        return spec.model_copy(update={"pools": (pool.model_copy(update={"unmet_cost": weights}),), "moves": moves})

    def now(now_s: int, demand: Mapping[Side, Demand], _: Present) -> Mapping[Side, Forecast]:
        return {side: flat(side, now_s, demand[side].nodes, horizons_s, Source.NOW) for side in Side}

    def held(now_s: int, demand: Mapping[Side, Demand], present: Present) -> Mapping[Side, Forecast]:
        """Told as likely, not as certain, Kubernetes' demand speaks by the buffer alone."""
        certain = perfect.seen_from(now_s, demand, present)[Side.KUBERNETES]
        likely = replace(certain, levels=(0.1, 0.9), values=tuple(row * 2 for row in certain.values))
        return {**now(now_s, demand, present), Side.KUBERNETES: likely}

    written = priced(costs.hpc, costs.kubernetes)
    return (
        Base("reactive", written, now),
        Base("perfect", written, perfect.seen_from),
        Base("perfect, HPC at twice its price", priced(2 * costs.hpc, costs.kubernetes), perfect.seen_from),
        Base("nodes held for Kubernetes", priced(costs.hpc, max(costs.kubernetes, DEAR * costs.hpc)), held),
        Base("stand still", priced(costs.hpc, costs.kubernetes, NEVER_WORTH), now),
    )
