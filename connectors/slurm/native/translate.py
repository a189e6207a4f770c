"""What pyslurm 25.11 shows becomes what ``wire`` has: pure.

The protocols name all that is read of pyslurm's objects. Where pyslurm tells less than Slurm does, it says so here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from connectors.slurm import job_states as words
from connectors.slurm import wire
from connectors.slurm.wire import number
from models.errors import Unreachable

SHARED = {"NO": ("none",), "USER": ("user",), "MCS": ("mcs",), "TOPO": ("topo",)}
"""Who may be on a node beside a job, in the words of the data parsers."""


class Amount(Protocol):
    """How much of one resource."""

    count: int


class Resources(Protocol):
    """``pyslurm.db.TrackableResources``; memory in MiB, ``gres`` by ``gpu`` and ``gpu:a100``."""

    cpu: Amount | None
    mem: Amount | None
    node: Amount | None
    gres: Mapping[str, Amount]


class NodeShown(Protocol):
    """``pyslurm.Node``. Where only some of its cores are allocated, ``state`` says MIXED, whatever else it is."""

    name: str
    state: str
    total_cpus: int
    real_memory: int | None
    configured_gres: Mapping[str, int]
    available_features: Sequence[str]
    partitions: Sequence[str]
    reason: str | None


class JobShown(Protocol):
    """``pyslurm.Job``. Times are None for 0, as is the first task of an array; limits are minutes, None for no limit.

    ``resource_sharing`` is NO for a job that gets its nodes as a whole, USER or MCS for one whose user does.
    ``constraints`` are the expression of its features, cut at commas.
    """

    id: int
    state: str
    state_reason: str | None
    array_id: int | None
    array_task_id: int | None
    array_tasks_parallel: int | None
    array_tasks_waiting: str | None
    heterogeneous_id: int | None
    priority: int | None
    partition: str | None
    allocated_nodes: str | None
    required_nodes: str | None
    excluded_nodes: str | None
    constraints: Sequence[str]
    num_nodes: int | None
    ntasks: int
    cpus: int
    memory: int | None
    resource_sharing: str
    submit_line: str | None
    requested_tres: Resources | None
    allocated_tres: Resources | None
    gres_per_node: Mapping[str, int]
    submit_time: int | None
    eligible_time: int | None
    start_time: int | None
    end_time: int | None
    time_limit: int | None


class PartitionShown(Protocol):
    """``pyslurm.Partition``; ``oversubscribe`` is EXCLUSIVE where jobs get their nodes as a whole."""

    name: str
    nodes: str | None
    state: str
    oversubscribe: str | None


class ReservationShown(Protocol):
    """``pyslurm.Reservation``. Its flags are not read."""

    name: str
    nodes: str | None
    start_time: int | None
    end_time: int | None
    users: Sequence[str]


class StatisticsShown(Protocol):
    """``pyslurm.slurmctld.Statistics``."""

    request_time: int
    data_since: int


def node(shown: NodeShown) -> wire.Node:
    """One node. Raises Unreachable for generic resources that pyslurm cannot read."""
    try:
        gres = ",".join(f"{name}:{count}" for name, count in shown.configured_gres.items())
    except ValueError as error:
        raise Unreachable(f"pyslurm cannot read the gres of node {shown.name}: {error}") from error
    return wire.Node(
        name=shown.name,
        state=tuple(shown.state.split("+")),
        cpus=shown.total_cpus,
        real_memory=shown.real_memory or 0,
        gres=gres,
        features=tuple(shown.available_features),
        partitions=tuple(shown.partitions),
        reason=shown.reason or "",
    )


def job(shown: JobShown, user: str) -> wire.Job:
    """One job of a user."""
    waiting = shown.array_tasks_waiting or ""
    is_task = bool(shown.array_id) and not waiting
    task = shown.array_task_id or 0 if is_task else None
    return wire.Job(
        job_id=shown.id,
        job_state=words.states(shown.state),
        state_reason=words.reason(shown.state_reason),
        array_job_id=number(shown.array_id),
        array_task_id=number(task),
        array_max_tasks=number(shown.array_tasks_parallel),
        array_task_string=waiting,
        het_job_id=number(shown.heterogeneous_id),
        hold=shown.priority == 0,
        priority=number(shown.priority),
        partition=shown.partition or "",
        nodes=shown.allocated_nodes or "",
        required_nodes=shown.required_nodes or "",
        node_count=number(shown.num_nodes),
        tasks=number(shown.ntasks),
        shared=SHARED.get(shown.resource_sharing, ()),
        submit_line=shown.submit_line or "",
        tres_req_str=tres(shown, "requested_tres"),
        tres_alloc_str=tres(shown, "allocated_tres"),
        tres_per_node=gres_per_node(shown),
        submit_time=number(shown.submit_time),
        eligible_time=number(shown.eligible_time),
        start_time=number(shown.start_time),
        end_time=number(shown.end_time),
        time_limit=wire.Number(infinite=True) if shown.time_limit is None else number(shown.time_limit),
        user_name=user,
        features=",".join(shown.constraints),
        excluded_nodes=shown.excluded_nodes or "",
    )


def partition(shown: PartitionShown) -> wire.Partition:
    """One partition."""
    return wire.Partition(
        name=shown.name,
        nodes=wire.Owned(shown.nodes or ""),
        partition=wire.Condition((shown.state,)),
        maximums=wire.Maximums(0 if shown.oversubscribe == "EXCLUSIVE" else 1),
    )


def reservation(shown: ReservationShown) -> wire.Reservation:
    """One reservation."""
    return wire.Reservation(
        shown.name,
        shown.nodes or "",
        number(shown.start_time),
        number(shown.end_time),
        ",".join(shown.users),
    )


def statistics(shown: StatisticsShown) -> wire.Statistics:
    """slurmctld's clock, and since when it counts."""
    return wire.Statistics(number(shown.request_time), number(shown.data_since))


def tres(shown: JobShown, name: str) -> str:
    """What a job asked for or has, as Slurm writes it.

    pyslurm stumbles over an amount that is 0 or no whole number: then what it says of cores, nodes and memory is taken.
    """
    try:
        resources: Resources | None = getattr(shown, name)
    except (TypeError, ValueError):
        parts = {"cpu": shown.cpus, "node": shown.num_nodes, "mem": shown.memory}
        return _written({what: count for what, count in parts.items() if count})
    if resources is None:
        return ""
    amounts = (("cpu", resources.cpu), ("node", resources.node), ("mem", resources.mem))
    found = {what: amount.count for what, amount in amounts if amount is not None}
    return _written(found | {f"gres/{kind}": amount.count for kind, amount in resources.gres.items()})


def gres_per_node(shown: JobShown) -> str:
    """What a job asks for on each node; what it asks for per job or task, pyslurm does not show."""
    try:
        return ",".join(f"{name}:{count}" for name, count in shown.gres_per_node.items())
    except ValueError:
        return ""


def _written(found: Mapping[str, int]) -> str:
    return ",".join(f"{what}={count}{'M' if what == 'mem' else ''}" for what, count in found.items())
