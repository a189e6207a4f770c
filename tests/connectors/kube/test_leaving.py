from __future__ import annotations

import pytest

from connectors.kube.leaving import stays
from models.policies import Evict
from tests.connectors.kube.objects import as_pod, pod

KEPT: dict[str, tuple[str, dict[str, str], str]] = {
    "nothing is evicted": ("never", {"tidegate.dev/evict": "allowed"}, "evict: never"),
    "any may be": ("pods", {}, ""),
    "opted in": ("optedIn", {"tidegate.dev/evict": "allowed"}, ""),
    "not opted in": ("optedIn", {}, "lacks tidegate.dev/evict: allowed"),
    "opted in by another word": ("optedIn", {"tidegate.dev/evict": "true"}, "lacks"),
    "Karpenter's word": ("pods", {"karpenter.sh/do-not-disrupt": "true"}, "do-not-disrupt"),
    "Karpenter's word, for a while": ("pods", {"karpenter.sh/do-not-disrupt": "30m"}, "do-not-disrupt"),
    "Karpenter's word, taken back": ("pods", {"karpenter.sh/do-not-disrupt": "false"}, ""),
    "not safe": ("pods", {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}, "safe-to-evict: false"),
    "safe": ("pods", {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}, ""),
    "opted in and not safe": (
        "optedIn",
        {"tidegate.dev/evict": "allowed", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
        "safe-to-evict: false",
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_who_may_not_be_evicted(name: str):
    evict, annotations, why = KEPT[name]
    told = stays(as_pod(pod(on="n1", metadata={"annotations": annotations})), Evict(evict))
    assert why in told
    assert bool(told) is bool(why)
