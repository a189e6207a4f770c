"""The control planes that tests ask for by a fixture's name; a test that fails shows how their logs end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.real.kube import install, nodes, objects
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.kueue import Kueue
from tests.real.kube.options import Options
from tests.real.selection import LONG

NODES = 16  # of the one that is shared
NUMBERS = count(1)
CONTROL_PLANES: list[ControlPlane] = []  # those of the session and of the test that runs


class Logs:
    """What adds the logs of every control plane to the report of a test that failed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        report = yield
        if report.failed:
            report.sections.extend((f"{one.logs} end so", one.log_tail()) for one in CONTROL_PLANES)
        return report


@pytest.fixture(scope="session")
def kube_logs(pytestconfig: pytest.Config) -> None:
    pytestconfig.pluginmanager.register(Logs())


@contextmanager
def running(folder: Path, count_of_nodes: int, **options: Any) -> Iterator[ControlPlane]:
    """A control plane that serves, with so many nodes that are ready, and that has gone afterwards."""
    control_plane = ControlPlane(folder, Options(**options))
    CONTROL_PLANES.append(control_plane)
    try:
        control_plane.start()
        nodes.create(control_plane, *nodes.names(count_of_nodes))
        yield control_plane
    finally:
        CONTROL_PLANES.remove(control_plane)
        control_plane.stop()


@pytest.fixture(scope="session")
def kube(tmp_path_factory: pytest.TempPathFactory, kube_logs: None) -> Iterator[ControlPlane]:
    """A control plane with sixteen nodes, n01 to n16, for every test that leaves it and them as they were."""
    with running(tmp_path_factory.mktemp("kube"), NODES) as control_plane:
        yield control_plane


@pytest.fixture
def own_kube(tmp_path: Path, kube_logs: None) -> Iterator[Callable[..., ControlPlane]]:
    """Start a control plane of the test's own, to be harmed at will: ``own_kube(nodes=2, tokens_most="1h")``."""
    with ExitStack() as stack:

        def start(*, nodes: int = 0, **options: Any) -> ControlPlane:
            return stack.enter_context(running(tmp_path / f"kube-{next(NUMBERS)}", nodes, **options))

        yield start


@pytest.fixture
def space(request: pytest.FixtureRequest, kube: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own in the shared control plane; what is in it goes with it."""
    named = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = objects.namespace(kube.admin, f"{named}-{next(NUMBERS)}")
    yield name
    for one in objects.pods(kube.admin, name):
        objects.delete_pod(kube.admin, name, one["metadata"]["name"])
    objects.delete_namespace(kube.admin, name)


@pytest.fixture(scope="session")
def kueue(kube: ControlPlane, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Kueue]:
    """Kueue's controller on the shared control plane."""
    if not install.is_kept(install.KUEUE) and not pytestconfig.getoption(LONG, default=False):
        pytest.skip("Kueue's controller has not been built: python -m tests.real.kube.install --all")
    controller = Kueue(kube, tmp_path_factory.mktemp("kueue"))
    try:
        controller.start()
        yield controller
    finally:
        controller.stop()
