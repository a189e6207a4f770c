"""``tidegate status``: who owns what and why, in a terminal: what the page says, or what the state folder has."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from basics.text import clean, count
from cli.audit.format import clock, wrapped
from cli.looking.api import fetched
from cli.looking.state import from_state
from cli.planning.latest import folder_of
from models.handovers import Stage
from models.takeovers import ALL
from service.page.model import HandoverStatus, OrdersStatus, PlanStatus, PoolStatus, Status
from service.page.words import NAMES

TAKEOVERS_MOST = 5

Line = tuple[str, str]
"""How far a line is indented, and its text."""


def status(
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="The status page, such as http://127.0.0.1:8470")
    ] = None,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="FILE", help="The site file, instead: what its state folder has")
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="The folder of the state, instead")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON, as /api/status has it")] = False,
) -> None:
    """Tell who owns what and why, what is under way, and what is not known yet.

    By --url all that the status page says. Without a service, what the state folder has: the last plan of each pool, as
    old as it says, and what persons ordered.
    """
    if (url is not None) is (site is not None or state is not None):
        raise typer.BadParameter("name the status page with --url, or the site file with --site")
    found = fetched(url) if url is not None else from_state(folder_of(state, site), int(time.time()))
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    width = shutil.get_terminal_size().columns
    for indent, text in _lines(found):
        typer.echo("\n".join(f"{indent}{line}" for line in wrapped(clean(text), width - len(indent))))


def _lines(found: Status) -> Iterator[Line]:
    mode = "mode auto" if found.mode == "auto" else f"mode {found.mode}: nothing is moved"
    yield "", f"Site {found.site}, {mode}, as of {clock(found.now_s)}."
    orders = found.orders or OrdersStatus()
    if orders.paused is not None:
        yield "", f"All moves are paused {_ordered(orders, '')}; open hand-overs {orders.paused}."
    yield from (("", f"{one.part}: {one.text}") for one in found.parts if not one.well)
    for pool in found.pools:
        yield from _pool(pool, orders)
    if found.handovers:
        yield "", "Hand-overs:"
        yield from (("  ", _handover(one, found.now_s)) for one in found.handovers)
    yield from (("", text) for text in (*_needing(found), *_takeovers(found)))
    if found.unknown:
        yield "", "Not known yet:"
        yield from (("  ", f"{one.what}: {one.until}") for one in found.unknown)


def _ordered(orders: OrdersStatus, pool: str) -> str:
    """By whom a pause was, when and why, as far as that was kept."""
    return orders.ordered.get(pool, "by a person")


def _needing(found: Status) -> Iterator[str]:
    for one in found.handovers:
        if one.stage is Stage.STUCK:
            yield f"Node {one.node} needs a person: tidegate handovers AUDIT --show {one.id}, and the log, say more."


def _takeovers(found: Status) -> Iterator[str]:
    for one in found.takeovers[:TAKEOVERS_MOST]:
        asked = f", asked by {one.by}" if one.by else ""
        nodes = "all nodes" if one.nodes == ALL else count(one.nodes, "node")
        times = f"from {clock(one.from_s)} to {clock(one.to_s)}"
        yield f"Takeover {one.name}{asked}: {nodes} of pool {one.pool} for {NAMES[one.side]} {times}."
    if (more := len(found.takeovers) - TAKEOVERS_MOST) > 0:
        yield f"{count(more, 'takeover')} more within a week."


def _pool(pool: PoolStatus, orders: OrdersStatus) -> Iterator[Line]:
    yield "", f"Pool {pool.name}: {pool.sentence}"
    if pool.name in orders.pools:
        yield "  ", f"Its moves are paused {_ordered(orders, pool.name)}; open hand-overs {pool.paused}."
    for side in pool.sides:
        ahead = side.ahead[-1]
        expected = f"{ahead.low:.1f} to {ahead.high:.1f} by {clock(ahead.at_s)} ({side.source})"
        yield "  ", f"{NAMES[side.side]} could use {side.now:.1f} nodes at {clock(side.made_at_s)}, {expected}."
    if pool.plan is not None:
        yield from (("  ", text) for text in _plan(pool.plan))


def _plan(plan: PlanStatus) -> Iterable[str]:
    yield f"Decided at {clock(plan.at_s)}: Kubernetes has {plan.current} nodes and should have {plan.target}."
    for group in plan.moves:
        where = "" if group.direction is None else NAMES[group.direction.target]
        yield f"{count(group.count, 'node')} to {where} ({group.nodes}): {group.text}"
    yield from (f"{count(group.count, 'node')} stays: {group.text}" for group in plan.stays if group.count == 1)
    yield from (f"{count(group.count, 'node')} stay: {group.text}" for group in plan.stays if group.count != 1)
    yield from (f"Held ({hold.switch}): {hold.text}" for hold in plan.holds)
    yield from (one.text for one in plan.unserved)


def _handover(one: HandoverStatus, now_s: int) -> str:
    why = "" if one.why is None else f" ({one.why})"
    since_min = max(0, now_s - one.stage_since_s) // 60
    where, booked = NAMES[one.direction.target], ""
    if one.stage is Stage.RESERVED and one.reserved_from_s is not None:
        booked = f" from {clock(one.reserved_from_s)}{', a loan,' if one.loan else ''}"
    return (
        f"{one.node} to {where}: {one.stage}{booked}{why} for {since_min} min, until {clock(one.deadline_s)}; {one.id}"
    )
