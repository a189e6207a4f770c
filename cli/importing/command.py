"""``tidegate import``: what other programs recorded, written as input of a replay."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.importing.sacct import import_sacct
from cli.outputs import check_apart
from cli.quantities import DURATION, lasting
from simulator.traces.sacct.wanted import Unit, Wanted, midnight_s, zone

app = typer.Typer(help="Make input of a replay from what other programs recorded.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make input of a replay from what other programs recorded."""


@app.command()
def sacct(  # noqa: PLR0913, PLR0917 - one parameter for each option
    file: Annotated[Path, typer.Argument(help="What sacct -P or sacct --json told, plain or gz; - reads from a pipe")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the jobs here, as Standard Workload Format; gz if so named"),
    ] = None,
    unit: Annotated[
        Unit, typer.Option(help="Count jobs in whole nodes, or in cores where jobs share nodes")
    ] = Unit.NODES,
    timezone: Annotated[str, typer.Option(help="The zone of days, and of times that have none")] = "UTC",
    partition: Annotated[list[str] | None, typer.Option(help="Only this partition; may be given again")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only jobs from this day on")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only jobs before this day")] = None,
    default_limit: Annotated[
        float | None,
        typer.Option(
            parser=lasting("m", "1s", "36500d"),
            metavar=DURATION,
            help="The limit of jobs that have none: 60 (minutes), 7d; else their run time is taken",
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the file at its first bad line")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors")] = False,
) -> None:
    """Read Slurm's accounting, say what is in it, and write it as jobs for tidegate replay --hpc."""
    wanted = _wanted(unit, timezone, partition or [], (since, until), default_limit)
    check_apart({"--output": output}, {"FILE": file})

    raw = sys.stdin.buffer if str(file) == "-" else None
    import_sacct(Path("<stdin>") if raw else file, raw, output, wanted, strict=strict, quiet=quiet)


def _wanted(
    unit: Unit,
    timezone: str,
    partitions: list[str],
    days: tuple[datetime | None, datetime | None],
    default_limit: float | None,
) -> Wanted:
    """The options as one value. Raises BadParameter for those that cannot be meant."""
    try:
        where = zone(timezone)
        limit_s = None if default_limit is None else round(60 * default_limit)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    since_s, until_s = (None if day is None else midnight_s(day.date(), where) for day in days)
    if since_s is not None and until_s is not None and until_s <= since_s:
        raise typer.BadParameter("--until is not after --since; it is the first day that is left out")
    names = frozenset(name.strip() for text in partitions for name in text.split(",") if name.strip())
    return Wanted(unit, timezone, names, since_s, until_s, limit_s)
