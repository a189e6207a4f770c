"""What a checkup reads of Slurm beyond what the port does, in the words of slurmrestd."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.slurm.wire import NONE, Answer, Node, Number, Owned


class CheckupNode(Node, frozen=True):
    """A node, with who said what of it, and when."""

    reason_set_by_user: str = ""
    reason_changed_at: Number = NONE
    resume_after: Number = NONE


class CheckupNodes(Answer, frozen=True):
    """All nodes."""

    nodes: tuple[CheckupNode, ...] | None = None


class Sharing(msgspec.Struct, frozen=True):
    """How many jobs may share one resource, as releases before 26.05 say it."""

    jobs: int = 1
    flags: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True):
    """The limits of a partition; ``time`` is in minutes."""

    time: Number = NONE
    nodes: Number = NONE
    oversubscribe: Sharing = Sharing()


class State(msgspec.Struct, frozen=True):
    """Whether a partition starts jobs, and whether they share (26.05)."""

    state: tuple[str, ...] = ()
    oversubscribe: str = ""


class CheckupPartition(msgspec.Struct, frozen=True):
    """A partition, with what ends or shares jobs in it. ``preempt_mode`` is told from 26.05 on."""

    name: str
    nodes: Owned = Owned()
    partition: State = State()
    maximums: Limits = Limits()
    preempt_mode: tuple[str, ...] | str = ()
    suspend_time: Number = NONE


class CheckupPartitions(Answer, frozen=True):
    """All partitions."""

    partitions: tuple[CheckupPartition, ...] | None = None


class CheckupReservation(msgspec.Struct, frozen=True):
    """A reservation."""

    name: str
    node_list: str = ""
    users: str = ""
    accounts: str = ""
    start_time: Number = NONE
    end_time: Number = NONE
    flags: tuple[str, ...] = ()


class CheckupReservations(Answer, frozen=True):
    """All reservations."""

    reservations: tuple[CheckupReservation, ...] | None = None


class Pinged(msgspec.Struct, frozen=True):
    """A slurmctld, and whether it answers a slurmrestd; of a backup, too."""

    hostname: str = ""
    mode: str = ""
    primary: bool = False
    responding: bool = True


class Pings(Answer, frozen=True):
    """Every slurmctld."""

    pings: tuple[Pinged, ...] = ()


class Configuration(Answer, frozen=True):
    """The settings that slurmctld runs with."""

    slurm_conf: dict[str, Any] | None = None
