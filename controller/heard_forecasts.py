"""How far a forecast counts that came over the bus, where others may write, too: its side's real demand bounds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.view import View
from models.announced import nodes_by
from models.demand import Demand
from models.fields import nodes_of
from models.forecasts import Forecast
from models.nodes import Side
from models.policies import ForecastPolicy
from models.snapshot import SideView


def sides_of(view: View, forecasts: Mapping[Side, Forecast], heard: ForecastPolicy | None) -> dict[Side, SideView]:
    """Both sides for a snapshot. Forecasts count as they are unless they were ``heard``: then as its policy has it."""
    sides = {}
    for side in Side:
        demand, forecast = view.demand[side], forecasts[side]
        if heard is not None:
            nodes = len(view.nodes)
            forecast = counted(forecast, demand, nodes, nodes_of(heard.ahead_most, nodes))
        sides[side] = SideView(demand, view.waiting[side], forecast)
    return sides


def counted(forecast: Forecast, demand: Demand, pool_nodes: int, ahead_most: int) -> Forecast:
    """The forecast as far as it counts beside the ``demand`` that its side really shows.

    What it says of change, its quantiles less its own ``now``, is held between no demand at all and the least of
    ``ahead_most`` nodes more and all that the side could use: the pool and its queue. What the side itself announces
    for a time may come beside these nodes. Where that changes nothing it is the same value; else it begins at the real
    demand.
    """
    room, least = pool_nodes - demand.running, -demand.nodes
    known = [nodes_by(demand.announced, demand.at_s, forecast.made_at_s + ahead_s) for ahead_s in forecast.horizons_s]
    most = [max(0.0, min(ahead_most + nodes, room)) for nodes in known]
    changes = [[value - forecast.now for value in row] for row in forecast.values]
    if all(least <= change <= top for row, top in zip(changes, most, strict=True) for change in row):
        return forecast
    values = tuple(
        tuple(demand.nodes + min(max(change, least), top) for change in row)
        for row, top in zip(changes, most, strict=True)
    )
    return replace(forecast, now=demand.nodes, values=values)
