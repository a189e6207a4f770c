"""``tidegate run``: the service: read, forecast, decide, and in the policy's mode auto also move nodes."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from basics.log_lines import log_to_stderr
from basics.text import clean
from cli.audit.explain import numbers, reasons
from cli.bus.target import note, settings_in
from models.errors import Unreachable
from models.policies import Mode, Policy
from service.plan_text import in_a_line
from service.policy_file import read_policy
from service.roles import Role
from service.site import read_site
from service.stepper import impatient

if TYPE_CHECKING:
    from models.audit import Decided

DONE_ONCE = {
    Role.CONNECT: "{read}, and the bus was told.",
    Role.FORECAST: "Demand was forecast from what is on the bus.",
    Role.PAGE: "What is on the bus was read.",
}


def run(
    site: Annotated[Path, typer.Option(metavar="FILE", help="The site: where Slurm, the bus and the state are (YAML)")],
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The policy; without one the defaults hold, which only recommend"),
    ] = None,
    role: Annotated[
        Role,
        typer.Option(help="What this process does: connect, forecast, control and page may run apart, on one bus"),
    ] = Role.ALL,
    once: Annotated[
        bool,
        typer.Option("--once", help="Take one turn, tell what was decided, and end; moves go on at the next start"),
    ] = False,
) -> None:
    """Look after pools of nodes: read both sides, forecast their demand, and plan; in mode auto, move nodes.

    What happens is logged on stderr. It ends in order at Ctrl-C or SIGTERM, and at once, with exit code 130, at a
    second Ctrl-C; hand-overs that are open then stay as they are, and the next start goes on with them.
    """
    # Wrong usage is answered at once: what runs forecasts with scikit-learn, which takes a second to import.
    from service.open_process import open_process  # noqa: PLC0415
    from service.running import run_on, run_once  # noqa: PLC0415

    place = read_site(site)
    rules = Policy() if policy is None else read_policy(policy)
    settings = settings_in(place.spec.bus.settings)
    for part in (place.spec.slurm, place.spec.kubernetes, place.spec.page):
        for path in () if part is None else part.exposed():
            note(f"warning: everybody on this machine can read the secret in {path} (chmod 600 {quote(str(path))})")
    log_to_stderr()
    with ExitStack() as at_end:
        process = open_process(role, place, rules, settings, at_end, site, once=once)
        if not once:
            run_on(process)
            with impatient():
                at_end.close()
            return
        decided = run_once(process)
        for one in decided:
            _tell(one, rules.spec.mode)
        read = "Both sides were read" if place.spec.kubernetes is not None else "The HPC side was read"
        if role in DONE_ONCE:
            typer.echo(DONE_ONCE[role].format(read=read))
        elif rules.spec.mode is Mode.OBSERVE:
            typer.echo(f"{read}, and demand was forecast; mode observe plans nothing.")
        elif len(decided) < len(rules.spec.pools):
            raise Unreachable("nothing was decided for some pool; the lines above say why")


def _tell(decided: Decided, mode: Mode) -> None:
    """The decision, and what it was made from."""
    typer.echo(clean(f"pool {decided.pool.name}: {in_a_line(decided.plan)}."))
    Console(highlight=False).print(numbers(decided))
    typer.echo("\n".join(reasons(decided, shutil.get_terminal_size().columns)))
    if mode is not Mode.AUTO:
        typer.echo("Nothing was moved: the policy's mode is not auto.")
    for hold in decided.plan.holds:
        typer.echo(f"Moves are held ({hold.switch}): {clean(hold.text)}")
