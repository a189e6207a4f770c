"""``tidegate replay --windows N``: windows of a long trace one after another, and how far their results spread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from basics.whole_file import check_writable, write_atomically
from cli.replaying.comparison import Task, rounded_results, run_with_bars, versions
from cli.replaying.inputs import read_inputs, size_of_machine, task_of
from cli.replaying.options import Cut, Twin
from cli.report.numbers import span
from cli.report.service_level import of_fixed_split
from models.errors import BadInput, clean
from simulator.assemble import DAY_S, Inputs, Window, assemble, find_window, windows_after
from simulator.outcome import Outcome
from simulator.ratios import Mean, over_windows

COST = "unmet_cost"
SERVICE = "wait at equal service"


@dataclass(frozen=True, slots=True)
class Spread:
    """The unmet cost of each policy in each window, of that of ``base``; and HPC's wait under the predictive policy, of
    that of the fixed split that serves as well. A ratio is missing where a policy was left out or a cost is nothing."""

    base: str
    windows: tuple[str, ...]
    ratios: Mapping[str, Mapping[str, float]]

    def means(self) -> Mapping[str, Mean]:
        """Over windows, of what is there."""
        found = {name: over_windows(ratios) for name, ratios in self.ratios.items()}
        return {name: mean for name, mean in found.items() if mean is not None}


def window_tasks(
    paths: Mapping[str, Path],
    nodes: int | None,
    policy: Path | None,
    cut: Cut,
    twin: Twin,
    *,
    names: tuple[str, ...],
    strict: bool,
    count: int,
) -> list[Task]:
    """A task for each window that all inputs have in full. Raises BadInput when fewer than two fit.

    A node serves as much in all of them: where nobody says how much, the peak of all windows tells.
    """
    inputs, notes = read_inputs(paths, strict=strict)
    first = find_window(inputs, cut.start_s, cut.days)
    windows = windows_after(inputs, first, count)
    if len(windows) < 2:
        raise BadInput(
            f"the inputs have no two windows of {span(first.span_s or 0)} from their start on",
            remedy="choose an earlier --start, or fewer --days",
        )
    if len(windows) < count:
        notes = (*notes, f"the inputs have {len(windows)} of the {count} windows")
    rate_per_node, of_rate = _rate_per_node(inputs, nodes, cut, windows)
    notes = (*notes, *of_rate)
    cuts = [replace(cut, start_s=dict(one.start_s), rate_per_node=rate_per_node) for one in windows]
    return [task_of(inputs, notes, paths, nodes, policy, one, twin, names=names) for one in cuts]


def _rate_per_node(
    inputs: Inputs, nodes: int | None, cut: Cut, windows: Sequence[Window]
) -> tuple[float | None, tuple[str, ...]]:
    """What a node serves in all windows, and the note of where that is from."""
    if inputs.requests is None or cut.rate_per_node is not None:
        return cut.rate_per_node, ()
    size = size_of_machine(nodes, inputs, cut.procs_per_node)
    alone = Inputs(requests=inputs.requests)
    days = len(windows) * (windows[0].span_s or 0) / DAY_S
    whole = assemble(alone, nodes=size, start_s={"requests": windows[0].start_s["requests"]}, days=days)
    return whole.workload.rate_per_node, whole.notes


def run_windows_and_tell(tasks: Sequence[Task], *, json_file: Path | None, quiet: bool) -> None:
    """Run one window after the other, then write the figures and print the spread unless ``quiet``."""
    if json_file is not None:
        check_writable(json_file)
    notes, console = Console(stderr=True, quiet=quiet, highlight=False), Console(quiet=quiet, highlight=False)
    for note in dict.fromkeys(note for task in tasks for note in task.notes):
        notes.print(f"note: {clean(note)}", markup=False, soft_wrap=True)
    runs: dict[str, list[Outcome]] = {}
    for task in tasks:
        name = window_name(task)
        notes.print(f"window from {name}", markup=False)
        runs[name] = run_with_bars(task, notes)
    found = spread(runs)
    if json_file is not None:
        write_atomically(json_file, json_text(tasks, runs, found))
    for line in verdict(found, tasks[0].world.span_s or 0):
        console.print(line, markup=False, soft_wrap=True)
    console.print(spread_table(found, runs))
    if json_file is not None:
        console.print(f"figures: {clean(str(json_file))}", markup=False, soft_wrap=True)


def window_name(task: Task) -> str:
    """Where a window starts, by the first input's own clock: ``day 100``."""
    starts = task.facts["start_s"]
    first_s = next(iter(starts.values())) if isinstance(starts, dict) else 0
    return f"day {first_s / DAY_S:.4g}"


