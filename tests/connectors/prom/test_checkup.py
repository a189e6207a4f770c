"""The checkup of Prometheus: each signal's value, age and unit, and what to do where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.prom.checkup import CHECK, PAST, SIGNALS, prometheus_findings
from connectors.prom.settings import PrometheusSettings
from models.findings import Finding, Level
from models.past import PastPolicy
from models.pools import PoolPolicy
from models.signals import SignalPolicy
from tests.connectors.prom.fake_prometheus import Fake, Series, prometheus

NOW_S = 1_796_063_893
HELD = SignalPolicy(name="held", query="held", unit="jobs")


@pytest.fixture
def fake() -> Iterator[Fake]:
    with prometheus() as one:
        one.series = {
            "vector(time())": lambda _: float(NOW_S),
            "held": lambda _: 3.0,
            "time() - timestamp(held\n)": lambda _: 12.0,
        }
        yield one


def findings(fake: Fake, signal: SignalPolicy = HELD) -> list[Finding]:
    pool = PoolPolicy(name="gpu", signals=(signal,))
    return list(prometheus_findings(fake.settings, [pool], lambda: float(NOW_S)))


def test_all_is_well(fake: Fake):
    address, signal = findings(fake)
    assert (address.check, address.level) == (CHECK, Level.OK)
    assert (signal.check, signal.level) == (SIGNALS, Level.OK)
    assert signal.what == "signal held of pool gpu is 3 jobs, 12 s old"


def test_a_value_whose_age_cannot_be_seen(fake: Fake):
    fake.series["time() - timestamp(held\n)"] = lambda _: 0.0
    assert findings(fake)[1].what == "signal held of pool gpu is 3 jobs"


def test_a_value_that_is_old(fake: Fake):
    fake.series["time() - timestamp(held\n)"] = lambda _: 200.0
    [found] = findings(fake)[1:]
    assert found.level is Level.WARNING
    assert "3 min 20 s old: with maxAge 5 min it will often be unknown" in found.what


@pytest.mark.parametrize(
    ("query", "unit", "told"),
    [
        pytest.param("gone", "jobs", "signal held of pool gpu: no series", id="no series"),
        pytest.param("nan", "jobs", "signal held of pool gpu: its value is NaN or infinite", id="not a number"),
    ],
)
def test_a_signal_without_a_value(fake: Fake, query: str, unit: str, told: str):
    fake.series["nan"] = lambda _: float("nan")
    [found] = findings(fake, SignalPolicy(name="held", query=query, unit=unit))[1:]
    assert (found.check, found.level) == (SIGNALS, Level.ERROR)
    assert found.what.startswith(told)
    assert found.remedy


def test_what_prometheus_says_of_a_query_is_shown(fake: Fake):
    fake.warnings = ["PromQL info: metric might not be a counter"]
    assert [one.level for one in findings(fake)[1:]] == [Level.WARNING, Level.OK]


def test_an_unlikely_unit_is_a_warning(fake: Fake):
    fake.series |= {"wait_seconds": lambda _: 3.0, "time() - timestamp(wait_seconds\n)": lambda _: 1.0}
    found = findings(fake, SignalPolicy(name="held", query="wait_seconds", unit="min"))[1:]
    assert [one.level for one in found] == [Level.WARNING, Level.OK]


def test_a_prometheus_that_does_not_answer_is_told_once(fake: Fake):
    fake.status, fake.body = 401, b"Unauthorized"
    fake.series.clear()
    [found] = findings(fake)
    assert (found.check, found.level) == (CHECK, Level.ERROR)
    assert "tokenFile" in found.what


@pytest.mark.parametrize("off_s", [-3600.0, 3600.0])
def test_a_clock_that_is_off(fake: Fake, off_s: float):
    fake.series["vector(time())"] = lambda _: NOW_S + off_s
    assert findings(fake)[0].level is Level.WARNING
    assert "its clock is 1 h off ours" in findings(fake)[0].what


def test_a_token_that_everybody_can_read(fake: Fake, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("secret")
    token.chmod(0o644)
    settings = fake.settings.model_copy(update={"token_file": token})
    found = list(prometheus_findings(settings, [], lambda: float(NOW_S)))
    assert [one.level for one in found] == [Level.WARNING, Level.OK]
    assert found[0].commands == (f"chmod o-rwx {token}",)
    assert "secret" not in str(found)


def test_a_site_that_names_none_needs_one_for_signals_only():
    assert list(prometheus_findings(None, [], lambda: float(NOW_S))) == []
    assert list(prometheus_findings(None, [PoolPolicy(name="gpu")], lambda: float(NOW_S))) == []
    [found] = prometheus_findings(None, [PoolPolicy(name="gpu", signals=(HELD,))], lambda: float(NOW_S))
    assert (found.check, found.level) == (CHECK, Level.ERROR)


@pytest.mark.parametrize(
    ("url", "is_told"),
    [
        ("http://prometheus.example.org:9090", True),
        ("https://prometheus.example.org", False),
        ("http://127.0.0.1:9090", False),
        ("http://[::1]:9090", False),
    ],
)
def test_a_token_that_others_on_the_way_can_read(url: str, is_told: bool):
    plain = PrometheusSettings(url=url)
    assert plain.model_copy(update={"token_file": Path("token")}).in_the_clear() is is_told
    assert not plain.in_the_clear()


OWN = PastPolicy.model_validate({"span": "7d", "hpc": {"own": {"running": "used", "waiting": "queued"}}})


@pytest.mark.parametrize(
    ("used", "level", "told"),
    [
        pytest.param(
            lambda _: 5.0, Level.OK, "5 nodes in use and 2 waited for now, known at this hour of 8", id="whole"
        ),
        pytest.param(lambda at_s: 5.0 if at_s > NOW_S - 90_000 else None, Level.OK, "hour of 2 of 8 days", id="short"),
        pytest.param(lambda at_s: None if at_s == NOW_S else 5.0, Level.WARNING, "is unknown now", id="over"),
        pytest.param(lambda _: None, Level.ERROR, "no series", id="never"),
    ],
)
def test_a_pools_past(fake: Fake, used: Series, level: Level, told: str):
    fake.series |= {"used": used, "queued": lambda _: 2.0}
    pool = PoolPolicy(name="gpu", past=OWN)
    [_, found] = prometheus_findings(fake.settings, [pool], lambda: float(NOW_S))
    assert (found.check, found.level) == (PAST, level)
    assert found.what.startswith("the past of side hpc of pool gpu")
    assert told in found.what
