"""What slurmrestd says, as far as we read it (data parsers v0.0.40 to v0.0.45). The rest is passed over."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from models.errors import Unreachable


class Number(msgspec.Struct, frozen=True, gc=False):
    """A number of Slurm's, which may be none, or without end."""

    set: bool = False
    infinite: bool = False
    number: float = 0

    @property
    def value(self) -> int | None:
        """The number; None where there is none, or no end to it."""
        return int(self.number) if self.set and not self.infinite else None


NONE = Number()


def number(value: object) -> Number:
    """A number; none for None, and for a word such as pyslurm's UNLIMITED."""
    return Number(set=True, number=value) if isinstance(value, int) else NONE


class Fault(msgspec.Struct, frozen=True, gc=False):
    """What Slurm has to say against a request. ``error_number`` 0 is none of its own errors."""

    error: str = ""
    error_number: int = 0
    description: str = ""

    def __str__(self) -> str:
        return f"{self.description or self.error} ({self.error_number}: {self.error})"


class Node(msgspec.Struct, frozen=True, gc=False):
    """A node. What is allocated of it is not read: slurmctld tells that late."""

    name: str
    state: tuple[str, ...]
    cpus: int = 0
    real_memory: int = 0
    gres: str = ""
    features: tuple[str, ...] | str = ()
    partitions: tuple[str, ...] = ()
    reason: str = ""
    sockets: int = 2  # as most have, where it is not told


class Job(msgspec.Struct, frozen=True, gc=False):
    """A job, a component of a heterogeneous one, a task of an array, or all tasks of one that have not started."""

    job_id: int
    job_state: tuple[str, ...]
    state_reason: str = "None"
    array_job_id: Number = NONE
    array_task_id: Number = NONE
    array_max_tasks: Number = NONE
    array_task_string: str = ""
    het_job_id: Number = NONE
    hold: bool = False
    priority: Number = NONE
    partition: str = ""
    nodes: str = ""
    required_nodes: str = ""
    node_count: Number = NONE
    tasks: Number = NONE
    shared: tuple[str, ...] | str = ()
    submit_line: str = ""
    tres_req_str: str = ""
    tres_alloc_str: str = ""
    tres_per_node: str = ""
    tres_per_job: str = ""
    tres_per_task: str = ""
    tres_per_socket: str = ""
    sockets_per_node: Number = NONE
    tasks_per_tres: Number = NONE
    submit_time: Number = NONE
    eligible_time: Number = NONE
    start_time: Number = NONE
    end_time: Number = NONE
    time_limit: Number = NONE
    user_name: str = ""
    features: str = ""
    excluded_nodes: str = ""


class Owned(msgspec.Struct, frozen=True, gc=False):
    """The nodes of a partition."""

    configured: str = ""


class Condition(msgspec.Struct, frozen=True, gc=False):
    """Whether a partition starts jobs, and whether each of them gets its nodes as a whole."""

    state: tuple[str, ...] = ()
    exclusive: str | None = None


class Maximums(msgspec.Struct, frozen=True, gc=False):
    """The limits of a partition; releases before 26.05 say with no ``shares`` that jobs get whole nodes."""

    shares: int | None = None


class Partition(msgspec.Struct, frozen=True, gc=False):
    """A partition."""

    name: str
    nodes: Owned = Owned()
    partition: Condition = Condition()
    maximums: Maximums = Maximums()


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """A reservation."""

    name: str
    node_list: str = ""
    start_time: Number = NONE
    end_time: Number = NONE
    users: str = ""
    flags: tuple[str, ...] = ()


class Statistics(msgspec.Struct, frozen=True, gc=False):
    """What slurmctld counts, and since when; ``req_time`` is its clock."""

    req_time: Number
    req_time_start: Number
    jobs_pending: int = 0


class Release(msgspec.Struct, frozen=True, gc=False):
    """Which Slurm it is."""

    release: str = ""


class Meta(msgspec.Struct, frozen=True, gc=False):
    """Who answers."""

    slurm: Release = Release()


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What every answer has."""

    errors: tuple[Fault, ...] = ()
    meta: Meta = Meta()


class Nodes(Answer, frozen=True, gc=False):
    """All nodes, or one; without ``nodes`` there is no such node, or no answer."""

    nodes: tuple[Node, ...] | None = None


class Jobs(Answer, frozen=True, gc=False):
    """All jobs."""

    jobs: tuple[Job, ...] | None = None


class Partitions(Answer, frozen=True, gc=False):
    """All partitions."""

    partitions: tuple[Partition, ...] | None = None


class Reservations(Answer, frozen=True, gc=False):
    """All reservations."""

    reservations: tuple[Reservation, ...] | None = None


class Diagnosis(Answer, frozen=True, gc=False):
    """What slurmctld tells of itself."""

    statistics: Statistics | None = None


Shape = TypeVar("Shape", bound=Answer)


def decode(body: bytes, shape: type[Shape]) -> Shape:
    """The answer. Raises Unreachable for one that is cut off, of another shape, or no JSON."""
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise Unreachable(f"slurmrestd gave no {shape.__name__.lower()} that can be read: {error}") from error
