"""A site for the tests of the status page: what its bus would have told until a moment, and what is shown of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from models.errors import BadInput
from models.events import Event, Payload, Planned, Topic
from models.forecasts import Forecast, Source
from models.freshness import Freshness
from models.handovers import Direction, Handover, Stage, Why
from models.identity import PoolId
from models.leadership import Orders
from models.nodes import HpcNode, KubernetesNode, Side
from models.plans import Hold, Move, Plan, Reason, Rejection, Switch
from models.policies import Policy
from models.takeovers import Request
from models.unserved import too_large_jobs
from service.page import build
from service.page.admin import AdminToken
from service.page.heard import Heard
from service.page.known import Known, Site
from service.page.orders import OrderBook
from service.page.shown import Shown
from service.page.vitals import Vitals
from service.part import Status

NOW_S = 1_796_000_400  # 2026-11-30 01:00 UTC
TOKEN = "a token of the tests, long enough"  # noqa: S105
POOL = PoolId("campus", "a100")
HORIZONS_S = (300, 900, 3600, 10_800, 21_600)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def policy(mode: str = "auto") -> Policy:
    spec = {"mode": mode, "pools": [{"name": "a100"}], "takeovers": TAKEOVERS}
    return Policy.model_validate({"apiVersion": "tidegate.dev/v1", "kind": "Policy", "spec": spec})


TAKEOVERS = [
    {
        "name": "nightly-training",
        "pool": "a100",
        "side": "hpc",
        "nodes": 48,
        "schedule": "0 22 * * *",
        "duration": "6h",
    }
]


class Book(OrderBook):
    """Orders in memory; ``wrong`` is raised instead where there is one."""

    def __init__(self) -> None:
        self.orders = Orders()
        self.wrong: BadInput | None = None
        self.count = 0

    def read(self) -> Orders:
        if self.wrong is not None:
            raise self.wrong
        return self.orders

    def order(self, new) -> Orders:
        if self.wrong is not None:
            raise self.wrong
        self.orders = new(self.orders)
        self.count += 1
        return self.orders


def demand(side: Side, at_s: int) -> float:
    """A day's wave, the sides' apart."""
    wave = math.sin((at_s % 86_400) / 86_400 * 2 * math.pi - (0.5 if side is Side.HPC else 2.5))
    return (38 + 14 * wave) if side is Side.HPC else (22 + 12 * wave)


def forecast(side: Side, at_s: int) -> Forecast:
    rows = []
    for horizon_s in HORIZONS_S:
        middle, spread = demand(side, at_s + horizon_s), 1 + math.sqrt(horizon_s / 900)
        rows.append(tuple(max(0.0, middle + spread * step) for step in (-2, -1, 0, 1, 2)))
    now = demand(side, at_s) + math.sin(at_s / 1700)
    return Forecast(side, at_s, now, HORIZONS_S, LEVELS, tuple(rows), Source.MODEL)


def event(topic: Topic, key: str, payload: Payload | None, version: int, at_s: float = NOW_S) -> Event:
    return Event(topic, f"{POOL.key}{key}", payload, version, POOL.source("test"), at_s)


def names(nodes: int) -> list[str]:
    return [f"gpu{number:03d}" for number in range(1, nodes + 1)]


def plan(nodes: int, at_s: int, **more: object) -> Plan:
    """Two move to Kubernetes of the half that HPC has; the third is in a hand-over already."""
    every, half = names(nodes), nodes // 2
    moves = tuple(
        Move(name, Direction.TO_KUBERNETES, Reason.DEMAND, MOVING, 2.4, 0.35) for name in every[half + 1 : half + 3]
    )
    rejections = (
        Rejection(tuple(every[half : half + 1]), Reason.IN_HANDOVER, "already being handed over"),
        Rejection(tuple(every[half + 3 :]), Reason.BUSY, "work on it ends later than the look-ahead of 7200 s"),
        Rejection(tuple(every[:half]), Reason.KEPT, f"Kubernetes keeps {half} nodes for its demand now and to come"),
    )
    return Plan(at_s, half + 1, half + 3, moves, (), rejections, **more)  # type: ignore[arg-type]


MOVING = "moving 2 nodes to Kubernetes, ahead of its demand: gain 4.80 of 9.10 weighted node-hours, cost 0.70"


def handover(nodes: int, stage: Stage = Stage.DRAINING, why: Why | None = None, number: int = 0) -> Handover:
    node = names(nodes)[nodes // 2 + number]
    ident = f"{POOL.scope}.7.{number + 4}"
    direction = Direction.TO_KUBERNETES
    return Handover(
        ident, f"{POOL.scope}.7.p2", node, direction, stage, NOW_S - 900, NOW_S - 600, NOW_S + 3000, why=why
    )


def node_events(nodes: int) -> Iterator[Event]:
    for number, name in enumerate(names(nodes)):
        mark = f"tidegate:{POOL.scope}.6.p1"
        on_kubernetes = number < nodes // 2
        hpc = HpcNode(name, "a100", mark if on_kubernetes else None, not on_kubernetes, NOW_S + 4000)
        kubernetes = KubernetesNode(name, None if on_kubernetes else mark, False, 3 if on_kubernetes else 0)
        yield event(Topic.NODES, f"/hpc/{name}", hpc, 1)
        yield event(Topic.NODES, f"/kubernetes/{name}", kubernetes, 1)


def events(nodes: int = 64, days: float = 1.5) -> Iterator[Event]:
    """All that was told: forecasts and plans every five minutes, nodes, and two hand-overs, one of which is stuck."""
    begin_s = NOW_S - int(days * 86_400) // 300 * 300
    for number, at_s in enumerate(range(begin_s, NOW_S + 1, 300)):
        for side in Side:
            yield event(Topic.FORECASTS, f"/{side}", forecast(side, at_s), number, at_s)
        swing = 2 * int(6 * math.sin(at_s / 9000))
        made = plan(nodes, at_s)
        if at_s < NOW_S:
            made = Plan(at_s, made.current + swing, made.current + swing, made.moves, (), made.rejections)
        else:
            made = plan(nodes, at_s, unserved=(too_large_jobs(80, nodes, 2),))
        yield event(Topic.PLANS, "", Planned(7, made), number, at_s)
    yield from node_events(nodes)
    for number, (stage, why) in enumerate([(Stage.DRAINING, None), (Stage.STUCK, Why.UNHEALTHY)]):
        one = handover(nodes, stage, why, number)
        yield event(Topic.HANDOVERS, f"/{one.node}", one, 1)


def heard_of(told: Iterator[Event]) -> Heard:
    heard = Heard()
    for one in told:
        heard.take(one)
    return heard


def site(mode: str = "auto", writable: bool = True) -> Site:
    return Site("campus", policy(mode), writable, 30, NOW_S - 3600)


def request() -> Request:
    return Request("1", "a100", Side.KUBERNETES, 40, NOW_S + 7200, 14_400, "ada@login1", NOW_S - 60)


def known(orders: Orders | None = None, left: int = 0) -> Known:
    parts = (Status("bus", True, "4,711 events heard"), Status("page", True, "answers on port 8470"))
    return Known(parts, orders, "", left)


def paused() -> Hold:
    return Hold(Switch.PAUSED, "paused by a person (open hand-overs: finish)")


def shown_of(heard: Heard, token_file: Path | None, book: OrderBook | None, mode: str = "auto") -> Shown:
    """What a process shows that has heard so much."""
    token = AdminToken(token_file)
    shown = Shown("run1", token, book, lambda: NOW_S, Vitals())
    shown.read_orders()
    show(shown, heard, mode)
    return shown


def show(shown: Shown, heard: Heard, mode: str = "auto") -> None:
    place = site(mode, shown.token.configured)
    fresh = Freshness(place.policy, 30, [POOL], NOW_S - 3600)
    status = build.status(place, heard, known(shown.orders), fresh, NOW_S)
    last = {one.id: build.handover_status("a100", one) for _, one in heard.told(POOL.key, Handover)}
    shown.show(status, build.charts(place, heard, NOW_S), last)
    shown.vitals.metrics = b"tidegate_leads 1.0\n"
