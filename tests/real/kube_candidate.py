"""A process that would lead by a Lease, and writes down again and again whether it leads and whether it may act.

``python -m tests.real.kube_candidate KUBECONFIG NAMESPACE NAME LOG``; each line of LOG has the monotonic clock before
the look, the epoch or 0, and 1 where it may act.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from connectors.kube.lease import KubeLeaseStore
from connectors.kube.settings import KubernetesSettings
from controller.lease import Term
from models.scheduler_facts import SchedulerFacts
from service.kube_api import open_api
from service.lease_keeper import LeaseKeeper

WRITE_LONGEST_S = 10.0
FACTS = SchedulerFacts("one", settle_s=0, lands_s=30, write_longest_s=WRITE_LONGEST_S)
TERM = Term.short((FACTS,))
LOOK_S = 0.02
TICKS = 25  # looks for each tick, as a service's steps come round


def main(kubeconfig: str, namespace: str, name: str, log: str) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    api = open_api(KubernetesSettings.model_validate({"kubeconfig": kubeconfig}))
    keeper = LeaseKeeper(KubeLeaseStore(api, namespace, name), f"test_{os.getpid()}", TERM, place=name)
    keeper.start()
    looks = 0
    with Path(log).open("a", buffering=1, encoding="ascii") as file:
        while not ended.is_set():
            if looks % TICKS == 0:
                keeper.tick()
            looks += 1
            at_s, may_act = time.monotonic(), keeper.may_act()
            file.write(f"{at_s:.3f} {keeper.epoch or 0} {may_act:d}\n")
            ended.wait(LOOK_S)
    keeper.release()
    api.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
