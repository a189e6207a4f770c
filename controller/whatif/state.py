"""Where a pool stands at one instant, and what may come: the two things that a what-if run starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.lead_times import LeadTimes
from controller.whatif.batch_queue import Jobs
from models.handovers import Direction


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs since ``start_s`` on ``nodes``, by their numbers, for at most ``limit_s`` in all."""

    ident: int
    nodes: tuple[int, ...]
    start_s: int
    limit_s: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for so many ``nodes``."""

    ident: int
    nodes: int
    submit_s: int
    limit_s: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A node that is being handed over: it turns back at ``deadline_s`` if it is not opened by then.

    ``frees_s`` is when the job on it must have ended, ``emptied_s`` since when it is empty, ``opens_s`` when it will be
    open on the other side; None for what has not come to pass.
    """

    node: int
    direction: Direction
    deadline_s: int
    frees_s: int = 0
    emptied_s: int | None = None
    opens_s: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that a service knows of its pool at ``now_s``, nodes by number from 0 to ``nodes`` - 1.

    ``hpc_nodes_max`` is the most that the HPC side may ever have. ``kubernetes`` are the nodes that Kubernetes owns,
    ``replicas`` those of them on which a replica runs, the oldest first, of ``wanted``. ``idle`` are open HPC nodes
    without a job, the one that is taken first last. ``rests_s`` is when a node last changed sides, ``openings`` how
    often each did; ``begun_s`` when the moves of the last hour began. ``lead`` is copied, never changed.
    """

    now_s: int
    nodes: int
    hpc_nodes_max: int
    kubernetes: tuple[int, ...]
    replicas: tuple[int, ...]
    wanted: int
    idle: tuple[int, ...]
    running: tuple[Running, ...]
    queue: tuple[Waiting, ...]
    lead: LeadTimes
    moving: tuple[UnderWay, ...] = ()
    rests_s: Mapping[int, int] = field(default_factory=dict)
    openings: tuple[int, ...] = ()
    begun_s: tuple[int, ...] = ()
    fifo: bool = False


@dataclass(frozen=True, slots=True)
class Future:
    """What may come after a state. ``wanted`` is replicas by (second, number), rising; ``run_s`` how long each job of
    the state runs in all, the running ones first, then those that wait, no longer than its limit; ``arrivals`` come
    later, and no ident of theirs is one of the state's."""

    wanted: Sequence[tuple[int, int]]
    run_s: Sequence[int]
    arrivals: Jobs
