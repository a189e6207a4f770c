"""The controller of one pool: a turn looks, decides, and begins what was decided; between turns it tends."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from controller import safety
from controller.decide.decide import decide
from controller.handover.adoption import beyond_bounds
from controller.handover.advice import advice
from controller.handover.begin import Names, book_from, moved
from controller.handover.carry_out import Ports
from controller.handover.driver import HandoverDriver
from controller.handover.look import Rules
from controller.heard_forecasts import sides_of
from controller.lead_times import LeadTimes
from controller.leader_memory import decode_leader_memory, encode_leader_memory
from controller.ledger import Ledger, PoolCounts
from controller.recovery import read_records
from controller.service_level.follower import PriceFollower
from controller.site_budget import SiteBudget
from controller.sweep import Sweep
from controller.takeovers.telling import tell
from controller.takeovers.watch import TakeoverWatch
from controller.view import View
from models.audit import AuditLog, Decided, Dropped, Unaudited
from models.errors import Deposed, Unreachable, Unrecorded
from models.forecasts import Forecast
from models.handovers import Direction, Handover, Stage, Why
from models.identity import PoolId
from models.leadership import Pause
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import DropReason, Hold, Loan, Move, Plan, Switch
from models.policies import Evict, PoolPolicy, Spec
from models.reading import Source
from models.snapshot import Due, SideView, Snapshot

Sources = tuple[Source[HpcNode], Source[KubernetesNode]]

log = logging.getLogger("tidegate.controller")


class Controller:
    """Shifts the nodes of one pool between two sides, which it sees only through their ports, while it leads.

    Beside other pools, ``ports.leadership`` is its view of a SiteLeadership, and ``budget`` is that one's. ``sources``
    are where it reads both sides, where those are others than its ports: a last picture that stands.
    ``finished`` keeps what ended since the caller last took it; ``holds`` is why nothing could begin in the last turn;
    ``price`` is that of Kubernetes' unmet demand, where it follows a service level.
    ``ended`` counts how hand-overs ended, and why; ``dropped`` the moves of plans that were not begun after all.
    ``takeovers`` is where each takeover of the pool stands.
    """

    def __init__(
        self,
        ports: Ports,
        identity: PoolId,
        pool: PoolPolicy,
        spec: Spec,
        clock: Callable[[], int],
        audit: AuditLog | None = None,
        budget: SiteBudget | None = None,
        *,
        sources: Sources | None = None,
    ) -> None:
        moves = spec.moves
        facts = ports.facts
        rules = Rules(
            settle_s={side: max(moves.settle.of(side), one.settle_s) for side, one in facts.items()},
            deadline_s=moves.drain_deadline,
            lands_s=max(one.lands_s for one in facts.values()),
            ready_s=moves.ready_for,
            fit_s=moves.fit_deadline,
            evict=moves.evict is not Evict.NEVER,
            fence=moves.fence == "pods",
            hook=ports.hook is not None,
            scope=identity.scope,
        )
        self.finished: list[Handover] = []
        self.holds: tuple[Hold, ...] = ()
        self.ended: Counter[tuple[Direction, Stage, Why | None]] = Counter()
        self.dropped: Counter[DropReason] = Counter()
        self._ports = ports
        self._name = identity.pool
        self._pool = pool
        self._moves = moves if facts[Side.HPC].books else moves.model_copy(update={"loans": "never"})
        self._spec = spec
        self._safety = spec.safety
        self.takeovers = TakeoverWatch(pool, spec, books=facts[Side.HPC].books)
        self._ahead = moves.reserve_ahead and facts[Side.HPC].books
        self._rules = rules
        self._clock = clock
        self._audit = audit or Unaudited()
        self._driver = HandoverDriver(ports, rules, self._audit, clock)
        self._budget = budget or SiteBudget()
        self._use = self._budget.of(identity.pool)
        self._lead = LeadTimes(moves.lead_time)
        counts = PoolCounts(self._count_open, lambda: len(self._view.nodes))
        self._ledger = Ledger(self._budget, identity.pool, counts, self._lead.current)
        self._sweep = Sweep(
            self._driver,
            rules,
            clock,
            self._names,
            lambda one: self._ledger.count(one, clock()),
            self._audit,
            facts[Side.KUBERNETES],
        )
        self._view = View(*(sources or (ports.hpc, ports.kubernetes)), spec.safety)
        self.price = PriceFollower(pool, moves, self._audit)
        self._epoch: int | None = None
        self._settled_in = False  # whether a leader after this one would know what this one found when it began to lead

    @property
    def leads(self) -> bool:
        """Whether this process leads, and has taken over what was under way."""
        return self._epoch is not None

    @property
    def unreadable(self) -> dict[str, str]:
        """Nodes that are left alone because their record cannot be read, and why."""
        return self._sweep.unreadable

    @property
    def fenced(self) -> int:
        """How many pods came late to a node that was fenced off."""
        return self._driver.fenced

    @property
    def breaches(self) -> int:
        """How many nodes were found open to both sides."""
        return self._driver.breaches

    @property
    def open_handovers(self) -> tuple[Handover, ...]:
        """What is under way."""
        return tuple(self._driver.open.values())

    @property
    def stuck_handovers(self) -> tuple[Handover, ...]:
        """What waits for a person: stuck, or past its deadline with its node out of sight."""
        overdue = [self._driver.open[ident] for ident in self._driver.overdue if ident in self._driver.open]
        return (*self._driver.stuck.values(), *overdue)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the pool as they were last read."""
        return self._view.nodes

    @property
    def ages_s(self) -> Mapping[Side, float]:
        """How old what each side showed was when it last went into a plan."""
        return self._view.ages_s

    def turn(self, forecasts: Mapping[Side, Forecast], *, heard: bool = False) -> Plan | None:
        """Decide on what both sides show now, begin the moves of the plan, and turn back what it no longer wants.

        Forecasts that were ``heard`` over a bus, where others may write, too, count within ``forecast.aheadMost`` only.
        None when this process does not lead, or cannot see or record enough to decide; then ``holds`` says why.
        """
        self.holds = ()
        try:
            return self._turn(forecasts, heard=heard) if self._leads() else None
        except Unreachable as error:
            self.holds = (Hold(Switch.UNREACHABLE, str(error)),)
        except Unrecorded as error:
            self.holds = (Hold(Switch.UNRECORDED, str(error)),)
            log.error("nothing is done until the audit can be written again: %s", error)
        except Deposed as error:
            self._stop(error)
        return None

    def watch(self) -> None:
        """Between turns: see to it that no node is open to both sides or to neither, and tend what is under way."""
        try:
            if self._leads():
                self._view.read_nodes()
                self._sweep.over(self._view.changed)
                self._tend()
        except (Unreachable, Unrecorded):
            pass  # the next turn says so; until then nothing is begun
        except Deposed as error:
            self._stop(error)

    def tend(self) -> None:
        """Take every open hand-over as far as what is seen now allows."""
        try:
            if self._leads():
                self._tend()
        except (Unreachable, Unrecorded):
            pass
        except Deposed as error:
            self._stop(error)

    def next_due_s(self) -> int | None:
        """When an open hand-over next has something to do of its own accord; None when none has."""
        return self._driver.next_due_s()

    def _stop(self, error: Deposed) -> None:
        log.warning("this process stops leading: %s", error)
        self._epoch = None

    def _turn(self, forecasts: Mapping[Side, Forecast], *, heard: bool) -> Plan:
        now_s, leadership = self._clock(), self._ports.leadership
        self._hear()
        self._settled_in = self._settled_in or leadership.kept
        self._view.read(now_s)
        try:
            plan = self._plan(now_s, sides_of(self._view, forecasts, self._spec.forecast if heard else None))
        finally:
            self._hand_on(now_s)  # also what was seen while the audit could not be written
        if self._driver.open:
            self._tend()
        return plan

    def _plan(self, now_s: int, sides: Mapping[Side, SideView]) -> Plan:
        """Decide on what was just read, and begin it unless something holds it back."""
        self._sweep.over(self._view.changed)
        self._heal()
        snapshot, self.holds = self._claimed(self._snapshot(now_s, sides)), self._all_holds()
        demand, (_, most) = sides[Side.KUBERNETES].demand, snapshot.bounds[0]
        pool = self.price.turn(now_s, demand, most, counts=not self.holds, epoch=self._epoch or 0)
        plan = replace(decide(snapshot, pool, self._moves), holds=self.holds, service_level=self.price.told)
        self._audit.append(Decided(self._epoch or 0, snapshot, pool, self._moves, plan))
        if not plan.holds:
            for ident in plan.cancellations:
                self._driver.turn_back(ident, Why.NOT_WANTED)
            self._begin((*plan.moves, *plan.loans), now_s, snapshot.due)
        return plan

    def _hear(self) -> None:
        """A person who says to go on has seen to whatever had stopped the moves."""
        if self._ledger.hear(self._ports.leadership.orders.resumes):
            self._view.vanishing.believe()

    def _leads(self) -> bool:
        """Whether this process leads; when it newly does, everything is found anew first."""
        epoch = self._ports.leadership.epoch
        if epoch is not None and epoch != self._epoch:
            self._take_over(epoch)
            return self._epoch is not None
        self._epoch = epoch
        return epoch is not None

    def _take_over(self, epoch: int) -> None:
        """Find everything in what both sides show; nothing of an earlier term is trusted."""
        self._epoch = None
        now_s = self._clock()
        found = read_records(self._ports.kubernetes.read().nodes, epoch, now_s, self._rules)
        if found.epoch > epoch or (found.epoch == epoch != self._use.led):  # others led in it: the lease was lost
            self._ports.leadership.rise_above(found.epoch)
            return
        kept = decode_leader_memory(self._ports.leadership.remembered)
        self.takeovers.recall(kept.takeovers)
        self._view.vanishing = kept.vanishing
        self._view.vanishing.begin_again(now_s)
        self._view.read_nodes()
        self._view.forget()
        self._driver.lead(epoch, found.open)
        self._turn_back_beyond_bounds(now_s)
        self._driver.stuck.update({handover.node: handover for handover in found.stuck})
        for handover in found.stuck:
            log.error(  # whoever wrote it down may have ended before it told
                "%s", advice(handover, handover.stage, None, self._ports.facts)
            )
        self._sweep.lead(epoch, found.unreadable)
        self.price.recall(kept.followed)
        self._ledger.recall(found, kept, now_s, self._ports.leadership.orders.resumes)
        self._hand_on(now_s)
        self._settled_in = False
        self._epoch = self._use.led = epoch

    def _turn_back_beyond_bounds(self, now_s: int) -> None:
        """A record says what was planned, not that it was: none that was found takes a side below its floor."""
        nodes = self._view.nodes
        bounds = self.takeovers.bounds_now(len(nodes), now_s, self._ports.leadership.orders.takeovers)
        for ident in beyond_bounds(self._driver.open.values(), nodes, bounds):
            self._driver.turn_back(ident, Why.NOT_WANTED)

    def _hand_on(self, now_s: int) -> None:
        ledger = self._ledger
        self._ports.leadership.remembered = encode_leader_memory(
            self._view.vanishing,
            ledger.begun_s,
            now_s,
            ledger.failures,
            ledger.resumes,
            self._driver.open,
            len(self._driver.stuck),
            self.takeovers.kept,
            self.price.followed,
            ledger.taken,
            len(self._view.nodes),
        )

    def _count_open(self) -> int:
        return len(self._driver.open) + len(self._driver.stuck)

    def _tend(self) -> None:
        if self._ports.leadership.orders.paused is Pause.REVERT:
            for ident in self._driver.open:
                self._driver.turn_back(ident, Why.PAUSED)
        for ident in sorted(self._driver.open.keys() & self._ports.leadership.orders.turned_back):
            self._driver.turn_back(ident, Why.PERSON)
        self._driver.tend()
        for handover in self._driver.finished:
            self._finish(handover, self._clock())
        self._driver.finished.clear()

    def _snapshot(self, now_s: int, sides: Mapping[Side, SideView]) -> Snapshot:
        view = self._view
        return Snapshot(
            now_s=now_s,
            nodes=view.nodes,
            sides=sides,
            lead=self._lead.current(),
            open_handovers=(*self.open_handovers, *self._driver.stuck.values()),
            moved_s=self._ledger.rests_s,
            recent_moves_s=self._ledger.recent_s(now_s),
            kept=frozenset(self._sweep.unreadable),
            scope=self._rules.scope,
            open_elsewhere=self._budget.open_elsewhere(self._name),
            recent_moves_elsewhere_s=self._budget.recent_elsewhere_s(self._name, now_s),
            taken_s=self._ledger.taken.lately_s(now_s),
            taken_elsewhere=self._budget.taken_elsewhere(self._name, now_s),
        )

    def _claimed(self, shown: Snapshot) -> Snapshot:
        """The snapshot with what takeovers claim of it; hand-overs of one that was given up or cancelled turn back."""
        claims = self.takeovers.look(shown, self._ports.leadership.orders.takeovers)
        tell(claims.news, shown.now_s, self._epoch or 0, self._audit)
        for ident in claims.turn_back:
            self._driver.turn_back(ident, Why.NOT_WANTED)
        return replace(shown, bounds=claims.bounds, due=claims.due)

    def _all_holds(self) -> tuple[Hold, ...]:
        orders, resume = self._ports.leadership.orders, self._ports.leadership.resume
        moving = {handover.node for handover in self.open_handovers} | self._driver.stuck.keys()
        new = [] if self._settled_in else [Hold(Switch.NEW_LEADER, "what earlier leaders did is not handed on yet")]
        return (
            *new,
            *safety.pause_holds(orders, resume),
            *safety.breaker_holds(self._budget.failures, self._safety, resume),
            *safety.unready_holds(self._view.nodes, moving, self._safety),
            *self._view.holds(resume),
        )

    def _begin(self, moves: tuple[Move | Loan, ...], now_s: int, due: Due | None) -> None:
        if moves:
            self._use.plans += 1
        for number, move in enumerate(moves):
            try:
                node = self._driver.look(move.node)
            except Unreachable:
                self._drop(moves[number:], DropReason.UNREACHABLE, None, now_s)
                raise
            if node is None or node.owner is not move.direction.source:  # the next turn sees it as it is
                reason = DropReason.NODE_GONE if node is None else DropReason.NODE_CHANGED
                self._drop((move,), reason, node, now_s)
                continue
            if isinstance(move, Move) and self._driver.bring_forward(node.name, now_s):
                continue
            self._ledger.begin(now_s, move.direction)
            names, last = self._names(""), self._sweep.last(node)
            booked = book_from(move, node, due, now_s, ahead=self._ahead)
            self._driver.begin(moved(node, move.direction, names, now_s, self._rules, last=last, booked=booked))

    def _drop(self, moves: tuple[Move | Loan, ...], reason: DropReason, seen: Node | None, now_s: int) -> None:
        for move in moves:
            self.dropped[reason] += 1
            self._audit.append(Dropped(now_s, self._epoch or 0, move.node, move.direction, reason, seen))

    def _names(self, kind: str = "m") -> Names:
        """Moves of one plan share its batch; what mends a node has a batch of its own."""
        epoch = self._epoch or 0
        term = f"{self._rules.scope}.{epoch}"
        while True:
            self._use.named += 1
            ident = f"{term}.{kind}{self._use.named}"
            if ident not in self._driver.open:  # a record may tell of a hand-over by a name that is not given yet
                break
        return Names(ident, ident if kind else f"{term}.p{self._use.plans}", epoch)

    def _heal(self) -> None:
        """A stuck hand-over is over once a person has seen to it that its node has one owner."""
        if self._driver.stuck:
            owned = {node.name for node in self._view.nodes if node.owner is not None}
            for name in self._driver.stuck.keys() & owned:
                del self._driver.stuck[name]

    def _finish(self, handover: Handover, now_s: int) -> None:
        self.finished.append(handover)
        self.ended[handover.direction, handover.stage, handover.why] += 1
        self._ledger.end(handover, now_s)
        if handover.stage is Stage.DONE and handover.emptied_s is not None and not handover.repair:
            self._lead.learn(handover.direction, now_s - handover.emptied_s)
