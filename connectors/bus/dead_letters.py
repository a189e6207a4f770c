"""Dead letters as whoever looks after a bus sees them: each message once, and whether it can be sent again."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connectors.bus.inspection import Found, Inspection, everything
from connectors.bus.wire.codec import Poison, UnknownType, decode
from connectors.bus.wire.receiver import size_of
from models.errors import BadInput
from models.events import DeadLetter, Topic

BYTES_MOST = 256 * 2**20  # of the messages in the letters that are looked at together

_TOPICS = {topic.value: topic for topic in Topic}


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that was put aside, with the key of its dead letter.

    ``times`` is how often that happened, since every reader that starts anew puts a message aside anew; ``at_s`` is
    when it last did.
    """

    key: str
    at_s: float
    times: int
    dead: DeadLetter

    @property
    def whole(self) -> bool:
        """Whether all of the message is here, and not only the beginnings of its parts."""
        return self.dead.size == size_of(self.dead)

    @property
    def refusal(self) -> str:
        """Why the message cannot be sent again; empty when it can."""
        dead = self.dead
        if dead.offset is None:
            return "it was refused before it was sent; send it anew where it comes from"
        if not dead.size:
            return "nothing is known of it but its place"
        if dead.topic not in _TOPICS or dead.topic == Topic.DEAD_LETTER:
            return f"{dead.topic} is no topic that it can be sent to"
        if not self.whole:
            return f"it is too large: of its {dead.size} bytes only the beginnings are here"
        return ""

    @property
    def message(self) -> Found:
        """The message, to be sent again."""
        dead, topic = self.dead, _TOPICS[self.dead.topic]
        return Found(topic, dead.partition, dead.offset or 0, self.at_s, dead.key, dead.value, dead.headers)

    @property
    def problem(self) -> str:
        """What this release finds wrong with the message; empty for an event."""
        found = self.message
        try:
            decode(found.topic, found.key, found.value, found.headers)
        except Poison as error:
            return str(error)
        except UnknownType as error:
            return f"type {error} is not known to this release, and is ignored"
        return ""


@dataclass(frozen=True, slots=True)
class Letters:
    """The newest letters, the newest last. ``total`` is how many there are, ``strange`` how many are none."""

    newest: tuple[Letter, ...]
    total: int
    strange: int


def letters(
    inspection: Inspection,
    most: int,
    note: Callable[[str], None],
    wanted: Callable[[str, float], bool] = lambda key, at_s: True,
) -> Letters:
    """Read the dead letters whose key and time are ``wanted``. Raises BadInput when they are too large together."""
    times: Counter[tuple[str, int]] = Counter()
    kept: OrderedDict[tuple[str, int], Letter] = OrderedDict()
    size = strange = 0
    with inspection.reading(Topic.DEAD_LETTER, note) as reading:
        for found in everything(reading):
            event = found.event
            if isinstance(event, str):
                strange += 1
                continue
            dead = event.payload
            if not isinstance(dead, DeadLetter) or not wanted(event.key, event.at_s):
                continue
            name = event.key, hash((dead.key, dead.value, dead.headers))
            times[name] += 1
            if (old := kept.pop(name, None)) is not None:
                size -= size_of(old.dead)
            kept[name] = Letter(event.key, event.at_s, times[name], dead)
            size += size_of(dead)
            if len(kept) > most:
                size -= size_of(kept.popitem(last=False)[1].dead)
            if size > BYTES_MOST:
                raise BadInput(f"more than {BYTES_MOST >> 20} MiB of dead letters together", remedy="ask for fewer")
    return Letters(tuple(kept.values()), len(times), strange)


def outdated(inspection: Inspection, some: Iterable[Letter], note: Callable[[str], None]) -> set[Letter]:
    """Those after whose message another one of its key is on a topic of state.

    Sent again, the older one would come last, and once the topic is compacted it would be the only one.
    """
    by_key: dict[Topic, dict[bytes | None, list[Letter]]] = {}
    for one in some:
        if (topic := one.message.topic).state:
            by_key.setdefault(topic, {}).setdefault(one.dead.key, []).append(one)
    found: set[Letter] = set()
    for topic, mine in by_key.items():
        with inspection.reading(topic, note) as reading:
            for message in everything(reading):
                found.update(one for one in mine.get(message.key, ()) if _is_later(message, one.message))
    return found


def _is_later(message: Found, than: Found) -> bool:
    """Whether it came later; of two partitions nobody knows, so it may have."""
    return message.partition != than.partition or message.offset > than.offset
