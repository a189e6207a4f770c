"""The page: how this process is and what the bus tells, for people, for programs and for Prometheus."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence

from basics.log_once import Trouble
from basics.text import some
from connectors.kube.lease import KubeLeaseStore
from models.bus import Subscription
from models.catch_up import deliveries
from models.errors import BusRefused, BusUnavailable
from models.freshness import Freshness
from models.handovers import Handover
from models.policies import Mode
from service.kube_api import open_api
from service.page import build
from service.page.admin import AdminToken
from service.page.app import make_app
from service.page.heard import TOPICS, Heard
from service.page.known import Known, Site
from service.page.orders import LeaseOrders, LockOrders, OrderBook
from service.page.server import PageServer, listen_where
from service.page.shown import Shown
from service.page.static import Static
from service.page.vitals import Vitals
from service.part import Part, Status, Step
from service.parts.bus import BusPart
from service.process import Process
from service.site import LOCK, PageSettings

LISTEN_S = 1.0  # between two looks at what the bus tells
READING_S = 0.25  # how long one look may read: a bus may have weeks to tell at the start

log = logging.getLogger("tidegate.service")


class PagePart(Part):
    """What the bus told, and a server in a thread of its own that shows it.

    A request only reads values that are replaced as a whole, so no step waits for it.
    """

    name = "page"

    def __init__(
        self,
        process: Process,
        subscription: Subscription,
        shown: Shown,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shown = shown
        self.port = 0
        self._process = process
        self._subscription = subscription
        self._heard = Heard()
        self._trouble = Trouble(log, "what the page shows is old: the bus is not heard")
        self._old = Trouble(log, "nothing newer is told, so the page is old")
        pools, poll_s = (pool for pool, _ in process.pools()), process.site.spec.slurm.poll
        self._freshness = Freshness(process.policy, poll_s, pools, process.clock())
        site_name, writable = process.site.metadata.name, shown.token.configured
        self._site = Site(site_name, process.policy, writable, poll_s, process.clock())
        self._monotonic = monotonic
        self._server: PageServer | None = None

    def serve(self, listening: socket.socket) -> None:
        """Answer from now on."""
        self.port = listening.getsockname()[1]
        self._server = PageServer(make_app(self.shown, Static()), listening)

    def steps(self) -> Sequence[Step]:
        """See the base."""
        return (Step("page", self.look),)

    def look(self) -> float:
        """Take up what the bus tells, and show it anew."""
        left = self._hear()
        now_s, heard = self._process.clock(), self._heard
        events = heard.events()
        old = self._freshness.outdated(events, now_s)
        if not left and (ours := self._freshness.ours(events, old, now_s)):
            self._old.met(f"{some(ours)}; see whether connect, forecast and control run")
        else:
            self._old.over()
        if not left:
            heard.sample(now_s)
        known = Known(self._process.status(), self.shown.orders, self.shown.orders_trouble, left)
        handovers = {
            one.id: build.handover_status(key.removeprefix(f"{self._site.name}/"), one)
            for key in heard.pools()
            for _, one in heard.told(key, Handover)
        }
        status = build.status(self._site, heard, known, self._freshness, now_s)
        self.shown.show(status, build.charts(self._site, heard, now_s), handovers)
        self.shown.vitals.take(self._process.parts)
        return 0.0 if left else LISTEN_S

    def lags(self) -> Mapping[str, int]:
        """See the base."""
        return {"page": self._subscription.lag()}

    def close(self) -> None:
        """Stop answering."""
        self.shown.closing = True
        if self._server is not None:
            self._server.close()
        self._subscription.close()

    def status(self) -> Status:
        """See the base."""
        return Status(self.name, not (self._trouble.lasts or self._old.lasts), f"answers on port {self.port}")

    def _hear(self) -> int:
        """Take in what there is, for a while; how many messages are left."""
        until_s = self._monotonic() + READING_S
        try:
            for delivery in deliveries(self._subscription):
                for event in delivery.events:
                    self._heard.take(event)
                if self._monotonic() > until_s:
                    return self._subscription.lag()
        except (BusUnavailable, BusRefused) as error:
            self._trouble.met(error)
        else:
            self._trouble.over()
        return 0


def open_page(process: Process) -> PagePart:
    """Listen where the site says. Raises BadInput, BusUnavailable or BusRefused."""
    settings = process.site.spec.page or PageSettings()
    token = AdminToken(settings.admin_token)
    token.check()
    shown = Shown(process.run, token, _orders_of(process), process.clock, Vitals())
    subscription = process.part(BusPart).bus.subscribe(TOPICS, f"page-{process.run}")
    page = PagePart(process, subscription, shown)
    process.at_end.callback(page.close)
    page.serve(listen_where(settings.listen, "spec.page.listen"))
    log.info("the status page is at http://%s:%d/", settings.listen.rpartition(":")[0], page.port)
    return page


def _orders_of(process: Process) -> OrderBook | None:
    """Where persons' orders stand; nowhere while nothing is moved."""
    if process.policy.spec.mode is not Mode.AUTO:
        return None
    lease = process.site.spec.leadership.lease
    if lease is None:
        return LockOrders(process.site.spec.state / LOCK)
    api = open_api(process.site.spec.kubernetes)
    process.at_end.callback(api.close)
    return LeaseOrders(KubeLeaseStore(api, lease.namespace, lease.name))
