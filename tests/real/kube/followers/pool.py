"""A pool of all nodes: what it takes to work out what one change comes to."""

from __future__ import annotations

import sys
import time

from connectors.kube.demand.pools import Pool
from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.work import ClusterWork, PoolRules
from models.policies import KubernetesPolicy
from service.kube_api import open_api
from tests.real.kube.followers.talk import say

LOOK_S = 0.02
PATIENCE_S = 300.0


def main(kubeconfig: str) -> None:
    """For each line, wait for a change, and say it."""
    api = open_api(KubernetesSettings(kubeconfig=kubeconfig))
    cluster = KubeCluster(api)
    cluster.start()
    cluster.wait(PATIENCE_S)
    names = tuple(cluster.state().nodes)
    work = ClusterWork([PoolRules(Pool("p", frozenset(names), len(names)))], KubernetesPolicy())
    pool = PoolNames("p", names)
    port = KubernetesPool(cluster, api, pool, Rules(), work.of, clock=lambda: int(time.time()))
    began_s = time.thread_time()
    say(waiting=port.read().demand.waiting, cpu_s=time.thread_time() - began_s)
    for _ in sys.stdin:
        order = cluster._following.order
        say()
        while cluster._following.order == order:
            time.sleep(LOOK_S)
        began_s = time.thread_time()
        port.read()
        say(cpu_s=time.thread_time() - began_s)
    cluster.close()


if __name__ == "__main__":
    main(sys.argv[1])
