"""The conformance suite on a real control plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.policies import Evict
from tests.conformance.test_kubernetes import *  # noqa: F403 - the suite
from tests.real.kube import nodes
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube_bench import KubeBench

CALLED = ("n01", "n02", "n03", "n04")


@pytest.fixture(scope="module")
def alone(kube: ControlPlane) -> Iterator[ControlPlane]:
    """All other nodes are cordoned, so that pods go where the suite looks."""
    others = [name for name in nodes.names(16) if name not in CALLED]
    for name in others:
        nodes.cordon(kube.admin, name)
    yield kube
    for name in others:
        nodes.cordon(kube.admin, name, on=False)


@pytest.fixture
def bench(alone: ControlPlane, space: str) -> Iterator[KubeBench]:
    one = KubeBench(alone, space, CALLED, Evict.PODS)
    try:
        yield one
    finally:
        one.close()
