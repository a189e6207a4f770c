"""The parts of the service: the data path of one pool, with the bus between those that do not know one another."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from basics.log_once import Trouble
from connectors.bus.open_bus import open_bus
from connectors.bus.settings import BusSettings
from connectors.hooks.http import HttpHook
from connectors.kafka_client.security import Security
from connectors.local.audit_file import AuditFile
from connectors.local.lock_file import LockFile
from connectors.publishing.feed import Feed
from connectors.publishing.publisher import PublishedPool, Publisher
from connectors.slurm.completions import Completions, completions
from connectors.slurm.read import Answers
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.streamed import StreamedSource
from connectors.sources.paced import Paced
from connectors.sources.standing import Standing
from controller.controller import Controller
from controller.forecast_subscriber import ForecastSubscriber
from controller.handover.carry_out import Ports
from controller.plan_publisher import PlanPublisher
from controller.pool_loop import PoolLoop
from controller.recommender import Recommender
from controller.site_leadership import SiteLeadership
from forecasting.forecast_publisher import ForecastPublisher
from forecasting.forecaster import DemandForecaster
from models.audit import AuditLog, Decided, Entry
from models.errors import BadInput, BusRefused, BusUnavailable
from models.identity import CONTROLLER, FORECASTING, PoolId
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.policies import Mode, Policy, PoolPolicy
from models.reading import Source
from service.bus_settings_file import read_bus_settings
from service.clock import SteadyClock
from service.site import LOCK, Site, TwinSettings
from service.slurm import open_slurm
from service.stand_in_file import keeper, read_memory
from simulator.standin import StandIn
from simulator.traces.rates import read_rates

AUDIT, STAND_IN = "audit.jsonl", "kubernetes-stand-in.json"

log = logging.getLogger("tidegate.service")


class LastDecision:
    """An audit that is kept elsewhere, and of which the last decision stays at hand."""

    def __init__(self, audit: AuditLog) -> None:
        self.decided: Decided | None = None
        self._audit = audit

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._audit.append(entry)
        if isinstance(entry, Decided):
            self.decided = entry


@dataclass(slots=True)
class Parts:
    """What one process runs for one pool. ``control`` is None where the policy only observes, ``lock`` where it does
    not move."""

    policy: Policy
    clock: Callable[[], int]
    slurm: SlurmScheduler
    connecting: Publisher
    sources: tuple[Standing[HpcNode], Standing[KubernetesNode]]
    paced: Paced[Answers]
    following: ForecastPublisher
    control: PoolLoop | None
    lock: LockFile | None
    last: LastDecision | None
    blind: Trouble = field(default_factory=lambda: Trouble(log, "nothing is forecast"))
    unled: Trouble = field(default_factory=lambda: Trouble(log, "the lock"))

    def follow(self) -> None:
        """Let the forecaster see what is new, and say what it expects."""
        try:
            self.following.follow(self.clock())
        except (BusUnavailable, BusRefused) as error:
            self.blind.met(error)
        else:
            self.blind.over()


def open_parts(site: Site, policy: Policy, settings: BusSettings | None, at_end: ExitStack) -> Parts:
    """Open everything; ``at_end`` lets go of it. Raises BadInput, Unreachable, BusUnavailable or BusRefused."""
    spec, state = policy.spec, site.spec.state
    pool = spec.pools[0]
    if len(spec.pools) > 1:
        log.warning("only the first pool, %s, is looked after: this release knows one", pool.name)
    _make(state)
    file = None if spec.mode is Mode.OBSERVE else _alone(state, at_end)
    clock = SteadyClock()
    slurm, paced, picture = open_slurm(site.spec.slurm, pool, clock, at_end)
    names = sorted(picture.nodes)
    kubernetes = open_stand_in(site, site.spec.kubernetes.twin, names, slurm.pool.shape, clock)
    bus = open_bus(site.spec.bus.address or "", settings=settings)
    at_end.callback(bus.close)
    name = PoolId(site.metadata.name, pool.name)
    hpc, cluster = Standing(slurm, Side.HPC), Standing(kubernetes, Side.KUBERNETES)
    stream = _completions(site.spec.slurm, at_end)
    told: Source[HpcNode] = hpc if stream is None else StreamedSource(hpc, stream, lambda: slurm.pool)
    connecting = Publisher(
        bus,
        [PublishedPool(Feed(bus, name), (told, cluster))],
        clock=clock,
        interval_s=site.spec.slurm.poll,
        due_in_s=lambda: paced.due_in_s,
    )
    forecaster = DemandForecaster(
        pool_nodes=len(picture.nodes), horizons_s=spec.forecast.horizons, every_s=spec.moves.every
    )
    run = f"{name.scope}-{secrets.token_hex(4)}"  # groups of this run: each reads all that there is
    following = ForecastPublisher(bus, forecaster, name, group=f"{FORECASTING}-{run}")
    at_end.callback(following.close)
    parts = Parts(policy, clock, slurm, connecting, (hpc, cluster), paced, following, None, None, None)
    if file is not None:
        hearing = ForecastSubscriber(bus, name, group=f"{CONTROLLER}-{run}")
        at_end.callback(hearing.close)
        _open_control(parts, site, PlanPublisher(file, bus, name), hearing, kubernetes, at_end)
    return parts


def _completions(settings: SlurmSettings, at_end: ExitStack) -> Completions | None:
    """Slurm's own stream, where the site has one."""
    if settings.completions is None:
        return None
    path = settings.completions.settings
    security = Security() if path is None else read_bus_settings(path).secure()
    stream = completions(settings.completions, security)
    at_end.callback(stream.close)
    return stream


