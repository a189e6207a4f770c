"""What a leader hands on beside the records on the nodes: what each side last showed, how many moves began lately and
what they took from service, how many hand-overs failed in a row, which orders it has heard, and where the price is that
follows a service level.

It travels with the lease, so it is short: moves are counted by the minute, and late by up to one; what those of a day
took is counted by the hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec

from controller.safety import SideSeen, Vanishing
from controller.service_level.price import Followed
from controller.taken_lately import HOUR_S
from controller.takeovers.kept import NOTHING_KEPT, Kept
from models.identity import split_name
from models.nodes import Side

MINUTE_S = 60
BEGUN_MOST = 100_000  # moves within an hour; more than any site begins
TAKEN_MOST = 2**40  # node-seconds within an hour; more than a million nodes can take
_Second = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Taken = Annotated[int, msgspec.Meta(ge=0, le=TAKEN_MOST)]


class LeaderMemory(msgspec.Struct, frozen=True):
    """``begun`` counts the moves that began in each minute, by the second at which the minute ended; ``under_way`` are
    the ids of those that had not ended at ``at_s``, as they are called within the pool; ``stuck`` is how many more wait
    for a person. ``taken`` is what the moves of each hour took from service, in node-seconds, by the second at which
    the hour ended, and ``nodes`` how many the pool has, None where nobody told."""

    before: dict[Side, SideSeen] = {}
    since_s: dict[Side, _Second] = {}
    text: dict[Side, str] = {}
    begun: dict[_Second, _Count] = {}
    at_s: _Second = 0
    failures: _Count = 0
    resumes: _Count = 0
    latest: dict[Side, SideSeen] = {}
    under_way: tuple[str, ...] = ()
    stuck: _Count = 0
    takeovers: Kept = NOTHING_KEPT
    followed: Followed | None = None
    taken: dict[_Second, _Taken] = {}
    nodes: _Count | None = None

    @property
    def vanishing(self) -> Vanishing:
        """What is missing from either side, as it was handed on, as far as that is whole."""
        missing = self.before.keys() & self.since_s.keys() & self.text.keys()
        since_s = {side: self.since_s[side] for side in missing}
        latest = {side: self.latest.get(side, self.before[side]) for side in missing}
        return Vanishing(dict(self.before), latest, since_s, {side: self.text[side] for side in missing})

    def begun_s(self) -> list[int]:
        """When the moves that were handed on began, in order; the latest, of more than can have been."""
        begun: list[int] = []
        for at_s, count in sorted(self.begun.items(), reverse=True):
            begun.extend([at_s] * min(count, BEGUN_MOST - len(begun)))
        return begun[::-1]


def encode_leader_memory(  # noqa: PLR0913, PLR0917 - one parameter for each thing that is remembered
    vanishing: Vanishing,
    begun_s: Iterable[int],
    at_s: int,
    failures: int,
    resumes: int,
    under_way: Iterable[str] = (),
    stuck: int = 0,
    takeovers: Kept = NOTHING_KEPT,
    followed: Followed | None = None,
    taken: Iterable[tuple[int, int]] = (),
    nodes: int | None = None,
) -> str:
    """The text for the next leader."""
    begun = Counter(min(at_s, -(-at // MINUTE_S) * MINUTE_S) for at in begun_s)
    by_hour: Counter[int] = Counter()
    for at, node_s in taken:
        by_hour[min(at_s, -(-at // HOUR_S) * HOUR_S)] += node_s
    latest = {side: vanishing.latest[side] for side in vanishing.since_s}
    kept = LeaderMemory(
        vanishing.before,
        vanishing.since_s,
        vanishing.text,
        dict(begun),
        at_s,
        failures,
        resumes,
        latest,
        tuple(split_name(ident)[1] for ident in under_way),
        stuck,
        takeovers,
        followed,
        {at: min(node_s, TAKEN_MOST) for at, node_s in by_hour.items()},
        nodes,
    )
    return msgspec.json.encode(kept).decode()


def decode_leader_memory(text: str) -> LeaderMemory:
    """What an earlier leader handed on; nothing when it cannot be read."""
    try:
        return msgspec.json.decode(text, type=LeaderMemory) if text else LeaderMemory()
    except msgspec.DecodeError:
        return LeaderMemory()
