"""The past of demand at the first start: told once, before anything of now, and nothing that stops without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.demand import Demand
from models.errors import BadInput
from models.events import Event, Topic
from models.nodes import Side
from service.open_process import open_process
from service.parts.bus import BusPart
from service.parts.forecasting import ForecastingPart
from service.policy_file import read_policy
from service.process import Process
from service.roles import Role
from service.running import read_once
from service.site import read_site
from tests.connectors.prom.fake_prometheus import Fake, prometheus
from tests.connectors.slurm import fake as slurmrestd

DAY_S = 86_400
INSTANTS = DAY_S // 300 + 1
PAST = "past: {span: 1d, hpc: {own: {running: hpc, waiting: waits}}, kubernetes: {own: {running: pods}}}"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with prometheus() as one:
        one.series = {"hpc": lambda _: 5.0, "waits": lambda _: 2.0, "pods": lambda at_s: 1.0}
        yield one


class Site:
    """One site, of which processes are opened one after the other."""

    def __init__(self, folder: Path, at_end: ExitStack) -> None:
        self.folder = folder
        self.at_end = at_end
        self.url = at_end.enter_context(slurmrestd.serving()).url
        (folder / "token").touch(mode=0o600)
        (folder / "token").write_text(slurmrestd.TOKEN)

    def opened(self, prometheus: str, role: Role = Role.CONNECT) -> Process:
        there = f", prometheus: {{url: '{prometheus}'}}" if prometheus else ""
        (self.folder / "site.yaml").write_text(f"spec: {{slurm: {{url: '{self.url}', tokenFile: token}}{there}}}")
        (self.folder / "policy.yaml").write_text(f"spec: {{mode: observe, pools: [{{name: gpu, {PAST}}}]}}")
        policy = read_policy(self.folder / "policy.yaml")
        return open_process(role, read_site(self.folder / "site.yaml"), policy, None, self.at_end)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as at_end:
        yield Site(tmp_path, at_end)


def told(process: Process) -> list[Event]:
    subscription = process.part(BusPart).bus.subscribe([Topic.DEMAND], "test")
    events: list[Event] = []
    while some := subscription.poll(0.0).events:
        events += some
    subscription.close()
    return events


def test_a_pool_without_any_past_is_told_one(site: Site, fake: Fake, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate")
    process = site.opened(fake.settings.url)
    events = told(process)
    assert len(events) == 2 * INSTANTS
    times_s = [event.payload.at_s for event in events if isinstance(event.payload, Demand)]
    assert times_s == sorted(times_s)
    assert times_s[-1] - times_s[0] == DAY_S
    assert process.clock() - 600 <= times_s[-1] < process.clock()
    last = {event.key: event.payload for event in events[-2:]}
    assert last == {
        "site/gpu/hpc": Demand(Side.HPC, times_s[-1], 5.0, 2.0),
        "site/gpu/kubernetes": Demand(Side.KUBERNETES, times_s[-1], 1.0, 0.0),
    }
    said = [record.message for record in caplog.records if "of the past" in record.message]
    assert said == [f"pool gpu: {INSTANTS} instants of the past of side {side} from Prometheus" for side in Side]


def test_versions_go_on_rising_with_the_demand_of_now(site: Site, fake: Fake):
    process = site.opened(fake.settings.url)
    read_once(process)
    versions = [event.version for event in told(process)]
    assert len(versions) == 2 * INSTANTS + 1
    assert versions == sorted(set(versions))


def test_the_forecaster_has_learned_from_it_when_the_first_demand_comes(site: Site, fake: Fake):
    process = site.opened(fake.settings.url, Role.ALL)
    forecasting = process.part(ForecastingPart)
    forecasting.follow()
    forecaster = forecasting.publishers[0]._forecaster
    assert {one._history.samples for one in forecaster._sides.values()} == {INSTANTS}


def test_a_pool_that_has_a_past_is_told_none(site: Site, fake: Fake):
    site.opened(fake.settings.url)
    asked = len(fake.asked)
    assert len(told(site.opened(fake.settings.url))) == 2 * INSTANTS
    assert len(fake.asked) == asked


def test_what_is_unknown_is_left_out_and_said(site: Site, fake: Fake, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate")
    fake.series["waits"] = lambda at_s: None if at_s % 3000 == 0 else 0.0
    fake.series["pods"] = lambda _: None
    events = told(site.opened(fake.settings.url))
    assert {event.key for event in events} == {"site/gpu/hpc"}
    assert INSTANTS - len(events) in (28, 29)
    said = [record.message for record in caplog.records if "of the past" in record.message]
    assert "instants more are unknown there" in said[0]
    assert said[1] == (
        "pool gpu: nothing of the past of side kubernetes: no series: what it is of is not there, or not recent"
    )


def test_without_prometheus_the_service_begins_as_ever(site: Site, caplog: pytest.LogCaptureFixture):
    process = site.opened("http://127.0.0.1:1")
    read_once(process)
    assert len(told(process)) == 1
    said = [record.message for record in caplog.records if "of the past" in record.message]
    assert len(said) == len(Side)
    assert all("Connection refused" in one for one in said)


def test_a_past_needs_a_prometheus_in_the_site_file(site: Site):
    with pytest.raises(BadInput, match=r"pool gpu has a past in the policy, and the site file has no"):
        site.opened("")
