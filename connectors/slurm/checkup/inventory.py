"""The checks of what there is on the nodes of the pools, however Slurm is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.checkup.guard import Findings, guarded
from connectors.slurm.checkup import nodes, partitions
from connectors.slurm.checkup.running_conf import Settings
from connectors.slurm.checkup_wire import CheckupNode, CheckupNodes, CheckupPartitions, CheckupReservations
from connectors.slurm.read import present
from models.errors import BadInput, Unreachable
from models.findings import skipped, wrong
from models.policies import Policy

CHECKS = (nodes.POOLS, nodes.STATES, nodes.DRAINS, nodes.RESERVATIONS, partitions.CHECK)


@dataclass(frozen=True, slots=True)
class Shown:
    """How Slurm tells all that it has. Each raises Unreachable when it is not told in full."""

    nodes: Callable[[], CheckupNodes]
    partitions: Callable[[], CheckupPartitions]
    reservations: Callable[[], CheckupReservations]


def inventory_findings(slurm: Shown, policy: Policy, settings: Settings | None, leads: bool | None) -> Findings:
    """What is found of the nodes of the policy's pools, and of the partitions and reservations over them."""
    pools = policy.spec.pools
    try:
        told = present(slurm.nodes().nodes, "nodes")
    except Unreachable as error:
        yield wrong(nodes.POOLS, str(error), "See slurmctld's log.")
        yield from (skipped(check, "the nodes could not be read") for check in CHECKS[1:])
        return
    seen = {node.name: node for node in told}
    yield from guarded(nodes.POOLS, lambda: nodes.pool_findings(pools, seen))
    try:
        by_pool = nodes.of_pools(pools, seen)
    except BadInput:  # said above
        by_pool = {"all": frozenset(seen)}
    here: dict[str, CheckupNode] = {name: seen[name] for names in by_pool.values() for name in sorted(names)}
    yield from guarded(nodes.STATES, lambda: nodes.state_findings(here))
    yield from guarded(nodes.DRAINS, lambda: nodes.drain_findings(here, leads))
    yield from guarded(
        nodes.RESERVATIONS,
        lambda: nodes.reservation_findings(here, present(slurm.reservations().reservations, "reservations")),
    )
    yield from guarded(
        partitions.CHECK,
        lambda: partitions.partition_findings(
            by_pool, present(slurm.partitions().partitions, "partitions"), policy, settings
        ),
    )
