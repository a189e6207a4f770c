"""The Kubernetes of a site: a stand-in for each pool, on the nodes that the HPC scheduler shows."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sources.standing import Standing
from models.identity import PoolId
from models.nodes import KubernetesNode, Side
from service.part import Part, Status
from service.parts.slurm import SlurmPart, SlurmPool
from service.process import Process
from service.state_folder import STAND_IN
from simulator.stand_in_file import StandInFile
from simulator.standin import StandIn
from simulator.traces.rates import read_rates


class KubernetesPart(Part):
    """The stand-ins and where they are read, by pool."""

    name = "kubernetes"

    def __init__(self, ports: Mapping[str, StandIn], alone: bool) -> None:
        self.ports = ports
        self.sources: Mapping[str, Standing[KubernetesNode]] = {
            name: Standing(port, Side.KUBERNETES, "" if alone else name) for name, port in ports.items()
        }

    def status(self) -> Status:
        """See the base."""
        away = [name for name, source in self.sources.items() if source.unread]
        return Status(self.name, not away, f"cannot be read for pool {', '.join(away)}" if away else "is read")


def open_kubernetes(process: Process) -> KubernetesPart:
    """A stand-in for each pool, with a memory of its own. Raises BadInput."""
    slurm = process.part(SlurmPart)
    pools = process.pools()
    ports = {
        whose.pool: _stand_in(process, whose, slurm.pools[whose.pool], first=number == 0)
        for number, (whose, _) in enumerate(pools)
    }
    return KubernetesPart(ports, alone=len(pools) == 1)


def _stand_in(process: Process, whose: PoolId, pool: SlurmPool, *, first: bool) -> StandIn:
    """The first pool's file is called as that of release 0.1.0, which knew one pool."""
    twin = process.site.spec.kubernetes.twin
    rates = read_rates(twin.requests).requests
    steps = [(int(at_s), float(per_s)) for at_s, per_s in zip(rates.times_s, rates.per_s, strict=True)]
    name = f"{STAND_IN}.json" if first else f"{STAND_IN}-{whose.pool}.json"
    store = StandInFile(process.site.spec.state / name, process.clock)
    return StandIn(pool.names, pool.shape, steps, twin.rate_per_node, store=store, clock=process.clock)
