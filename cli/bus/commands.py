"""``tidegate bus``: what comes along the event bus, and who is behind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from difflib import get_close_matches
from json import dumps
from typing import Annotated

import typer
from rich.console import Console

from cli.bus import dead_letters
from cli.bus.lag import behind_table, document, extent_table, footnotes
from cli.bus.lines import json_line, line
from cli.bus.target import Address, Prefix, Settings, inspection_of, note
from cli.lazy import PlainGroup
from connectors.bus.inspection import Found, Reading, everything, newest
from models.events import Topic

TOPICS = "work, nodes, demand, forecasts, plans, handovers or dead-letter, with or without tidegate."
LAST = 10
POLL_S = 1.0

app = typer.Typer(help="Look at the event bus, without disturbing those who use it.", no_args_is_help=True)
app.add_typer(dead_letters.app, name="dead-letter", cls=PlainGroup)


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help=TOPICS, metavar="TOPIC")],
    bus: Address = None,
    bus_settings: Settings = None,
    prefix: Prefix = None,
    last: Annotated[
        int | None,
        typer.Option("--last", "-n", min=0, max=10_000, metavar="N", help=f"Begin with the newest N ({LAST})"),
    ] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest")] = False,
    follow: Annotated[bool, typer.Option(help="Go on with what comes, until Ctrl-C")] = True,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with all that there is")] = False,
) -> None:
    """Show the events of a topic, one line each: time (UTC), key, and what has happened.

    Joins no group, so that nobody who works with the bus is disturbed.
    Events of one key come in their order.
    """
    if last is not None and from_beginning:
        raise typer.BadParameter("give only one of --last and --from-beginning")
    wanted = _topic(topic)

    columns = shutil.get_terminal_size(fallback=(0, 0)).columns or None
    with inspection_of(bus, bus_settings, prefix) as inspection, inspection.reading(wanted, note) as reading:
        for found in _messages(reading, None if from_beginning else LAST if last is None else last, follow=follow):
            typer.echo(json_line(found) if json else line(found, columns))


@app.command()
def lag(
    bus: Address = None,
    bus_settings: Settings = None,
    prefix: Prefix = None,
    json: Annotated[bool, typer.Option("--json", help="Write the tables as JSON")] = False,
) -> None:
    """Show how far each group is behind, and how much there is on each topic."""
    with inspection_of(bus, bus_settings, prefix) as inspection:
        extents, behind = inspection.extents(), inspection.behind()
    if json:
        typer.echo(dumps(document(behind, extents), indent=2))
        return
    console = Console(highlight=False)
    if behind:
        console.print(behind_table(behind))
        console.print()
    console.print(extent_table(extents))
    typer.echo("\n".join(["", *footnotes(behind, extents)]))


def _messages(reading: Reading, last: int | None, *, follow: bool) -> Iterator[Found]:
    yield from everything(reading) if last is None else newest(reading, last)
    while follow:
        yield from reading.poll(POLL_S)


def _topic(text: str) -> Topic:
    """The topic that a person means. Raises BadParameter, with the nearest one."""
    names = {topic.value.removeprefix("tidegate."): topic for topic in Topic}
    name = text.strip().lower().removeprefix("tidegate.")
    if name in names:
        return names[name]
    if match := re.fullmatch(rf"(.+)tidegate\.({'|'.join(names)})", text.strip()):
        raise typer.BadParameter(f"{text!r} has a prefix; write {match[2]} --prefix {match[1]}")
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the topics are {', '.join(names)}"
    raise typer.BadParameter(f"no topic is called {text!r}; {hint}")
