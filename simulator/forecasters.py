"""Which forecaster makes which policy: everything else about the policies is the same."""

from __future__ import annotations

from forecasting.boosting import Boosting
from forecasting.forecaster import DemandForecaster, NowForecaster, PersistenceForecaster
from models.ports import Forecaster
from simulator.machine import Machine
from simulator.perfect import PerfectForecaster, Present
from simulator.world import World

DAY_S = 86400
LONG_ROWS_MAX = 1500  # rows that a refit of a long replay learns from
REFITS_MAX = 7  # of one replay, after those of its first week: a long one refits less often than daily


def _is_long(span_s: int) -> bool:
    """Whether a replay is so long that daily refits would take longer than people wait; it handicaps the forecast."""
    return span_s > 21 * DAY_S


def refit_every_s(span_s: int) -> int:
    """How often the forecast is refitted in a replay: daily, or so that a long replay has ``REFITS_MAX`` refits."""
    if not _is_long(span_s):
        return DAY_S
    return -(-span_s // (REFITS_MAX * DAY_S)) * DAY_S


def forecaster_for(name: str, world: World, machine: Machine, present: Present | None = None) -> Forecaster:
    """A new forecaster for one of the policies that have one; ``present`` is what runs, where it is not the machine."""
    spec = world.policy.spec
    if name == "perfect":
        steps_s = tuple(range(spec.moves.every, spec.moves.look_ahead + 1, spec.moves.every))
        return PerfectForecaster(world.workload, machine, steps_s, world.hpc_nodes_max, present)
    if name == "reactive":
        return NowForecaster(horizons_s=spec.forecast.horizons)
    if name == "persistence":
        return PersistenceForecaster(
            pool_nodes=world.nodes, horizons_s=spec.forecast.horizons, every_s=spec.moves.every
        )
    return DemandForecaster(
        pool_nodes=world.nodes,
        horizons_s=spec.forecast.horizons,
        every_s=spec.moves.every,
        refit_every_s=refit_every_s(world.span_s or DAY_S),
        seed=world.seed,
        how=Boosting(rows_max=LONG_ROWS_MAX) if _is_long(world.span_s or DAY_S) else None,
    )
