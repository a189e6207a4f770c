"""``tidegate handovers``: what became of every hand-over in an audit, the story of one, and why it was begun."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from basics.text import clean
from cli.audit.detail import detail
from cli.audit.explain import decision_of, differences, numbers, reasons, taken_again
from cli.audit.format import clock, wrapped
from cli.audit.listing import document, drops, late_pods, left_alone, listing, summary
from cli.audit.timelines import HandoverTimelines, read_timelines
from models.handovers import Stage

LIMIT = 50


def handovers(
    file: Annotated[Path, typer.Argument(help="The audit, as replay --audit FILE or run writes it", metavar="FILE")],
    node: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of this node")] = None,
    stage: Annotated[
        Stage | None, typer.Option(metavar="STAGE", help="Only those that are in this stage, such as done or stuck")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="List no more than the newest N")] = LIMIT,
    json: Annotated[bool, typer.Option("--json", help="Write the list and the summary as JSON")] = False,
    show: Annotated[str | None, typer.Option(metavar="ID", help="Tell the story of one hand-over")] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="ID", help="Take the decision that began one again; ends with 1 if it differs")
    ] = None,
) -> None:
    """List the hand-overs of an audit, the newest last, or tell about one of them.

    Times are counted from the beginning of the replay, as days hh:mm:ss; the audit of a service has dates, in UTC.
    """
    if sum((show is not None, explain is not None, json)) > 1:
        raise typer.BadParameter("give only one of --show, --explain and --json")

    timelines = read_timelines(file)
    if show is not None:
        typer.echo("\n".join(detail(timelines.of(show), _width())))
    elif explain is not None:
        _explain(timelines, explain)
    else:
        _list(timelines, node, stage, limit, as_json=json)


def _list(timelines: HandoverTimelines, node: str | None, stage: Stage | None, limit: int, *, as_json: bool) -> None:
    found = timelines.on(node) if node is not None else list(timelines.by_id.values())
    if stage is not None:
        found = [timeline for timeline in found if timeline.handover.stage is stage]
    whole = node is None and stage is None
    strays, headless = (timelines.strays, timelines.headless) if whole else ([], 0)
    dropped = [] if stage is not None else [one for one in timelines.dropped if node in (None, one.node)]
    alone = [] if stage is not None else [one for name, one in timelines.left_alone.items() if node in (None, name)]
    newest = found[-limit:]
    if as_json:
        typer.echo(json.dumps(document(newest, found, strays, dropped, alone), indent=2))
        return
    if newest:
        table, out = listing(newest, _width(), timelines.shared)
        Console(highlight=False, width=_width()).print(table)
        if out:
            typer.echo("\n".join(wrapped(f"no room here for: {', '.join(out)}", _width())))
    if len(newest) < len(found):
        typer.echo(f"the newest {len(newest)} of {len(found)}; --limit {len(found)} lists them all")
    width = _width()
    lines = [*summary(found, strays, headless), *(late_pods(timelines.fenced) if whole else ())]
    typer.echo("\n".join([*lines, *drops(dropped, width), *left_alone(alone, width)]))


def _explain(timelines: HandoverTimelines, ident: str) -> None:
    timeline = timelines.of(ident)
    entry = decision_of(timeline, timelines)
    plan, changed = entry.plan, differences(entry.plan, taken_again(entry))
    typer.echo(
        f"hand-over {clean(timeline.id)} of node {clean(timeline.handover.node)} was begun at {clock(plan.at_s)}, in"
        f" epoch {entry.epoch}.\nPool {entry.pool.name}: Kubernetes had {plan.current} of {len(entry.snapshot.nodes)}"
        f" nodes and should have {plan.target}."
    )
    Console(highlight=False).print(numbers(entry))
    typer.echo("\n".join(reasons(entry, _width())))
    if changed:
        typer.echo("\nTaken again from the same inputs, the plan is another one:")
        typer.echo("\n".join(f"  {clean(line)}" for line in changed))
        raise typer.Exit(1)
    typer.echo("\nTaken again from the same inputs, the plan is the same.")


def _width() -> int:
    """Columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns
