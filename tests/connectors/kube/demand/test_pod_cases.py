"""Pods as real sites have them, from the folder of cases: what their amounts are, and those larger than a node."""

from __future__ import annotations

import csv

import pytest

from connectors.kube.demand.assembled import pool_demand
from connectors.kube.demand.pods import Rules
from connectors.kube.demand.quantities import milli, whole
from tests.cli.test_cases import case
from tests.connectors.kube.demand.made import NOW_S, cluster, node, pod, pool

pytestmark = pytest.mark.shared

AMOUNTS = {  # thousandths of a core and bytes of each pod; None for what is no amount
    "27/k8s-doc-examples.csv": [
        (50, 67_108_864),
        (50, 33_554_432),
        (50, 129_000_000),
        (50, 128_974_848),
        (50, 12_000_000),
    ],
    "27/quantities.csv": [
        (100, 12_000_000),
        (250, 2**40),
        (None, None),
        (0, 0),
        (1, 1024),
        (2000, 2**32),
        (2000, 2**32),
        (2000, 2**32),
        (None, 2**32),
    ],
}


def rows(name: str) -> list[dict[str, str]]:
    with case(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_amounts_of_pods():
    for name, amounts in AMOUNTS.items():
        found = rows(name)
        assert len(found) == len(amounts)
        for row, (cpu, memory) in zip(found, amounts, strict=True):
            for read, text, amount in ((milli, row["cpu"], cpu), (whole, row["memory"], memory)):
                if amount is None:
                    with pytest.raises(ValueError, match="is no quantity"):
                        read(text)
                else:
                    assert read(text) == amount


def test_pods_larger_than_a_node_do_not_vanish():
    pods = [pod(row["name"], asks={"cpu": row["cpu"], "memory": row["memory"]}) for row in rows("52/in.csv")]
    here = [node("n1", offers={"cpu": "64", "memory": "512Gi", "pods": "110"})]
    found = pool_demand(cluster(pods, here), [pool("n1")], (), Rules(), NOW_S).pools["gpu"]
    assert (len(pods), found.demand.waiting) == (41, 0)
    (told,) = found.waiting.unserved
    assert (told.count, told.nodes) == (41, 82)
    assert told.example.partition(": ")[2] == "it asks for 1024 GiB of memory, and a node offers 512 GiB of memory"
