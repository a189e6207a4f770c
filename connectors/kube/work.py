"""The work of a cluster by pool: worked out once for all pools, and again when something has changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from basics.log_once import Trouble
from connectors.kube.demand.all_needs import Words
from connectors.kube.demand.assembled import Demands, PoolDemand
from connectors.kube.demand.known import Known
from connectors.kube.demand.pools import Pool
from connectors.kube.demand.requests import offered
from connectors.kube.names import PoolNames
from connectors.kube.state import ClusterState
from models.policies import KubernetesPolicy
from models.pools import KueuePolicy

log = logging.getLogger("tidegate.kubernetes")
RECOUNT_S = 15  # what waits may count otherwise although nothing has changed: pods grow old, hours come


class ClusterWork:
    """``pools`` are in the policy's order, each with what it says of Kueue."""

    def __init__(self, pools: Sequence[tuple[Pool, PoolNames, KueuePolicy | None]], policy: KubernetesPolicy) -> None:
        self._pools = pools
        self._known = Known()
        self._words = Words(
            ignore_priority_below=policy.ignore_priority_below,
            default_request=None if policy.default_request is None else offered(policy.default_request.model_dump()),
        )
        self._lock = threading.Lock()
        self._shown: tuple[int, int, Demands] | None = None
        self._unread = Trouble(log, "some work in Kubernetes cannot be counted")

    def of(self, state: ClusterState, pool: str) -> PoolDemand:
        """The demand of one pool."""
        return self.all(state).pools[pool]

    def all(self, state: ClusterState) -> Demands:
        """That of all pools, and what is none's."""
        with self._lock:
            shown = self._shown
            if shown is None or shown[0] != state.order or state.at_s - shown[1] >= RECOUNT_S:
                shown = self._shown = state.order, state.at_s, self._counted(state)
            return shown[2]
