"""A decision as JSON: the plan, what it was made from, and what was weighed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cli.planning.costs import NEAREST
from cli.planning.words import bounds, why
from controller.decide.weighed import Alternative, Weighed
from models.audit import Decided
from models.forecasts import Forecast


def document(entry: Decided, weighed: Weighed) -> dict[str, Any]:
    """All that ``tidegate plan`` shows of one decision; quantities in nodes, costs in weighted node-hours."""
    plan = entry.plan
    return {
        "pool": entry.pool.name,
        "epoch": entry.epoch,
        "at_s": plan.at_s,
        "nodes": len(entry.snapshot.nodes),
        "current": plan.current,
        "target": plan.target,
        "moves": [asdict(move) for move in plan.moves],
        "loans": [asdict(loan) for loan in plan.loans],
        "cancellations": list(plan.cancellations),
        "stays": [asdict(one) for one in plan.rejections],
        "holds": [asdict(hold) for hold in plan.holds],
        "unserved": [asdict(one) for one in plan.unserved],
        "why": list(why(entry)),
        "sides": {side.value: _side(entry, side) for side in entry.snapshot.sides},
        "costs": {
            "chosen": _cost(weighed, weighed.chosen),
            "staying": _cost(weighed, weighed.staying),
            "nearest": [_cost(weighed, one) for one in [one for one in weighed.others if one.offset][:NEAREST]],
            "held": None if weighed.held is None else _cost(weighed, weighed.held),
        },
        "bounds": list(bounds(entry, weighed)),
        "policy": {
            "pool": entry.pool.model_dump(mode="json", by_alias=True),
            "moves": entry.moves.model_dump(mode="json", by_alias=True),
        },
    }


def _cost(weighed: Weighed, one: Alternative) -> dict[str, Any]:
    return {
        "kubernetes": weighed.current + one.offset,
        "offset": one.offset,
        "unmet": one.unmet,
        "friction": one.friction,
        "cost": one.cost,
        "forbidden": one.forbidden,
    }


def _side(entry: Decided, side: Any) -> dict[str, Any]:
    view = entry.snapshot.sides[side]
    return {
        "running": view.demand.running,
        "waiting": view.demand.waiting,
        "largest_waiting": max(view.waiting.sizes, default=0.0),
        "unmet_cost": entry.pool.unmet_cost.of(side),
        "forecast": _forecast(view.forecast),
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "source": forecast.source,
        "made_at_s": forecast.made_at_s,
        "now": forecast.now,
        "horizons_s": list(forecast.horizons_s),
        "levels": list(forecast.levels),
        "values": [list(row) for row in forecast.values],
    }
