"""``tidegate pause`` and ``tidegate resume``: a person's word to whoever leads by a lock or a lease, now or later."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from basics.text import clean, some
from cli.lead_place import File, Led, Place, SiteFile, heard_by, led_by, place_of, resume_command, who
from controller.site_leadership import pools_in
from models.leadership import Ordered, Pause

Pool = Annotated[str | None, typer.Option("--pool", metavar="NAME", help="Only this pool; without it, all pools")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for those who find it so: it is kept and shown")]


def pause(
    file: File = None,
    site: SiteFile = None,
    pool: Pool = None,
    revert: Annotated[
        bool, typer.Option("--revert", help="Turn open hand-overs back where that is still possible; else they finish")
    ] = False,
    why: Why = "",
) -> None:
    """Let no move begin until someone resumes them. The order outlives every process."""
    whose, ordered, place = _of(pool), _ordered(why), place_of(file, site)
    led = led_by(place)
    place.order(lambda orders: orders.pause(Pause.REVERT if revert else Pause.FINISH, pool, ordered))
    _say(
        f"moves{whose} are paused, open hand-overs {'turn back' if revert else 'finish'};"
        f" go on: {resume_command(place, pool)}"
    )
    _tell_who_hears(led, place, pool)


def resume(file: File = None, site: SiteFile = None, pool: Pool = None, why: Why = "") -> None:
    """Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished."""
    whose, ordered, place = _of(pool), _ordered(why), place_of(file, site)
    led = led_by(place)
    before = place.orders()
    orders = place.order(lambda orders: orders.resume(pool, ordered))
    if orders.paused is not None:
        _say(f"all pools stay paused, this one too; go on: {resume_command(place, None)}")
    else:
        _say(f"moves{whose} may begin again")
    was = before if pool is None else before.pools.get(pool)
    if was is not None and was.paused is not None and was.ordered is not None:
        _say(f"they were paused {was.ordered}")
    _tell_who_hears(led, place, pool)


def _say(text: str) -> None:
    typer.echo(clean(text))


def _of(pool: str | None) -> str:
    if pool is not None and not pool.isprintable():
        raise typer.BadParameter("no pool has such a name")
    return "" if pool is None else f" of pool {pool}"


def _ordered(why: str) -> Ordered:
    try:
        return Ordered(who(), int(time.time()), why.strip())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _tell_who_hears(led: Led, place: Place, pool: str | None) -> None:
    """Who leads; and what may be a slip of the finger, which is kept, as the pool may come."""
    _say(heard_by(led, place))
    known = pools_in(led.remembered)
    if known and pool is not None and pool not in known:
        typer.echo(f"note: nobody has led a pool {pool} by this {place.kind} yet, only {some(known)}", err=True)