def spread(runs: Mapping[str, Sequence[Outcome]]) -> Spread:
    """The ratios of all windows. The base is reacting where it was compared, else the first policy."""
    names = list(dict.fromkeys(outcome.policy for outcomes in runs.values() for outcome in outcomes))
    base = "reactive" if "reactive" in names else names[0]
    ratios: dict[str, dict[str, float]] = {name: {} for name in names}
    for window, outcomes in runs.items():
        costs = {outcome.policy: outcome.value(COST) for outcome in outcomes}
        theirs = costs.get(base)
        for name, ours in costs.items():
            if ours and theirs:
                ratios[name][window] = ours / theirs
        waits = of_fixed_split(outcomes, "predictive")
        if waits:
            ratios.setdefault(SERVICE, {})[window] = waits
    return Spread(base, tuple(runs), {name: found for name, found in ratios.items() if name != base})


def verdict(found: Spread, span_s: int) -> list[str]:
    """The result in words: waits at equal service first, then the cost."""
    means = found.means()
    told = f"Over {len(found.windows)} windows of {span(span_s)},"
    said = []
    if SERVICE in means:
        said.append(
            f"{told} HPC jobs wait {_mean(means[SERVICE])} of what they wait with a fixed split that serves as well."
        )
    if "predictive" in means:
        said.append(f"{told} unmet demand costs {_mean(means['predictive'])} of what it costs under {found.base}.")
    return said


def _mean(mean: Mean) -> str:
    error = "" if mean.error is None else f" ± {mean.error:.3f}"
    return f"{mean.mean:.3f}{error} (at worst {mean.worst:.3f}, from {mean.worst_window} on)"


def spread_table(found: Spread, runs: Mapping[str, Sequence[Outcome]]) -> Table:
    """Windows as rows, policies as columns; below them the mean, its standard error and the worst."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("start")
    for name in (f"{found.base}, cost", *found.ratios):
        table.add_column(Text(name), justify="right", overflow="fold")
    for window, outcomes in runs.items():
        cost = next((outcome.value(COST) for outcome in outcomes if outcome.policy == found.base), None)
        ratios = (ratio.get(window) for ratio in found.ratios.values())
        table.add_row(window, "–" if cost is None else f"{cost:,.0f}", *map(_cell, ratios))
    table.add_section()
    means = found.means()
    for label, part in (("mean", "mean"), ("standard error", "error"), ("worst", "worst")):
        cells = (getattr(means[name], part) if name in means else None for name in found.ratios)
        table.add_row(label, "", *map(_cell, cells))
    return table


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def json_text(tasks: Sequence[Task], runs: Mapping[str, Sequence[Outcome]], found: Spread) -> str:
    """Inputs, policy, versions, every figure of every window, and the spread."""
    document = {
        "policy": tasks[0].world.policy.model_dump(mode="json", by_alias=True),
        "versions": versions(),
        "notes": list(dict.fromkeys(note for task in tasks for note in task.notes)),
        "verdict": verdict(found, tasks[0].world.span_s or 0),
        "spread": {"of": found.base, **{name: asdict(mean) for name, mean in found.means().items()}},
        "windows": [
            {"start": name, "input": dict(task.facts), "results": rounded_results(outcomes)}
            for task, (name, outcomes) in zip(tasks, runs.items(), strict=True)
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
