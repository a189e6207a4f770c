"""The partitions over the nodes of the pools: what ends jobs in them, shares nodes, or hides when one gets free."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from connectors.checkup.format import nodes, plain
from connectors.slurm.checkup.running_conf import Settings
from connectors.slurm.checkup.scontrol import scontrol
from connectors.slurm.checkup_wire import CheckupPartition
from models.durations import duration_text
from models.findings import Finding, warning, well, wrong
from models.hostlists import hosts
from models.policies import Policy

CHECK = "slurm.partitions"
_warning, _wrong = partial(warning, CHECK), partial(wrong, CHECK)
ENDS_JOBS = frozenset(("CANCEL", "REQUEUE"))

Partitions = Sequence[CheckupPartition]


def partition_findings(
    pools: Mapping[str, Collection[str]],
    told: Partitions,
    policy: Policy,
    settings: Settings | None,
) -> Iterator[Finding]:
    """What is to be known of each partition that can start jobs on the pools' nodes (those that Slurm has)."""
    reach = {one.name: frozenset(hosts(one.nodes.configured)) for one in told}
    everything = frozenset(name for names in pools.values() for name in names)
    here = [one for one in told if reach[one.name] & everything]
    found = [*_closed(here), *_preempting(here, settings), *_sharing(here), *_without_limit(here, policy)]
    found += _edges(pools, reach)
    orphans = everything - frozenset(name for one in here for name in reach[one.name])
    if orphans:
        found.append(
            _wrong(
                f"{nodes(orphans)} in no partition that can be seen: no job can start there",
                "Add the nodes to a partition, or take them out of the policy.",
            )
        )
    listed = ", ".join(plain(one.name) for one in here)
    yield from found or [well(CHECK, f"{listed}: jobs end by themselves, and nodes are not shared")]


def _closed(some: Partitions) -> Iterator[Finding]:
    for one in some:
        if "UP" not in one.partition.state:
            yield _warning(
                f"{plain(one.name)} is not UP ({'+'.join(one.partition.state)}): it starts nothing, and what waits"
                " there is no demand",
                "If it is to run jobs:",
                scontrol("update", f"partitionname={one.name}", "state=up"),
            )


def _preempting(some: Partitions, settings: Settings | None) -> Iterator[Finding]:
    if settings is not None and settings.text("PreemptType", "preempt/none") == "preempt/none":
        return
    for one in some:
        if ending := _preempt_modes(one, settings) & ENDS_JOBS:
            yield _warning(
                f"{plain(one.name)} has PreemptMode={','.join(sorted(ending))}: Slurm itself may end its jobs for"
                " others, more often when it has fewer nodes",
                "Give the HPC side a floor in the policy that holds what must not be ended, or set PreemptMode=OFF"
                " there.",
            )


def _sharing(some: Partitions) -> Iterator[Finding]:
    for one in some:
        if shares := _shares(one):
            yield _warning(
                f"{plain(one.name)} has OverSubscribe={shares}: jobs share cores, and are counted as if they did not",
                "Set OverSubscribe=NO or EXCLUSIVE for the partition.",
            )


def _without_limit(some: Partitions, policy: Policy) -> Iterator[Finding]:
    names = [plain(one.name) for one in some if one.maximums.time.infinite]
    if names:
        moves = policy.spec.moves
        soon = duration_text(min(moves.drain_deadline, moves.look_ahead))
        yield _warning(
            f"no MaxTime in {', '.join(names)}: nobody knows when a node gets free whose job has no limit, so it does"
            " not move before",
            f"Set MaxTime and DefaultTime. Of busy nodes, those move whose jobs end within {soon}.",
        )


def _edges(pools: Mapping[str, Collection[str]], reach: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Partitions that reach over a pool's edge: what waits there is demand of each pool that it could use."""
    for pool, names in pools.items():
        for partition, there in reach.items():
            if there & frozenset(names) and (beyond := there - frozenset(names)):
                yield _warning(
                    f"{plain(partition)} has {nodes(beyond)} outside of pool {pool}: all that waits there counts as"
                    f" demand of {pool}",
                    "Let a partition have nodes of one pool only, or take the others into the pool.",
                )


def _preempt_modes(one: CheckupPartition, settings: Settings | None) -> frozenset[str]:
    """As slurmctld tells it, else as slurm.conf has it for the partition."""
    told = one.preempt_mode.split(",") if isinstance(one.preempt_mode, str) else one.preempt_mode
    if not any(told) and settings is not None:
        told = settings.partitions.get(one.name, {}).get("preemptmode", "").split(",")
    return frozenset(mode.strip().upper() for mode in told if mode.strip())


def _shares(one: CheckupPartition) -> str:
    """How jobs share cores; empty where they do not."""
    told = one.partition.oversubscribe
    if told:
        return told if told.partition(":")[0] in ("FORCE", "YES") and not told.endswith(":1") else ""
    sharing = one.maximums.oversubscribe
    if sharing.jobs <= 1:
        return ""
    return f"{'FORCE' if 'force' in {flag.lower() for flag in sharing.flags} else 'YES'}:{sharing.jobs}"
