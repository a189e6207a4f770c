"""``tidegate pause`` and ``tidegate resume``: a person's word to whoever leads by a lock file, now or later."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from basics.file_lock import real
from basics.text import clean, some
from connectors.local import lock_state
from controller.site_leadership import pools_in
from models.errors import BadInput
from models.leadership import Pause

File = Annotated[Path, typer.Argument(help="The lock file that the controller leads by", metavar="FILE")]
Pool = Annotated[str | None, typer.Option("--pool", metavar="NAME", help="Only this pool; without it, all pools")]


def pause(
    file: File,
    pool: Pool = None,
    revert: Annotated[
        bool, typer.Option("--revert", help="Turn open hand-overs back where that is still possible; else they finish")
    ] = False,
) -> None:
    """Let no move begin until someone resumes them. The order outlives every process."""
    whose = _of(pool)
    lock_state.pause(file, Pause.REVERT if revert else Pause.FINISH, pool)
    _say(
        f"moves{whose} are paused, open hand-overs {'turn back' if revert else 'finish'};"
        f" go on: tidegate resume {quote(str(file.absolute()))}{f' --pool {quote(pool)}' if pool else ''}"
    )
    _tell_if_unknown(file, pool)


def resume(file: File, pool: Pool = None) -> None:
    """Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished."""
    whose = _of(pool)
    if lock_state.read_state(real(file)) is None:
        raise BadInput("there is no such lock, so nothing goes on", where=str(file), remedy="check the path")
    orders = lock_state.resume(file, pool)
    if orders.paused is not None:
        _say(f"all pools stay paused, this one too; go on: tidegate resume {quote(str(file.absolute()))}")
    else:
        _say(f"moves{whose} may begin again")
    _tell_if_unknown(file, pool)


def _say(text: str) -> None:
    typer.echo(clean(text))


def _of(pool: str | None) -> str:
    if pool is not None and not pool.isprintable():
        raise typer.BadParameter("no pool has such a name")
    return "" if pool is None else f" of pool {pool}"


def _tell_if_unknown(file: Path, pool: str | None) -> None:
    """An order that nobody hears yet is kept, as the leader or the pool may come; it may be a slip of the finger."""
    state = lock_state.read_state(real(file))
    known = pools_in(state.remembered) if state is not None else []
    if state is None or not state.epoch:
        typer.echo(f"note: nobody has led by {clean(str(file))} yet; check the path", err=True)
    elif known and pool is not None and pool not in known:
        typer.echo(f"note: nobody has led a pool {pool} by this file yet, only {some(known)}", err=True)
