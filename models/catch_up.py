"""Catching up: reading a subscription until nothing is left, as whoever follows the bus does before it acts on it."""

from __future__ import annotations

from collections.abc import Iterator

from models.bus import Delivery, Subscription
from models.errors import BusUnavailable

POLL_S = 1.0
IDLE_MOST = 30  # polls in a row that bring nothing although something is left


def deliveries(subscription: Subscription) -> Iterator[Delivery]:
    """All that there is until now. Raises BusUnavailable when something is left and does not come."""
    delivery, idle = subscription.poll(0.0), 0
    left = subscription.lag()
    if delivery.events or delivery.gaps:
        yield delivery
    while left > 0:
        yield (delivery := subscription.poll(POLL_S))
        before, left = left, subscription.lag()
        idle = 0 if delivery.events or left < before else idle + 1
        if idle >= IDLE_MOST:
            raise BusUnavailable(f"{left} messages are on the bus and do not come, after {idle} polls in a row")
