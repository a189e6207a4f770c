"""Nodes that are a real Slurm's and a real Kubernetes' at once, shared by controllers, and an observer of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.kube.demand.pools import Pool
from connectors.kube.kubernetes import KubernetesPool
from connectors.kube.names import PoolNames
from connectors.kube.nodes import Rules
from connectors.kube.settings import KubernetesSettings
from connectors.kube.watching.cluster import KubeCluster
from connectors.kube.work import ClusterWork, PoolRules
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from models.handovers import Direction, Stage
from models.policies import Evict, KubernetesPolicy, Settle
from service.kube_api import open_api
from simulator.machine import INITIAL_MARK
from tests.real.both.observer import BothObserver
from tests.real.kube import nodes
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.site import SIDE, KubeSite
from tests.real.scripted_controller import ScriptedController
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.handing_over import policy

NAMES = tuple(nodes.names(16))
NODES = tuple(Node(name) for name in NAMES)
BATCH = {"batch": "Nodes=ALL Default=YES"}
TIMEOUT_S = 5.0
SYNC_S = 30.0
SETTLE_S = 5  # of Kubernetes; of Slurm it is 6 s, the least that there is
DEADLINE_S = 75  # by when a node that does not become empty is given back; jobs have a limit of a minute
EVERY_S = 200  # that a busy node may become free later than it is needed keeps no decision from choosing it now
FIT_S = 60  # by when a node must be ready on its new side, on a machine that does much else
STALE_S = 120  # of nodes that do not change a watch tells once a minute that it is alive
ENDS = (Stage.DONE, Stage.CANCELLED, Stage.STUCK)


@dataclass(frozen=True)
class PoolSide:
    """A pool: its nodes, of which Kubernetes has the last ``lent`` at first, and what its policy says of moves."""

    name: str
    nodes: tuple[str, ...]
    lent: int
    evict: Evict = Evict.NEVER
    fence: str = "pods"
    settle_s: int = SETTLE_S


class BeforeClose:
    """A port at which something happens just before a node is closed, once: ``happens`` by its node."""

    def __init__(self, port: Any, happens: dict[str, Callable[[], object]]) -> None:
        self._port = port
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def close(self, node: str, **more: Any) -> Any:
        if what := self._happens.pop(node, None):
            what()
        return self._port.close(node, **more)


class BothSides:
    """``controllers`` by pool, each with ports of its own on both sides, and ``observer``, who has nothing of ours.

    ``before_close`` is what happens just before a node is closed in Kubernetes the next time.
    """

    def __init__(self, cluster: Cluster, control_plane: ControlPlane, space: str, folder: Path, pools: list[PoolSide]):
        self.cluster = cluster
        self.control_plane = control_plane
        self.admin = control_plane.admin
        self.space = space
        self.site = KubeSite(control_plane, space, {pool.name: pool.nodes for pool in pools}, space)
        for name in [name for pool in pools for name in pool.nodes[len(pool.nodes) - pool.lent :]]:
            self._lend(name)
        self._token = folder / "token"
        self._token.write_text(cluster.token(lifespan_s=86_400))
        self.before_close: dict[str, Callable[[], object]] = {}
        self._rests: list[Rest] = []
        self.api = open_api(KubernetesSettings(kubeconfig=str(self.site.kubeconfig)))
        self.shown = KubeCluster(self.api)
        rules = [PoolRules(Pool(pool.name, frozenset(pool.nodes), len(pool.nodes))) for pool in pools]
        self._work = ClusterWork(rules, KubernetesPolicy())
        self.shown.start()
        self.shown.wait(SYNC_S)
        self.controllers = {pool.name: self._controller(pool) for pool in pools}
        self.observer = BothObserver(cluster, control_plane, space)

    def handed_over(self, direction: Direction) -> int:
        """How many hand-overs of one direction are done, in all pools."""
        ended = [one for controller in self.controllers.values() for one in controller.ended]
        return sum(one.direction is direction and one.stage is Stage.DONE for one in ended)

    def ends(self) -> Mapping[str, int]:
        """How all hand-overs ended, for people."""
        found: dict[str, int] = {}
        for controller in self.controllers.values():
            for one in list(controller.ended):
                told = f"{one.direction} {one.stage}{f' ({one.why})' if one.why else ''}"
                found[told] = found.get(told, 0) + 1
        return found

    def rest(self) -> bool:
        """Whether no hand-over is under way."""
        return not any(controller.controller.open_handovers for controller in self.controllers.values())

    def close(self) -> None:
        for rest in self._rests:
            rest.close()
        self.shown.close()
        self.site.close()

    def _lend(self, name: str) -> None:
        """Kubernetes has the node."""
        self.cluster.run("scontrol", "update", f"nodename={name}", "state=drain", f"reason={INITIAL_MARK}")
        self.control_plane.wait(lambda: nodes.untaint(self.admin, name, SIDE) is None, f"{name} is Kubernetes'")

    def _controller(self, pool: PoolSide) -> ScriptedController:
        self._rests.append(Rest(self.cluster.rest_url, self._token, timeout_s=TIMEOUT_S))
        hpc = SlurmScheduler(RestTransport(self._rests[-1], bulk_s=TIMEOUT_S), ",".join(pool.nodes))
        names, rules = PoolNames(pool.name, pool.nodes), Rules(evict=pool.evict)
        clock: Callable[[], int] = lambda: int(time.time())  # noqa: E731
        kubernetes = KubernetesPool(self.shown, self.api, names, rules, self._work.of, clock=clock)
        moves: dict[str, Any] = {
            "evict": pool.evict,
            "fence": pool.fence,
            "every": EVERY_S,
            "fit_deadline": FIT_S,
        }
        settle = Settle(kubernetes=f"{pool.settle_s}s")
        goes_by = policy(len(pool.nodes), DEADLINE_S, name=pool.name, settle=settle, stale_s=STALE_S, **moves)
        port = BeforeClose(kubernetes, self.before_close)
        return ScriptedController(hpc, port, list(pool.nodes), goes_by, wants=pool.lent)


@contextmanager
def both_sides(
    cluster: Cluster, control_plane: ControlPlane, space: str, folder: Path, *pools: PoolSide
) -> Iterator[BothSides]:
    """All controllers lead, and the observer watches."""
    one = BothSides(cluster, control_plane, space, folder, list(pools))
    try:
        with ExitStack() as stack:
            stack.enter_context(one.observer.watching())
            for controller in one.controllers.values():
                stack.enter_context(controller)
            yield one
    finally:
        one.close()
