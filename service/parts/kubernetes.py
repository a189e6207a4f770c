"""The Kubernetes of a site: listed and watched once for all pools, a port for each of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from prometheus_client.registry import Collector

from connectors.checkup.format import nodes as named
from connectors.kube.demand.pools import Pool
from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.node_events import NodeEvents
from connectors.kube.nodes import Rules
from connectors.kube.quota import Quota
from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.work import ClusterWork, PoolRules
from connectors.sources.metrics import SourceMetrics
from connectors.sources.standing import Standing
from models.errors import BadInput
from models.nodes import KubernetesNode, Side
from models.policies import Mode, PoolPolicy
from service.kube_api import open_api
from service.part import Part, Status, Step
from service.parts.slurm import SlurmPart, SlurmPool
from service.process import Process

SYNC_S = 60.0  # how long the first lists may take
NEWS_S = 0.1  # after a change, how long more of the same is waited for before it is told
NEWS_SHARE = 5.0  # and how many times as long as it takes to work out what it comes to

log = logging.getLogger("tidegate.service")

NEEDED = (
    "reading is enough to observe and to recommend: tidegate rights --mode recommend | kubectl apply -f - makes an"
    " account that may"
)


class KubernetesPart(Part):
    """``ports``, where they are read, and what is told on their nodes, by pool; none at a site without Kubernetes."""

    name = "kubernetes"

    def __init__(
        self,
        cluster: KubeCluster | None,
        ports: Mapping[str, KubernetesPool],
        events: Mapping[str, NodeEvents],
        alone: bool,
    ) -> None:
        self.cluster = cluster
        self.ports = ports
        self.events = events
        self.sources: Mapping[str, Standing[KubernetesNode]] = {
            name: Standing(port, Side.KUBERNETES, "" if alone else name) for name, port in ports.items()
        }

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return [Step(f"node events {name}", events.tell, 1.0) for name, events in self.events.items()]

    def metrics(self) -> Sequence[Collector]:
        """See the base."""
        return (SourceMetrics(Side.KUBERNETES, self.sources),)

    def status(self) -> Status:
        """See the base."""
        if self.cluster is None:
            return Status(self.name, True, "the site has none: the HPC side is observed alone")
        away = [name for name, source in self.sources.items() if source.unread]
        return Status(self.name, not away, f"cannot be read for pool {', '.join(away)}" if away else "is read")


def open_kubernetes(process: Process) -> KubernetesPart:
    """The way to Kubernetes, and the first lists. Raises BadInput or Unreachable."""
    settings, pools = process.site.spec.kubernetes, process.pools()
    if settings is None:
        if process.policy.spec.mode is not Mode.OBSERVE:
            what = f"mode {process.policy.spec.mode} needs Kubernetes, and the site file has no spec.kubernetes"
            raise BadInput(what, remedy=f"name a kubeconfig there, or set the policy's mode to observe; {NEEDED}")
        return KubernetesPart(None, {}, {}, alone=True)
    return _opened(process, settings, alone=len(pools) == 1)


def _opened(process: Process, settings: KubernetesSettings, *, alone: bool) -> KubernetesPart:
    slurm = process.part(SlurmPart)
    api = open_api(settings)
    process.at_end.callback(api.close)
    pools = {whose.pool: (pool, _names(pool, slurm.pools[whose.pool])) for whose, pool in process.pools()}
    work = ClusterWork([_rules(*one) for one in pools.values()], process.policy.spec.kubernetes)

    def tell() -> None:
        process.wake("publish", max(NEWS_S, work.took_s * NEWS_SHARE))

    cluster = KubeCluster(api, clock=process.clock, on_change=tell)
    process.at_end.callback(cluster.close)
    cluster.start()
    ports, events = {}, {}
    for name, (pool, names) in pools.items():
        kueue = pool.kubernetes.kueue
        quota = None
        if kueue is not None and kueue.cluster_queue is not None and kueue.flavor is not None:
            quota = Quota(api, kueue.cluster_queue, kueue.flavor)
        rules = Rules(frozenset(pool.kubernetes.taints), process.policy.spec.moves.evict)
        ports[name] = KubernetesPool(cluster, api, names, rules, work.of, clock=process.clock, quota=quota)
        events[name] = NodeEvents(api, names)
    cluster.wait(SYNC_S)
    _tell_missing(cluster, {name: names for name, (_, names) in pools.items()})
    return KubernetesPart(cluster, ports, events, alone)


def _tell_missing(cluster: KubeCluster, pools: Mapping[str, PoolNames]) -> None:
    there = cluster.state().nodes.keys()
    for pool, names in pools.items():
        if missing := names.hpc.keys() - there:
            wrong = "" if names.hpc.keys() & there else " (is the policy's kubernetesName right? tidegate doctor tells)"
            them = "it" if len(missing) == 1 else "them"
            log.warning("pool %s: Kubernetes has no %s; the pool is without %s%s", pool, named(missing), them, wrong)


def _rules(pool: PoolPolicy, names: PoolNames) -> PoolRules:
    there = frozenset(names.hpc)
    return PoolRules(Pool(pool.name, there, pool.bounds(len(there))[1]), pool.kubernetes.kueue)


def _names(pool: PoolPolicy, slurm: SlurmPool) -> PoolNames:
    return PoolNames(pool.name, slurm.names, pool.kubernetes_name)
