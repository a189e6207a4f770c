"""Asking Prometheus: it ends in time, takes no more than it is to, asks once, and never takes unknown for zero."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.prom.client import Prometheus
from connectors.prom.settings import PrometheusSettings
from models.errors import Unreachable
from tests.connectors.prom.fake_prometheus import EMPTY, Fake, prometheus

AT_S = 1_796_063_893


@pytest.fixture
def fake() -> Iterator[Fake]:
    with prometheus() as one:
        yield one


def ask(fake: Fake, query: str = "up", **options: Any) -> Any:
    with closing(Prometheus(fake.settings, **options)) as client:
        return client.at(query)


def vector(*values: str) -> bytes:
    result = [{"metric": {"n": str(number)}, "value": [AT_S + 0.5, value]} for number, value in enumerate(values)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


# What is known, and what is not


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("2", 2.0, id="a number"),
        pytest.param("0", 0.0, id="zero is known"),
        pytest.param("-1.5e3", -1500.0, id="with an exponent"),
        pytest.param("NaN", None, id="NaN"),
        pytest.param("+Inf", None, id="infinite"),
        pytest.param("-Inf", None, id="infinite downward"),
        pytest.param("1e300", None, id="absurd"),
    ],
)
def test_a_value(fake: Fake, text: str, value: float | None):
    fake.body = vector(text)
    [points] = ask(fake).series.values()
    assert points == {AT_S + 0.5: value}


def test_an_empty_vector_is_no_series_and_not_zero(fake: Fake):
    fake.body = EMPTY.encode()
    assert ask(fake).series == {}


def test_series_are_told_apart_by_their_labels_in_any_order(fake: Fake):
    fake.body = vector("1", "2")
    assert ask(fake).series == {(("n", "0"),): {AT_S + 0.5: 1.0}, (("n", "1"),): {AT_S + 0.5: 2.0}}


def test_what_prometheus_warns_of_is_kept(fake: Fake):
    fake.series["up"] = lambda _: 1.0
    fake.warnings = ["PromQL warning: this is \x1b[31mno counter"]
    assert ask(fake).warnings == ("PromQL warning: this is ?[31mno counter",)


# What is no answer


LOGIN = b"<!doctype html><html><title>Sign in</title></html>"
SCALAR = b'{"status":"success","data":{"resultType":"scalar","result":[1796063894.011,"1"]}}'
STRING = b'{"status":"success","data":{"resultType":"string","result":[1796063894.739,"a"]}}'
MATRIX = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'
HISTOGRAM = (
    b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1796063894.1,{"count":"1",'
    b'"sum":"1","buckets":[]}]}]}}'
)
WRONG = (
    b'{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": 1:4: parse error: unexpected end'
    b' of input inside braces"}'
)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        pytest.param(200, LOGIN, "a web page answers with HTTP status 200 instead of Prometheus", id="login page"),
        pytest.param(200, SCALAR, r"a scalar, not series by their labels; write vector\(...\) around it", id="scalar"),
        pytest.param(200, STRING, "a string, not series by their labels$", id="string"),
        pytest.param(200, MATRIX, "a range of each series", id="a range where one value is wanted"),
        pytest.param(200, HISTOGRAM, "native histograms cannot be used", id="native histogram"),
        pytest.param(200, b"{}", "is not Prometheus: {}", id="other JSON"),
        pytest.param(200, b"", "is not Prometheus", id="nothing"),
        pytest.param(200, vector("abc"), "could not convert", id="a value that is no number"),
        pytest.param(400, WRONG, "status 400: bad_data: invalid parameter .*parse error", id="wrong query"),
        pytest.param(401, b"Unauthorized\n", "give it a token, as tokenFile", id="no token"),
        pytest.param(403, LOGIN, "give it a token, as tokenFile", id="forbidden"),
        pytest.param(302, b"", "HTTP status 302 is not Prometheus", id="moved"),
        pytest.param(503, b"Service Unavailable", "status 503 is not Prometheus: Service Unavailable", id="starting"),
        pytest.param(200, b"[" * 100_000, "is not Prometheus", id="deep"),
        pytest.param(200, b'{"status":"\xff"}', "is not Prometheus", id="no UTF-8"),
    ],
)
def test_what_is_no_answer(fake: Fake, status: int, body: bytes, why: str):
    fake.status, fake.body = status, body
    fake.headers = {"Location": f"http://127.0.0.1:{fake.port}/elsewhere"}
    with pytest.raises(Unreachable, match=why):
        ask(fake)
    assert len(fake.asked) == 1  # neither again nor elsewhere


def test_what_strangers_write_is_short_and_steers_no_terminal(fake: Fake):
    fake.status, fake.body = 500, b"\x1b]0;owned\x07" + b"x" * 10_000
    with pytest.raises(Unreachable) as raised:
        ask(fake)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 400


def test_a_server_that_hangs_is_waited_for_once(fake: Fake):
    fake.hangs = True
    with pytest.raises(Unreachable, match="timed out"):
        ask(fake, timeout_s=0.1)
    assert len(fake.asked) == 1


def test_a_server_that_is_not_there():
    with pytest.raises(Unreachable, match=r"no answer from Prometheus at http://127\.0\.0\.1:1: Connection refused"):
        Prometheus(PrometheusSettings(url="http://127.0.0.1:1")).at("up")


def test_a_body_over_the_limit_is_not_taken(fake: Fake):
    fake.body = vector(*["1"] * 100)
    with pytest.raises(Unreachable, match="larger than 1000 bytes"):
        ask(fake, body_most=1000)
    assert ask(fake, body_most=len(fake.body)).series


# How it is asked


def test_an_instant_is_asked_for_under_the_path_of_the_address(fake: Fake):
    with closing(Prometheus(fake.settings)) as client:
        client.at('up{a="ü"}', AT_S, age_most_s=150)
    [(path, params, headers)] = fake.asked
    assert path == "/prometheus/api/v1/query"
    assert params == {"query": 'up{a="ü"}', "time": str(AT_S), "lookback_delta": "150s", "timeout": "10000ms"}
    assert "Authorization" not in headers


def test_the_token_is_read_anew_each_time_and_in_no_message(fake: Fake, tmp_path: Path):
    token = tmp_path / "token"
    client = Prometheus(fake.settings.model_copy(update={"token_file": token}))
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        client.at("up")
    assert [headers["Authorization"] for _, _, headers in fake.asked] == ["Bearer first", "Bearer second"]
    token.write_text("with\nanother line")
    with pytest.raises(Unreachable, match="there is no token") as raised:
        client.at("up")
    assert "another" not in str(raised.value)
    token.unlink()
    with pytest.raises(Unreachable, match="cannot be read: No such file"):
        client.at("up")
    client.close()


def test_the_environment_has_no_say(fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    ask(fake)
    assert "Authorization" not in fake.asked[0][2]


def test_a_ca_that_is_not_there_is_told_when_it_is_needed(tmp_path: Path):
    settings = PrometheusSettings(url="https://127.0.0.1:1", ca_file=str(tmp_path / "ca.pem"))
    with pytest.raises(Unreachable, match="No such file"):
        Prometheus(settings).at("up")


# Ranges


def test_a_range_of_more_points_than_one_answer_has_is_whole(fake: Fake):
    fake.series["demand"] = float
    step_s, points = 300, 25_920
    end_s = AT_S + (points - 1) * step_s
    with closing(Prometheus(fake.settings)) as client:
        [told] = client.over("demand", AT_S, end_s, step_s).series.values()
    assert [*told] == [*range(AT_S, end_s + 1, step_s)]
    assert all(math.isclose(value or 0.0, at_s, rel_tol=1e-5) for at_s, value in told.items())
    assert len(fake.asked) == 3


@pytest.mark.parametrize(("points", "questions"), [(1, 1), (11_000, 1), (11_001, 2), (22_001, 3)])
def test_how_often_is_asked(fake: Fake, points: int, questions: int):
    fake.series["demand"] = lambda _: 1.0
    with closing(Prometheus(fake.settings)) as client:
        [told] = client.over("demand", AT_S, AT_S + (points - 1) * 15, 15).series.values()
    assert (len(told), len(fake.asked)) == (points, questions)


def test_in_a_range_too_what_is_not_there_is_not_zero(fake: Fake):
    fake.series["demand"] = lambda at_s: None if at_s == AT_S + 300 else math.nan if at_s == AT_S + 600 else 2.0
    with closing(Prometheus(fake.settings)) as client:
        [told] = client.over("demand", AT_S, AT_S + 900, 300).series.values()
    assert told == {AT_S: 2.0, AT_S + 600: None, AT_S + 900: 2.0}
