"""Signals in the running service: from Prometheus over the bus to the forecaster, and nothing that stops without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.errors import BadInput
from models.events import Topic
from models.observations import Observation
from models.signals import Signal, Signals
from service.open_process import open_process
from service.parts.bus import BusPart
from service.parts.forecasting import ForecastingPart
from service.parts.signals import SignalsPart
from service.policy_file import read_policy
from service.process import Process
from service.roles import Role
from service.running import read_once
from service.site import read_site
from tests.connectors.prom.fake_prometheus import Fake, prometheus
from tests.connectors.slurm import fake as slurmrestd

SITE = "spec: {{slurm: {{url: '{slurm}', tokenFile: token, poll: 1s}}{prometheus}}}\n"
POLICY = "spec: {mode: observe, pools: [{name: gpu, signals: [{name: held, query: sum(held), unit: jobs}]}]}\n"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with prometheus() as one:
        one.series["sum(held)"] = lambda _: 3.0
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text(slurmrestd.TOKEN)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def opened(folder: Path, at_end: ExitStack, url: str | None) -> Process:
    server = at_end.enter_context(slurmrestd.serving())
    there = "" if url is None else f", prometheus: {{url: '{url}'}}"
    (folder / "site.yaml").write_text(SITE.format(slurm=server.url, prometheus=there))
    site, policy = read_site(folder / "site.yaml"), read_policy(folder / "policy.yaml")
    return open_process(Role.ALL, site, policy, None, at_end)


def observed(process: Process) -> list[Observation]:
    """What the forecaster of the one pool is given."""
    seen: list[Observation] = []
    forecaster = process.part(ForecastingPart).publishers[0]._forecaster
    observe = forecaster.observe
    forecaster.observe = lambda one: (seen.append(one), observe(one))[1]  # type: ignore[method-assign,func-returns-value]
    return seen


def told(process: Process) -> list[object]:
    bus = process.part(BusPart).bus
    subscription = bus.subscribe([Topic.DEMAND], "test")
    events = subscription.poll(0.0).events
    subscription.close()
    return [event.payload for event in events if isinstance(event.payload, Signals)]


def test_a_signal_reaches_the_forecaster_over_the_bus(folder: Path, fake: Fake):
    with ExitStack() as at_end:
        process = opened(folder, at_end, fake.settings.url)
        seen = observed(process)
        process.parts.sort(key=lambda part: part.name == "forecasting")
        read_once(process)
        [signals] = told(process)
        assert isinstance(signals, Signals)
        assert signals.signals == (Signal("held", 3.0, "jobs"),)
        process.part(ForecastingPart).publishers[0].follow(signals.at_s + 60)  # the other side will not come
        assert [one.signals for one in seen] == [{"held": 3.0}]
        assert process.part(SignalsPart).status().text == "all are read"


def test_without_prometheus_all_goes_on_and_the_status_says_what_is_unknown(folder: Path):
    with ExitStack() as at_end:
        process = opened(folder, at_end, "http://127.0.0.1:1")
        read_once(process)
        assert told(process) == []
        assert process.part(BusPart).bus.latest_state(Topic.DEMAND).keys() == {"site/gpu/hpc"}
        status = process.part(SignalsPart).status()
        assert (status.well, status.text) == (False, "unknown: held")


def test_signals_need_a_prometheus_in_the_site_file(folder: Path):
    with ExitStack() as at_end, pytest.raises(BadInput, match=r"signals \(held\), and the site file has no"):
        opened(folder, at_end, None)


def test_two_signals_of_one_name_are_refused(folder: Path):
    same = "{name: held, query: up, unit: jobs}"
    (folder / "policy.yaml").write_text(f"spec: {{pools: [{{name: gpu, signals: [{same}, {same}]}}]}}")
    with pytest.raises(BadInput, match="held is already the name of number 1"):
        read_policy(folder / "policy.yaml")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param("name: Held", "is not a name of lower-case letters", id="name"),
        pytest.param("query: ' '", "is not a query", id="no query"),
        pytest.param(f"query: {'a' * 2001}", "more than the 2000 allowed", id="a long query"),
        pytest.param("unit: ''", "is not a unit", id="no unit"),
        pytest.param("maxAge: 10s", "must be from 30s to 6h", id="an age that no scrape keeps"),
    ],
)
def test_signals_that_are_refused(folder: Path, changed: str, why: str):
    fields = {"name": "name: held", "query": "query: up", "unit": "unit: jobs"}
    fields[changed.partition(":")[0]] = changed
    signal = ", ".join(fields.values())
    (folder / "policy.yaml").write_text(f"spec: {{pools: [{{name: gpu, signals: [{{{signal}}}]}}]}}")
    with pytest.raises(BadInput, match=why):
        read_policy(folder / "policy.yaml")
