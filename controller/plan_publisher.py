"""Plans and the stages of hand-overs, published on the bus for whoever wants to know."""

from __future__ import annotations

import logging

from basics.log_once import Trouble
from models.audit import AuditLog, Decided, Entered, Entry
from models.bus import Bus
from models.events import Event, Payload, Planned, Topic

TERM = 2**32  # versions of one epoch: more than one leader can tell events

log = logging.getLogger("tidegate.telling")


class PlanPublisher:
    """An audit that is kept elsewhere, and of which the plans and the stages of hand-overs are told on the bus.

    The audit comes first: what it refuses is not told. What cannot be told is counted in ``failures`` and changes
    nothing else. A later leader's events are newer than all of an earlier one's, since epochs rise.
    """

    def __init__(self, audit: AuditLog, bus: Bus, *, source: str, pool: str) -> None:
        self.failures = 0
        self._audit = audit
        self._bus = bus
        self._source = source
        self._pool = pool
        self._count = 0
        self._trouble = Trouble(log, "plans and hand-overs are not told")
        self._handovers: dict[str, Event] = {}

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._audit.append(entry)
        if isinstance(entry, Decided):
            self._tell(Topic.PLANS, self._pool, Planned(entry.epoch, entry.plan), entry.epoch, entry.plan.at_s)
        elif isinstance(entry, Entered):
            handover = entry.handover
            event = self._tell(Topic.HANDOVERS, handover.node, handover, handover.epoch, entry.at_s)
            self._handovers[handover.node] = event

    def tell_anew(self) -> None:
        """Events of hand-overs were lost: tell the last of each node again."""
        for event in self._handovers.values():
            self._publish(event)

    def _tell(self, topic: Topic, key: str, payload: Payload, epoch: int, at_s: int) -> Event:
        self._count += 1
        event = Event(topic, key, payload, epoch * TERM + self._count, self._source, float(at_s))
        self._publish(event)
        return event

    def _publish(self, event: Event) -> None:
        try:
            self._bus.publish(event)
        except Exception as error:  # whatever it is, no hand-over may stop for it
            self.failures += 1
            self._trouble.met(f"{type(error).__name__} {error}")
        else:
            self._trouble.over()
