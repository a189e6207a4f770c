"""``tidegate tune``: the price at which a service level holds, found by replays of a site's own traces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from basics.text import clean
from basics.whole_file import check_writable, write_atomically
from cli.outputs import check_apart
from cli.quantities import DURATION, lasting
from cli.replaying import given
from cli.replaying import parse as words
from cli.replaying.options import Cut, Twin
from cli.tuning.evidence import on_the_later_part, policy_text, sentence
from cli.tuning.parts import Parts, parts_of
from cli.tuning.run import table, tuned_by_replays
from models.errors import BadInput
from models.fields import share_of

USUAL = 0.01


def tune(  # noqa: PLR0913, PLR0917 - one parameter for each option
    hpc: given.Hpc = None,
    procs_per_node: given.ProcsPerNode = 1,
    requests: given.Requests = None,
    rate_per_node: given.RatePerNode = None,
    pods: given.Pods = None,
    nodes: given.Nodes = None,
    node_shape: given.Shape = given.DEFAULT_SHAPE,
    policy: given.PolicyFile = None,
    start: given.Start = None,
    days: given.Days = None,
    seed: given.Seed = 0,
    handover: given.Handover = given.HANDOVER_MIN,
    max_job_nodes: given.MaxJobNodes = None,
    unmet_at_most: Annotated[
        str | None,
        typer.Option(help="The level: a share such as 1%, which it is unless the policy names another"),
    ] = None,
    check: Annotated[
        float | None,
        typer.Option(
            parser=lasting("d", "60s", "36500d"),
            metavar=DURATION,
            help="How much of it, the last part, to check on: 3 (days), 36h; else a third",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the policy, with its evidence as comments")] = None,
    force: Annotated[bool, typer.Option("--force", help="Let --output replace a file")] = False,
    shared_cores: given.SharedCores = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> None:
    """Find the cheapest price of unmet demand at which a service level holds, by replays of your traces.

    The earlier part of them is tuned on, the later part is checked on. Ctrl-C keeps the best so far.
    """
    cut = Cut(procs_per_node, rate_per_node, words.start_by_input(start) if start else {}, days, max_job_nodes)
    twin = Twin(words.node_shape(node_shape), round(handover * 60), seed, "easy", shared_cores)
    paths = {"hpc": hpc, "requests": requests, "pods": pods}
    files = {name: path for name, path in paths.items() if path is not None}
    if hpc is None or len(files) < 2:
        raise typer.BadParameter("both sides are needed to tune: give --hpc, and --requests or --pods")
    at_most = None if unmet_at_most is None else _share(unmet_at_most)
    inputs = {"--hpc": hpc, "--requests": requests, "--pods": pods, "--policy": policy}
    check_apart({"--output": output}, inputs)
    _check_output(output, force=force)
    parts = parts_of(files, nodes, policy, cut, twin, check_days=check, strict=strict)
    written = parts.tuned.policy.spec.pools[0].kubernetes.unmet_at_most
    _run_and_tell(parts, at_most or written or USUAL, output, quiet=quiet)


def _run_and_tell(parts: Parts, at_most: float, output: Path | None, *, quiet: bool) -> None:
    notes, console = Console(stderr=True, quiet=quiet, highlight=False), Console(quiet=quiet, highlight=False)
    for note in parts.notes:
        notes.print(f"note: {clean(note)}", markup=False, soft_wrap=True)
    tuned = tuned_by_replays(parts, at_most, notes)
    if output is not None:
        write_atomically(output, policy_text(tuned))
    console.print(table(tuned))
    for line in (sentence(tuned), on_the_later_part(tuned)):
        console.print(clean(line), markup=False, soft_wrap=True)
    if output is not None:
        console.print(f"policy: {clean(str(output))}", markup=False, soft_wrap=True)
    if tuned.checked is None:
        raise KeyboardInterrupt


def _share(text: str) -> float:
    try:
        return share_of(text)
    except ValueError as error:
        raise typer.BadParameter(f"--unmet-at-most {error}") from None


def _check_output(output: Path | None, *, force: bool) -> None:
    if output is None:
        return
    if output.exists() and not force:
        raise BadInput("is there already", where=str(output), remedy="name another file, or replace it with --force")
    check_writable(output)
