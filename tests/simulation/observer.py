"""The observer: what must always hold, counted again from the bare twin and apart from the code that it judges."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from models.acts import ON_HPC, Verb
from models.audit import Decided
from models.handovers import Direction, Handover, Stage
from models.leadership import LeaseRecord
from models.nodes import Side
from simulator.machine import Machine
from simulator.twin import TwinHpc, TwinKubernetes
from tests.simulation.plan import Plan

REPAIR_S = (
    30  # how long a node may stay open to both sides once someone leads and sees both; polls come every few seconds
)
WRITE_S = 15  # longer than a write that is under way may take
HOUR_S = 3600
ENDED = ("done", "cancelled", "stuck")
JOINED = re.compile(r'"direction":"hpc->kubernetes","stage":"done"')  # what the record of one says that has ended well


class Violation(Exception):
    """Something happened that must never happen."""

    def __init__(self, invariant: str, text: str, at_s: int) -> None:
        self.invariant = invariant
        super().__init__(f"{invariant} at {at_s} s: {text}")


@dataclass(slots=True)
class Seen:
    """What the observer keeps of one node. ``excused``: someone else opened it, so that both sides may use it until it
    has one owner and no foreign work again, and where it was ``mended`` meanwhile, is fenced off as well."""

    excused: bool = False
    excused_s: int = 0
    breached_s: int | None = None
    late_s: int | None = None  # since when pods run on a node that the HPC side has
    stage: str = ""
    handover: str = ""
    known: bool = True  # to a leader: not so a record that landed after its own had ended, until one goes on with it
    repair: bool = False
    epoch: int = 0
    begun_s: int = 0
    mended: bool = False
    stage_since_s: int = 0
    healthy_on: set[Side] = field(default_factory=set)
    lessened_s: dict[Side, int] = field(default_factory=dict)


class Observer:
    """Watches every change of the twin and every write of every process."""

    def __init__(
        self, plan: Plan, machine: Machine, hpc: TwinHpc, kubernetes: TwinKubernetes, vanished_hold_s: int
    ) -> None:
        self.plan = plan
        self.machine = machine
        self.hpc = hpc
        self.kubernetes = kubernetes
        self.nodes = [Seen() for _ in range(machine.size)]
        self.number = {name: number for number, name in enumerate(machine.names)}
        self.calm_since_s = 0
        self.excused_kills = 0
        self.late_pods = 0  # how often pods came to a node of the HPC side that no fence kept them from
        self.begun: dict[str, int] = {}
        self.known_ids: set[str] = set()  # of all that have begun
        self.due: set[str] = set()  # nodes that a takeover needs, until their hand-over begins
        self.needed: set[str] = set()  # the hand-overs that began for a takeover: no budget holds them back
        self.over: set[str] = set()
        self.forged: set[str] = set()  # ids that somebody else has written
        self.jumped = False
        self.ended: dict[Stage, int] = dict.fromkeys((Stage.DONE, Stage.CANCELLED, Stage.STUCK), 0)
        self.handovers = 0
        self.taken_over = 0  # how often a takeover had all its nodes
        self.emptied: tuple[int, float] | None = None  # when the queue was lost, and the work that there was
        self.vanished_hold_s = vanished_hold_s
        self.last_reads: deque[float] = deque((0.0,), maxlen=3)

    def fail(self, invariant: str, text: str) -> None:
        raise Violation(invariant, text, self.machine.now_s)

    def excuse(self, node: int) -> None:
        """Someone outside opened a side of the node."""
        self.nodes[node].excused = True
        self.nodes[node].excused_s = self.machine.now_s

    def forget(self, node: int) -> None:
        """The node's record is gone, and with it the hand-over and what the node was known to have."""
        seen = self.nodes[node]
        seen.healthy_on.clear()
        self.over.discard(seen.handover)
        self.begun.pop(seen.handover, None)
        seen.handover = seen.stage = ""
        seen.epoch = 0

    def look(self) -> None:
        """Check every node that changed."""
        hpc, kube = self.machine.hpc, self.machine.kube
        for node in hpc.changed | kube.changed if hpc.changed else kube.changed:
            self.check(node)

    def check(self, node: int) -> None:
        """I1 and I2 for one node."""
        hpc, kube, seen = self.machine.hpc, self.machine.kube, self.nodes[node]
        hpc_closed = hpc.drained_by[node] is not None
        kube_closed = kube.closed_by[node] is not None or kube.cordoned[node]
        both = not (hpc_closed or kube_closed or hpc.absent[node] or kube.absent[node])
        jobs, pods = bool(hpc.jobs_on[node]), bool(kube.pods_on[node])
        late = kube.closed_by[node] is not None and pods
        if late and jobs and self.plan.fence == "none":  # also where the HPC side drains it
            self.excuse(node)
        if late and not hpc_closed:
            seen.late_s = self.machine.now_s if seen.late_s is None else seen.late_s
            if self.plan.fence == "none" and seen.late_s == self.machine.now_s:
                self.late_pods += 1
                self.excuse(node)
        else:
            seen.late_s = None
        if both and not seen.excused:
            self.fail("I1", f"{self.machine.names[node]} is open to both schedulers")
        if jobs and pods and not seen.excused:
            self.fail("I2", f"{self.machine.names[node]} runs work of both sides")
        if both and seen.breached_s is None:
            seen.breached_s = self.machine.now_s
        elif not both:
            seen.breached_s = None
        if kube.fenced[node] or kube.closed_by[node] is None:
            seen.mended = False
        if seen.excused and self.machine.now_s - seen.excused_s > WRITE_S:
            late_ones = seen.mended and self.plan.fence != "none"  # may come: it cannot be fenced while pods run
            owned = (not kube_closed and not jobs) if hpc_closed else (kube_closed and not pods and not late_ones)
            closed, idle = hpc_closed or kube_closed, not (jobs or pods)
            seen.excused = not (closed and (owned or idle))

    def below_floor(self) -> None:
        """I8: each side keeps its floor, nodes that are on their way to it counted. Only where no person meddles."""
        hpc, kube = self.machine.hpc, self.machine.kube
        has = dict.fromkeys(Side, 0)
        for node, seen in enumerate(self.nodes):
            if hpc.drained_by[node] is None:
                has[Side.HPC] += 1
            elif kube.closed_by[node] is None:
                has[Side.KUBERNETES] += 1
            elif seen.stage not in ENDED:
                has = {side: nodes + 1 for side, nodes in has.items()}
        for side, nodes in has.items():
            if nodes < self.plan.floor:
                self.fail("I8", f"the {side} side has {nodes} nodes, below its floor of {self.plan.floor}")

    def calm(self, calm: bool) -> None:
        """Whether someone leads and both sides answer, now; then a breach must not last."""
        now_s = self.machine.now_s
        if not calm:
            self.calm_since_s = now_s
            return
        for node, seen in enumerate(self.nodes):
            if seen.breached_s is not None and now_s - max(seen.breached_s, self.calm_since_s) > REPAIR_S:
                self.fail("I1", f"{self.machine.names[node]} has been open to both for too long")
            meets = seen.late_s is not None and (self.plan.fence == "none" or not seen.excused)
            if meets and now_s - max(seen.late_s or 0, self.calm_since_s) > REPAIR_S:
                self.fail("I2", f"pods came late to {self.machine.names[node]}, which HPC may still use")

    def before_write(
        self, who: str, epoch: int, lease: LeaseRecord | None, verb: Verb, name: str, mark: str, record: str
    ) -> None:
        """I4, I6 and the health gate, before a write takes effect."""
        node, hpc = self.number[name], self.machine.hpc
        if verb in ON_HPC and lease is not None and lease.epoch > epoch and lease.holder != who:
            self.fail("I6", f"epoch {epoch} changes {name} while epoch {lease.epoch} leads")
        reason = hpc.drained_by[node]
        if verb is Verb.UNDRAIN and reason is not None and not reason.startswith("tidegate:") and reason == mark:
            self.fail("I4", f"{name} was drained by someone else ({reason}) and is undrained by us")
        booking = hpc.booking[node]
        if verb is Verb.RELEASE and booking and not booking[1].startswith("tidegate:") and booking[1] == mark:
            self.fail("I4", f"{name} was reserved by someone else and is released by us")
        if lease is None:
            return  # a late one: who asked for it saw the node as it was then
        if verb is Verb.NOTE and JOINED.search(record):
            self._must_be_whole(node, Side.KUBERNETES, f"{name} counts as given to Kubernetes")
        if verb is Verb.UNDRAIN and self.nodes[node].stage == "opening":
            self._must_be_whole(node, Side.HPC, f"{name} is opened on HPC")

    def lessened(self, node: int, side: Side) -> None:
        """The node registers less than before; a write that was asked for until now could not know."""
        self.nodes[node].lessened_s[side] = self.machine.now_s

    def _must_be_whole(self, node: int, side: Side, what: str) -> None:
        seen = self.nodes[node]
        if side not in seen.healthy_on or side not in seen.lessened_s:
            return
        if self.machine.now_s - seen.lessened_s[side] > WRITE_S:
            self.fail("health", f"{what} although it registered less than it once had there")

    def after_write(self, verb: Verb, name: str) -> None:
        """I2: an opening must not have ended work."""
        if self.machine.counts.killed > self.excused_kills:
            if not self.nodes[self.number[name]].excused:
                self.fail("I2", f"work on {name} was killed by {verb}")
            self.excused_kills = self.machine.counts.killed
        self.look()

    def read(self, demand: float) -> None:
        """A leader is about to read the HPC queue. Once the work is there again, or was there before, all is well."""
        self.last_reads.append(demand)
        if self.emptied is not None and demand * 2 >= self.emptied[1]:
            self.emptied = None

    def decided(self, entry: Decided) -> None:
        """I8: a target is a number of nodes that the policy allows, or no further from that than there are now."""
        if self.emptied is not None and self.machine.now_s - self.emptied[0] < self.vanished_hold_s:
            going = [move.node for move in entry.plan.moves if move.direction is Direction.TO_KUBERNETES]
            if going and not entry.plan.holds:
                self.fail("I8", f"{going} move to Kubernetes although the HPC queue has just vanished")
        if entry.snapshot.due is not None and not entry.plan.holds:
            self.due |= set(entry.snapshot.due.nodes)
        plan, low, high = entry.plan, self.plan.floor, self.plan.nodes - self.plan.floor
        if not min(low, plan.current) <= plan.target <= max(high, plan.current):
            self.fail("I8", f"the target of {plan.target} nodes is outside {low} to {high}")

    def wrote(self, name: str, record: Handover, late: bool = False) -> None:
        """A record was left on a node: I5, and what became of the hand-over. Of a late one nobody may know."""
        seen = self.nodes[self.number[name]]
        if record.epoch < seen.epoch:
            self.fail("I6", f"epoch {record.epoch} writes to {name} after epoch {seen.epoch} did")
        is_forged = record.id in self.forged
        if record.id != seen.handover and record.id in self.over and not is_forged:
            self.fail("I6", f"a late write to {name} brings hand-over {record.id} back, which is over")
        seen.epoch = record.epoch
        if record.id != seen.handover:
            self._begins(name, record, late)
        seen.known = seen.known or not late
        if not (record.repair or late or is_forged) and record.id not in self.begun:
            self._count(record)
        if record.stage.value != seen.stage:
            seen.stage, seen.stage_since_s = record.stage.value, self.machine.now_s
            if record.stage in self.ended:
                self.over.add(record.id)
                self.ended[record.stage] += 1
                self.handovers += 1

    def _begins(self, name: str, record: Handover, late: bool) -> None:
        node, now_s, plan = self.number[name], self.machine.now_s, self.plan
        seen = self.nodes[node]
        seen.handover, seen.stage, seen.repair, seen.begun_s = record.id, "", record.repair, now_s
        seen.known = not late
        if name in self.due:
            self.due.discard(name)
            self.needed.add(record.id)
        seen.mended = seen.mended or record.repair
        if record.repair or record.id in self.forged:
            seen.repair = True
            return
        leaving = record.direction.source
        offers = self.hpc.offers if leaving is Side.HPC else self.kubernetes.offers
        if node not in offers:
            seen.healthy_on.add(leaving)
        else:
            seen.healthy_on.discard(leaving)
        unfinished = [
            other.handover
            for other in self.nodes
            if other.handover and other.known and not other.repair and other.stage not in ENDED
        ]
        goes_on = record.id in self.known_ids  # somebody wrote over its record
        self.known_ids.add(record.id)
        if len(unfinished) > plan.at_once and record.id not in self.needed and not goes_on:
            self.fail("I5", f"{len(unfinished)} hand-overs at once of {plan.at_once}: {', '.join(unfinished)}")

    def _count(self, record: Handover) -> None:
        """A move began that its leader knows of."""
        plan = self.plan
        self.begun[record.id] = record.started_s
        if len(self.begun) > plan.per_hour:
            latest_s = max(self.begun.values())
            self.begun = {ident: at_s for ident, at_s in self.begun.items() if latest_s - at_s < HOUR_S}
        if len(self.begun) > plan.per_hour and not self.jumped and record.id not in self.needed:
            self.fail("I5", f"{len(self.begun)} moves began within an hour, and the policy allows {plan.per_hour}")

    def lost(self, at_s: int, work: float) -> None:
        """The HPC scheduler lost its queue. What was there counts as far as the last turns saw it.

        What the very last one saw may not have been handed on.
        """
        seen = min(work, *self.last_reads)
        if seen >= 2 and (self.emptied is None or at_s - self.emptied[0] >= self.vanished_hold_s):
            self.emptied = (at_s, seen)

    @property
    def at_rest(self) -> bool:
        """Whether no hand-over is under way."""
        return all(seen.stage in ENDED or not seen.stage for seen in self.nodes)

    def at_the_end(self, told: int) -> None:
        """I3: everything has ended, and no node is left to nobody without a person having been told."""
        if self.ended[Stage.STUCK] > told:
            self.fail("I3", f"{self.ended[Stage.STUCK]} hand-overs got stuck and {told} were told of")
        hpc, kube = self.machine.hpc, self.machine.kube
        for node, seen in enumerate(self.nodes):
            name = self.machine.names[node]
            if seen.stage not in ("", *ENDED) and self.machine.now_s - seen.begun_s > 3 * self.plan.deadline_s:
                self.fail("I3", f"{name} is still in {seen.stage} since {seen.stage_since_s} s ({seen.handover})")
            reason, closed_by = hpc.drained_by[node], kube.closed_by[node]
            ours = reason is not None and reason.startswith("tidegate:") and closed_by is not None
            if ours and seen.stage in ENDED[:2]:
                self.fail("I3", f"{name} is left to nobody: {reason}, {closed_by}")
