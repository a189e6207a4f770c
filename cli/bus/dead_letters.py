"""``tidegate bus dead-letter``: what was put aside and why, and sending it again."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from json import dumps
from typing import Annotated

import typer

from basics.text import clean, count
from cli.bus.dead_letter_format import document, entry, offer, summary
from cli.bus.target import Address, Prefix, Settings, inspection_of, note
from connectors.bus.dead_letters import Letter, letters, outdated
from connectors.bus.inspection import Inspection
from models.durations import typed_s
from models.errors import BadInput

LIMIT = 50
REPLAY_MOST = 10_000  # letters, of which each is sent and waited for

app = typer.Typer(help="Messages that could not be used: list them, or send them again.", no_args_is_help=True)


@app.command("list")
def list_letters(
    bus: Address = None,
    bus_settings: Settings = None,
    prefix: Prefix = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="List no more than the newest N")] = LIMIT,
    full: Annotated[bool, typer.Option("--full", help="Show headers and the whole body")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write the list as JSON, bytes in base64")] = False,
) -> None:
    """List the messages of the last 30 days that could not be used, the newest last.

    Each has its key (topic, partition, offset), when it was last put
    aside (UTC), its size, the reason, and the beginnings of the
    message's key, which names site and pool, and of its body. What does
    not print is escaped.
    """
    with inspection_of(bus, bus_settings, prefix) as inspection:
        found = letters(inspection, limit, note)
    if json:
        typer.echo(dumps(document(found), indent=2))
        return
    columns = shutil.get_terminal_size().columns
    for letter in found.newest:
        typer.echo("\n".join(entry(letter, columns, full=full)))
    typer.echo("\n".join(summary(found)))


@app.command()
def replay(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys, as the list shows them", metavar="KEY")] = None,
    bus: Address = None,
    bus_settings: Settings = None,
    prefix: Prefix = None,
    every: Annotated[bool, typer.Option("--all", help="Send every message again that can be")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --all: only those of the last 2 (hours), 30m, or since 2026-11-24T08:00Z",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False,
) -> None:
    """Send messages again to the topic that they came from, as they were, after a release that can read them.

    One that still cannot be read is put aside again. Dead letters stay on
    the list for 30 days, those that were sent again, too: name keys, or a
    time, so that nothing is sent twice. Ends with 1 when a message whose
    key was given is not sent.
    """
    if bool(keys) == every:
        raise typer.BadParameter("give either keys or --all")
    if since is not None and not every:
        raise typer.BadParameter("--since goes with --all")
    if not (dry_run or yes or sys.stdin.isatty()):
        raise typer.BadParameter("nobody can be asked here: give --yes to send, or --dry-run to see what would be sent")
    since_s = 0.0 if since is None else _since(since)

    with inspection_of(bus, bus_settings, prefix) as inspection:
        found = _chosen(inspection, frozenset(keys or ()), since_s)
        refused = {one: one.refusal for one in found if one.refusal}
        usable = [one for one in found if one not in refused]
        refused |= dict.fromkeys(outdated(inspection, usable, note), "a later message of its key is on the topic")
        usable = [one for one in usable if one not in refused]
        typer.echo("\n".join(offer(usable, refused)))
        if dry_run:
            typer.echo("nothing was sent (--dry-run)")
        elif usable and (yes or _agreed(f"Send {count(len(usable), 'message')} again?")):
            _send(inspection, usable)
    if refused and keys:
        raise typer.Exit(1)


def _since(text: str) -> float:
    """The time that a person means, in seconds since 1970: so long ago, or a time, UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return time.time() - typed_s(text, "h")
    except ValueError:
        wrong = f"--since {text!r} is no time; write for example 90m, 2 (hours), 3d or 2026-11-24T08:00Z"
        raise typer.BadParameter(wrong) from None


def _chosen(inspection: Inspection, keys: frozenset[str], since_s: float) -> list[Letter]:
    """The letters of these keys, or all since then, in the order of their messages. Raises BadInput."""
    known: set[str] = set()

    def wanted(key: str, at_s: float) -> bool:
        known.add(key)
        return key in keys if keys else at_s >= since_s

    found = letters(inspection, REPLAY_MOST, note, wanted)
    if missing := sorted(keys - known):
        near = get_close_matches(missing[0], known, n=1)
        remedy = f"did you mean {clean(near[0])}?" if near else "tidegate bus dead-letter list --bus BUS shows the keys"
        raise BadInput(f"no dead letter has the key {clean(missing[0])}", remedy=remedy)
    if found.total > REPLAY_MOST:
        wrong = f"{found.total:,} messages are more than the {REPLAY_MOST:,} that are sent at once"
        raise BadInput(wrong, remedy="give --since, or keys")
    return sorted(found.newest, key=lambda one: (one.dead.topic, one.dead.partition, one.dead.offset or 0))


def _agreed(question: str) -> bool:
    """Whether the person says yes; if not, nothing is sent and the command ends with 1."""
    try:
        if typer.confirm(question, err=True):
            return True
    except typer.Abort:
        raise KeyboardInterrupt from None
    note("nothing was sent")
    raise typer.Exit(1)


def _send(inspection: Inspection, some: Sequence[Letter]) -> None:
    sent = 0
    try:
        with inspection.sending() as send:
            for letter in some:
                send(letter.message)
                sent += 1
    finally:
        done = f"{count(sent, 'message')} sent again; the dead letters stay on the list for 30 days"
        typer.echo(done if sent else "nothing was sent")
