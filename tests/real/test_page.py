"""The status page in a real browser: drawn in both schemes and both widths, live, and steered by nobody's text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from models.events import Topic
from models.handovers import Stage
from models.leadership import Ordered, Orders, Pause
from models.nodes import Side
from service.page.app import make_app
from service.page.heard import Heard
from service.page.server import PageServer, listen
from service.page.shown import Shown
from service.page.static import Static
from tests.real.chromium import chromium
from tests.service.page_sample import (
    NOW_S,
    POOL,
    TOKEN,
    Book,
    event,
    events,
    handover,
    heard_of,
    show,
    shown_of,
)
from tests.service.page_sample import request as asked_for

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WAIT_MS = 60_000  # a machine that is busy takes long to start a browser, and to read what draws charts
RIGHT_ENDS = "[...document.querySelectorAll('.chart, table, form, .bar')].map(one => one.getBoundingClientRect().right)"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@dataclass
class Served:
    """A page that is served: what it shows, what is ordered by it, and what a browser said of it."""

    shown: Shown
    heard: Heard
    book: Book
    port: int
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def visit(self, browser, width: int = 1280, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda asked: self.asked.append(asked.url))
        page.goto(self.url)
        page.wait_for_selector(".pool strong")
        return page

    def again(self) -> None:
        self.shown.read_orders()
        show(self.shown, self.heard)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    program = chromium()
    with playwright.sync_playwright() as running:
        one = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(params=[True])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """With an admin token, unless a test says otherwise."""
    (tmp_path / "token").write_text(TOKEN)
    book, heard = Book(), heard_of(events(64))
    book.orders = replace(Orders(), takeovers=(asked_for(),))
    shown = shown_of(heard, tmp_path / "token" if request.param else None, book)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = PageServer(make_app(shown, Static()), listening)
    yield Served(shown, heard, book, port)
    shown.closing = True
    server.close()
    assert not server._thread.is_alive(), "it ends in time, although a browser listens"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_all_is_drawn_within_the_window_and_nothing_comes_from_elsewhere(
    browser, served: Served, width: int, scheme: str
):
    page = served.visit(browser, width, scheme)
    page.wait_for_selector("#takeover-chart .main-svg")  # the last one
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = page.evaluate(
        "[...document.querySelectorAll('.chart, table, form, .bar')].map(one => one.getBoundingClientRect().right)"
    )
    assert max(drawn) <= width
    text = page.inner_text("body")
    for part in ("HPC has 31 and Kubernetes 32 of 64 nodes", "gpu[036-064]", "stuck (unhealthy)", "nightly-training"):
        assert part in text
    for section in ("#handovers", "#takeovers", "#ordering", "#unknown", "#parts"):
        assert page.inner_text(section).strip()
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    assert {url.split("/")[2] for url in served.asked if not url.startswith("data:")} == {f"127.0.0.1:{served.port}"}
    assert served.said == []
    page.close()


def test_a_loan_is_on_the_time_line_and_says_from_when_on(browser, served: Served):
    loan = replace(handover(64, Stage.RESERVED, None, 3), reserve_from_s=NOW_S + 5400, loan=True)
    served.heard.take(event(Topic.HANDOVERS, f"/{loan.node}", loan, 1))
    served.again()
    page = served.visit(browser, 390)
    page.wait_for_selector("#takeover-chart:has-text('loans (a100)')")
    assert "reserved from 02:30, a loan" in page.inner_text("#handovers")
    assert served.said == []
    page.close()


def test_what_others_wrote_cannot_steer_the_page(browser, served: Served):
    stuck = replace(handover(64), node=HOSTILE, id=f"{POOL.scope}.9.9")
    served.heard.take(event(Topic.HANDOVERS, f"/{HOSTILE}", stuck, 1))
    served.again()
    page = served.visit(browser)
    assert HOSTILE in page.inner_text("#handovers")
    assert page.query_selector("main img, main script") is None
    assert served.said == []
    page.close()


def test_what_changes_is_drawn_without_loading_the_page_again(browser, served: Served):
    page = served.visit(browser)
    page.click("text=which nodes")
    page.fill("#token", "half typed")
    served.book.orders = served.book.orders.pause(Pause.FINISH)
    served.again()
    page.wait_for_selector("text=All moves are paused by a person")
    assert page.input_value("#token") == "half typed"
    assert page.is_visible("text=gpu[001-032]"), "what was opened stays open"
    page.close()


def test_a_person_orders_with_the_token_and_not_without(browser, served: Served):
    page = served.visit(browser)
    page.click("text='Pause'")
    page.wait_for_selector("#ordered.bad:has-text('needs the admin token')")
    assert served.book.count == 0
    page.fill("#token", TOKEN)
    page.fill("input[name=why]", "disk swap in rack 3")
    page.press("input[name=why]", "Enter")  # orders nothing, and loads nothing
    page.click("text='Pause'")
    page.wait_for_selector("#ordered:not(.bad):has-text('moves are paused')")
    assert served.book.orders.ordered == Ordered("the status page", NOW_S, "disk swap in rack 3")
    page.click("text='Resume'")
    page.wait_for_selector("#ordered:has-text('may begin again')")
    page.click("text='Turn back'")
    page.wait_for_selector("#ordered:has-text('is ordered back')")
    assert served.book.orders.turned_back == (f"{POOL.scope}.7.4",)
    page.click("#takeovers >> text='Cancel'")
    page.wait_for_selector("#ordered:has-text('request 1 is cancelled')")
    page.select_option("select[name=side]", "kubernetes")
    page.fill("input[name=nodes]", "40")
    page.fill("input[name=at]", "2026-11-30T18:00")
    page.click("text='Announce a takeover'")
    page.wait_for_selector("#ordered:has-text('is announced')")
    (made,) = served.book.orders.takeovers
    assert (made.side, made.nodes, made.at_s - NOW_S, made.for_s) == (Side.KUBERNETES, 40, 17 * 3600, 14_400)
    page.close()


@pytest.mark.parametrize("served", [False], indirect=True)
def test_without_a_token_in_the_site_file_it_only_shows(browser, served: Served):
    page = served.visit(browser, 390)
    assert "This page only shows" in page.inner_text("#ordering")
    assert page.query_selector("main button, main input") is None
    page.close()