def open_stand_in(
    site: Site, twin: TwinSettings, names: Sequence[str], shape: NodeShape, clock: Callable[[], int]
) -> StandIn:
    """The stand-in for Kubernetes, on the nodes that Slurm shows."""
    path = site.spec.state / STAND_IN
    rates = read_rates(twin.requests).requests
    memory = read_memory(path, clock())
    steps = [(int(at_s), float(per_s)) for at_s, per_s in zip(rates.times_s, rates.per_s, strict=True)]
    keep = keeper(path)
    if not path.exists():  # what is there another process may be changing
        keep(memory)
    return StandIn(
        names,
        shape,
        steps,
        twin.rate_per_node,
        memory=memory,
        keep=keep,
        clock=clock,
    )


def _alone(state: Path, at_end: ExitStack) -> AuditFile:
    """The audit, before anything else of the state is read: who has it open changes the rest. Raises BadInput."""
    audit = AuditFile(state / AUDIT)
    at_end.callback(audit.close)
    return audit


def _open_control(
    parts: Parts,
    site: Site,
    telling: PlanPublisher,
    hearing: ForecastSubscriber,
    kubernetes: StandIn,
    at_end: ExitStack,
) -> None:
    """Open what decides, and what acts where the policy says that it may."""
    spec, slurm, clock = parts.policy.spec, parts.slurm, parts.clock
    pool: PoolPolicy = spec.pools[0]
    parts.last = audit = LastDecision(telling)
    identity = PoolId(site.metadata.name, pool.name)
    mover: Controller | Recommender = Recommender(*parts.sources, identity, pool, spec, clock, audit)
    if spec.mode is Mode.AUTO:
        parts.lock = LockFile(site.spec.state / LOCK)
        at_end.callback(parts.lock.release)
        hook = HttpHook(pool.hooks, identity) if pool.hooks.before or pool.hooks.after else None
        led = SiteLeadership(parts.lock, [pool.name])
        ports = Ports(slurm, kubernetes, led.pool(pool.name), hook)
        mover = Controller(ports, identity, pool, spec, clock, audit, led.budget, sources=parts.sources)
    parts.control = PoolLoop(mover, hearing, clock, every_s=spec.moves.every)


def _make(folder: Path) -> None:
    """The folder of the state, for this user only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise BadInput(
            f"cannot be made: {what}", where=str(folder), remedy="name another folder as spec.state"
        ) from error
