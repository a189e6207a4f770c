"""The page's model, made of what the bus told and of what persons ordered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from controller.takeovers.calendar import scheduled
from models.events import Event, Planned
from models.forecasts import Forecast
from models.freshness import Freshness
from models.handovers import Handover
from models.identity import PoolId
from models.leadership import Orders
from models.nodes import Side
from models.plans import Move, Plan
from models.policies import Mode
from models.takeovers import Origin, Window
from service.page import gaps
from service.page.heard import Heard
from service.page.known import Known, Site
from service.page.model import (
    Ahead,
    Charts,
    Group,
    HandoverStatus,
    HoldStatus,
    Line,
    OrdersStatus,
    Owned,
    PartStatus,
    PlanStatus,
    PoolCharts,
    PoolStatus,
    SideCharts,
    SideStatus,
    Status,
    TakeoverStatus,
    UnservedStatus,
)
from service.page.words import folded, sentence

WEEK_S = 7 * 86_400
OWNERS = ("hpc", "kubernetes", "moving", "nobody", "both")


def status(site: Site, heard: Heard, known: Known, fresh: Freshness, now_s: int) -> Status:
    """All that is known at ``now_s``."""
    old = fresh.outdated(heard.events(), now_s)
    pools = [_pool(site, heard, key, known.orders, old, now_s) for key in pool_keys(site, heard)]
    return Status(
        site.name,
        now_s,
        site.policy.spec.mode.value,
        site.writable,
        tuple(PartStatus(one.part, one.well, one.text) for one in known.parts),
        tuple(pools),
        tuple(_handovers(site, heard)),
        tuple(_takeovers(site, known.orders or Orders(), now_s)),
        None if known.orders is None else _orders(known.orders),
        tuple(gaps.unknown(site, heard, known, pools, now_s)),
    )


def charts(site: Site, heard: Heard, now_s: int) -> Charts:
    """What is drawn at ``now_s``."""
    return Charts(now_s, tuple(_charts(site, heard, key, now_s) for key in pool_keys(site, heard)))


def pool_keys(site: Site, heard: Heard) -> list[str]:
    """The policy's pools in its order, then others that the bus tells of."""
    own = [PoolId(site.name, pool.name).key for pool in site.policy.spec.pools]
    return [*own, *(key for key in heard.pools() if key not in own)]


def _name(site: Site, key: str) -> str:
    return key.removeprefix(f"{site.name}/")


def _pool(site: Site, heard: Heard, key: str, orders: Orders | None, old: Mapping[str, int], now_s: int) -> PoolStatus:
    name, owners = _name(site, key), heard.owners(key, now_s)
    plan, made, is_old = None, None, False
    for event, one in heard.told(key, Planned):
        is_old, made = event.id in old, one.plan
        plan = _plan(one, is_old)
    counts = {owner: len(names) for owner, names in owners.items()}
    told = sentence(counts, made, site.policy.spec.mode is Mode.AUTO)
    return PoolStatus(
        name,
        f"Old: {told}" if is_old else told,
        sum(counts.values()) or None,
        tuple(Owned(owner, len(owners[owner]), folded(owners[owner])) for owner in OWNERS if owners.get(owner)),
        tuple(_side(event, one, old) for event, one in heard.told(key, Forecast)),
        plan,
        None if orders is None else orders.of(name).paused,
    )


def _side(event: Event, forecast: Forecast, old: Mapping[str, int]) -> SideStatus:
    middle = len(forecast.levels) // 2
    ahead = (
        Ahead(forecast.made_at_s + horizon_s, round(row[0], 2), round(row[middle], 2), round(row[-1], 2))
        for horizon_s, row in zip(forecast.horizons_s, forecast.values, strict=True)
    )
    return SideStatus(
        forecast.side,
        forecast.made_at_s,
        event.id in old,
        round(forecast.now, 2),
        forecast.source.value,
        (forecast.levels[0], forecast.levels[-1]),
        tuple(ahead),
    )


