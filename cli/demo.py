"""``tidegate demo``: a synthetic week on 64 nodes, with no input and no service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.bus.target import Settings
from cli.outputs import check_apart
from cli.replaying.bus_path import usable_bus
from cli.replaying.comparison import Task, run_and_tell
from cli.replaying.inputs import facts
from cli.replaying.parse import BUS_HELP, DEFAULT_SHAPE, node_shape
from models.policies import policy_of_replays
from simulator.assemble import Assembled, Inputs, assemble
from simulator.hpc import NodeKind
from simulator.traces.swf import HeaderFacts, SwfTrace
from simulator.work import ReadNotes
from simulator.workloads.diurnal import diurnal_requests
from simulator.workloads.lublin import lublin_jobs
from simulator.world import World

NODES = 64
DAYS = 7
HANDOVER_S = 1200
SEED = 1
JOB_NODES_MAX = NODES // 2
JOBS_LOAD = 0.5  # of the whole machine
REQUESTS_PER_S = 1000.0  # at the busiest hour; what a node serves follows from it, as in ``tidegate replay``


def demo(
    report: Annotated[Path, typer.Option(help="Where to write the report")] = Path("tidegate-demo.html"),
    json: Annotated[Path | None, typer.Option(help="Write all figures as JSON")] = None,
    audit: Annotated[Path | None, typer.Option(help="Write the audit of the predictive policy: see handovers")] = None,
    bus: Annotated[str | None, typer.Option(help=BUS_HELP)] = None,
    bus_settings: Settings = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors")] = False,
) -> None:
    """Replay a synthetic week on 64 nodes: simulation jobs by night and day, an inference service that follows its
    users."""
    check_apart({"--report": report, "--json": json, "--audit": audit}, {"--bus-settings": bus_settings}, bus)
    through = usable_bus(bus, bus_settings, quiet=quiet)

    made = demo_workload()
    world = World(
        workload=made.workload,
        kinds=(NodeKind("", NODES),),
        shape=node_shape(DEFAULT_SHAPE),
        policy=policy_of_replays(),
        span_s=made.window.span_s,
        handover_s=HANDOVER_S,
        seed=SEED,
    )
    task = Task(
        title="Tidegate demo",
        world=world,
        names=("static", "reactive", "predictive", "oracle"),
        facts=facts({}, world, {}, 0),
        notes=(*made.notes, "synthetic input: Lublin-Feitelson jobs, and a request rate with days, a week and bursts"),
    )
    run_and_tell(task, report=report, json_file=json, audit=audit, bus=through, quiet=quiet)


def demo_workload(seed: int = SEED) -> Assembled:
    """A week of jobs that would fill half the machine, of up to half of it each, and of requests that peak at 60 % of
    it."""
    jobs = lublin_jobs(procs=JOB_NODES_MAX, seed=seed, days=DAYS, load=JOBS_LOAD * NODES / JOB_NODES_MAX)
    requests = diurnal_requests(days=DAYS, seed=seed, peak_per_s=REQUESTS_PER_S)
    inputs = Inputs(SwfTrace(jobs, ReadNotes(), HeaderFacts()), requests)
    return assemble(inputs, nodes=NODES, start_s={"hpc": 0, "requests": 0}, days=DAYS)
