"""The page beside 1,000 nodes, with two browsers on it: its process does not grow."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from connectors.bus.open_bus import open_bus
from models.bus import Bus
from models.events import Event, Planned, Topic
from models.nodes import HpcNode, Side
from tests.patience import until
from tests.real import ports
from tests.real.chromium import chromium
from tests.real.test_page import WAIT_MS, playwright
from tests.service import page_sample

NODES = 1000
SETTLE_S = 180  # what is loaded at first
GROWTH_MOST_KIB = 1024  # in each ten minutes after that
BEAT_S = 2.0
SITE = """metadata: {name: campus}
spec: {state: state, slurm: {url: 'http://127.0.0.1:1', tokenFile: token}, page: {listen: '127.0.0.1:%d'}}
"""
POLICY = "spec: {pools: [{name: a100}]}\n"


@dataclass
class Site:
    """What its bus tells: some nodes change every other second, and plans and forecasts come every six."""

    bus: Bus
    version: int = 2
    random: random.Random = field(default_factory=lambda: random.Random(17))
    nodes: list[Event] = field(default_factory=lambda: list(page_sample.node_events(NODES)))

    def tell_more(self, now_s: int) -> None:
        self.version += 1
        for one in self.random.sample(self.nodes, 30):
            known = one.payload
            busy = self.random.random() < 0.5
            changed = replace(known, busy=busy) if isinstance(known, HpcNode) else replace(known, pods=int(busy))
            self.bus.publish(replace(one, payload=changed, version=self.version, at_s=float(now_s)))
        if self.version % 3 == 0:
            planned = Planned(7, page_sample.plan(NODES, now_s))
            self.bus.publish(page_sample.event(Topic.PLANS, "", planned, self.version, now_s))
            for side in Side:
                made = page_sample.forecast(side, now_s)
                self.bus.publish(page_sample.event(Topic.FORECASTS, f"/{side}", made, self.version, now_s))
        self.bus.flush(WAIT_MS / 1000)


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def answers(port: int) -> bool:
    with suppress(URLError), urlopen(f"http://127.0.0.1:{port}/livez") as answer:
        return answer.status == 200
    return False


@contextmanager
def page_process(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``tidegate run --role page``, as an operator starts it."""
    (folder / "site.yaml").write_text(SITE % port)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "token").write_text("none")
    (folder / "state").mkdir(mode=0o700)
    words = ["run", "--role", "page", "--site", str(folder / "site.yaml"), "--policy", str(folder / "policy.yaml")]
    running = subprocess.Popen([sys.executable, "-m", "cli.main", *words])
    try:
        yield running
        running.terminate()
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait(30)


@pytest.mark.parametrize(
    "minutes", [10, pytest.param(60, marks=pytest.mark.long("an hour in which what leaks a little would show"))]
)
def test_two_browsers_beside_a_thousand_nodes_do_not_let_it_grow(tmp_path: Path, minutes: int):
    port, program = ports.free(1)[0], chromium()
    with page_process(tmp_path, port) as running, playwright.sync_playwright() as driver:
        bus = open_bus(f"sqlite:{tmp_path}/state/bus.db")
        site = Site(bus)
        for one in site.nodes:
            bus.publish(one)
        until(lambda: answers(port))
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        pages = [browser.new_page() for _ in range(2)]
        for page in pages:
            page.set_default_timeout(WAIT_MS)
            page.goto(f"http://127.0.0.1:{port}/")
            page.wait_for_selector(".pool strong")
        began_s, settled_kib = time.monotonic(), 0
        while (gone_s := time.monotonic() - began_s) < minutes * 60:
            site.tell_more(int(time.time()))
            pages[0].wait_for_timeout(BEAT_S * 1000)
            if not settled_kib and gone_s > SETTLE_S:
                settled_kib = resident_kib(running.pid)
        grown_kib, measured_s = resident_kib(running.pid) - settled_kib, minutes * 60 - SETTLE_S
        texts = [page.inner_text("body") for page in pages]
        browser.close()
        bus.close()
    assert all("live" in text and f"of {NODES} nodes" in text for text in texts)
    assert grown_kib <= GROWTH_MOST_KIB * measured_s / 600, f"{grown_kib} KiB more in {measured_s} s"
