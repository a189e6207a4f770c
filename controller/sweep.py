"""The sweep: finds nodes that no hand-over of ours accounts for, looks at them afresh, and takes them in hand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from controller.handover.adoption import believed
from controller.handover.begin import Names, repaired
from controller.handover.driver import HandoverDriver
from controller.handover.look import Rules
from controller.handover.record import TheirRecord
from controller.recovery import TWICE, intruded, mend, suspect, unfenced, unrecorded
from models.audit import AuditLog, LeftAlone
from models.errors import BadInput
from models.handovers import MARK_PREFIX, Direction, Handover, Stage, ours
from models.nodes import Node
from models.scheduler_facts import SchedulerFacts

log = logging.getLogger("tidegate.handover")


class Sweep:
    """What is known of the nodes that are in no hand-over. ``unreadable`` are those with a record that is not ours to
    understand, by name: they are left alone. ``count`` hears of every hand-over that a record tells of and that is
    turned back; ``facts`` are of the side that has the records."""

    def __init__(
        self,
        driver: HandoverDriver,
        rules: Rules,
        clock: Callable[[], int],
        names: Callable[[], Names],
        count: Callable[[Handover], None],
        audit: AuditLog,
        facts: SchedulerFacts,
    ) -> None:
        self.unreadable: dict[str, str] = {}
        self._driver = driver
        self._rules = rules
        self._clock = clock
        self._names = names
        self._count = count
        self._audit = audit
        self._facts = facts
        self._epoch = 0
        self._theirs: set[str] = set()
        self._read: dict[str, tuple[str, Handover]] = {}
        self._waiting: dict[str, Node] = {}

    def lead(self, epoch: int, unreadable: dict[str, str]) -> None:
        """Begin anew with what the records said."""
        self._epoch = epoch
        self.unreadable = {}
        self._theirs.clear()
        self._read.clear()
        self._waiting.clear()
        for name, error in unreadable.items():
            self._leave_alone(name, error)

    def over(self, changed: Iterable[Node]) -> None:
        """See to every node that changed, and to those that still show what they should not. Raises Unreachable."""
        self._waiting.update({node.name: node for node in changed})
        moving = {handover.node for handover in self._driver.open.values()}
        for name, shown in list(self._waiting.items()):
            waits = suspect(shown, self._rules.scope) or (self._rules.fence and unfenced(shown, self._rules.scope))
            if name not in moving and (waits or name in self.unreadable or not self._has_read(shown)):
                fresh = self._driver.look(name)
                if fresh is not None:
                    self._see_to(fresh)
                if (
                    fresh is None
                    or waits
                    or self._is_twice(fresh)
                    or fresh.kubernetes.record != shown.kubernetes.record
                ):
                    continue  # until the list itself shows it well: what was looked at may be older than the list
            del self._waiting[name]

    def last(self, node: Node) -> Handover | None:
        """The hand-over that the node's record tells of, None when there is none to be read."""
        text = node.kubernetes.record
        known = self._read.get(node.name)
        if text is not None and known is not None and known[0] == text:
            return known[1]
        try:
            handover = None if text is None else believed(text, node.name, self._epoch, self._clock(), self._rules)
        except BadInput as error:
            (self._theirs.add if isinstance(error, TheirRecord) else self._theirs.discard)(node.name)
            self._leave_alone(node.name, str(error))
            return None
        self._look_after(node.name)
        if text is not None and handover is not None:
            self._read[node.name] = (text, handover)
        return handover

    def _leave_alone(self, node: str, error: str) -> None:
        if node not in self.unreadable:
            command = self._facts.forget(node)
            self._audit.append(LeftAlone(self._clock(), self._epoch, node, error, command))
            ends = f"run: {command}" if command else "remove its annotation"
            log.error("node %s is left alone: %s; if nobody needs that record, %s", node, error, ends)
        self.unreadable[node] = error

    def _look_after(self, node: str) -> None:
        if node in self.unreadable:
            self._audit.append(LeftAlone(self._clock(), self._epoch, node))
            del self.unreadable[node]
            self._theirs.discard(node)

    def _has_read(self, node: Node) -> bool:
        text, known = node.kubernetes.record, self._read.get(node.name)
        return text is None or (known is not None and known[0] == text)

    def _is_twice(self, node: Node) -> bool:
        """Whether the record tells of a hand-over that is under way on another node."""
        last = self._read.get(node.name)
        under_way = None if last is None or last[1].stage.finished else self._driver.open.get(last[1].id)
        return under_way is not None and under_way.node != node.name

    def _see_to(self, node: Node) -> None:
        """Turn back what the record tells of; else free the node of a stray booking, and mend it."""
        was_left_alone, last = node.name in self.unreadable, self.last(node)
        if self._is_left_alone(node, last):
            return
        if last is not None and not last.stage.finished and node.name not in self.unreadable:
            self._driver.adopt(last)
            self._count(last)
            return
        if ours(node.hpc.booked_by, self._rules.scope):
            self._driver.release(node)
        if self._came_late(node, last):
            self._close_until_they_end(node, last)
            return
        if self._rules.fence and last is not None and unfenced(node, self._rules.scope):
            self._driver.fence(node)
        repair = mend(node, self._names(), self._clock(), self._rules, last)
        if was_left_alone and self._rules.fence and unrecorded(node, self._rules.scope):  # its record was in the way
            repair = repaired(node, Direction.TO_HPC, Stage.CLOSED, self._names(), self._clock(), self._rules, last)
        if repair is not None:
            self._driver.begin(repair)
        elif last is not None and last.stage is Stage.STUCK and node.owner is None:
            self._driver.stuck.setdefault(node.name, last)

    def _is_left_alone(self, node: Node, last: Handover | None) -> bool:
        """Whether its record is in the way; even then no node stays open to both, and in none pods and jobs meet."""
        if last is not None and self._is_twice(node):
            self._leave_alone(node.name, TWICE.format(id=last.id, node=self._driver.open[last.id].node))
        elif last is not None:
            self._look_after(node.name)
        if node.name in self._theirs:
            if node.breached:
                self._driver.close_kubernetes(node, MARK_PREFIX + self._names().batch)
            return True
        return node.name in self.unreadable and not (node.breached or self._came_late(node, last))

    def _came_late(self, node: Node, last: Handover | None) -> bool:
        """Whether pods run where they must not. With a fence they only can where a person opened the node to HPC while
        they ran, as the repair after that tells: he has it."""
        by_person = self._rules.fence and last is not None and last.repair
        return intruded(node, self._rules.scope) and not by_person

    def _close_until_they_end(self, node: Node, last: Handover | None) -> None:
        """Close the HPC side, so that no more jobs meet the pods, until these have ended; then open it again."""
        mark = node.kubernetes.closed_by or ""
        log.warning(
            "node %s: %d pods came late, after Kubernetes was closed and the HPC side opened;"
            " the HPC side is closed until they have ended",
            node.name,
            node.kubernetes.pods,
        )
        self._driver.close_hpc(node, mark)
        names = replace(self._names(), batch=mark.removeprefix(MARK_PREFIX))
        now_s = self._clock()
        self._driver.begin(repaired(node, Direction.TO_HPC, Stage.EMPTYING, names, now_s, self._rules, last))
