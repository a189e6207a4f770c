"""The topics: how each is kept, and which types of events it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.events import Topic

DAY_S = 86_400
LONGEST = 900_000  # bytes of key, value and headers: below what a broker takes unless told otherwise (1 MiB)


@dataclass(frozen=True, slots=True)
class TopicRules:
    """How a topic is kept, and what it is about.

    ``partitions`` is how many are made; keys are spread over them, and the events of one key stay in order.
    ``kept_s`` is how long an event stays; of a topic of state the newest of each key stays for good, and ``kept_s`` is
    how long the mark stays that a key is gone. ``about`` and ``key`` are for people: what is told, and what its keys
    are.
    """

    partitions: int
    kept_s: int
    about: str
    key: str


TOPICS: Mapping[Topic, TopicRules] = {
    Topic.WORK: TopicRules(
        partitions=6,
        kept_s=7 * DAY_S,
        about="Every job, gang of pods and service replica, whenever it changes.",
        key="site, pool, side and id of the work",
    ),
    Topic.NODES: TopicRules(
        partitions=3,
        kept_s=7 * DAY_S,
        about="Every node of the pool as each side shows it, whenever that changes.",
        key="site, pool, side and name of the node",
    ),
    Topic.DEMAND: TopicRules(
        partitions=1,
        kept_s=120 * DAY_S,  # the history that forecasts are learned from
        about="The demand of each side and the pool's signals; forecasts are learned from them.",
        key="site, pool and side; of signals, site and pool",
    ),
    Topic.FORECASTS: TopicRules(
        partitions=1,
        kept_s=14 * DAY_S,
        about="Every forecast of the demand of a side.",
        key="site, pool and side",
    ),
    Topic.PLANS: TopicRules(
        partitions=1,
        kept_s=14 * DAY_S,
        about="Every plan: what the leader chose to do, what not, and why.",
        key="site and pool",
    ),
    Topic.HANDOVERS: TopicRules(
        partitions=1,
        kept_s=90 * DAY_S,
        about="The latest hand-over of every node, whenever it goes on.",
        key="site, pool and name of the node",
    ),
    Topic.DEAD_LETTER: TopicRules(
        partitions=1,
        kept_s=30 * DAY_S,
        about="Every message that could not be sent or read, with the reason.",
        key="topic, partition and offset of the message; of one that was never sent, topic, `unsent` and its own key",
    ),
}
