"""What a checkup reads of pyslurm's objects beyond what the port does: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import asdict

from connectors.slurm import wire
from connectors.slurm.checkup_wire import CheckupNode, CheckupPartition, CheckupReservation, Limits, State
from connectors.slurm.native import translate
from connectors.slurm.native.translate import NodeShown, PartitionShown, ReservationShown
from connectors.slurm.wire import number

UNLIMITED = "UNLIMITED"  # pyslurm's word for no limit


class NodeSeen(NodeShown, Protocol):
    """``pyslurm.Node``, with who gave its reason, and when."""

    reason_user: str | None
    reason_time: int | None


class PartitionSeen(PartitionShown, Protocol):
    """``pyslurm.Partition``; ``max_time`` is in minutes, ``oversubscribe`` is ``FORCE:4`` say."""

    max_time: int | str | None
    preempt_mode: str | None


class ReservationSeen(ReservationShown, Protocol):
    """``pyslurm.Reservation``."""

    accounts: Sequence[str]


def node(shown: NodeSeen) -> CheckupNode:
    """One node. pyslurm does not tell after which time Slurm itself would resume it."""
    return CheckupNode(
        **asdict(translate.node(shown)),
        reason_set_by_user=shown.reason_user or "" if shown.reason else "",
        reason_changed_at=number(shown.reason_time),
    )


def partition(shown: PartitionSeen) -> CheckupPartition:
    """One partition."""
    limit = wire.Number(infinite=True) if shown.max_time == UNLIMITED else number(shown.max_time)
    return CheckupPartition(
        name=shown.name,
        nodes=wire.Owned(shown.nodes or ""),
        partition=State((shown.state,), shown.oversubscribe or ""),
        maximums=Limits(time=limit),
        preempt_mode=shown.preempt_mode or "",
    )


def reservation(shown: ReservationSeen) -> CheckupReservation:
    """One reservation."""
    return CheckupReservation(
        name=shown.name,
        node_list=shown.nodes or "",
        users=",".join(shown.users),
        accounts=",".join(shown.accounts),
        start_time=number(shown.start_time),
        end_time=number(shown.end_time),
    )
