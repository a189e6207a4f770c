"""A trace in two parts: an earlier one to tune on, and a later one to check on, which the search never sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.replaying.inputs import notes_of_unserved, policy_for, read_inputs, size_of_machine, world_of
from cli.replaying.options import Cut, Twin
from cli.report.numbers import span
from models.errors import BadInput
from simulator.assemble import DAY_S, Assembled, Inputs, assemble
from simulator.world import World

LEAST_S = 3600  # of a part
USUAL_CHECK = 3  # one part in so many is checked on


@dataclass(frozen=True, slots=True)
class Parts:
    """Both worlds, under the same policy and with nodes that serve as many requests, and what is to be said of them."""

    tuned: World
    checked: World
    names: tuple[str, ...]  # of the input files
    notes: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """What was replayed, on one line."""
        world = self.tuned
        lengths = [span(part.span_s or 0) for part in (self.tuned, self.checked)]
        return (
            f"{', '.join(self.names)}; {world.nodes} nodes, hand-over {span(world.handover_s)}, seed {world.seed};"
            f" {lengths[0]} to tune on, the {lengths[1]} after them to check on"
        )


def parts_of(
    paths: Mapping[str, Path],
    nodes: int | None,
    policy: Path | None,
    cut: Cut,
    twin: Twin,
    *,
    check_days: float | None,
    strict: bool,
) -> Parts:
    """Read the inputs and cut them. Raises BadInput when they cannot be used, or are too short for two parts."""
    inputs, notes = read_inputs(paths, strict=strict)
    size = size_of_machine(nodes, inputs, cut.procs_per_node)
    whole = _cut(inputs, size, cut, cut.rate_per_node, cut.start_s, cut.days)
    span_s = whole.window.span_s or 0
    tuned_s = _to_tune_on(span_s, check_days)
    rules, per_node = policy_for(policy, size), whole.workload.rate_per_node
    worlds = []
    for from_s, length_s in ((0, tuned_s), (tuned_s, span_s - tuned_s)):
        start_s = {name: at_s + from_s for name, at_s in whole.window.start_s.items()}
        made = _cut(inputs, size, cut, per_node, start_s, length_s / DAY_S)
        worlds.append(world_of(made, size, rules, cut, twin))
    names = tuple(path.name for path in paths.values())
    return Parts(worlds[0], worlds[1], names, (*notes, *whole.notes, *notes_of_unserved(worlds[0])))


def _to_tune_on(span_s: int, check_days: float | None) -> int:
    """Seconds of the earlier part: the later one is as long as asked for, else a third, in whole days where it can."""
    check_s = span_s // USUAL_CHECK if check_days is None else round(check_days * DAY_S)
    if check_days is None and check_s > DAY_S:
        check_s -= check_s % DAY_S
    if check_s < LEAST_S or span_s - check_s < LEAST_S:
        raise BadInput(
            f"{span(span_s)} of the inputs are too short for a part to tune on and one of {span(check_s)} to check on",
            remedy="choose another --check, an earlier --start or more --days",
        )
    return span_s - check_s


def _cut(
    inputs: Inputs, size: int, cut: Cut, per_node: float | None, start_s: Mapping[str, int], days: float | None
) -> Assembled:
    return assemble(
        inputs,
        nodes=size,
        procs_per_node=cut.procs_per_node,
        rate_per_node=per_node,
        start_s=start_s,
        days=days,
        max_job_nodes=cut.max_job_nodes,
    )
