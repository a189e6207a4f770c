"""``tidegate pause`` and ``tidegate resume``: a person's word to whoever leads by a lock file, now or later."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

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
    from connectors.local.lock_state import pause as order  # noqa: PLC0415
    from models.leadership import Pause  # noqa: PLC0415

    order(file, Pause.REVERT if revert else Pause.FINISH, pool)
    typer.echo(
        f"moves{_of(pool)} are paused, open hand-overs {'turn back' if revert else 'finish'};"
        f" go on: tidegate resume {quote(str(file.absolute()))}{f' --pool {quote(pool)}' if pool else ''}"
    )
    _tell_if_unknown(file, pool)


def resume(file: File, pool: Pool = None) -> None:
    """Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished."""
    from connectors.local.lock_state import resume as order  # noqa: PLC0415

    orders = order(file, pool)
    if orders.paused is not None:
        typer.echo(f"all pools stay paused, this one too; go on: tidegate resume {quote(str(file.absolute()))}")
    else:
        typer.echo(f"moves{_of(pool)} may begin again")
    _tell_if_unknown(file, pool)


def _of(pool: str | None) -> str:
    return "" if pool is None else f" of pool {pool}"


def _tell_if_unknown(file: Path, pool: str | None) -> None:
    """An order for a pool that nobody knows is kept, as the pool may come; but it may be a slip of the finger."""
    from connectors.local.lock_state import read_state  # noqa: PLC0415
    from controller.site_leadership import pools_in  # noqa: PLC0415

    state = None if pool is None else read_state(file)
    known = pools_in(state.remembered) if state is not None else []
    if known and pool not in known:
        typer.echo(f"note: nobody has led a pool {pool} by this file yet, only {', '.join(known)}", err=True)
