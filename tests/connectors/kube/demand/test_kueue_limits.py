"""The most that a ClusterQueue could ever use: its quota, what it may borrow, what others lend."""

from __future__ import annotations

import pytest

from connectors.kube.demand.kueue_limits import limits_of
from connectors.kube.demand.seen import seen_of
from tests.connectors.kube.demand.objects import cluster


def queue(name: str, quota: str, cohort: str = "", kind: str = "ClusterQueue") -> str:
    above = {"ClusterQueue": "cohortName", "Cohort": "parentName"}[kind]
    return f"""
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: {kind}
metadata: {{name: {name}, uid: {kind}-{name}}}
spec: {{{f"{above}: {cohort}, " if cohort else ""}resourceGroups: [
  {{coveredResources: [cpu], flavors: [{{name: f, resources: [{{name: cpu, {quota}}}]}}]}}]}}
"""


def most(*texts: str, growth: int = 0) -> float:
    limits = limits_of(seen_of(cluster(*texts)), {("a", "f"): {"cpu": growth}})
    return limits.most("a", "f", "cpu") / 1000


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([queue("a", "nominalQuota: 4")], 4, id="its own"),
        pytest.param([queue("a", "nominalQuota: 500m")], 0.5, id="a part of one"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("b", "nominalQuota: 6", "c")], 10,
                     id="all of a cohort that nobody has made"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("b", "nominalQuota: 6", "d")], 4,
                     id="another cohort's"),
        pytest.param([queue("a", "nominalQuota: 4, borrowingLimit: 1", "c"), queue("b", "nominalQuota: 6", "c")], 5,
                     id="borrows no more than it may"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("b", "nominalQuota: 6, lendingLimit: 2", "c")], 6,
                     id="no more than is lent"),
        pytest.param([queue("a", "nominalQuota: 4, lendingLimit: 1", "c"), queue("b", "nominalQuota: 6", "c")], 10,
                     id="what it lends to nobody is its own"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("c", "nominalQuota: 3", "", "Cohort")], 7,
                     id="a quota of the cohort's own"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("c", "nominalQuota: 0", "r", "Cohort"),
                      queue("d", "nominalQuota: 5", "r", "Cohort"), queue("b", "nominalQuota: 2", "d")], 11,
                     id="a tree of cohorts"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("b", "nominalQuota: 9", "r"),
                      queue("c", "nominalQuota: 0, borrowingLimit: 2", "r", "Cohort")], 6,
                     id="a cohort borrows no more than it may"),
        pytest.param([queue("a", "nominalQuota: 4", "c"), queue("c", "nominalQuota: 1", "d", "Cohort"),
                      queue("d", "nominalQuota: 1", "c", "Cohort")], 4, id="in a ring nobody borrows"),
        pytest.param([queue("b", "nominalQuota: 4")], 0, id="no such queue"),
    ],
)  # fmt: skip
def test_the_most_a_queue_could_use(texts: list[str], found: float):
    assert most(*texts) == found


def test_what_a_quota_may_grow_by_counts_and_a_resource_without_quota_has_none():
    limits = limits_of(seen_of(cluster(queue("a", "nominalQuota: 4", "c"))), {("a", "f"): {"cpu": 2500, "memory": 9}})
    assert limits.most("a", "f", "cpu") == 6500
    assert (limits.most("a", "f", "memory"), limits.most("a", "g", "cpu")) == (0, 0)
