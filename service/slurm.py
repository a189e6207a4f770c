"""Slurm as a site file describes it, opened and read once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

from connectors.slurm.checkup.format import nodes as named
from connectors.slurm.open_slurm import open_transport
from connectors.slurm.pool import hosts
from connectors.slurm.read import Picture
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import SlurmSettings
from models.errors import BadInput, Unreachable
from models.policies import PoolPolicy

log = logging.getLogger("tidegate.service")


def open_slurm(
    settings: SlurmSettings, pool: PoolPolicy, clock: Callable[[], int], at_end: ExitStack
) -> tuple[SlurmScheduler, Picture]:
    """The port, and the first reading of the pool's nodes. Raises BadInput or Unreachable."""
    transport = open_transport(settings)
    at_end.callback(transport.close)
    first = _first(SlurmScheduler(transport, pool.nodes), pool)
    nodes = len(first.nodes)
    try:
        low, _ = pool.bounds(nodes)
    except ValueError as error:
        raise BadInput(str(error), remedy="mend the floors and ceilings of the policy") from error
    if missing := set(hosts(pool.nodes or "")) - set(first.nodes):
        log.warning("pool %s: Slurm has no %s; the pool is without them", pool.name, named(missing))
    return SlurmScheduler(transport, pool.nodes, nodes_max=nodes - low, clock=clock), first


def _first(slurm: SlurmScheduler, pool: PoolPolicy) -> Picture:
    """The first reading: what cannot be understood then is most likely the policy's fault, and no outage."""
    try:
        return slurm.poll()
    except Unreachable as error:
        if not isinstance(error.__cause__, BadInput):
            raise
        what = f"pool {pool.name} ({pool.nodes or 'every node'}): {error.__cause__.what}"
        raise BadInput(what, remedy="name its nodes in spec.pools of the policy; sinfo -N shows Slurm's") from error
