"""A need: work that runs on nodes or wants some, each piece told once, before it is laid onto a pool's nodes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from connectors.kube.wire.pods import NodeSelector, Toleration
from models.work import WorkState

Request = Mapping[str, int]
"""Amounts by resource: cpu in milli, memory and storage in bytes, all else in pieces."""

NOTHING: Request = MappingProxyType({})


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a pod may run: the selector, the affinity that it insists on, the taints that it bears."""

    selector: tuple[tuple[str, str], ...] = ()
    affinity: NodeSelector | None = None
    tolerations: tuple[Toleration, ...] = ()


ANYWHERE = Place()


class Part(msgspec.Struct, frozen=True, gc=False):
    """``count`` pods alike that have no node yet, whether they are there or not. ``why`` says why none can be made."""

    count: int
    request: Request
    place: Place = ANYWHERE
    why: str = ""


class Held(StrEnum):
    """Why work that is there is no demand."""

    BY_PERSON = "held by a person"
    BY_GATE = "held by a scheduling gate"
    BY_QUOTA = "held by quota"
    IMPOSSIBLE = "impossible"
    LOW_PRIORITY = "below the priority that counts"
    INVISIBLE = "asks for nothing"


class Need(msgspec.Struct, frozen=True, gc=False):
    """One piece of work that waits: its pods that have no node.

    ``id`` is the uid of its top owner, with what tells apart several gangs of one. ``together`` is whether all parts
    start at once or none. ``held`` is why it is no demand, ``why`` says so in words; ``begins_s`` is when work begins
    that is known in advance and not demand yet. ``submitted_s`` in unix seconds, ``limit_s`` what bounds its run time,
    ``user`` its namespace, ``queue`` the queue that it waits in; ``flavors`` are the flavours that its queue assigned
    by resource. ``source`` is the kind that told of it, and ``name`` what people call it, for figures.
    """

    id: str
    source: str
    parts: tuple[Part, ...]
    submitted_s: int
    together: bool = False
    priority: int = 0
    user: str = ""
    queue: str = ""
    flavors: tuple[tuple[str, str], ...] = ()
    limit_s: int | None = None
    held: Held | None = None
    why: str = ""
    begins_s: int | None = None
    state: WorkState = WorkState.ELIGIBLE
    name: str = ""
