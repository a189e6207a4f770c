"""The data path of a replay through the event bus: twin, connectors' events, forecasting, controller, as in service."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import typer

from cli.bus.target import settings_in
from connectors.bus.open_bus import OpenedBus, open_bus
from connectors.bus.settings import BusSettings
from connectors.publishing.feed import Feed
from controller.forecast_subscriber import ForecastSubscriber
from controller.plan_publisher import PlanPublisher
from forecasting.forecast_publisher import ForecastPublisher
from models.audit import AuditLog
from models.bus import Bus
from models.errors import BadInput, BusRefused, BusUnavailable
from models.events import Topic
from models.forecasts import Forecast
from models.identity import CONTROLLER, FORECASTING, PoolId
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster, HpcScheduler, Kubernetes

FLUSH_S = 30.0
TWIN = "twin"  # the name of the site


def usable_bus(address: str | None, file: Path | None, *, quiet: bool) -> ReplayBus | None:
    """The bus that a replay is asked to go through, with the settings in ``file``; None when there is no address.

    It is opened once, and left as it was, so that what is wrong with it is told before anything else is done. Raises
    BadParameter, BadDocument, BadInput, BusUnavailable or BusRefused.
    """
    if file is not None and address in {None, "memory"}:
        raise typer.BadParameter("--bus-settings needs a bus that can be reached: --bus kafka:HOST:PORT or sqlite:FILE")
    if address is None:
        return None
    bus = replay_bus(address, settings_in(file, quiet=quiet))
    with bus.opened("check") as opened:
        opened.subscribe([Topic.FORECASTS], "check").close()  # a right of its own
    return bus


def replay_bus(address: str, settings: BusSettings | None = None) -> ReplayBus:
    """The bus at an address, for one comparison and nobody else."""
    settings = settings or BusSettings()
    alone = settings.model_copy(update={"spool": None})  # each process needs its own: a temporary one will do
    return ReplayBus(address, alone, f"replay-{secrets.token_hex(4)}")


@dataclass(frozen=True, slots=True)
class ReplayBus:
    """Where the topics of one comparison are; a value, so that it can be handed to another process."""

    address: str
    settings: BusSettings
    run: str

    @contextmanager
    def opened(self, part: str) -> Iterator[OpenedBus]:
        """The bus with topics that only this part of the comparison uses, and that are gone afterwards.

        Raises BadInput, BusUnavailable or BusRefused.
        """
        prefix = f"{self.settings.prefix}{self.run}-{part}."
        with ExitStack() as at_end:
            bus: OpenedBus | None = None
            try:
                bus = at_end.enter_context(closing(open_bus(self.address, prefix, self.settings)))
                yield bus
            except BaseException as error:
                with suppress(BusUnavailable, BusRefused, BadInput):  # what went wrong first is what is told
                    if bus is None and not isinstance(error, Exception):  # stopped while it made its topics
                        bus = at_end.enter_context(closing(open_bus(self.address, prefix, self.settings)))
                    if bus is not None:
                        bus.discard()
                raise
            bus.discard()


@dataclass(frozen=True, slots=True)
class PathThrough:
    """Opens the path of each policy of a comparison, see ``simulator.compare.OpenPath``."""

    bus: ReplayBus
    pool: str

    @contextmanager
    def __call__(self, policy: str) -> Iterator[BusPath]:
        """The path, on topics of its own."""
        with self.bus.opened(policy) as bus:
            path = BusPath(bus, self.pool)
            yield path
            path.close()


class BusPath:
    """See ``simulator.replay.DataPath``. Every part knows the bus and no other part."""

    def __init__(self, bus: Bus, pool: str) -> None:
        self.bus = bus
        self.pool = PoolId(TWIN, pool)
        self.feed = Feed(bus, self.pool)
        self.subscriber = ForecastSubscriber(bus, self.pool, group=CONTROLLER)
        self.telling: PlanPublisher | None = None
        self.following: ForecastPublisher | None = None

    def forecaster(self, forecaster: Forecaster, hpc: HpcScheduler, kubernetes: Kubernetes) -> Forecaster:
        """See the protocol."""
        self.following = ForecastPublisher(self.bus, forecaster, self.pool, group=FORECASTING)
        return _AcrossTheBus(self, hpc, kubernetes)

    def audit(self, audit: AuditLog) -> AuditLog:
        """See the protocol."""
        self.telling = PlanPublisher(audit, self.bus, self.pool)
        return self.telling

    def close(self) -> None:
        """Leave the groups. Raises BusUnavailable when not all was told: a replay must not hide that."""
        if self.following is not None:
            self.following.close()
        self.subscriber.close()
        left = self.bus.flush(FLUSH_S) + self.feed.unsendable + (self.telling.failures if self.telling else 0)
        if left:
            raise BusUnavailable(f"{left} events of this replay did not get to the bus")


class _AcrossTheBus:
    """What is observed goes onto the bus, and forecasts come from it, as the port ``Forecaster``."""

    def __init__(self, path: BusPath, hpc: HpcScheduler, kubernetes: Kubernetes) -> None:
        self._path = path
        self._hpc = hpc
        self._kubernetes = kubernetes

    def observe(self, observation: Observation) -> None:
        """Tell all that both sides show, the demand last."""
        now_s = observation.at_s
        bus, feed, telling = self._path.bus, self._path.feed, self._path.telling
        lost = bus.take_resyncs()
        feed.tell_anew(lost)
        if telling is not None and Topic.HANDOVERS in lost:
            telling.tell_anew()
        feed.tell_work(now_s, observation.records, order=now_s)
        feed.tell_nodes(now_s, Side.HPC, self._hpc.read().nodes, order=now_s)
        feed.tell_nodes(now_s, Side.KUBERNETES, self._kubernetes.read().nodes, order=now_s)
        feed.tell_demand(now_s, observation.demand)
        if left := bus.flush(FLUSH_S):
            raise BusUnavailable(f"{left} events did not get to the bus within {FLUSH_S:.0f} s")

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """Let the forecaster follow, and hear what it says. Raises BusUnavailable when that is not of this instant."""
        path = self._path
        if path.following is not None:
            path.following.follow(now_s)
        path.subscriber.hear(now_s)
        forecasts = path.subscriber.forecasts(now_s, longest_s=0)
        if len(forecasts) < len(Side):
            raise BusUnavailable(f"the bus has no forecasts of {now_s} s for both sides")
        return forecasts
