"""The loop of one pool: hears the forecasts, lets the pool be decided on and tended, and logs what changes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from basics.log_once import Trouble
from controller.forecast_subscriber import ForecastSubscriber
from models.errors import BusRefused, BusUnavailable
from models.forecasts import Forecast
from models.handovers import Handover
from models.nodes import Side
from models.plans import Hold, Plan

FRESH_LEAST_S = 600  # a forecast is good for this long even where turns follow closely

_AGE = re.compile(r"[0-9]+ s ago")

log = logging.getLogger("tidegate.control")


class Mover(Protocol):
    """The controller, or what only recommends."""

    holds: tuple[Hold, ...]
    finished: list[Handover]

    @property
    def ages_s(self) -> Mapping[Side, float]:
        """How old what each side showed was when it last went into a plan."""
        ...

    def turn(self, forecasts: dict[Side, Forecast], *, heard: bool) -> Plan | None:
        """Decide; forecasts that were heard count within bounds."""
        ...

    def watch(self) -> None:
        """Tend what is under way."""
        ...


class PoolLoop:
    """One pool's turns, as the service takes them every ``every_s``. Without forecasts of both sides none is taken."""

    def __init__(self, mover: Mover, subscriber: ForecastSubscriber, clock: Callable[[], int], *, every_s: int) -> None:
        self._mover = mover
        self._subscriber = subscriber
        self._clock = clock
        self._longest_s = max(FRESH_LEAST_S, 2 * every_s)
        self._deafness = Trouble(log, "no new forecasts are heard")
        self._standstill = Trouble(log, over="moves may begin", ignoring=_AGE)

    @property
    def deaf(self) -> bool:
        """Whether the bus did not say what is forecast when it was last asked."""
        return self._deafness.lasts

    @property
    def standstill(self) -> str:
        """Why nothing is decided, or moves are held; empty while moves may begin."""
        return self._standstill.text

    @property
    def ages_s(self) -> Mapping[Side, float]:
        """How old what each side showed was when it last went into a plan."""
        return self._mover.ages_s

    def turn(self) -> Plan | None:
        """Hear what is forecast and decide on it; None when there is no plan, and the log says why."""
        now_s = self._clock()
        self._hear(now_s)
        forecasts = dict(self._subscriber.forecasts(now_s, longest_s=self._longest_s))
        if missing := [side for side in Side if side not in forecasts]:
            self._standstill.met(
                f"nothing is decided: there is no forecast of the last {self._longest_s} s for {_all(missing)}"
            )
            self.watch()
            return None
        plan = self._mover.turn(forecasts, heard=True)
        self._tell_finished()
        if held := "; ".join(f"moves are held ({hold.switch}): {hold.text}" for hold in self._mover.holds):
            self._standstill.met(held)
        else:
            self._standstill.over()
        return plan

    def watch(self) -> None:
        """Between turns."""
        self._mover.watch()
        self._tell_finished()

    def _hear(self, now_s: int) -> None:
        """Take up new forecasts."""
        try:
            self._subscriber.hear(now_s)
        except (BusUnavailable, BusRefused) as error:
            self._deafness.met(error)
        else:
            self._deafness.over()

    def _tell_finished(self) -> None:
        for handover in self._mover.finished:
            why = f" ({handover.why})" if handover.why is not None else ""
            log.info(
                "hand-over %s of node %s (%s) is %s%s",
                handover.id,
                handover.node,
                handover.direction,
                handover.stage,
                why,
            )
        self._mover.finished.clear()


def _all(sides: list[Side]) -> str:
    return " and ".join(sides)
