"""``tidegate sweep``: what other values of a policy would have done on recorded work, and which are worth it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.outputs import check_apart
from cli.replaying import given
from cli.replaying import parse as words
from cli.replaying.inputs import replay_task
from cli.replaying.options import Cut, Twin
from cli.sweeping.combinations import combinations, varied
from cli.sweeping.run import Sweep, run_and_tell

DISCIPLINE = "easy"


class Under(StrEnum):
    """The policies of a comparison that move nodes."""

    REACTIVE = "reactive"
    PERSISTENCE = "persistence"
    PREDICTIVE = "predictive"
    PERFECT = "perfect"
    ORACLE = "oracle"


def sweep(  # noqa: PLR0913, PLR0917 - one parameter for each option
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="KEY=VALUES",
            help="A key of the policy and its values, such as spec.moves.minGain=0.2,0.35,0.8; several are combined",
        ),
    ],
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
    shared_cores: given.SharedCores = False,
    under: Annotated[Under, typer.Option(help="Which policy of tidegate replay is varied")] = Under.PREDICTIVE,
    report: Annotated[Path | None, typer.Option(help="Write a page with a plot: one HTML file")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all rows as JSON")] = None,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> None:
    """Replay traces under every combination of some values of the policy, and mark those that are worth it.

    At Ctrl-C what has been replayed is told and written; the exit code is then 130. Noise is 1 to 5 % of a figure:
    repeat with other seeds before you believe a small difference.
    """
    settings = varied(vary)
    cut = Cut(procs_per_node, rate_per_node, words.start_by_input(start) if start else {}, days, max_job_nodes)
    twin = Twin(words.node_shape(node_shape), round(handover * 60), seed, DISCIPLINE, shared_cores)
    inputs = {"hpc": hpc, "requests": requests, "pods": pods}
    traces = {name: path for name, path in inputs.items() if path is not None}
    if not traces:
        raise typer.BadParameter("nothing to replay: give --hpc, --requests or --pods")
    read = {"--hpc": hpc, "--requests": requests, "--pods": pods, "--policy": policy}
    check_apart({"--report": report, "--json": json}, read)
    task = replay_task(traces, nodes, policy, cut, twin, names=(under.value,), strict=strict, hpc_only=False)
    every = combinations(task.world.policy, settings, task.world.nodes)
    run_and_tell(Sweep(task, every, under.value), report=report, json_file=json, quiet=quiet)
