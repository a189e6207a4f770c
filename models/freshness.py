"""How old what is told on the bus may be before nobody should take it for how things are."""

from __future__ import annotations

from collections.abc import Iterable

from models.events import Event, Planned
from models.forecasts import Forecast


def outdated(events: Iterable[Event], now_s: int, *, forecasts_s: int, plans_s: int) -> dict[str, int]:
    """The age in seconds, by the event's id, of forecasts and plans that are older than that.

    A forecast is as old as the reading that it was made from.
    """
    ages: dict[str, int] = {}
    for event in events:
        if isinstance(event.payload, Forecast):
            age_s, longest_s = now_s - event.payload.made_at_s, forecasts_s
        elif isinstance(event.payload, Planned):
            age_s, longest_s = now_s - event.payload.plan.at_s, plans_s
        else:
            continue
        if age_s > longest_s:
            ages[event.id] = age_s
    return ages
