"""A real Prometheus scrapes a real ``tidegate run``: every query of every panel and rule returns series."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from connectors.bus.open_bus import open_bus
from connectors.bus.settings import BusSettings
from forecasting.forecaster import LEVELS
from models.nodes import Side
from tests.connectors.slurm import fake, makers
from tests.helm_monitoring import FOLDER, panels, rules, sent
from tests.patience import until
from tests.real import ports
from tests.real.prometheus import JOB, Prometheus
from tests.real.running import Surge, tell_past
from tests.service.kube_site import kube_site

HOUR_S = 3600
DAYS = 3  # of the past: a first model needs one, and its forecasts a while to be scored
TOKEN_S = 7200
BOARDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (FOLDER / "dashboards").glob("*.json")}
QUERIES = sorted({target["expr"] for _, panel in panels(BOARDS) for target in panel["targets"]})
FORECASTS = [
    ({"pool": "pool", "side": side, "horizon": "1h", "level": f"{level:g}"}, 4 * level)
    for side in Side
    for level in LEVELS
]
LOANS = "tidegate_loans_earliest_timestamp_seconds"
ENDED = re.compile(r"^tidegate_handovers_ended_total\{.*\} [1-9]", re.MULTILINE)  # it is there from none on
COMPARED = re.compile(r" (?:>|<|==) [0-9]+")
POLICY = {
    "mode": "auto",
    "forecast": {"aheadMost": "100%"},
    "pools": [{"name": "pool", "kubernetes": {"unmetAtMost": "1%", "waitsAtMost": "1m"}}],
    "moves": {
        "every": "10s",
        "settle": {"hpc": "6s", "kubernetes": "6s"},
        "dwell": "0s",
        "readyFor": "0s",
        "leadTime": "1m",
        "atOnce": "100%",
    },
}


@dataclass(frozen=True)
class Watched:
    prometheus: Prometheus
    page: str
    began_s: float

    def metrics(self) -> str:
        with urlopen(f"http://{self.page}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A service on servers that stand in for Slurm and Kubernetes, with a past on its bus, and who scrapes it."""
    folder, page = tmp_path_factory.mktemp("watched"), f"127.0.0.1:{ports.free(1)[0]}"
    with fake.serving() as slurm, kube_site(folder, slurm.nodes) as kube:
        slurm.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        slurm.jobs = [makers.job(1, tres_req_str="cpu=9,mem=9G,node=9")]  # larger than the pool
        token = fake.token(int(time.time()) + TOKEN_S)
        slurm.tokens = {token}
        (folder / "token").touch(mode=0o600)
        (folder / "token").write_text(token)
        bus = f"sqlite:{folder / 'bus.db'}"
        write_files(folder, slurm.url, kube.url, bus, page)
        opened = open_bus(bus, settings=BusSettings())
        tell_past(opened, Surge(0), int(time.time()), DAYS)
        opened.close()
        prometheus = Prometheus(folder, page, FOLDER / "rules.yaml")
        prometheus.remember(before(page))
        prometheus.start()
        with (folder / "run.log").open("wb") as log:
            files = ["--site", str(folder / "site.yaml"), "--policy", str(folder / "policy.yaml")]
            service = subprocess.Popen([sys.executable, "-m", "cli.main", "run", *files], stdout=log, stderr=log)
        watched = Watched(prometheus, page, time.time())
        try:
            until(lambda: told(watched), every_s=0.5)  # the service has decided, and a hand-over is over
            until(lambda: bool(prometheus.ask("query", query="tidegate_plans_total")["result"]), every_s=0.5)
            kube.wait_for(2)  # what had changed before the first scrape is no rate
            rated_s = time.time() + 20.0
            until(lambda: time.time() > rated_s, every_s=0.5)  # there is enough to make rates of
            yield watched
        finally:
            prometheus.stop()
            service.terminate()
            service.wait(60.0)


def before(page: str) -> str:
    """What it would know had it scraped the page an hour ago: forecasts, and a loan, of which this run has none."""
    lines = ["# TYPE tidegate_forecast_nodes gauge"]
    for labels, value in FORECASTS:
        lines += sampled("tidegate_forecast_nodes", page, labels, value)
    lines += [f"# TYPE {LOANS} gauge", *sampled(LOANS, page, {"pool": "pool"}, time.time())]
    return "\n".join([*lines, "# EOF", ""])


def sampled(name: str, page: str, labels: Mapping[str, str], value: float) -> list[str]:
    text = ",".join(f'{label}="{one}"' for label, one in {"job": JOB, "instance": page, **labels}.items())
    return [f"{name}{{{text}}} {value} {at_s}" for at_s in an_hour_ago()]


def series(watched: Watched, query: str, asked: str) -> list[object]:
    """What a query gives over the run; over the hour before, too, if it is about what the run has none of."""
    begin_s = watched.began_s - 2 * HOUR_S if LOANS in query else watched.began_s
    return watched.prometheus.series(asked, begin_s, time.time())


def write_files(folder: Path, slurm: str, kube: str, bus: str, page: str) -> None:
    site = {
        "state": "state",
        "slurm": {"url": slurm, "tokenFile": "token", "poll": "1s"},
        "kubernetes": {"server": kube, "tokenFile": "kube-token"},
        "bus": {"address": bus},
        "page": {"listen": page},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump({"spec": site}))
    (folder / "policy.yaml").write_text(yaml.safe_dump({"spec": POLICY}))


def told(watched: Watched) -> bool:
    try:
        return ENDED.search(watched.metrics()) is not None
    except OSError:
        return False


def an_hour_ago() -> range:
    now_s = int(time.time())
    return range(now_s - HOUR_S - 300, now_s - HOUR_S + 600, 30)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_of_a_panel_returns_series(watched: Watched, query: str):
    asked = sent(query, job=JOB, rate="10s")
    assert series(watched, query, asked), asked


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_returns_series_without_what_it_compares(watched: Watched, rule: dict[str, str]):
    query = rule.get("record") or COMPARED.sub("", rule["expr"])
    assert series(watched, query, query), query


def test_the_band_goes_on_as_far_as_the_longest_horizon(watched: Watched):
    now_s = time.time()
    band = next(query for query in QUERIES if "offset 2h" in query and 'side="hpc"' in query)
    (one,) = watched.prometheus.series(sent(band, job=JOB), now_s - 60, now_s + 2 * HOUR_S)
    ahead_s = [at_s - now_s for at_s, _ in one["values"] if at_s > now_s]
    assert max(ahead_s) > 2 * HOUR_S - 30


def test_no_rule_fails_and_none_fires_while_all_is_well(watched: Watched):
    groups = watched.prometheus.ask("rules")["groups"]
    every = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in every} == {"ok"}
    assert [rule["name"] for rule in every if rule["type"] == "alerting" and rule["alerts"]] == []


def test_promtool_finds_nothing_wrong_in_what_is_shown(watched: Watched):
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=watched.metrics(), capture_output=True, text=True, check=False
    )
    wrong = [line for line in done.stderr.splitlines() if line.startswith("tidegate_")]
    assert (wrong, done.returncode) == ([], 0), done.stderr
