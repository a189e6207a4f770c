"""``tidegate pause`` and ``tidegate resume``: a person's word to whoever leads by a lock or a lease, now or later."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from basics.text import clean, some
from cli.lead_place import Place, place_of
from controller.site_leadership import pools_in
from models.errors import BadInput
from models.leadership import Pause

File = Annotated[
    Path | None, typer.Argument(help="The lock file that the controller leads by", metavar="FILE", show_default=False)
]
Site = Annotated[
    Path | None, typer.Option("--site", metavar="FILE", help="The site file, instead: by what it leads stands in it")
]
Pool = Annotated[str | None, typer.Option("--pool", metavar="NAME", help="Only this pool; without it, all pools")]


def pause(
    file: File = None,
    site: Site = None,
    pool: Pool = None,
    revert: Annotated[
        bool, typer.Option("--revert", help="Turn open hand-overs back where that is still possible; else they finish")
    ] = False,
) -> None:
    """Let no move begin until someone resumes them. The order outlives every process."""
    whose, place = _of(pool), place_of(file, site)
    place.order(lambda orders: orders.pause(Pause.REVERT if revert else Pause.FINISH, pool))
    _say(
        f"moves{whose} are paused, open hand-overs {'turn back' if revert else 'finish'};"
        f" go on: {place.resume_command(pool)}"
    )
    _tell_if_unknown(place, pool)


def resume(file: File = None, site: Site = None, pool: Pool = None) -> None:
    """Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished."""
    whose, place = _of(pool), place_of(file, site)
    if place.look() is None:
        raise BadInput(f"there is no such {place.kind}, so nothing goes on", where=place.name, remedy=place.remedy)
    orders = place.order(lambda orders: orders.resume(pool))
    if orders.paused is not None:
        _say(f"all pools stay paused, this one too; go on: {place.resume_command(None)}")
    else:
        _say(f"moves{whose} may begin again")
    _tell_if_unknown(place, pool)


def _say(text: str) -> None:
    typer.echo(clean(text))


def _of(pool: str | None) -> str:
    if pool is not None and not pool.isprintable():
        raise typer.BadParameter("no pool has such a name")
    return "" if pool is None else f" of pool {pool}"


def _tell_if_unknown(place: Place, pool: str | None) -> None:
    """An order that nobody hears yet is kept, as the leader or the pool may come; it may be a slip of the finger."""
    led = place.look()
    known = pools_in(led.remembered) if led is not None else []
    if led is None or not led.epoch:
        typer.echo(f"note: nobody has led by {clean(place.name)} yet; {place.remedy}", err=True)
    elif known and pool is not None and pool not in known:
        typer.echo(f"note: nobody has led a pool {pool} by this {place.kind} yet, only {some(known)}", err=True)
