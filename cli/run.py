"""``tidegate run``: the service for one pool: read, forecast, decide, and in the policy's mode auto also move."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from models.audit import Decided
    from service.parts import Parts


def run(
    site: Annotated[Path, typer.Option(metavar="FILE", help="The site: where Slurm, the bus and the state are (YAML)")],
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The policy; without one the defaults hold, which only recommend"),
    ] = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Take one turn, tell what was decided, and end; moves go on at the next start"),
    ] = False,
) -> None:
    """Look after a pool of nodes: read both sides, forecast their demand, and plan; in mode auto, move nodes.

    What happens is logged on stderr. It ends in order at Ctrl-C or SIGTERM, and at once, with exit code 130, at a
    second Ctrl-C; hand-overs that are open then stay as they are, and the next start goes on with them.
    """
    from contextlib import ExitStack  # noqa: PLC0415 - what follows is heavy, and the help needs none of it

    from cli.bus.target import note, settings_in  # noqa: PLC0415
    from models.errors import Unreachable  # noqa: PLC0415
    from models.policies import Mode, Policy  # noqa: PLC0415
    from service.logs import log_to_stderr  # noqa: PLC0415
    from service.parts import open_parts  # noqa: PLC0415
    from service.policy_file import read_policy  # noqa: PLC0415
    from service.running import run_on, run_once  # noqa: PLC0415
    from service.site_file import read_site  # noqa: PLC0415
    from service.stepper import impatient  # noqa: PLC0415

    place = read_site(site)
    rules = Policy() if policy is None else read_policy(policy)
    settings = settings_in(place.spec.bus.settings)
    for path in place.spec.slurm.exposed():
        note(f"warning: everybody on this machine can read the secret in {path} (chmod 600 {quote(str(path))})")
    log_to_stderr()
    with ExitStack() as at_end:
        parts = open_parts(place, rules, settings, at_end)
        if not once:
            run_on(parts)
            with impatient():
                at_end.close()
        elif (decided := run_once(parts)) is not None:
            _tell(decided, parts)
        elif rules.spec.mode is Mode.OBSERVE:
            typer.echo("Both sides were read, and their demand was forecast; mode observe plans nothing.")
        else:
            raise Unreachable("nothing was decided; the lines above say why")


def _tell(decided: Decided, parts: Parts) -> None:
    """The decision, and what it was made from."""
    import shutil  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from basics.text import clean  # noqa: PLC0415
    from cli.audit.explain import numbers, reasons  # noqa: PLC0415
    from models.policies import Mode  # noqa: PLC0415
    from service.running import in_a_line  # noqa: PLC0415

    typer.echo(f"pool {decided.pool.name}: {in_a_line(decided.plan)}.")
    Console(highlight=False).print(numbers(decided))
    typer.echo("\n".join(reasons(decided, shutil.get_terminal_size().columns)))
    if parts.policy.spec.mode is not Mode.AUTO:
        typer.echo("Nothing was moved: the policy's mode is not auto.")
    for hold in decided.plan.holds:
        typer.echo(f"Moves are held ({hold.switch}): {clean(hold.text)}")
