"""Nodes as Slurm tells of them become nodes as the port shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from connectors.slurm import flags, wire
from connectors.slurm.names import BOOKING_PREFIX, booking_mark, given_reason
from connectors.slurm.pool import shape_of
from models.announced import Announced
from models.handovers import of_tidegate
from models.hostlists import hosts
from models.nodes import HpcNode, Side
from models.pieces import NEVER_S

Told = tuple[wire.Node, int | None, Collection[str], str]
"""All that is told of one node: itself, when its jobs must have ended, its reservations, slurmctld's run."""


class KnownNodes:
    """What each node came to in the last reading: while nothing of it changes, it is not worked out again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Told, HpcNode]] = {}

    def drawn(
        self,
        nodes: Iterable[wire.Node],
        ends: Mapping[str, int],
        booked: Mapping[str, Collection[str]],
        booted: str,
    ) -> dict[str, HpcNode]:
        """The nodes by their names. See ``node_of``."""
        before, self._known = self._known, {}
        for node in nodes:
            name = node.name
            told: Told = node, ends.get(name), booked.get(name, ()), booted
            kept = before.get(name)
            self._known[name] = kept if kept is not None and kept[0] == told else (told, node_of(*told))
        return {name: shown for name, (_, shown) in self._known.items()}


def node_of(node: wire.Node, end_s: int | None, booked: Collection[str], booted: str) -> HpcNode:
    """The node as the port shows it. ``end_s`` is when the jobs that run on it must have ended."""
    shown = flags.flags_of(node.state)
    runs = not shown.isdisjoint(("ALLOCATED", "MIXED"))
    if end_s is None and runs and "COMPLETING" not in shown:
        end_s = NEVER_S  # work of which we are not told
    features = node.features if isinstance(node.features, str) else ",".join(sorted(node.features))
    return HpcNode(
        name=node.name,
        kind=features,
        drain_reason=given_reason(node.reason) if flags.is_drained(shown) else None,
        busy=flags.is_busy(shown) or end_s is not None,
        frees_at_s=end_s,
        ready=flags.is_ready(shown),
        booked_by=_first(booked),
        offers=shape_of(node),
        booted=booted,
    )


def bookings(reservations: Iterable[wire.Reservation], nodes: Collection[str]) -> dict[str, set[str]]:
    """The marks and names of the reservations on each of the nodes."""
    found: dict[str, set[str]] = {}
    for reservation in reservations:
        for name in hosts(reservation.node_list):
            if name in nodes:
                found.setdefault(name, set()).add(booking_mark(name, reservation.name))
    return found


def announced_bookings(
    reservations: Iterable[wire.Reservation], nodes: Collection[str], now_s: int
) -> Iterator[Announced]:
    """Reservations of users that begin later, with as many of the nodes as each has.

    A Tidegate's own are none, nor is one for maintenance, or for root alone: no job is to run then.
    """
    for one in reservations:
        begins_s, ends_s = one.start_time.value, one.end_time.value
        is_ours = one.name.startswith(BOOKING_PREFIX)
        is_down = "MAINT" in flags.flags_of(one.flags) or one.users == "root"
        size = sum(name in nodes for name in hosts(one.node_list))
        if begins_s is None or begins_s <= now_s or is_ours or is_down or not size:
            continue
        lasts_s = max(0, ends_s - begins_s) if ends_s is not None else None
        yield Announced(begins_s, Side.HPC, float(size), f"reservation {one.name}", lasts_s)


def _first(booked: Collection[str]) -> str | None:
    """Somebody else's before a Tidegate's: such a node is not for us to touch."""
    return min(booked, key=lambda name: (of_tidegate(name), name), default=None)
