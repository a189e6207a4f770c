"""The connector alone: what a list costs, what so many events cost, and how much is resident."""

from __future__ import annotations

import sys
import time

from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from service.kube_api import open_api
from tests.real.kube.followers.talk import resident_mb, say

LOOK_S = 0.2
PATIENCE_S = 300.0


def main(kubeconfig: str) -> None:
    """Say it of the list, and then for each line of the number of events that it has."""
    began_s = time.process_time()
    cluster = KubeCluster(open_api(KubernetesSettings(kubeconfig=kubeconfig)))
    cluster.start()
    cluster.wait(PATIENCE_S)
    state = cluster.state()
    say(cpu_s=time.process_time() - began_s, resident_mb=resident_mb(), objects=len(state.nodes) + len(state.pods))
    for line in sys.stdin:
        order, began_s = cluster._following.order, time.process_time()
        say()
        while cluster._following.order < order + int(line):
            time.sleep(LOOK_S)
        say(cpu_s=time.process_time() - began_s, resident_mb=resident_mb())
    cluster.close()


if __name__ == "__main__":
    main(sys.argv[1])
