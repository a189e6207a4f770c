"""The real components that tests ask for by a fixture's name, and where to look when one of those tests fails."""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.real import selection
from tests.real.kafka.broker import Broker
from tests.real.kafka.certificates import Certificates
from tests.real.kube.fixtures import kube, kube_logs, kueue, own_kube, space  # noqa: F401
from tests.real.selection import LONG, PART, PARTS
from tests.real.slurm import selection as releases
from tests.real.slurm.fixtures import own_slurm, slurm, slurm_24, slurm_26, slurm_logs  # noqa: F401

HERE = Path(__file__).parent
TAIL = 20  # lines of a log that a failed test shows
NUMBERS = count(1)
UNCLOSED = "unclosed <(socket|ssl)"  # how the warning of a socket begins that is left to the garbage collector
BROKERS: list[Broker] = []  # those of the session and of the test that runs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(releases.OPTION, action="store_true", help="run every test with both releases of Slurm")
    parser.addoption(LONG, action="store_true", help="run what takes long, too, with real components")
    parser.addoption(PART, choices=["", *PARTS], default="", help="run one part of the tests with real components")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if item.path.is_relative_to(HERE)]
    asked = {"long": config.getoption(LONG, default=False), "part": config.getoption(PART, default="")}
    out = set(selection.left_out(here, **asked))
    if not config.getoption(releases.OPTION, default=False):
        out.update(releases.left_out([item for item in here if item not in out]))
    config.hook.pytest_deselected(items=[item for item in items if item in out])
    items[:] = [item for item in items if item not in out]


def pytest_configure(config: pytest.Config) -> None:
    """Let an end that is asked for be one in order, as Ctrl-C is: no server is left behind.

    And let the broker's client be as it is: it does not close what it could not connect.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line("filterwarnings", f"ignore:{UNCLOSED}:ResourceWarning")


def pytest_unconfigure() -> None:
    """The same for what is collected at the very end, when no test's filters hold."""
    warnings.filterwarnings("ignore", UNCLOSED, ResourceWarning)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:
        logs = [(f"{broker.log_file} ends so", broker.log_tail(TAIL)) for broker in BROKERS]
        report.sections.extend(logs)
    return report


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Broker]:
    """One broker, with all its listeners, for every test that does it no harm."""
    shared = Broker(tmp_path_factory.mktemp("broker"), certificates)
    BROKERS.append(shared)
    try:
        shared.start()
        yield shared
    finally:
        BROKERS.remove(shared)
        shared.stop()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Start a broker of the test's own, to be killed and paused at will: ``own_broker(certificates, properties)``."""
    mine: list[Broker] = []

    def start(certificates: Certificates | None = None, properties: Mapping[str, str] = MappingProxyType({})) -> Broker:
        mine.append(Broker(tmp_path / f"broker-{len(mine) + 1}", certificates, properties))
        BROKERS.append(mine[-1])
        mine[-1].start()
        return mine[-1]

    try:
        yield start
    finally:
        for one in mine:
            BROKERS.remove(one)
            one.stop()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """How the names of a test's topics and groups begin, so that no other test has the same."""
    return f"{next(NUMBERS)}-{re.sub('[^a-z0-9]+', '-', request.node.name.lower())[:60]}."
