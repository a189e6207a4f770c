"""Signals: what the policy's queries give is read from the site's Prometheus, for the demand that is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from basics.text import some
from connectors.prom.client import Prometheus
from connectors.prom.following import FollowedSignals
from models.errors import BadInput
from models.signals import Signal, SignalPolicy
from service.part import Part, Status
from service.process import Process

FIRST_S = 2.0  # how long the first values are waited for; without them all goes on


class SignalsPart(Part):
    """What is known of each pool's signals at any time; that waits for nothing."""

    name = "signals"

    def __init__(
        self,
        followed: FollowedSignals | None,
        pools: Mapping[str, Sequence[SignalPolicy]],
        clock: Callable[[], int],
    ) -> None:
        self._followed = followed
        self._pools = pools
        self._clock = clock

    def of(self, pool: str, now_s: int) -> tuple[Signal, ...]:
        """Those of the pool's signals that are known; the others are unknown, which is not zero."""
        return () if self._followed is None else self._followed.at(self._pools[pool], now_s)

    def status(self) -> Status:
        """See the base."""
        if self._followed is None:
            return Status(self.name, True, "the policy names none")
        now_s = self._clock()
        unknown = [
            signal.name
            for pool, signals in self._pools.items()
            for signal in signals
            if signal.name not in {one.name for one in self.of(pool, now_s)}
        ]
        return Status(self.name, not unknown, f"unknown: {some(dict.fromkeys(unknown))}" if unknown else "all are read")


def open_signals(process: Process) -> SignalsPart:
    """The way to Prometheus, where the policy has signals. Raises BadInput where the site file does not name one."""
    pools = {whose.pool: pool.signals for whose, pool in process.pools()}
    if not any(pools.values()):
        return SignalsPart(None, pools, process.clock)
    settings = process.site.spec.prometheus
    if settings is None:
        named = some(signal.name for signals in pools.values() for signal in signals)
        what = f"the policy has signals ({named}), and the site file has no spec.prometheus"
        raise BadInput(what, remedy="give its url there, or take the signals out of the policy")
    followed = FollowedSignals(
        Prometheus(settings),
        [signal for signals in pools.values() for signal in signals],
        clock=process.clock,
        every_s=process.site.spec.slurm.poll,
    )
    process.at_end.callback(followed.close)
    followed.start(FIRST_S)
    return SignalsPart(followed, pools, process.clock)
