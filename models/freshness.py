"""How old what the bus tells may be before nobody should take it for how things are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from models.events import Event, Planned
from models.forecasts import Forecast
from models.identity import PoolId
from models.policies import Policy


class Freshness:
    """What ``policy`` says of that where schedulers are read every ``poll_s``: two turns of each may be late.

    ``began_s`` is when somebody began to listen: what was told before may be told anew soon.
    """

    def __init__(self, policy: Policy, poll_s: int, pools: Iterable[PoolId], began_s: int) -> None:
        spec, self._began_s = policy.spec, began_s
        self.forecasts_s = max(spec.safety.stale_after, 2 * poll_s)
        self.plans_s = max(spec.safety.stale_after, 2 * spec.moves.every)
        self._ours = tuple(f"{pool.key}/" for pool in pools)

    def outdated(self, events: Iterable[Event], now_s: int) -> dict[str, int]:
        """The ages in seconds, by the event's id, of forecasts and plans that are too old.

        A forecast is as old as the reading that it was made from.
        """
        ages: dict[str, int] = {}
        for event in events:
            if isinstance(event.payload, Forecast):
                age_s, longest_s = now_s - event.payload.made_at_s, self.forecasts_s
            elif isinstance(event.payload, Planned):
                age_s, longest_s = now_s - event.payload.plan.at_s, self.plans_s
            else:
                continue
            if age_s > longest_s:
                ages[event.id] = age_s
        return ages

    def ours(self, events: Iterable[Event], ids: Collection[str], now_s: int) -> list[str]:
        """Topic and key of those events among ``ids`` that are of the policy's own pools; none at first."""
        if now_s - self._began_s <= self.forecasts_s:
            return []
        found = (one for one in events if one.id in ids and f"{one.key}/".startswith(self._ours))
        return sorted(f"{one.topic} {one.key}" for one in found)
