"""The newest forecast of each side, as the bus tells it."""

from __future__ import annotations

from collections.abc import Mapping

from models.bus import Bus
from models.catch_up import deliveries
from models.events import Topic
from models.forecasts import Forecast
from models.identity import PoolId
from models.nodes import Side

AHEAD_MOST_S = 5  # a forecast that claims to be made later than this from now is none: clocks differ by less


class ForecastSubscriber:
    """What was last forecast for one pool.

    A forecast made earlier than the one known, or told again, changes nothing. ``group`` must be a new one at each
    start, since every controller, leading or not, must hear all. What is heard only ever goes into a decision: before
    any act the node is read from both schedulers.
    """

    def __init__(self, bus: Bus, pool: PoolId, *, group: str) -> None:
        self.ahead = 0  # how often a forecast was told of a time that had not come yet, and was left out
        self._pool = pool
        self._subscription = bus.subscribe((Topic.FORECASTS,), group)
        self._newest: dict[Side, Forecast] = {}

    def hear(self, now_s: int) -> None:
        """Read all that there is. Raises BusUnavailable; what was read is kept."""
        heard = 0
        for delivery in deliveries(self._subscription):
            heard += len(delivery.events)
            for event in delivery.events:
                forecast = event.payload
                if isinstance(forecast, Forecast) and event.key == f"{self._pool.key}/{forecast.side}":
                    self._take(forecast, now_s)
        if heard:
            self._subscription.commit()

    def forecasts(self, now_s: int, *, longest_s: int) -> Mapping[Side, Forecast]:
        """Those made within the last ``longest_s``; a side without one is left out, and the caller must not guess."""
        return {
            side: self._newest[side]
            for side in Side
            if side in self._newest and now_s - self._newest[side].made_at_s <= longest_s
        }

    def lag(self) -> int:
        """How many messages were not read yet. Raises BusUnavailable or BusRefused."""
        return self._subscription.lag()

    def close(self) -> None:
        """Leave the group."""
        self._subscription.close()

    def _take(self, forecast: Forecast, now_s: int) -> None:
        known = self._newest.get(forecast.side)
        if forecast.made_at_s > now_s + AHEAD_MOST_S:
            self.ahead += 1
        elif known is None or forecast.made_at_s > known.made_at_s:
            self._newest[forecast.side] = forecast
