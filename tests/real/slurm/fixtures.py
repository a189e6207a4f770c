"""The Slurm clusters that tests ask for by a fixture's name; a test that fails shows how their logs end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Options
from tests.real.slurm.install import RELEASES

NUMBERS = count(1)
CLUSTERS: list[Cluster] = []  # those of the session and of the test that runs


class Logs:
    """What adds the logs of every cluster to the report of a test that failed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        report = yield
        if report.failed:
            report.sections.extend((f"{cluster.logs} end so", cluster.log_tail()) for cluster in CLUSTERS)
        return report


@pytest.fixture(scope="session")
def slurm_logs(pytestconfig: pytest.Config) -> None:
    pytestconfig.pluginmanager.register(Logs())


@contextmanager
def running(folder: Path, release: str, **options: Any) -> Iterator[Cluster]:
    """A cluster that serves, and that has gone afterwards."""
    cluster = Cluster(folder, RELEASES[release], Options(**options))
    CLUSTERS.append(cluster)
    try:
        cluster.start()
        yield cluster
    finally:
        CLUSTERS.remove(cluster)
        cluster.stop()


@pytest.fixture(scope="session")
def slurm_24(tmp_path_factory: pytest.TempPathFactory, slurm_logs: None) -> Iterator[Cluster]:
    """A cluster of the older release with eight nodes, for every test that leaves it as it was."""
    with running(tmp_path_factory.mktemp("slurm-24"), "24.11") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def slurm_26(tmp_path_factory: pytest.TempPathFactory, slurm_logs: None) -> Iterator[Cluster]:
    """The same of the newer release."""
    with running(tmp_path_factory.mktemp("slurm-26"), "26.05") as cluster:
        yield cluster


@pytest.fixture(params=RELEASES)
def slurm(request: pytest.FixtureRequest) -> Cluster:
    """One of these two after the other."""
    shared: Cluster = request.getfixturevalue(f"slurm_{request.param.split('.')[0]}")
    return shared


@pytest.fixture
def own_slurm(tmp_path: Path, slurm_logs: None) -> Iterator[Callable[..., Cluster]]:
    """Start a cluster of the test's own, to be killed and paused at will: ``own_slurm("26.05", accounting=True)``."""
    with ExitStack() as stack:

        def start(release: str, **options: Any) -> Cluster:
            folder = tmp_path / f"slurm-{release}-{next(NUMBERS)}"
            return stack.enter_context(running(folder, release, **options))

        yield start
