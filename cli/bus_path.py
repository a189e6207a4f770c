"""The data path of a replay through the event bus: twin, connectors' events, forecasting, controller, as in service."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from connectors.bus.opening import open_bus
from connectors.feed import Feed
from controller.hearing import Hearing
from controller.telling import Telling
from forecasting.following import Following
from models.audit import AuditLog
from models.bus import Bus
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Topic
from models.forecasts import Forecast
from models.nodes import Side
from models.ports import Forecaster, HpcScheduler, Kubernetes
from models.work import WorkRecord
from simulator.compare import OpenPath

FLUSH_S = 30.0
TWIN, FORECASTING, CONTROLLER = "/tidegate/twin", "/tidegate/forecasting", "/tidegate/controller"


def path_through(address: str | None, pool: str) -> OpenPath | None:
    """How each policy of one comparison opens its own path through the bus at ``address``; None without one."""
    return None if address is None else PathThrough(address, f"replay-{secrets.token_hex(4)}", pool)


@dataclass(frozen=True, slots=True)
class PathThrough:
    """Opens the path of one policy; a value, so that it can be handed to another process."""

    address: str
    run: str
    pool: str

    @contextmanager
    def __call__(self, policy: str) -> Iterator[BusPath]:
        """The path, on topics that nobody else uses and that are gone afterwards."""
        with ExitStack() as at_end:
            bus = open_bus(self.address, prefix=f"{self.run}-{policy}.")
            at_end.callback(bus.close)
            at_end.callback(bus.discard)
            path = BusPath(bus, self.pool)
            yield path
            path.close()


class BusPath:
    """See ``simulator.replay.DataPath``. Every part knows the bus and no other part."""

    def __init__(self, bus: Bus, pool: str) -> None:
        self.bus = bus
        self.pool = pool
        self.feed = Feed(bus, source=TWIN, pool=pool)
        self.hearing = Hearing(bus, pool=pool, group="controller")
        self.telling: Telling | None = None
        self.following: Following | None = None

    def forecaster(self, forecaster: Forecaster, hpc: HpcScheduler, kubernetes: Kubernetes) -> Forecaster:
        """See the protocol."""
        self.following = Following(self.bus, forecaster, source=FORECASTING, pool=self.pool, group="forecasting")
        return _AcrossTheBus(self, hpc, kubernetes)

    def audit(self, audit: AuditLog) -> AuditLog:
        """See the protocol."""
        self.telling = Telling(audit, self.bus, source=CONTROLLER, pool=self.pool)
        return self.telling

    def close(self) -> None:
        """Leave the groups. Raises BusUnavailable when not all was told: a replay must not hide that."""
        if self.following is not None:
            self.following.close()
        self.hearing.close()
        left = self.bus.flush(FLUSH_S) + self.feed.unsendable + (self.telling.failures if self.telling else 0)
        if left:
            raise BusUnavailable(f"{left} events of this replay did not get to the bus")


class _AcrossTheBus:
    """What is observed goes onto the bus, and forecasts come from it, as the port ``Forecaster``."""

    def __init__(self, path: BusPath, hpc: HpcScheduler, kubernetes: Kubernetes) -> None:
        self._path = path
        self._hpc = hpc
        self._kubernetes = kubernetes

    def observe(self, now_s: int, demand: Mapping[Side, Demand], records: tuple[WorkRecord, ...]) -> None:
        """Tell all that both sides show, the demand last."""
        bus, feed, telling = self._path.bus, self._path.feed, self._path.telling
        lost = bus.take_resyncs()
        feed.tell_anew(lost)
        if telling is not None and Topic.HANDOVERS in lost:
            telling.tell_anew()
        feed.tell_work(now_s, records, order=now_s)
        feed.tell_nodes(now_s, Side.HPC, self._hpc.nodes().nodes, order=now_s)
        feed.tell_nodes(now_s, Side.KUBERNETES, self._kubernetes.nodes().nodes, order=now_s)
        feed.tell_demand(now_s, demand)
        if left := bus.flush(FLUSH_S):
            raise BusUnavailable(f"{left} events did not get to the bus within {FLUSH_S:.0f} s")

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """Let the forecaster follow, and hear what it says. Raises BusUnavailable when that is not of this instant."""
        path = self._path
        if path.following is not None:
            path.following.follow(now_s)
        path.hearing.hear(now_s)
        forecasts = path.hearing.forecasts(now_s, longest_s=0)
        if len(forecasts) < len(Side):
            raise BusUnavailable(f"the bus has no forecasts of {now_s} s for both sides")
        return forecasts
