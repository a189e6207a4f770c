"""Drives hand-overs: each goes as far as what is seen allows; what is done is written down, what ended is kept.

Memory here is a convenience: everything that another process needs to go on is in the records on the nodes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from basics.text import count
from controller.handover.adoption import adopted, believed, follows, seen_again
from controller.handover.advice import advice
from controller.handover.carry_out import Ports, carry_out, drain_together
from controller.handover.look import Rules, due_s
from controller.handover.record import TheirRecord, encode
from controller.handover.refusals import Refusals
from controller.handover.step import learn, step, unseen
from models.acts import Act, Outcome, Verb
from models.audit import Answered, Asked, AuditLog, Entered, Fenced
from models.errors import BadInput, Deposed, ImpossibleStep, Unreachable
from models.handovers import Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node

STEPS_MAX = 24  # stages that one hand-over may pass in one go; the longest way, out and back again, has fourteen

log = logging.getLogger("tidegate.handover")


class HandoverDriver:
    """The open hand-overs of one pool.

    ``finished`` keeps what ended since the caller last took it; ``stuck`` what waits for a person, by node; ``fenced``
    counts the pods that came late to a node that was fenced off, ``breaches`` the nodes that were found open to both.
    """

    def __init__(self, ports: Ports, rules: Rules, audit: AuditLog, clock: Callable[[], int]) -> None:
        self.rules = rules
        self.open: dict[str, Handover] = {}
        self.stuck: dict[str, Handover] = {}
        self.finished: list[Handover] = []
        self.overdue: set[str] = set()
        self.fenced = 0
        self.breaches = 0
        self._ports = ports
        self._audit = audit
        self._clock = clock
        self._epoch = 0
        self._unclaimed: set[str] = set()
        self._breached: set[str] = set()
        self._records: dict[str, str] = {}
        self._resting: dict[str, tuple[HpcNode, KubernetesNode, int | None]] = {}
        self._unanswered: list[tuple[str, Act, Outcome]] = []
        self._drains: dict[str, dict[str, Act]] | None = None  # by mark and hand-over, while they are collected
        self._blind_s: dict[str, int] = {}
        self._late_pods: dict[str, int] = {}
        self._refusals = Refusals()

    def lead(self, epoch: int, found: list[Handover]) -> None:
        """Forget what was, and take over ``found``: each is written down anew, which shuts out whoever had it, before
        it goes on."""
        self._epoch = epoch
        for memory in (self.open, self.stuck, self._records, self._resting, self._blind_s, self._late_pods):
            memory.clear()
        for names in (self.overdue, self._breached, self._unanswered):
            names.clear()
        self._refusals.clear()
        self.open.update({handover.id: adopted(handover, epoch, self._clock(), self.rules) for handover in found})
        self._unclaimed = set(self.open)

    def begin(self, handover: Handover) -> None:
        """Add a hand-over; nothing is asked for yet."""
        self._audit.append(Entered(self._clock(), handover))
        self.open[handover.id] = handover

    def adopt(self, handover: Handover) -> None:
        """Turn back a hand-over that someone left behind and that no plan of this term wants, once it is written down
        under our own epoch. Why it would have turned back before nobody knows but who wrote it."""
        self.open[handover.id] = adopted(replace(handover, why=None), self._epoch, self._clock(), self.rules)
        self._unclaimed.add(handover.id)
        self.turn_back(handover.id, Why.NOT_WANTED)

    def release(self, node: Node) -> None:
        """Drop a booking of ours that no hand-over accounts for."""
        act = Act(Verb.RELEASE, node.name, node.hpc.booked_by or "")
        self._ask_alone(act, node, lambda: self._ports.hpc.release(act.node, mark=act.mark))

    def fence(self, node: Node) -> None:
        """Fence off a node that the HPC side has, in case a pod comes late; its record stays as it is."""
        act = Act(Verb.FENCE, node.name, node.kubernetes.closed_by or "")
        self._ask_alone(
            act,
            node,
            lambda: self._ports.kubernetes.fence(
                act.node, mark=act.mark, record=node.kubernetes.record or "", version=node.kubernetes.version
            ),
        )

    def close_kubernetes(self, node: Node, mark: str) -> None:
        """Close Kubernetes on a node that is open to both and whose record is somebody else's: that stays as it is."""
        act, seen = Act(Verb.CLOSE, node.name, mark), node.kubernetes

        def close() -> Outcome:
            text = "node %s is open to both sides, and its record is not ours: it is closed to Kubernetes"
            log.warning(text, node.name)
            return self._ports.kubernetes.close(act.node, mark=mark, record=seen.record or "", version=seen.version)

        self._ask_alone(act, node, close)

    def close_hpc(self, node: Node, mark: str) -> None:
        """Close the HPC side of a node on which pods run that should not be there: no more jobs meet them."""
        act = Act(Verb.DRAIN, node.name, mark)
        self._ask_alone(act, node, lambda: self._ports.hpc.drain((act.node,), mark=mark)[act.node])

    def _ask_alone(self, act: Act, node: Node, ask: Callable[[], Outcome]) -> None:
        """Ask for an act that belongs to no hand-over."""
        if self._ports.leadership.may_act() and self._refusals.may_ask("", act, node, self._clock()):
            self._audit.append(Asked(self._clock(), self._epoch, "", act, node))
            try:
                outcome = ask()
            except Unreachable:
                outcome = Outcome.UNKNOWN
            self._refusals.heard("", act, outcome, self._clock())
            self._audit.append(Answered(self._clock(), self._epoch, "", act, outcome, None))

    def turn_back(self, ident: str, why: Why) -> None:
        """Let the hand-over go back to where it came from, if it still can."""
        if self.open[ident].why is None:
            self.open[ident] = replace(self.open[ident], why=why)
            self._resting.pop(ident, None)

    def bring_forward(self, node: str, now_s: int) -> bool:
        """Let the node of a loan go at once, instead of on its date; whether the node bears one."""
        loan = next((one for one in self.open.values() if one.node == node and one.awaits_date(now_s)), None)
        if loan is None:
            return False
        deadline_s = now_s + self.rules.deadline_s
        self.open[loan.id] = replace(loan, loan=False, reserve_from_s=None, deadline_s=deadline_s)
        self._resting.pop(loan.id, None)
        return True

    def tend(self) -> None:
        """Take every open hand-over as far as what is seen now allows. One whose node cannot be seen stays as it is.

        Drains of one mark are asked for together once each hand-over has come as far as that; then these go on at once.
        Raises Deposed when another leader is found to have taken one over.
        """
        drains = self._drains = {}
        for ident in list(self.open):
            self._go_on(ident)
        self._drains = None
        for mark, acts in drains.items():
            for ident in self._drain(mark, acts):
                self._go_on(ident)
        for ident in list(self.open):
            self._tell_if_overdue(ident)

    def next_due_s(self) -> int | None:
        """When an open hand-over next has something to do of its own accord; None when none has."""
        rests = [self._resting.get(ident) for ident in self.open]
        times = [rest[2] for rest in rests if rest is not None]
        return min((at_s for at_s in (*times, self._refusals.due_s(self._clock())) if at_s is not None), default=None)

    def look(self, name: str) -> Node | None:
        """The node as both sides show it now; None when one of them has no such node."""
        hpc = self._ports.hpc.look(name)
        kubernetes = self._ports.kubernetes.look(name)
        return None if hpc is None or kubernetes is None else Node(name, hpc, kubernetes)

    def _go_on(self, ident: str) -> None:
        """Take one hand-over as far as it comes."""
        node = self.open[ident].node
        try:
            for _ in range(STEPS_MAX):
                if not self._advance(ident):
                    break
        except Unreachable:
            self._answer(None)
            self._blind_s.setdefault(ident, self._clock())
        except ImpossibleStep as error:
            log.error("a bug in Tidegate, please report it: hand-over %s of node %s: %s", ident, node, error)
            self.stuck[node] = self.open[ident]
            self._forget(ident)
        except TheirRecord as error:
            log.error("hand-over %s of node %s is left to whoever wrote its record: %s", ident, node, error)
            self._forget(ident)

    def _drain(self, mark: str, acts: dict[str, Act]) -> Iterator[str]:
        """Ask for all of one mark in one call. The hand-overs whose nodes are drained, to be looked at one by one."""
        said = drain_together(mark, [act.node for act in acts.values()], self._ports)
        if said is None:
            return
        for ident, act in acts.items():
            self._heard(ident, act, said[act.node])
            if said[act.node] is Outcome.DONE:
                yield ident

    def _advance(self, ident: str) -> bool:
        """One step of one hand-over; whether it changed, so that another step may follow at once."""
        before, now_s = self.open[ident], self._clock()
        hpc = self._ports.hpc.look(before.node)
        kubernetes = self._ports.kubernetes.look(before.node)
        if hpc is None or kubernetes is None:
            self._answer(None)
            self._blind_s.setdefault(ident, now_s)
            return False
        if ident in self._blind_s:
            before = self.open[ident] = unseen(before, now_s - self._blind_s.pop(ident))
            self._resting.pop(ident, None)
        rest = self._resting.get(ident)
        if rest is not None and rest[0] is hpc and rest[1] is kubernetes and (rest[2] is None or now_s < rest[2]):
            return False
        node = Node(before.node, hpc, kubernetes)
        if self._unanswered:
            self._answer(node)
        self._notice_breach(ident, node)
        self._check_record(before, node.kubernetes)
        self._tell_late_pods(ident, node.kubernetes)
        if ident in self._unclaimed:
            return self._claim(before, node)
        after, acts = step(before, node, now_s, self.rules)
        if self._is_prepared_still(before, after, node):
            return False
        if after.stage.finished:
            return self._finish(before, after, node)
        self._keep(before, after)
        if not acts:
            if after is before:
                self._resting[ident] = (hpc, kubernetes, due_s(after, node, now_s, self.rules))
            return after is not before
        return self._ask(after, acts, node) and acts[-1].verb is not Verb.EVICT  # pods need time to leave

    def _is_prepared_still(self, before: Handover, after: Handover, node: Node) -> bool:
        """Whether the site's hook works on a node whose hand-over goes elsewhere: first it has to end. Only a node that
        is open to both sides does not wait for that."""
        if self._ports.hook is None or before.stage is not Stage.SETTLED or after.stage is Stage.SETTLED:
            return False
        return not self._ports.hook.let_go(before.node, before.direction, before.id) and not node.breached

    def _keep(self, before: Handover, after: Handover) -> None:
        if after.stage is not before.stage:
            self._audit.append(Entered(self._clock(), after))
            self.overdue.discard(after.id)
        self.open[after.id] = after

    def _ask(self, handover: Handover, acts: tuple[Act, ...], node: Node) -> bool:
        """Ask for each act until one is not done; whether all were, so that looking again is worth while at once."""
        record = encode(handover)
        for act in acts:
            if act.verb is Verb.NOTE and node.kubernetes.record == record:
                continue
            later = act.verb is Verb.DRAIN
            if not self._ports.leadership.may_act() or (later and self._drains is None):
                return False  # or it was asked for just now, and the next tending sees what has become of it
            if not self._refusals.may_ask(handover.id, act, node, self._clock()):
                return False
            self._audit.append(Asked(self._clock(), self._epoch, handover.id, act, node))
            if later and self._drains is not None:
                self._drains.setdefault(act.mark, {})[handover.id] = act
                return False
            try:
                outcome = carry_out(act, handover, record, node.kubernetes, self._ports)
            except Unreachable:
                outcome = Outcome.UNKNOWN
            if outcome is None:
                return False
            handover = self._heard(handover.id, act, outcome)
            if outcome is not Outcome.DONE:
                return False
        return True

    def _heard(self, ident: str, act: Act, outcome: Outcome) -> Handover:
        """Learn what is known of an act; it is written down with the next look, at once where it is not done."""
        self._unanswered.append((ident, act, outcome))
        self._refusals.heard(ident, act, outcome, self._clock())
        after = self.open[ident] = learn(self.open[ident], act, outcome, self._clock())
        if outcome is not Outcome.DONE:
            self._answer(None)
        return after

    def _answer(self, seen: Node | None) -> None:
        """Write down what is known of the latest acts, each one once, and what their node shows."""
        while self._unanswered:
            ident, act, outcome = self._unanswered.pop(0)
            shown = seen if seen is not None and seen.name == act.node else None
            self._audit.append(Answered(self._clock(), self._epoch, ident, act, outcome, shown))

    def _notice_breach(self, ident: str, node: Node) -> None:
        """Tell of a node that is open to both sides, once; what its stage asks for closes it to Kubernetes."""
        if not node.breached:
            self._breached.discard(ident)
        elif ident not in self._breached:
            self._breached.add(ident)
            self.breaches += 1
            pods = node.kubernetes.pods
            log.warning(
                "node %s was open to both sides; it is being closed to Kubernetes, %s still on it",
                node.name,
                f"{count(pods, 'pod')} {'is' if pods == 1 else 'are'}",
            )

    def _check_record(self, handover: Handover, kubernetes: KubernetesNode) -> None:
        """Notice a later leader by what it wrote on the node. Raises Deposed."""
        text = kubernetes.record
        if text is None or text == self._records.get(handover.id):
            return
        try:
            epoch = self._believed(handover.node, text).epoch
        except TheirRecord:
            raise
        except BadInput:
            epoch = 0  # what somebody scribbled there means nothing; our next write replaces it
        if epoch > self._epoch:
            self._ports.leadership.rise_above(epoch)
            raise Deposed(f"epoch {epoch} has taken over node {handover.node}; this is epoch {self._epoch}")
        self._records[handover.id] = text

    def _claim(self, handover: Handover, node: Node) -> bool:
        """Write the hand-over down under our own epoch: from then on an earlier leader's writes are refused.

        What the node's record says now counts, not what a list of nodes said: the hand-over may be over.
        """
        now_s = self._clock()
        fresh = self._readable(node)
        if fresh is not None:
            if fresh.id != handover.id or fresh.stage.finished:
                self._forget(handover.id)
                return False
            why = handover.why or fresh.why or (None if follows(fresh, handover) else Why.NOT_WANTED)
            handover = adopted(replace(fresh, why=why), self._epoch, now_s, self.rules)
        handover = self.open[handover.id] = seen_again(handover, node, now_s, self.rules)
        if not self._ask(handover, (Act(Verb.NOTE, handover.node, handover.mark),), node):
            return False
        self._unclaimed.discard(handover.id)
        return True

    def _believed(self, node: str, text: str) -> Handover:
        return believed(text, node, self._epoch, self._clock(), self.rules)

    def _readable(self, node: Node) -> Handover | None:
        try:
            return None if node.kubernetes.record is None else self._believed(node.name, node.kubernetes.record)
        except BadInput:
            return None

    def _finish(self, before: Handover, after: Handover, node: Node) -> bool:
        """End the hand-over once its end is written down; until then it stays in the stage before."""
        if not self._ask(after, (Act(Verb.NOTE, after.node, after.mark),), node):
            self.open[before.id] = before
            return False
        self._answer(None)
        if after.stage is Stage.DONE and self._ports.hook is not None:
            self._ask(after, (Act(Verb.TELL, after.node, after.mark),), node)
            self._answer(None)
        self._audit.append(Entered(self._clock(), after))
        self._forget(after.id)
        self.finished.append(after)
        if after.stage is Stage.STUCK:
            self.stuck[after.node] = after
            log.error("%s", advice(after, before.stage, node, self._ports.facts))
        return False

    def _forget(self, ident: str) -> None:
        for memory in (self.open, self._records, self._resting, self._blind_s, self._late_pods):
            memory.pop(ident, None)
        for names in (self.overdue, self._unclaimed, self._breached):
            names.discard(ident)
        self._refusals.forget(ident)

    def _tell_late_pods(self, ident: str, kubernetes: KubernetesNode) -> None:
        """Count the pods that came to a node after it was fenced off, each one once."""
        if not kubernetes.fenced:
            return
        more = kubernetes.pods - self._late_pods.get(ident, 0)
        self._late_pods[ident] = kubernetes.pods
        if more > 0:
            self.fenced += more
            self._audit.append(Fenced(self._clock(), self._epoch, ident, kubernetes.name, more, kubernetes.bare))
            level = logging.WARNING if kubernetes.bare else logging.INFO
            text = "%d pods came late to node %s, which is fenced off: they end; %d of them nothing makes again"
            log.log(level, text, more, kubernetes.name, kubernetes.bare)

    def _tell_if_overdue(self, ident: str) -> None:
        """A hand-over past its deadline whose node cannot be seen, or not be changed, is as good as stuck: say so."""
        handover = self.open.get(ident)
        if handover is None or ident in self.overdue or self._clock() <= handover.deadline_s:
            return
        self.overdue.add(ident)
        log.error("%s", advice(handover, handover.stage, None, self._ports.facts))
