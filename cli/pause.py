"""``tidegate pause`` and ``tidegate resume``: a person's word to whoever leads by a lock file, now or later."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="The lock file that the controller leads by", metavar="FILE")]


def pause(
    file: File,
    revert: Annotated[
        bool, typer.Option("--revert", help="Turn open hand-overs back where that is still possible; else they finish")
    ] = False,
) -> None:
    """Let no move begin until someone resumes them. The order outlives every process."""
    from connectors.local.lock_state import pause as order  # noqa: PLC0415
    from models.leadership import Pause  # noqa: PLC0415

    order(file, Pause.REVERT if revert else Pause.FINISH)
    typer.echo(
        f"moves are paused, open hand-overs {'turn back' if revert else 'finish'};"
        f" go on: tidegate resume {quote(str(file.absolute()))}"
    )


def resume(file: File) -> None:
    """Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished."""
    from connectors.local.lock_state import resume as order  # noqa: PLC0415

    order(file)
    typer.echo("moves may begin again")
