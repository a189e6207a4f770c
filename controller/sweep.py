"""The sweep: finds nodes that no hand-over of ours accounts for, looks at them afresh, and takes them in hand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from controller.handover.begin import Names
from controller.handover.driver import HandoverDriver
from controller.handover.look import Rules
from controller.handover.record import TheirRecord, decode
from controller.recovery import mend, suspect
from models.errors import BadInput
from models.handovers import Handover, Stage, ours
from models.nodes import Node

LEFT_ALONE = "node %s is left alone: %s; look at its annotation, and remove that if nobody needs it"
log = logging.getLogger("tidegate.handover")


class Sweep:
    """What is known of the nodes that are in no hand-over. ``unreadable`` are those with a record that is not ours to
    understand, by name: they are left alone. ``count`` hears of every hand-over that a record tells of and that is gone
    on with."""

    def __init__(
        self,
        driver: HandoverDriver,
        rules: Rules,
        clock: Callable[[], int],
        names: Callable[[], Names],
        count: Callable[[Handover], None],
    ) -> None:
        self.unreadable: dict[str, str] = {}
        self._driver = driver
        self._rules = rules
        self._clock = clock
        self._names = names
        self._count = count
        self._theirs: set[str] = set()
        self._read: dict[str, tuple[str, Handover]] = {}
        self._waiting: dict[str, Node] = {}

    def lead(self, unreadable: dict[str, str]) -> None:
        """Begin anew with what the records said."""
        self.unreadable = dict(unreadable)
        for name, error in unreadable.items():
            log.error(LEFT_ALONE, name, error)
        self._read.clear()
        self._waiting.clear()

    def over(self, changed: Iterable[Node]) -> None:
        """See to every node that changed, and to those that still show what they should not. Raises Unreachable."""
        self._waiting.update({node.name: node for node in changed})
        moving = {handover.node for handover in self._driver.open.values()}
        for name, shown in list(self._waiting.items()):
            if name not in moving and (suspect(shown, self._rules.scope) or not self._has_read(shown)):
                fresh = self._driver.look(name)
                if fresh is not None:
                    self._see_to(fresh)
                if fresh is None or suspect(shown, self._rules.scope):
                    continue  # until the list itself shows it well: what was looked at may be older than the list
            del self._waiting[name]

    def last(self, node: Node) -> Handover | None:
        """The hand-over that the node's record tells of, None when there is none to be read."""
        text = node.kubernetes.record
        if text is None:
            return None
        known = self._read.get(node.name)
        if known is not None and known[0] == text:
            return known[1]
        try:
            handover = decode(text, self._rules.scope)
            if handover.node != node.name:
                raise BadInput(f"the record is of node {handover.node}")
        except BadInput as error:
            if node.name not in self.unreadable:
                log.error(LEFT_ALONE, node.name, error)
            self.unreadable[node.name] = str(error)
            (self._theirs.add if isinstance(error, TheirRecord) else self._theirs.discard)(node.name)
            return None
        self.unreadable.pop(node.name, None)
        self._read[node.name] = (text, handover)
        return handover

    def _has_read(self, node: Node) -> bool:
        text, known = node.kubernetes.record, self._read.get(node.name)
        return text is None or (known is not None and known[0] == text)

    def _see_to(self, node: Node) -> None:
        """Go on with what the record tells of; else free the node of a stray booking, and mend it."""
        last = self.last(node)
        if node.name in self.unreadable and (node.name in self._theirs or not node.breached):
            return
        if last is not None and not last.stage.finished:
            self._driver.adopt(last)
            self._count(last)
            return
        if ours(node.hpc.booked_by, self._rules.scope):
            self._driver.release(node)
        repair = mend(node, self._names(), self._clock(), self._rules, last)
        if repair is not None:
            self._driver.begin(repair)
        elif last is not None and last.stage is Stage.STUCK and node.owner is None:
            self._driver.stuck.setdefault(node.name, last)
