"""Runs a sweep and tells its result: what is done is kept and told, also when it is interrupted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from basics.text import clean, count
from basics.whole_file import check_writable, write_atomically
from cli.replaying.comparison import DIGITS, Task, input_in_words, policy_in_words, versions
from cli.sweeping.combinations import Combination
from cli.sweeping.frontier import Swept, frontier
from cli.sweeping.page import write_page
from cli.sweeping.table import heads_and_cells, sweep_table
from simulator.compare import Task as Replaying
from simulator.compare import replay_all, with_span
from simulator.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Sweep:
    """What to replay: the task with its world, each combination in it, and under which policy of a comparison."""

    task: Task
    combinations: Sequence[Combination]
    under: str


def run_and_tell(sweep: Sweep, *, report: Path | None, json_file: Path | None, quiet: bool) -> None:
    """Replay all, then write the files and print the table unless ``quiet``.

    At Ctrl-C or SIGTERM the same is done with what has ended by then, and the interrupt goes on.
    """
    for path in (report, json_file):
        if path is not None:
            check_writable(path)
    notes = Console(stderr=True, quiet=quiet, highlight=False)
    for note in sweep.task.notes:
        notes.print(f"note: {clean(note)}", markup=False, soft_wrap=True)
    outcomes: dict[str, Outcome] = {}
    try:
        _replay(sweep, outcomes, notes)
    finally:
        if outcomes:
            _tell(sweep, outcomes, report=report, json_file=json_file, quiet=quiet)


def _replay(sweep: Sweep, outcomes: dict[str, Outcome], console: Console) -> None:
    world, total = with_span(sweep.task.world), len(sweep.combinations)
    tasks = {one.name: Replaying(replace(world, policy=one.policy), sweep.under) for one in sweep.combinations}
    parts = dict.fromkeys(tasks, 0.0)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("combinations", total=total)

        def watch(name: str, part: float) -> None:
            parts[name] = max(parts[name], part)
            bars.update(bar, completed=int(sum(parts.values())))

        def done(name: str, outcome: Outcome) -> None:
            outcomes[name] = outcome
            watch(name, 1.0)

        replay_all(tasks, done, watch=watch)


def _tell(
    sweep: Sweep, outcomes: dict[str, Outcome], *, report: Path | None, json_file: Path | None, quiet: bool
) -> None:
    task, console = sweep.task, Console(quiet=quiet, highlight=False)
    swept = frontier(sweep.combinations, outcomes, has_requests=bool(task.world.workload.rate_steps))
    missing = len(sweep.combinations) - len(swept)
    notes = (*task.notes, *([f"{count(missing, 'combination')} not replayed: interrupted"] if missing else []))
    if json_file is not None:
        write_atomically(json_file, json_text(sweep, swept, notes))
    if report is not None:
        write_page(
            report,
            swept,
            input_facts=input_in_words(task),
            policy_facts={"replayed as": sweep.under, **policy_in_words(with_span(task.world))},
            notes=notes,
            versions=versions(),
            verdict=verdict(swept),
        )
    console.print(sweep_table(swept))
    for name, path in (("report", report), ("figures", json_file)):
        if path is not None:
            console.print(f"{name}: {clean(str(path))}", markup=False, soft_wrap=True)
    if missing:
        console.print(f"{len(swept)} of {len(sweep.combinations)} combinations were replayed", markup=False)


def verdict(swept: Sequence[Swept]) -> str:
    """How many combinations are worth a look, and the two ends of them."""
    best = [one for one in swept if not one.is_dominated]
    _, (unmet, wait, *_) = heads_and_cells(swept)
    ends = [f"{one.combination.name} ({unmet(one)} unmet, HPC waits {wait(one)})" for one in (best[0], best[-1])]
    between = ends[0] if len(best) == 1 else f"from {ends[0]} to {ends[1]}"
    return f"Of {count(len(swept), 'combination')}, {len(best)} have no rival: {between}."


def json_text(sweep: Sweep, swept: Sequence[Swept], notes: Sequence[str]) -> str:
    """Input, policy, versions and every row; the same sweep gives the same bytes."""
    rows = [
        {
            "set": dict(one.combination.values),
            "figures": {key: round(value, DIGITS) for key, value in one.figures.items()},
            "dominated": one.is_dominated,
        }
        for one in swept
    ]
    document = {
        "input": dict(sweep.task.facts),
        "policy": sweep.task.world.policy.model_dump(mode="json", by_alias=True),
        "replayed_as": sweep.under,
        "versions": versions(),
        "notes": list(notes),
        "rows": rows,
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
