"""The page: how this process is and what the bus tells, for people and for Prometheus."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from basics.log_once import Trouble
from basics.text import some
from models.bus import Subscription
from models.catch_up import deliveries
from models.errors import BadInput, BusRefused, BusUnavailable
from models.events import Latest, Topic
from models.freshness import Freshness
from service.page_text import page_html, page_json
from service.part import Part, Status, Step
from service.parts.bus import BusPart
from service.process import Process
from service.site import PageSettings

LISTEN_S = 1.0  # between two looks at what the bus tells
STALLED_S = 180.0  # a process that took no step for so long is not alive: a reading that hangs takes 60 s
TOPICS = (Topic.PLANS, Topic.FORECASTS, Topic.HANDOVERS)

log = logging.getLogger("tidegate.service")


class PagePart(Part):
    """What the bus told last of plans, forecasts and hand-overs, and a server in a thread of its own that shows it.

    A request only reads values that are replaced as a whole, so no step waits for it.
    """

    name = "page"

    def __init__(
        self,
        process: Process,
        subscription: Subscription,
        address: tuple[str, int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._process = process
        self._subscription = subscription
        self._latest = Latest()
        self._trouble = Trouble(log, "what the page shows is old: the bus is not heard")
        self._old = Trouble(log, "nothing newer is told, so the page is old")
        pools, poll_s = (pool for pool, _ in process.pools()), process.site.spec.slurm.poll
        self._freshness = Freshness(process.policy, poll_s, pools, process.clock())
        self._shown = b"", b"", b""
        self._monotonic = monotonic
        self._looked_s = monotonic()
        self._registry: CollectorRegistry | None = None
        self._server = ThreadingHTTPServer(address, partial(_Handler, self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return (Step("page", self.look),)

    def look(self) -> float:
        """Take up what the bus tells, and draw the page anew."""
        try:
            for delivery in deliveries(self._subscription):
                for event in delivery.events:
                    self._latest.take(event)
        except (BusUnavailable, BusRefused) as error:
            self._trouble.met(error)
        else:
            self._trouble.over()
        events, now_s = list(self._latest.state.values()), self._process.clock()
        old = self._freshness.outdated(events, now_s)
        if ours := self._freshness.ours(events, old, now_s):
            self._old.met(f"{some(ours)}; see whether connect, forecast and control run")
        else:
            self._old.over()
        shown = self._process.site.metadata.name, now_s, self._process.status(), events, old
        self._shown = page_html(*shown), page_json(*shown), generate_latest(self._metrics())
        self._looked_s = self._monotonic()
        return LISTEN_S

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body of what is asked for."""
        match path.partition("?")[0]:
            case "/":
                return 200, "text/html; charset=utf-8", self._shown[0]
            case "/status.json":
                return 200, "application/json", self._shown[1]
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, self._shown[2]
            case "/livez":
                stalled_s = self._monotonic() - self._looked_s
                if stalled_s > STALLED_S:
                    return 503, "text/plain", f"no step was taken for {stalled_s:.0f} s\n".encode()
                return 200, "text/plain", b"ok\n"
            case _:
                return 404, "text/plain", b"there are /, /status.json, /metrics and /livez\n"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._subscription.close()

    def status(self) -> Status:
        """See the base."""
        return Status(self.name, not (self._trouble.lasts or self._old.lasts), f"answers on port {self.port}")

    def _metrics(self) -> CollectorRegistry:
        if self._registry is None:
            self._registry = CollectorRegistry()
            for part in self._process.parts:
                for collector in part.metrics():
                    self._registry.register(collector)
        return self._registry


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def __init__(self, page: PagePart, *more: object) -> None:
        self._page = page
        super().__init__(*more)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer."""
        status, kind, body = self._page.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a log for people has no room for each request."""


def open_page(process: Process) -> PagePart:
    """Listen where the site says. Raises BadInput, BusUnavailable or BusRefused."""
    settings = process.site.spec.page or PageSettings()
    host, _, port = settings.listen.rpartition(":")
    subscription = process.part(BusPart).bus.subscribe(TOPICS, f"page-{process.run}")
    try:
        page = PagePart(process, subscription, (host, int(port)))
    except (OSError, OverflowError) as error:
        subscription.close()
        what = getattr(error, "strerror", None) or str(error)
        remedy = "name another one as spec.page.listen of the site file"
        raise BadInput(f"cannot be listened on: {what}", where=settings.listen, remedy=remedy) from error
    process.at_end.callback(page.close)
    log.info("the status page is at http://%s:%d/", host, page.port)
    return page
