"""The topics: how each is kept, and which types of events it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.events import Topic

DAY_S = 86_400
LONGEST = 900_000  # bytes of key, value and headers: below what a broker takes unless told otherwise (1 MiB)


@dataclass(frozen=True, slots=True)
class Kept:
    """How a topic is kept.

    ``partitions`` is how many are made; keys are spread over them, and the events of one key stay in order.
    ``kept_s`` is how long an event stays; of a topic of state the newest of each key stays for good, and ``kept_s`` is
    how long the mark stays that a key is gone.
    """

    partitions: int
    kept_s: int


TOPICS: Mapping[Topic, Kept] = {
    Topic.WORK: Kept(partitions=6, kept_s=7 * DAY_S),
    Topic.NODES: Kept(partitions=3, kept_s=7 * DAY_S),
    Topic.DEMAND: Kept(partitions=1, kept_s=120 * DAY_S),  # the history that forecasts are learned from
    Topic.FORECASTS: Kept(partitions=1, kept_s=14 * DAY_S),
    Topic.PLANS: Kept(partitions=1, kept_s=14 * DAY_S),
    Topic.HANDOVERS: Kept(partitions=1, kept_s=90 * DAY_S),
    Topic.DEAD_LETTER: Kept(partitions=1, kept_s=30 * DAY_S),
}
