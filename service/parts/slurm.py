"""The Slurm of a site: read once for all pools, a port for each of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.registry import Collector

from connectors.checkup.format import nodes as named
from connectors.slurm.cluster import SlurmCluster
from connectors.slurm.metrics import TokenMetrics
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.read import Answers
from connectors.slurm.scheduler import SlurmScheduler
from connectors.sources.backoff import Backoff
from connectors.sources.metrics import SourceMetrics
from connectors.sources.paced import Paced
from connectors.sources.standing import Standing
from controller.metrics import UnseenMetrics
from models.errors import BadInput, Unreachable
from models.hostlists import hosts
from models.nodes import HpcNode, NodeShape, Side
from models.policies import PoolPolicy
from models.reading import Picture
from service.part import Part, Status
from service.process import Process

log = logging.getLogger("tidegate.service")


@dataclass(frozen=True, slots=True)
class SlurmPool:
    """One pool: its port, and where it is read. ``names`` and ``shape`` are of the first reading."""

    port: SlurmScheduler
    source: Standing[HpcNode]
    names: tuple[str, ...]
    shape: NodeShape


class SlurmPart(Part):
    """``paced`` reads all of Slurm, ``pools`` are its pools by name; ``token_expires_s`` tells when its token ends."""

    name = "slurm"

    def __init__(
        self, paced: Paced[Answers], pools: Mapping[str, SlurmPool], token_expires_s: Callable[[], int | None]
    ) -> None:
        self.paced = paced
        self.pools = pools
        self._token_expires_s = token_expires_s

    def metrics(self) -> Sequence[Collector]:
        """See the base."""
        return (
            UnseenMetrics({name: pool.port.unseen for name, pool in self.pools.items()}),
            SourceMetrics(Side.HPC, {name: pool.source for name, pool in self.pools.items()}),
            TokenMetrics(self._token_expires_s),
        )

    def status(self) -> Status:
        """See the base."""
        away = [name for name, pool in self.pools.items() if pool.source.unread]
        return Status(self.name, not away, f"cannot be read for pool {', '.join(away)}" if away else "is read")


def open_slurm(process: Process) -> SlurmPart:
    """The way to Slurm, and the first reading. Raises BadInput or Unreachable."""
    settings = process.site.spec.slurm
    transport = open_transport(settings)
    process.at_end.callback(transport.close)
    cluster = SlurmCluster(transport, clock=process.clock)
    paced = Paced(cluster.read, Backoff(settings.poll))
    pools = {
        pool.name: _pool(cluster, paced, pool, process.clock, alone=len(process.policy.spec.pools) == 1)
        for _, pool in process.pools()
    }
    return SlurmPart(paced, pools, transport.token_expires_s)


def _pool(
    cluster: SlurmCluster, paced: Paced[Answers], pool: PoolPolicy, clock: Callable[[], int], *, alone: bool
) -> SlurmPool:
    first = SlurmScheduler(cluster, pool.nodes, answers=paced.read, clock=clock)
    picture = _read(first, pool)
    try:
        low, _ = pool.bounds(len(picture.nodes))
    except ValueError as error:
        raise BadInput(str(error), remedy="mend the floors and ceilings of the policy") from error
    if missing := set(hosts(pool.nodes or "")) - set(picture.nodes):
        log.warning("pool %s: Slurm has no %s; the pool is without them", pool.name, named(missing))
    most = len(picture.nodes) - low
    port = SlurmScheduler(cluster, pool.nodes, nodes_max=most, answers=paced.read, clock=clock)
    source = Standing(port, Side.HPC, "" if alone else pool.name)
    source.read()  # from now on there is a picture that stands
    return SlurmPool(port, source, tuple(sorted(picture.nodes)), first.pool.shape)


def _read(slurm: SlurmScheduler, pool: PoolPolicy) -> Picture[HpcNode]:
    """The first reading: what cannot be understood then is most likely the policy's fault, and no outage."""
    try:
        return slurm.read()
    except Unreachable as error:
        if not isinstance(error.__cause__, BadInput):
            raise
        what = f"pool {pool.name} ({pool.nodes or 'every node'}): {error.__cause__.what}"
        raise BadInput(what, remedy="name its nodes in spec.pools of the policy; sinfo -N shows Slurm's") from error
