"""Writing to the file of the embedded bus: many messages at once, kept in memory while they cannot be written."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from connectors.bus.embedded.file import EventFile, Position, Row
from connectors.bus.wire.codec import Message
from models.bus import BusCounts
from models.errors import BusRefused, BusUnavailable
from models.events import Topic

ROWS = 1000  # messages that are written together at the latest
BYTES = 4 * 2**20  # or so many bytes
HELD_MOST = 128 * 2**20  # bytes in memory while nothing can be written; beyond that the oldest events are dropped
OVERHEAD = 1024  # bytes that a message takes in memory besides its value
PATIENCE_S = 1.0  # to wait for another process that writes, unless somebody asked for more
PAUSE_S = 2.0  # after that, or when the disk is full, until the next try
LOOK_S = 0.05  # between two tries of a flush

_PACK = msgspec.msgpack.Encoder().encode

log = logging.getLogger("tidegate.bus")


class Writing:
    """What was published and is not in the file yet, in its order.

    ``refused`` is the latest error that a retry does not help against; ``lost`` are the topics of which something was
    lost: dropped, or written to a file that somebody has removed.
    """

    def __init__(self, file: EventFile, counts: BusCounts, clock: Callable[[], float]) -> None:
        self.lost: set[Topic] = set()
        self.refused: BusRefused | None = None
        self._file = file
        self._counts = counts
        self._clock = clock
        self._held: deque[tuple[str, Row, bool]] = deque()
        self._bytes = 0
        self._written: set[Topic] = set()
        self._pause_until = 0.0
        self._failing = False

    def put(self, message: Message, version: int, *, never_drop: bool = False) -> None:
        """Take the message; write when there are many. Raises BusUnavailable where one that must not be lost may be."""
        if never_drop and self._bytes > HELD_MOST:
            raise BusUnavailable("a message cannot be put aside: nothing can be written, and too much waits for that")
        topic, key, value, headers = message
        self._held.append((topic, Row(self._clock(), version, key, value, _PACK(headers)), never_drop))
        self._bytes += OVERHEAD + len(value or b"")
        if len(self._held) >= ROWS or self._bytes >= BYTES:
            self.write_if_possible()
            if self._bytes > HELD_MOST:
                self._make_room()

    def write_if_possible(self) -> None:
        """Write what is held; when that cannot be done it stays held, and is tried again after a pause."""
        if self._held and time.monotonic() >= self._pause_until:
            self._attempt(PATIENCE_S)

    def flush(self, timeout_s: float) -> int:
        """Try to write what is held until that is done, or the time is up; how many messages stay held."""
        deadline = time.monotonic() + timeout_s
        while self._held and not self._attempt(min(PATIENCE_S, max(0.0, deadline - time.monotonic()))):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self.refused is not None:
                break
            time.sleep(min(LOOK_S, left_s))
        return len(self._held)

    def forget(self) -> None:
        """Let go of what is held."""
        self._held.clear()
        self._bytes = 0

    def look(self) -> None:
        """Notice a file that was removed or replaced."""
        if self._file.look():
            self.lost |= self._written
            self._written.clear()

    def write(self, positions: Iterable[Position] = (), wait_s: float = PATIENCE_S) -> None:
        """Write what is held and these positions of readers, together. Raises BusUnavailable and BusRefused."""
        rows: dict[Topic, list[Row]] = {}
        for topic, row, _ in self._held:
            rows.setdefault(Topic(topic), []).append(row)
        self._file.append(rows, positions, wait_s)
        self._counts.delivered += len(self._held)
        self._written.update(rows)
        self.forget()
        self.refused, self._failing, self._pause_until = None, False, 0.0

    def _attempt(self, wait_s: float) -> bool:
        try:
            self.look()
            self.write(wait_s=wait_s)
        except (BusUnavailable, BusRefused) as error:
            if not self._failing:
                log.warning("events are kept in memory until they can be written: %s", error)
            self._failing = True
            self._pause_until = time.monotonic() + PAUSE_S
            self.refused = error if isinstance(error, BusRefused) else None
            return False
        return True

    def _make_room(self) -> None:
        """Drop the oldest tenth or so, so that this is not done for every message."""
        if not self.lost:
            log.error("nothing could be written for too long: the oldest events are dropped, and told anew later")
        stay = []
        while self._held and self._bytes > HELD_MOST * 9 // 10:
            topic, row, never_drop = one = self._held.popleft()
            if never_drop:
                stay.append(one)
                continue
            self._bytes -= OVERHEAD + len(row.value or b"")
            self._counts.dropped += 1
            self.lost.add(Topic(topic))
        self._held.extendleft(reversed(stay))
