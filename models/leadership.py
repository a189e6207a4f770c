"""Leadership: who may write now, and what persons have ordered whoever leads.

The epoch rises with each new leader and is in every durable record, so that what an earlier leader left behind, or
still tries, can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from models.acts import Outcome
from models.errors import BadInput
from models.takeovers import BY_LONGEST, REQUESTS_MOST, Request

WHY_LONGEST = 200  # characters
EPOCH_MOST = 2**31 - 1  # no site changes its leader so often: a larger one is forged, or an accident

TURNED_BACK_MOST = 64
ID_LONGEST = 128  # characters of a hand-over's id; ours have at most 80


class Pause(StrEnum):
    """What becomes of open hand-overs while no new one may begin."""

    FINISH = "finish"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Ordered:
    """Who gave an order, when (unix seconds), and why, which may be empty. Raises ValueError for what nobody wrote."""

    by: str
    at_s: int
    why: str = ""

    def __post_init__(self) -> None:
        for name, text, longest in (("who ordered it", self.by, BY_LONGEST), ("why", self.why, WHY_LONGEST)):
            if len(text) > longest:
                raise ValueError(f"{name} has {len(text)} characters, more than {longest}")
            if not text.isprintable():
                raise ValueError(f"{name} is one line of printable characters")
        if not 0 <= self.at_s < 1 << 37:  # a year of four digits
            raise ValueError(f"no time is {self.at_s}")

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"by {self.by} at {datetime.fromtimestamp(self.at_s, UTC):%Y-%m-%d %H:%M} UTC{why}"


@dataclass(frozen=True, slots=True)
class Orders:
    """What persons have set, kept beside the lease: it outlives every process.

    ``paused`` is None while moves may begin; ``resumes`` counts how often a person has said to go on, whatever had
    stopped the moves. Both are of all pools; ``pools`` has what was ordered for single ones, by name. ``takeovers`` are
    those that persons have announced, of all pools, REQUESTS_MOST at most. ``ordered`` tells of the latest pause or
    resume; None where nobody noted it. ``turned_back`` are the ids of hand-overs that persons have ordered back, the
    newest TURNED_BACK_MOST: one that is over is not looked at any more.
    """

    paused: Pause | None = None
    resumes: int = 0
    pools: Mapping[str, Orders] = field(default_factory=dict)
    takeovers: tuple[Request, ...] = ()
    ordered: Ordered | None = None
    turned_back: tuple[str, ...] = ()

    def of(self, pool: str) -> Orders:
        """What holds for one pool: its own orders and those for all; of two pauses the one that turns back."""
        own = self.pools.get(pool, Orders())
        paused = Pause.REVERT if Pause.REVERT in (self.paused, own.paused) else self.paused or own.paused
        ordered = self.ordered if self.paused is paused else own.ordered
        requests = tuple(one for one in self.takeovers if one.pool == pool)
        return Orders(
            paused,
            self.resumes + own.resumes,
            takeovers=requests,
            ordered=ordered if paused else None,
            turned_back=self.turned_back,
        )

    def pause(self, how: Pause, pool: str | None = None, ordered: Ordered | None = None) -> Orders:
        """The orders once moves of one pool, or of all, are paused."""
        if pool is None:
            return replace(self, paused=how, ordered=ordered)
        own = replace(self.pools.get(pool, Orders()), paused=how, ordered=ordered)
        return replace(self, pools={**self.pools, pool: own})

    def resume(self, pool: str | None = None, ordered: Ordered | None = None) -> Orders:
        """The orders once a person has said to go on: for one pool, or for all, which lifts every pause."""
        if pool is not None:
            own = self.pools.get(pool, Orders())
            return replace(self, pools={**self.pools, pool: Orders(None, own.resumes + 1, ordered=ordered)})
        pools = {name: Orders(None, own.resumes, ordered=ordered) for name, own in self.pools.items()}
        return replace(self, paused=None, resumes=self.resumes + 1, pools=pools, ordered=ordered)

    def announce(self, request: Request, now_s: int) -> Orders:
        """The orders with one more takeover; those that are over go. Raises BadInput where there are too many."""
        kept = tuple(one for one in self.takeovers if one.to_s > now_s)
        if len(kept) >= REQUESTS_MOST:
            raise BadInput(f"there are {REQUESTS_MOST} announced takeovers already, the most that can be")
        return replace(self, takeovers=(*kept, request))

    def cancel(self, ident: str) -> Orders:
        """The orders without one of the announced takeovers. Raises BadInput where there is none of that id."""
        kept = tuple(one for one in self.takeovers if one.ident != ident)
        if len(kept) == len(self.takeovers):
            known = ", ".join(one.ident for one in self.takeovers) or "none"
            raise BadInput(f"no announced takeover has the id {ident}; there are: {known}")
        return replace(self, takeovers=kept)

    def turn_back(self, handover: str) -> Orders:
        """The orders with one more hand-over to turn back. Raises BadInput for what no id of one can be."""
        if not 0 < len(handover) <= ID_LONGEST or not handover.isprintable():
            raise BadInput(f"no hand-over has an id that is not printable, or longer than {ID_LONGEST} characters")
        kept = (one for one in self.turned_back if one != handover)
        return replace(self, turned_back=(*kept, handover)[-TURNED_BACK_MOST:])

    def next_ident(self) -> str:
        """An id that no announced takeover has."""
        return str(max((int(one.ident) for one in self.takeovers), default=0) % 999_999 + 1)


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A Kubernetes Lease, as far as it matters here.

    ``beat`` rises with each renewal; ``duration_s`` is how long after a renewal nobody else may lead; ``holder`` is
    empty and ``duration_s`` zero once it has been released; ``remembered`` is a text that leaders hand on; ``version``
    is what a write must name.
    """

    holder: str
    epoch: int
    beat: int
    duration_s: float
    orders: Orders = Orders()
    remembered: str = ""
    version: str = ""


class LeaseStore(Protocol):
    """Where the lease is kept."""

    def read(self) -> LeaseRecord | None:
        """The lease now; None when there is none. Raises Unreachable."""
        ...

    def write(self, lease: LeaseRecord) -> Outcome:
        """Replace the lease if it is still at ``lease.version`` (empty: if there is none), else refuse."""
        ...


class Leadership(Protocol):
    """What the controller asks before it acts.

    ``remembered`` is a text that the leader sets and the next one finds; ``kept`` is whether the next one would find it
    as it is now. ``resume`` is the command by which a person lets moves go on, empty where there is none.
    """

    remembered: str

    @property
    def resume(self) -> str:
        """To be pasted into a shell."""
        ...

    @property
    def kept(self) -> bool:
        """Whether ``remembered`` is safe in the lease."""
        ...

    @property
    def epoch(self) -> int | None:
        """The epoch in which this process leads; None while it does not."""
        ...

    @property
    def orders(self) -> Orders:
        """What persons have set, as last read."""
        ...

    def may_act(self) -> bool:
        """Whether a write that starts now ends, time-outs included, before anyone else may lead."""
        ...

    def rise_above(self, epoch: int) -> None:
        """Lead in a later epoch than one that was found on a node, as after someone deleted the lease."""
        ...
