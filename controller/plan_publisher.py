"""Plans and the stages of hand-overs, published on the bus for whoever wants to know."""

from __future__ import annotations

import logging

from basics.log_once import Trouble
from models.audit import AuditLog, Decided, Entered, Entry
from models.bus import Bus
from models.events import Event, Payload, Planned, Topic
from models.identity import CONTROLLER, PoolId

TERM = 2**32  # versions of one epoch: more than one leader can tell events

log = logging.getLogger("tidegate.telling")


class PlanPublisher:
    """An audit that is kept elsewhere, and of which the plans and the stages of hand-overs are told on the bus.

    The audit comes first: what it refuses is not told. What cannot be told is counted in ``failures`` and changes
    nothing else. A later leader's events are newer than all of an earlier one's, since epochs rise; pools that are led
    as one share them, and no key.
    """

    def __init__(self, audit: AuditLog, bus: Bus, pool: PoolId) -> None:
        self.failures = 0
        self._audit = audit
        self._bus = bus
        self._pool = pool
        self._count = 0
        self._retired = 0  # the newest epoch in which what release 0.1.0 told was looked for
        self._trouble = Trouble(log, "plans and hand-overs are not told")
        self._handovers: dict[str, Event] = {}

    def append(self, entry: Entry) -> None:
        """See the port."""
        self._audit.append(entry)
        if isinstance(entry, Decided):
            self._tell(Topic.PLANS, self._pool.key, Planned(entry.epoch, entry.plan), entry.epoch, entry.plan.at_s)
            if entry.epoch > self._retired:
                self._retired = entry.epoch
                self._retire(entry.epoch, entry.plan.at_s)
        elif isinstance(entry, Entered):
            handover = entry.handover
            key = f"{self._pool.key}/{handover.node}"
            self._handovers[key] = self._tell(Topic.HANDOVERS, key, handover, handover.epoch, entry.at_s)

    def tell_anew(self) -> None:
        """Events of hand-overs were lost: tell the last of each node again."""
        self._retired = 0
        for event in self._handovers.values():
            self._publish(event)

    def _retire(self, epoch: int, at_s: int) -> None:
        """Tell what release 0.1.0 told of hand-overs at this site, under keys without a pool, as gone."""
        try:
            shown = self._bus.latest_state(Topic.HANDOVERS)
        except Exception as error:  # the next leader looks again
            log.warning("old keys of hand-overs are not looked for: %s %s", type(error).__name__, error)
            return
        old_source = self._pool.old_source(CONTROLLER)
        for key in sorted(key for key, event in shown.items() if event.source == old_source):
            self._tell(Topic.HANDOVERS, key, None, epoch, at_s, above=shown[key].version)

    def _tell(
        self, topic: Topic, key: str, payload: Payload | None, epoch: int, at_s: int, *, above: int = -1
    ) -> Event:
        self._count += 1
        version = max(epoch * TERM + self._count, above + 1)
        event = Event(topic, key, payload, version, self._pool.source(CONTROLLER), float(at_s))
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
