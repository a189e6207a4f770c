"""Slurm as a site file describes it, opened and read once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

from connectors.slurm.checkup.format import nodes as named
from connectors.slurm.cluster import SlurmCluster
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.read import Answers
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import SlurmSettings
from connectors.sources.backoff import Backoff
from connectors.sources.paced import Paced
from models.errors import BadInput, Unreachable
from models.hostlists import hosts
from models.nodes import HpcNode
from models.policies import PoolPolicy
from models.reading import Picture

log = logging.getLogger("tidegate.service")


def open_slurm(
    settings: SlurmSettings, pool: PoolPolicy, clock: Callable[[], int], at_end: ExitStack
) -> tuple[SlurmScheduler, Paced[Answers], Picture[HpcNode]]:
    """The port, and the first reading of the pool's nodes. Raises BadInput or Unreachable."""
    transport = open_transport(settings)
    at_end.callback(transport.close)
    cluster = SlurmCluster(transport, clock=clock)
    paced = Paced(cluster.read, Backoff(settings.poll))
    first = _first(SlurmScheduler(cluster, pool.nodes, answers=paced.read, clock=clock), pool)
    nodes = len(first.nodes)
    try:
        low, _ = pool.bounds(nodes)
    except ValueError as error:
        raise BadInput(str(error), remedy="mend the floors and ceilings of the policy") from error
    if missing := set(hosts(pool.nodes or "")) - set(first.nodes):
        log.warning("pool %s: Slurm has no %s; the pool is without them", pool.name, named(missing))
    return SlurmScheduler(cluster, pool.nodes, nodes_max=nodes - low, answers=paced.read, clock=clock), paced, first


def _first(slurm: SlurmScheduler, pool: PoolPolicy) -> Picture[HpcNode]:
    """The first reading: what cannot be understood then is most likely the policy's fault, and no outage."""
    try:
        return slurm.read()
    except Unreachable as error:
        if not isinstance(error.__cause__, BadInput):
            raise
        what = f"pool {pool.name} ({pool.nodes or 'every node'}): {error.__cause__.what}"
        raise BadInput(what, remedy="name its nodes in spec.pools of the policy; sinfo -N shows Slurm's") from error
