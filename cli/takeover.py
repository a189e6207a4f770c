"""``tidegate takeover``: a person announces that one side gets many nodes for some hours, or cancels that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from basics.text import clean
from cli.audit.timelines import decisions
from cli.lead_place import File, SiteFile, audit_of, led_by, place_of, who
from cli.quantities import DURATION, lasting
from cli.times import time_s
from controller.decide.bounds import wanted_of
from controller.takeovers.cost import Cost, cost_of, unforeseen
from controller.takeovers.words import held_text, hour
from models.audit import Decided
from models.durations import duration_text
from models.errors import BadInput
from models.leadership import Orders
from models.nodes import Side
from models.takeovers import ALL, Request, nodes_text

app = typer.Typer(no_args_is_help=True, help="Announce that one side gets many nodes for some hours, and cancel it.")


@app.command()
def request(
    pool: Annotated[str, typer.Option(metavar="NAME", help="The pool whose nodes it gets")],
    side: Annotated[Side, typer.Option(help="The side that gets the nodes")],
    nodes: Annotated[str, typer.Option(metavar="N", help="How many nodes it gets, or all")],
    at: Annotated[
        str, typer.Option(metavar="TIME", help="When it begins: 2026-12-01T18:00, in UTC, or with an offset as +01:00")
    ],
    for_hours: Annotated[
        float,
        typer.Option(
            "--for",
            parser=lasting("h", "1s", "30d"),
            metavar=DURATION,
            help="How long it lasts: 8 (hours), 90m",
        ),
    ],
    file: File = None,
    site: SiteFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it costs, and when it could be")] = False,
) -> None:
    """Announce a takeover: all its nodes are there at its hour, or none is moved for it. Nothing is ended for it.

    What it costs the other side, and when it could be at the earliest, is said first, by the last decision.
    """
    place, now_s = place_of(file, site), int(time.time())
    wanted = _nodes(nodes)
    orders = place.orders()
    try:
        asked = Request(
            orders.next_ident(), pool, side, wanted, time_s(at, "--at"), round(3600 * for_hours), who(), now_s
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if asked.to_s <= now_s:
        raise typer.BadParameter("it would be over already")
    _tell_cost(asked, _last_decision(audit_of(file, site), pool))
    for other in orders.takeovers:
        if other.pool == pool and other.at_s < asked.to_s and asked.at_s < other.to_s:
            _say(f"note: request {other.ident} has the pool at that time; the one that begins first is held")
    if dry_run:
        _say("nothing was announced (--dry-run)")
        return
    led_by(place)
    made = place.order(lambda now: now.announce(_numbered(asked, now), now_s)).takeovers[-1]
    _say(f"request {made.ident} is announced: {_line(made)}")
    _say(f"cancel it: tidegate takeover cancel {made.ident} {place.typed}")


@app.command("list")
def list_(file: File = None, site: SiteFile = None) -> None:
    """List what is announced."""
    place = place_of(file, site)
    orders = place.orders()
    for one in orders.takeovers:
        _say(f"{one.ident}: {_line(one)}")
    if not orders.takeovers:
        led = place.look()
        nobody = f", as no service has led by {place.name} yet ({place.remedy})" if led is None or not led.epoch else ""
        _say(f"no takeover is announced{nobody}")


@app.command()
def cancel(ident: Annotated[str, typer.Argument(metavar="ID")], file: File = None, site: SiteFile = None) -> None:
    """Cancel one by its id: what was prepared for it turns back, and held nodes go where they are worth most."""
    place = place_of(file, site)
    led_by(place)
    place.order(lambda orders: orders.cancel(ident))
    _say(f"request {ident} is cancelled")


def _numbered(asked: Request, orders: Orders) -> Request:
    """The same under an id that is free by now."""
    if all(one.ident != asked.ident for one in orders.takeovers):
        return asked
    return Request(
        orders.next_ident(), asked.pool, asked.side, asked.nodes, asked.at_s, asked.for_s, asked.by, asked.asked_s
    )


def _nodes(text: str) -> int:
    if text == "all":
        return ALL
    if not (text.isascii() and text.isdigit()) or not int(text):
        raise typer.BadParameter("--nodes is a number of nodes, or all")
    return int(text)


def _line(one: Request) -> str:
    return (
        f"{nodes_text(one.nodes)} of pool {one.pool} for {one.side} at {hour(one.at_s)} for {duration_text(one.for_s)}"
        f" (asked by {one.by} at {hour(one.asked_s)})"
    )


def _last_decision(audit: Path, pool: str) -> Decided | None:
    """What was last decided on of the pool, as far as this machine has it."""
    last = None
    try:
        for one in decisions(audit):
            last = one if one.pool.name == pool else last
    except BadInput:
        return last
    return last


def _tell_cost(asked: Request, last: Decided | None) -> None:
    if last is None:
        _say(f"note: no decision on pool {asked.pool} is in the audit here, so its cost and feasibility cannot be told")
        return
    snapshot, count = last.snapshot, len(last.snapshot.nodes)
    most = last.pool.most_of(asked.side, count)
    if asked.nodes > most:
        raise BadInput(f"pool {asked.pool} of {count} nodes can give {asked.side} {most} at most, not {asked.nodes}")
    wanted = wanted_of(asked.window, last.pool, count)
    cost, other = cost_of(asked.window, wanted, snapshot, last.moves), asked.side.other
    _say(f"by the decision of {hour(snapshot.now_s)}:")
    if cost.lost is None:
        _say(f"  cost: {unforeseen(other)}")
    else:
        until = "" if cost.foreseen_s >= asked.to_s else f" until {hour(cost.foreseen_s)}, as far as is foreseen"
        _say(f"  cost: {other} is expected to lack {cost.lost:.1f} node-hours that it would have{until}")
    _tell_when(asked, cost)


def _tell_when(asked: Request, cost: Cost) -> None:
    found = cost.found
    if found.feasible:
        _say(f"  {found.there + found.coming} of {found.wanted} nodes are there already; the others can be in time")
    else:
        _say(f"  not feasible at {hour(asked.at_s)} as things stand: {clean(held_text(found.held))}")
    if found.earliest_s is None:
        _say("  nobody can tell when all its nodes could be there")
    else:
        _say(f"  all its nodes could be there at {hour(found.earliest_s)} at the earliest")


def _say(text: str) -> None:
    typer.echo(clean(text))
