"""``tidegate plan``: the last plan of a pool, why it came out so, and what it would be under another policy."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from cli.audit.explain import differences, numbers, taken_again
from cli.audit.format import clock, say
from cli.planning.changed import Changed, changed
from cli.planning.costs import costs
from cli.planning.difference import difference
from cli.planning.document import document
from cli.planning.latest import PoolName, SiteFile, StateFolder, folder_of, last_decision
from cli.planning.settings import Setting, setting
from cli.planning.words import bounds, moving, why
from controller.decide.weighed import weigh
from models.audit import Decided


def plan(
    state: StateFolder = None,
    site: SiteFile = None,
    pool: PoolName = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell why each node moves or stays, from which numbers, and what it costs")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Decide again with this in the policy, such as spec.moves.minGain=0.8"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON")] = False,
) -> None:
    """Show the last plan of a pool, why it came out so, and what it would be under another policy.

    Nothing is asked of a scheduler, and nothing is changed: the plan is what the service kept of it, and --set decides
    the same snapshot again. There spec.pools[0] is the pool of the plan. Ends with 0 whatever the plan is.
    """
    settings = [setting(text) for text in changes or ()]
    entry = last_decision(folder_of(state, site), pool)
    other = changed(entry, settings) if settings else None
    if as_json:
        typer.echo(json.dumps(_document(entry, settings, other), indent=2, allow_nan=False))
        return
    _tell(entry, explain=explain)
    if other is not None:
        _tell_changed(entry, settings, other, explain=explain)


def _tell(entry: Decided, *, explain: bool) -> None:
    made = entry.plan
    say(
        [
            f"Pool {entry.pool.name}, decided at {clock(made.at_s)}: Kubernetes had {made.current} of"
            f" {len(entry.snapshot.nodes)} nodes and should have {made.target}."
        ]
    )
    say(why(entry) if explain else moving(made))
    if explain:
        _tell_numbers(entry)
    again = differences(made, taken_again(entry))
    say(f"note: this release decides otherwise on the same inputs: {line}" for line in again)


def _tell_numbers(entry: Decided) -> None:
    typer.echo("\nDecided from:")
    Console(highlight=False).print(numbers(entry))
    _tell_costs(entry)


def _tell_costs(entry: Decided) -> None:
    weighed = weigh(entry.snapshot, entry.pool, entry.moves)
    typer.echo("In weighted node-hours over the time that it looks ahead:")
    Console(highlight=False).print(costs(weighed))
    say(bounds(entry, weighed))


def _tell_changed(entry: Decided, settings: list[Setting], other: Changed, *, explain: bool) -> None:
    named = " and ".join(one.typed for one in settings)
    lines = list(difference(entry.plan, other.entry.plan))
    say(["", f"With {named}:"])
    say(lines or ["The plan would be the same."])
    say(f"note: {note}" for note in other.notes)
    if explain:
        typer.echo("")
        say(why(other.entry))
        typer.echo("")
        _tell_costs(other.entry)


def _document(entry: Decided, settings: list[Setting], other: Changed | None) -> dict[str, object]:
    told: dict[str, object] = dict(document(entry, weigh(entry.snapshot, entry.pool, entry.moves)))
    if other is not None:
        new = other.entry
        told["changed"] = {
            "set": [one.typed for one in settings],
            "difference": list(difference(entry.plan, new.plan)),
            "notes": list(other.notes),
            **document(new, weigh(new.snapshot, new.pool, new.moves)),
        }
    return told
