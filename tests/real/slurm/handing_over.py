"""The real controller between a real Slurm and the twin's Kubernetes: one pool of nodes, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from models.nodes import NodeShape, Side
from models.policies import Evict, ForecastPolicy, MovesPolicy, PoolPolicy, SafetyPolicy, Settle, Spec, Weights
from simulator.agenda import Kind
from simulator.hpc import NodeKind
from simulator.kube import KubeCluster
from simulator.machine import INITIAL_MARK, Machine, Workload
from simulator.twin import TwinKubernetes
from simulator.work import Pod
from tests.real.scripted_controller import ScriptedController
from tests.real.slurm.cluster import Cluster

SETTLE_S = 6  # no policy allows less
DEADLINE_S = 90
STALE_S = 5
SHAPE = NodeShape(8000, 64_000, 4000)


class HandingOver(ScriptedController):
    """A pool of real nodes, by their names, of which Kubernetes has the last ``lent`` at first.

    ``pods`` more pods wait in Kubernetes, each as large as a node and without an end, so that whatever opens is used.
    """

    def __init__(
        self,
        cluster: Cluster,
        port: Any,
        names: list[str],
        *,
        lent: int = 0,
        pods: int = 0,
        deadline_s: int = DEADLINE_S,
    ) -> None:
        self.cluster = cluster
        self.machine = Machine(Workload(), [NodeKind("", len(names))], SHAPE)
        self.machine.names = list(names)
        self._begin(names, lent, pods)
        super().__init__(port, TwinKubernetes(self.machine), names, policy(len(names), deadline_s), wants=lent)

    @property
    def kube(self) -> KubeCluster:
        return self.machine.kube

    def given(self) -> Mapping[str, int]:
        """The nodes that are open in Kubernetes, with their pods."""
        kube = self.kube
        return {name: int(kube.pods_on[number]) for number, name in enumerate(self.names) if kube.open[number]}

    def closed_by(self, node: str) -> str | None:
        """The mark that closes the node in Kubernetes."""
        return self.kube.closed_by[self.names.index(node)]

    def _begin(self, names: list[str], lent: int, pods: int) -> None:
        """Each side is closed where the other has the node; what Kubernetes has is full of pods from the beginning."""
        machine, first = self.machine, len(names) - lent
        machine.agenda.now_s = int(time.time())
        for number, name in enumerate(names):
            if number < first:
                machine.kube.set_closed(number, INITIAL_MARK)
            else:
                self.cluster.run("scontrol", "update", f"nodename={name}", "state=drain", f"reason={INITIAL_MARK}")
                machine.belongs_to[number] = Side.KUBERNETES
        for number in range(pods):
            pod = Pod(f"pod-{number}", machine.now_s, None, SHAPE.cpu_milli, SHAPE.memory_mib, SHAPE.gpu_milli)
            machine.agenda.add(machine.now_s, Kind.POD_CREATE, number, (pod,))
        if pods:
            machine.advance()

    def _begin_look(self) -> None:
        self.machine.agenda.now_s = max(self.machine.now_s, int(time.time()))
        super()._begin_look()

    def _end_look(self) -> None:
        self.machine.schedule()


def policy(
    nodes: int,
    deadline_s: int,
    *,
    name: str = "pool",
    settle: Settle | None = None,
    stale_s: int = STALE_S,
    **moves: Any,
) -> tuple[PoolPolicy, Spec]:
    """One that moves all that is wanted at once; built without the limits that keep a person from such a one.

    ``moves`` are other words of ``MovesPolicy``.
    """
    pool = PoolPolicy(name=name, unmet_cost=Weights(hpc=1.0, kubernetes=1000.0)).without_usual_floors()
    words: dict[str, Any] = {
        "every": 10,
        "look_ahead": 600,
        "at_once": nodes,
        "per_hour": 1000,
        "min_gain": 0.0,
        "dwell": 0,
        "settle": settle or Settle(kubernetes=f"{SETTLE_S}s"),
        "lead_time": 10,
        "drain_deadline": deadline_s,
        "reserve_ahead": False,
        "ready_for": 0,
        "fit_deadline": 10,
        "evict": Evict.NEVER,
    }
    safety = SafetyPolicy.model_construct(stale_after=stale_s, unready_max=3, failures_to_pause=9, vanished_hold=300)
    planned = MovesPolicy.model_construct(**(words | moves))
    return pool, Spec.model_construct(pools=(pool,), moves=planned, safety=safety, forecast=ForecastPolicy())
