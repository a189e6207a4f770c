"""What Kueue's quotas may grow by, as the nodes that Kubernetes has not come to it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from connectors.kube.demand.listed import CLUSTER_QUEUES
from connectors.kube.demand.pools import Pool
from connectors.kube.demand.sources.kueue_standing import Quota
from connectors.kube.quota import LEDGER
from connectors.kube.watching.state import ClusterState
from connectors.kube.wire.kueue_queues import ClusterQueue
from connectors.kube.work import PoolRules, quota_words
from models.pools import KueuePolicy
from tests.connectors.kube.objects import WHOLE, as_node, node, taint

CLOSED = [taint("tidegate.dev/side", value="hpc")]
WISH = [taint("tidegate.dev/side", "PreferNoSchedule", "hpc")]
ONE = {"cpu": 8000, "memory": 62500 * 2**20, "nvidia.com/gpu": 4}
FOLLOWS = KueuePolicy(quota="follows", cluster_queue="ml", flavor="a100")


def state(*nodes: dict[str, Any], ledger: str = "") -> ClusterState:
    """A cluster with these nodes and the ClusterQueue ``ml``, whose annotation says so."""
    queue = msgspec.convert({"metadata": {"name": "ml", "annotations": {LEDGER: ledger}}}, ClusterQueue)
    there = {one["metadata"]["name"]: as_node(one) for one in nodes}
    others = {CLUSTER_QUEUES.name: {"ml": queue}}
    return ClusterState(0, 0.0, 0, there, {}, {}, others, {}, frozenset(), {}, {}, {})


def without_gpus(name: str) -> dict[str, Any]:
    return node(name, taints=CLOSED, status={"allocatable": {**WHOLE, "nvidia.com/gpu": "0"}})


def entry(side: str, **delta: int) -> str:
    return json.dumps({"n3": [side, delta]})


# the third node beside two that are open, and the queue's annotation -> what the quota may grow by
GROWTH: dict[str, tuple[dict[str, Any], str, dict[str, int]]] = {
    "it is open": (node("n3"), "", {}),
    "it is closed from the beginning": (node("n3", taints=CLOSED), "", ONE),
    "it is closed, and what makes its devices known is not there": (without_gpus("n3"), "", ONE),
    "it is closed, and gets back what it gave": (without_gpus("n3"), entry("hpc", cpu=-7000), {"cpu": 7000}),
    "it is closed and was never counted": (without_gpus("n3"), entry("hpc"), ONE),
    "it is about to be closed, and was taken already": (node("n3"), entry("hpc", cpu=-7000), {"cpu": 7000}),
    "new pods had better go elsewhere": (node("n3", taints=WISH), "", {}),
    "somebody closed what the quota has counted": (node("n3", taints=CLOSED), entry("kubernetes", cpu=9), {}),
    "nobody can read what it gave": (node("n3", taints=CLOSED), "scribbled", ONE),
}


@pytest.mark.parametrize(("third", "ledger", "growth"), GROWTH.values(), ids=GROWTH.keys())
def test_what_a_quota_that_follows_may_grow_by(third: dict[str, Any], ledger: str, growth: dict[str, int]):
    pools = [PoolRules(Pool("p", frozenset({"n1", "n2", "n3", "gone"}), 3), FOLLOWS)]
    words = quota_words(state(node("n1"), node("n2"), third, ledger=ledger), pools)
    assert (words.word, words.growth) == (Quota.FIXED, {("ml", "a100"): growth})


@pytest.mark.parametrize(("word", "means"), [("fixed", Quota.FIXED), ("none", Quota.NONE)])
def test_a_quota_that_does_not_follow_grows_by_nothing(word: Any, means: Quota):
    pools = [PoolRules(Pool("p", frozenset({"n1"}), 1), KueuePolicy(quota=word))]
    words = quota_words(state(node("n1", taints=CLOSED)), pools)
    assert (words.word, words.growth) == (means, {})