def _plan(told: Planned, is_old: bool) -> PlanStatus:
    plan = told.plan
    stays = (Group(one.reason, one.text, len(one.nodes), folded(one.nodes)) for one in plan.rejections)
    return PlanStatus(
        plan.at_s,
        is_old,
        plan.current,
        plan.target,
        tuple(_moves(plan)),
        tuple(stays),
        plan.cancellations,
        tuple(HoldStatus(one.switch, one.text) for one in plan.holds),
        tuple(UnservedStatus(one.side, one.why, one.text, one.why.for_good) for one in plan.unserved),
        told.left_out,
    )


def _moves(plan: Plan) -> Iterator[Group]:
    """Moves of one direction and reason are one group."""

    def alike(move: Move) -> tuple[str, str, str]:
        return move.direction.value, move.reason.value, move.text

    for _, group in groupby(sorted(plan.moves, key=alike), key=alike):
        moves = list(group)
        first, names = moves[0], folded(one.node for one in moves)
        gain, cost = sum(one.gain for one in moves), sum(one.cost for one in moves)
        yield Group(first.reason, first.text, len(moves), names, first.direction, round(gain, 3), round(cost, 3))


def _handovers(site: Site, heard: Heard) -> Iterator[HandoverStatus]:
    for key in pool_keys(site, heard):
        for _, one in heard.told(key, Handover):
            if not one.stage.finished or one.stage == "stuck":
                yield handover_status(_name(site, key), one)


def handover_status(pool: str, one: Handover) -> HandoverStatus:
    """One hand-over as it is shown."""
    times = one.started_s, one.stage_since_s, one.deadline_s
    return HandoverStatus(
        one.id, pool, one.node, one.direction, one.stage, *times, one.why, one.loan, one.reserve_from_s
    )


def _takeovers(site: Site, orders: Orders, now_s: int) -> Iterator[TakeoverStatus]:
    spec = site.policy.spec
    who = {request.window.ident: request for request in orders.takeovers}
    found: list[tuple[str, Window]] = []
    for pool in spec.pools:
        found += ((pool.name, one) for one in scheduled(spec, pool.name, now_s, now_s + WEEK_S))
    found += ((one.pool, one.window) for one in orders.takeovers)
    for pool_name, one in sorted(found, key=lambda each: (each[1].from_s, each[0])):
        if one.to_s <= now_s or (one.origin is Origin.SCHEDULED and one.from_s > now_s + WEEK_S):
            continue
        request = who.get(one.ident)
        asked = ("", "") if request is None else (request.ident, request.by)
        times = one.from_s - one.prepare_s, one.from_s, one.to_s
        yield TakeoverStatus(asked[0], pool_name, one.name, one.origin, one.side, one.nodes, *times, asked[1])


def _orders(orders: Orders) -> OrdersStatus:
    alone = {name: own.paused for name, own in orders.pools.items() if own.paused is not None}
    every = {"": orders, **orders.pools}
    noted = {
        name: str(one.ordered) for name, one in every.items() if one.paused is not None and one.ordered is not None
    }
    return OrdersStatus(orders.paused, alone, noted)


def _charts(site: Site, heard: Heard, key: str, now_s: int) -> PoolCharts:
    sides = {one.side: one for _, one in heard.told(key, Forecast)}
    drawn = [_side_charts(heard, key, side, sides[side], now_s) for side in Side if side in sides]
    owned = heard.owned.get(key)
    return PoolCharts(_name(site, key), tuple(drawn), Line((), ()) if owned is None else owned.line(now_s))


def _side_charts(heard: Heard, key: str, side: Side, forecast: Forecast, now_s: int) -> SideCharts:
    past = heard.sides[key, side]
    at_s = (forecast.made_at_s, *(forecast.made_at_s + horizon_s for horizon_s in forecast.horizons_s))
    now = (round(forecast.now, 2),) * len(forecast.levels)
    ahead = Line(at_s, (now, *(tuple(round(value, 2) for value in row) for row in forecast.values)))
    return SideCharts(side, past.came.line(now_s), past.said.line(now_s), ahead, forecast.levels)
