"""Questions to Slurm, put to pyslurm: thin, as it runs where pyslurm is."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, TypeVar

import msgspec

from connectors.slurm import wire
from connectors.slurm.checkup_wire import CheckupNodes, CheckupPartitions, CheckupReservations
from connectors.slurm.native import translate
from connectors.slurm.native import translate_checkup as translate_seen
from models.errors import Unreachable

Thing = TypeVar("Thing")

NO_NUMBER = -1  # SLURM_ERROR: what failed has no number of Slurm's

What = Literal[
    "diagnosis",
    "nodes",
    "node",
    "jobs",
    "partitions",
    "reservations",
    "seen nodes",
    "seen partitions",
    "seen reservations",
    "drain",
    "undrain",
    "reserve",
    "release",
]


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question or a change. ``name`` is a node's or a reservation's."""

    what: What
    name: str = ""
    names: tuple[str, ...] = ()
    reason: str = ""
    start_s: int = 0
    end_s: int = 0


def answer(pyslurm: Any, ask: Ask) -> wire.Answer:
    """What Slurm says to it, faults as faults."""
    try:
        return ANSWERS[ask.what](pyslurm, ask)
    except pyslurm.RPCError as error:
        number = error.errno if isinstance(error.errno, int) else NO_NUMBER
        return wire.Answer((wire.Fault(type(error).__name__, number, str(error.msg)),))
    except (Unreachable, ValueError, TypeError, AttributeError, KeyError, MemoryError) as error:
        return wire.Answer((wire.Fault(type(error).__name__, NO_NUMBER, str(error)),))


def node(pyslurm: Any, ask: Ask) -> wire.Nodes:
    """One node. pyslurm has no number for one that there is not: then all are looked through."""
    try:
        return wire.Nodes(nodes=(translate.node(pyslurm.Node.load(ask.name)),))
    except pyslurm.RPCError as error:
        if error.errno != NO_NUMBER:
            raise
    shown = pyslurm.Nodes.load().values()
    return wire.Nodes(nodes=tuple(translate.node(one) for one in shown if one.name == ask.name))


def drain(pyslurm: Any, ask: Ask) -> wire.Answer:
    """Drain the nodes, all in one request."""
    pyslurm.Nodes(list(ask.names)).modify(pyslurm.Node(state="DRAIN", reason=ask.reason))
    return wire.Answer()


def undrain(pyslurm: Any, ask: Ask) -> wire.Answer:
    """Take the drain from the nodes, all in one request."""
    pyslurm.Nodes(list(ask.names)).modify(pyslurm.Node(state="UNDRAIN"))
    return wire.Answer()


def reserve(pyslurm: Any, ask: Ask) -> wire.Answer:
    """Reserve the node for root; the end is set after the start, since pyslurm compares them."""
    booking = pyslurm.Reservation(name=ask.name, nodes=",".join(ask.names), users=["root"])
    booking.start_time = ask.start_s
    booking.end_time = ask.end_s
    booking.flags = pyslurm.ReservationFlags.IGNORE_RUNNING_JOBS
    booking.create()
    return wire.Answer()


def release(pyslurm: Any, ask: Ask) -> wire.Answer:
    """Drop the reservation."""
    pyslurm.Reservation(ask.name).delete()
    return wire.Answer()


@lru_cache(4096)
def user_name(uid: int) -> str:
    """Who it is by this machine's lists, or the number as it is."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


ANSWERS: dict[What, Callable[[Any, Ask], wire.Answer]] = {
    "diagnosis": lambda pyslurm, _: wire.Diagnosis(statistics=translate.statistics(pyslurm.slurmctld.diag())),
    "nodes": lambda pyslurm, _: wire.Nodes(nodes=_every(pyslurm.Nodes, translate.node)),
    "node": node,
    "jobs": lambda pyslurm, _: wire.Jobs(jobs=_every(pyslurm.Jobs, _job)),
    "partitions": lambda pyslurm, _: wire.Partitions(partitions=_every(pyslurm.Partitions, translate.partition)),
    "reservations": lambda pyslurm, _: wire.Reservations(
        reservations=_every(pyslurm.Reservations, translate.reservation)
    ),
    "seen nodes": lambda pyslurm, _: CheckupNodes(nodes=_every(pyslurm.Nodes, translate_seen.node)),
    "seen partitions": lambda pyslurm, _: CheckupPartitions(
        partitions=_every(pyslurm.Partitions, translate_seen.partition)
    ),
    "seen reservations": lambda pyslurm, _: CheckupReservations(
        reservations=_every(pyslurm.Reservations, translate_seen.reservation)
    ),
    "drain": drain,
    "undrain": undrain,
    "reserve": reserve,
    "release": release,
}
"""What is seen, a checkup wants to know more of."""


def _every(kind: Any, understood: Callable[[Any], Thing]) -> tuple[Thing, ...]:
    """All that pyslurm loads of a kind."""
    return tuple(map(understood, kind.load().values()))


def _job(shown: Any) -> wire.Job:
    return translate.job(shown, user_name(shown.user_id))
