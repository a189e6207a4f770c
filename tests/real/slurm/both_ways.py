"""A real cluster with two pools, one whose nodes go to Kubernetes and one whose nodes come back, and their observer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Node
from tests.real.slurm.handing_over import DEADLINE_S, HandingOver
from tests.real.slurm.observer import Observer

SPARE = "s1"  # of neither pool
BATCH = {"batch": "Nodes=ALL Default=YES"}
TIMEOUT_S = 3.0


def nodes(*names: str) -> tuple[Node, ...]:
    """These, and the spare one."""
    return tuple(Node(name) for name in (*names, SPARE))


class BothWays:
    """``up`` gives to Kubernetes, and ``down``, which Kubernetes has at first, gives back.

    ``pods`` are those that wait for nodes of each.
    """

    def __init__(
        self, cluster: Cluster, token: Path, up: list[str], down: list[str], pods: tuple[int, int], deadline_s: int
    ) -> None:
        self.cluster = cluster
        self._token = token
        self._rests: list[Rest] = []
        self.up = HandingOver(cluster, self._port(up), up, pods=pods[0], deadline_s=deadline_s)
        self.down = HandingOver(cluster, self._port(down), down, lent=len(down), pods=pods[1], deadline_s=deadline_s)
        self.observer = Observer(cluster, self.given)

    def given(self) -> Mapping[str, int]:
        """What Kubernetes has of both."""
        return {**self.up.given(), **self.down.given()}

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Neither controller does anything."""
        with self.up.standing_still(), self.down.standing_still():
            yield

    def close(self) -> None:
        for rest in self._rests:
            rest.close()

    def _port(self, names: list[str]) -> SlurmScheduler:
        self._rests.append(Rest(self.cluster.rest_url, self._token, timeout_s=TIMEOUT_S))
        return SlurmScheduler(RestTransport(self._rests[-1], bulk_s=TIMEOUT_S), ",".join(names))


@contextmanager
def both_ways(
    cluster: Cluster,
    folder: Path,
    up: list[str],
    down: list[str],
    *,
    pods: int = 0,
    lent_pods: int = 0,
    deadline_s: int = DEADLINE_S,
) -> Iterator[BothWays]:
    """Both controllers lead, and the observer watches."""
    (folder / "token").write_text(cluster.token(lifespan_s=86_400))
    one = BothWays(cluster, folder / "token", up, down, (pods, lent_pods), deadline_s)
    try:
        with ExitStack() as stack:
            stack.enter_context(one.observer.watching())
            stack.enter_context(one.up)
            stack.enter_context(one.down)
            yield one
    finally:
        one.close()
