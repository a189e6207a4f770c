"""The ``tidegate`` command: its sub-commands, and what becomes of errors.

Exit codes: 0 done; 1 bad input, a scheduler or bus that cannot be used, or a full disk; 2 wrong usage; 70 a bug of
ours; 130 interrupted; 143 ended by SIGTERM.
"""

from __future__ import annotations

import errno
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from basics.log_lines import clean_what_nobody_handles
from cli.lazy import Command, lazy_group
from models.errors import ImpossibleStep, TidegateError, clean

EXIT_BAD_INPUT = 1
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

COMMANDS = {  # in the order of the help; each line is the beginning of what its own help says
    "replay": Command(
        "cli.replay:replay", "Replay traces under several policies and compare what each would have cost."
    ),
    "tune": Command(
        "cli.tune:tune",
        "Find the cheapest price of unmet demand at which a service level holds, by replays of your traces.",
    ),
    "demo": Command(
        "cli.demo:demo",
        "Replay a synthetic week on 64 nodes: simulation jobs by night and day, an inference service that follows its"
        " users.",
    ),
    "sweep": Command(
        "cli.sweep:sweep",
        "Replay traces under every combination of some values of the policy, and mark those that are worth it.",
    ),
    "run": Command(
        "cli.run:run",
        "Look after pools of nodes: read both sides, forecast their demand, and plan; in mode auto, move nodes.",
    ),
    "doctor": Command(
        "cli.doctor.command:doctor",
        "Check that everything at a site is as Tidegate needs it, and say what to do where it is not.",
    ),
    "rights": Command("cli.rights:rights", "Print what Tidegate must be allowed in Kubernetes, for kubectl apply."),
    "status": Command("cli.status:status", "Tell who owns what and why, what is under way, and what is not known yet."),
    "handovers": Command(
        "cli.handovers:handovers", "List the hand-overs of an audit, the newest last, or tell about one of them."
    ),
    "plan": Command(
        "cli.plan:plan", "Show the last plan of a pool, why it came out so, and what it would be under another policy."
    ),
    "plans": Command(
        "cli.plans:plans", "List what mode recommend would have moved, and tell what would have come of it."
    ),
    "pause": Command(
        "cli.pause:pause", "Let no move begin until someone resumes them. The order outlives every process."
    ),
    "resume": Command(
        "cli.pause:resume",
        "Let moves begin again, whatever has stopped them: a pause, failed hand-overs, or work that had vanished.",
    ),
    "turn-back": Command(
        "cli.turn_back:turn_back",
        "Turn one hand-over back, if it still can; its node then stays where it was for the pool's dwell.",
    ),
    "takeover": Command("cli.takeover:app", "Announce that one side gets many nodes for some hours, and cancel it."),
    "import": Command("cli.importing.command:app", "Make input of a replay from what other programs recorded."),
    "policy": Command("cli.policy:app", "Check a policy file, or print the JSON Schema of one."),
    "bus": Command("cli.bus.commands:app", "Look at the event bus, without disturbing those who use it."),
    "reference": Command("cli.reference:reference", "For developers.", hidden=True),
}

app = typer.Typer(
    name="tidegate",
    help="Moves nodes between an HPC scheduler and Kubernetes before the load arrives.",
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the boxes that it draws take twice as long to import as all else
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - a tenth of the time that the help takes

        typer.echo(f"tidegate {version('tidegate')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; always ends in SystemExit, with one of the codes above."""
    try:
        clean_what_nobody_handles()
        with _tidied_at_sigterm():
            app(prog_name="tidegate")
    except KeyboardInterrupt:
        _end(EXIT_INTERRUPTED, "interrupted")
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:  # typer turns Ctrl-C within a command into this
            _end(EXIT_INTERRUPTED, "interrupted")
        if end.code == EXIT_TERMINATED:
            _end(EXIT_TERMINATED, "terminated")
        raise
    except TidegateError as error:
        if isinstance(error, ImpossibleStep):
            _end_with_bug(error)
        _end(EXIT_BAD_INPUT, error.told)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            _end_with_bug(error)
        _end(EXIT_BAD_INPUT, f"{clean(str(error.filename or 'the output'))}: the disk is full")
    except Exception as error:  # the last line of defence: whatever it is, people see what to do
        _end_with_bug(error)


@contextmanager
def _tidied_at_sigterm() -> Iterator[None]:
    """Within the block SIGTERM ends the command as Ctrl-C does: what it started and opened is let go of.

    Whoever sends it may send it twice, timeout(1) for one: the second must not hinder that.
    """

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(EXIT_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(code: int, message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(code)


def _end_with_bug(error: Exception) -> None:
    trace = map(clean, "".join(traceback.format_exception(error)).splitlines())
    what = f"{type(error).__name__}: this is a bug in Tidegate; please report it with the lines above"
    _end(EXIT_BUG, "\n".join([*trace, "", what]))


if __name__ == "__main__":
    main()
