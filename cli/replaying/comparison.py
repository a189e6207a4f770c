"""Runs a comparison and tells its result: progress while it runs, the table, the report and the JSON file."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from basics.text import clean
from basics.whole_file import check_writable, write_atomically
from cli.audit.writer import audit_to
from cli.replaying.bus_path import PathThrough, ReplayBus
from cli.replaying.options import audited
from cli.replaying.parse import shape_text
from cli.replaying.table import comparison_table
from cli.report.figures import units
from cli.report.left_out import plain
from cli.report.numbers import span
from cli.report.page import write_report
from cli.report.service_level import frontier
from cli.report.verdict import foresight_gain, sentences, splits, winner
from models.durations import duration_text
from models.nodes import NodeShape
from simulator.compare import OpenAudit, OpenPath, compare, simulate_hpc, with_span
from simulator.outcome import Outcome
from simulator.world import World

DIGITS = 6  # of a figure after the point: finer is noise, and would differ between machines


@dataclass(frozen=True, slots=True)
class Task:
    """What to compare, and what to say of it."""

    title: str
    world: World
    names: tuple[str, ...]
    facts: Mapping[str, object]
    notes: tuple[str, ...]
    hpc_only: bool = False


def run_and_tell(
    task: Task,
    *,
    report: Path | None,
    json_file: Path | None,
    audit: Path | None = None,
    bus: ReplayBus | None = None,
    quiet: bool,
) -> None:
    """Run, then write the files (whole or not at all) and print the table unless ``quiet``."""
    for path in (report, json_file, audit):
        if path is not None:
            check_writable(path)
    open_path = None if bus is None else PathThrough(bus, task.world.policy.spec.pools[0].name)
    notes, console = Console(stderr=True, quiet=quiet, highlight=False), Console(quiet=quiet, highlight=False)
    for note in task.notes:
        notes.print(f"note: {clean(note)}", markup=False, soft_wrap=True)
    of = audited(task.names)
    with audit_to(audit, of) as audits:
        outcomes = run_with_bars(task, notes, audits, open_path)
    if json_file is not None:
        write_atomically(json_file, json_text(task, outcomes))
    if report is not None:
        _write_report(task, outcomes, report)
    for line in sentences(outcomes):
        console.print(clean(line), markup=False, soft_wrap=True)
    console.print(comparison_table(outcomes))
    for name, path in (("report", report), ("figures", json_file), (f"audit of the {of} policy", audit)):
        if path is not None:
            console.print(f"{name}: {clean(str(path))}", markup=False, soft_wrap=True)


def run_with_bars(
    task: Task,
    console: Console,
    audits: Mapping[str, OpenAudit] = MappingProxyType({}),
    open_path: OpenPath | None = None,
) -> list[Outcome]:
    """Run the comparison of a task, and show how far it is."""
    if task.hpc_only:
        with console.status("simulating"):
            return [simulate_hpc(task.world)]
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
    )
    with bars:
        tasks = {name: bars.add_task(name, total=1.0) for name in task.names}
        outcomes = compare(
            task.world,
            task.names,
            watch=lambda name, part: bars.update(tasks[name], completed=part),
            audits=audits,
            open_path=open_path,
        )
        for name in task.names:
            bars.update(tasks[name], completed=1.0)
    return outcomes


def json_text(task: Task, outcomes: Sequence[Outcome]) -> str:
    """Input, policy, versions and every figure; the same replay gives the same bytes."""
    document = {
        "input": dict(task.facts),
        "policy": task.world.policy.model_dump(mode="json", by_alias=True),
        "versions": versions(),
        "notes": [*task.notes, *(f"{outcome.policy}: {note}" for outcome in outcomes for note in outcome.notes)],
        "verdict": list(sentences(outcomes)),
        "winner": winner(outcomes),
        "foresight_gain": _gain(outcomes),
        "splits": splits(outcomes),
        "units": units(),
        "frontier": {name: [asdict(one) for one in points] for name, points in frontier(outcomes).items()},
        "results": rounded_results(outcomes),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _gain(outcomes: Sequence[Outcome]) -> float | None:
    gain = foresight_gain(outcomes)
    return None if gain is None else round(gain, DIGITS)


def versions() -> dict[str, str]:
    """What made the figures."""
    packages = {name: version(name) for name in ("tidegate", "numpy", "scikit-learn")}
    return {**packages, "python": platform.python_version()}


def rounded_results(outcomes: Sequence[Outcome]) -> dict[str, dict[str, object]]:
    """By policy the figures, without the digits that are noise."""
    return {outcome.policy: _result(outcome) for outcome in outcomes}


def _result(outcome: Outcome) -> dict[str, object]:
    """The figures, and what nobody could serve where there is any."""
    unserved = {"unserved": plain(outcome.unserved)} if outcome.unserved else {}
    return {**_rounded(outcome.figures), **unserved}


def _rounded(figures: Mapping[str, float | int]) -> dict[str, float | int]:
    return {name: value if isinstance(value, int) else round(value, DIGITS) for name, value in figures.items()}


def _write_report(task: Task, outcomes: Sequence[Outcome], path: Path) -> None:
    write_report(
        path,
        title=task.title,
        input_facts=input_in_words(task),
        policy_facts=policy_in_words(with_span(task.world)),
        outcomes=outcomes,
        notes=task.notes,
        versions=versions(),
    )


def input_in_words(task: Task) -> dict[str, str]:
    """What was replayed, by name."""
    return {
        name.removesuffix("_s").replace("_", " "): _shown(name, value)
        for name, value in task.facts.items()
        if value not in (None, {})
    }


def policy_in_words(world: World) -> dict[str, str]:
    """What of the policy a reader of the figures should know, by name."""
    weights, moves = world.weights, world.policy.spec.moves
    low, high = world.bounds
    in_a_day = moves.node_hours_per_day
    taken = "" if in_a_day is None else f", at most {in_a_day:g} node-hours taken from service in a day"
    return {
        "policy": world.policy.metadata.name,
        "one node unmet for one hour costs": f"{weights.hpc:g} for HPC, {weights.kubernetes:g} for Kubernetes",
        "Kubernetes may own": f"{low} to {high} of {world.nodes} nodes",
        "a decision": f"every {span(moves.every)}, looking {span(moves.look_ahead)} ahead",
        "moves": f"at most {moves.at_once} at once and {moves.per_hour} begun in an hour" + taken,
        "a node stays at least": span(moves.dwell),
    }


def _shown(name: str, value: object) -> str:
    """As a person types it, with its unit."""
    if name.endswith("_s") and isinstance(value, int):
        return span(value)
    if name == "node_shape" and isinstance(value, dict):
        return shape_text(NodeShape(**value))
    if isinstance(value, dict):
        return ",".join(f"{key}={duration_text(part)}" for key, part in value.items())
    unit = " requests/s" if name == "rate_per_node" else ""
    return f"{value:g}{unit}" if isinstance(value, float) else str(value)
