"""The turn: look, decide, begin what was decided; and between turns, tend what is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from controller.decide.decide import decide
from controller.handover.carry_out import carry_out
from controller.handover.step import step
from controller.lead_times import LeadTimes
from models.forecasts import Forecast
from models.handovers import Direction, Handover, Stage
from models.nodes import Node, Side
from models.plans import Plan
from models.policies import MovesPolicy, PoolPolicy
from models.ports import HpcScheduler, Kubernetes
from models.snapshot import SideView, Snapshot

STEPS_MAX = 16  # stages that one hand-over may pass in one go; the longest life cycle has nine


class Controller:
    """Shifts the nodes of one pool between two sides, which it sees only through their ports.

    ``finished`` keeps what ended since the caller last took it.
    """

    def __init__(self, hpc: HpcScheduler, kubernetes: Kubernetes, pool: PoolPolicy, moves: MovesPolicy) -> None:
        self._hpc = hpc
        self._kubernetes = kubernetes
        self._pool = pool
        self._moves = moves
        self._lead = LeadTimes(moves.lead_time)
        self._seen: dict[str, Node] = {}
        self._open: dict[str, Handover] = {}
        self._moved_s: dict[str, int] = {}
        self._begun_s: deque[int] = deque()
        self._count = 0
        self.finished: list[Handover] = []

    @property
    def open_handovers(self) -> tuple[Handover, ...]:
        """What is under way."""
        return tuple(self._open.values())

    def turn(self, now_s: int, forecasts: Mapping[Side, Forecast]) -> Plan:
        """Decide on what both sides show now, begin the moves of the plan, and turn back what it no longer wants."""
        snapshot = self._look(now_s, forecasts)
        plan = decide(snapshot, self._pool, self._moves)
        for ident in plan.cancellations:
            self._open[ident] = replace(self._open[ident], cancel_reason="the plan no longer wants this move")
        for move in plan.moves:
            self._begin(move.node, move.direction, now_s)
        if self._open:
            self.tend(now_s)
        return plan

    def tend(self, now_s: int) -> None:
        """Take every open hand-over as far as what is seen now allows."""
        for ident in list(self._open):
            for _ in range(STEPS_MAX):
                if not self._advance(ident, now_s):
                    break

    def next_due_s(self, now_s: int) -> int | None:
        """When an open hand-over next has something to do of its own accord, later than ``now_s``; None when none
        has."""
        due = []
        for handover in self._open.values():
            due.append(handover.deadline_s)
            if handover.emptied_s is not None:
                due.append(handover.emptied_s + self._moves.settle)
        later = [at_s for at_s in due if at_s > now_s]
        return min(later, default=None)

    def _look(self, now_s: int, forecasts: Mapping[Side, Forecast]) -> Snapshot:
        while self._begun_s and now_s - self._begun_s[0] >= 3600:
            self._begun_s.popleft()
        return Snapshot(
            now_s=now_s,
            nodes=self._nodes(),
            sides={
                Side.HPC: SideView(self._hpc.demand(), self._hpc.waiting(), forecasts[Side.HPC]),
                Side.KUBERNETES: SideView(
                    self._kubernetes.demand(), self._kubernetes.waiting(), forecasts[Side.KUBERNETES]
                ),
            },
            lead=self._lead.current(),
            open_handovers=self.open_handovers,
            moved_s=self._moved_s,
            recent_moves_s=tuple(self._begun_s),
        )

    def _nodes(self) -> tuple[Node, ...]:
        """Every node by name, as both sides show it now; one that shows no change is the same value as before."""
        hpc_nodes, kubernetes_nodes, seen = self._hpc.nodes(), self._kubernetes.nodes(), self._seen
        for name, hpc in hpc_nodes.items():
            kubernetes, before = kubernetes_nodes[name], seen.get(name)
            if before is None or before.hpc is not hpc or before.kubernetes is not kubernetes:
                seen[name] = Node(name, hpc, kubernetes)
        if len(seen) != len(hpc_nodes):
            self._seen = seen = {name: seen[name] for name in hpc_nodes}
        return tuple(seen.values())

    def _begin(self, node: str, direction: Direction, now_s: int) -> None:
        self._count += 1
        ident = f"h{self._count}"
        deadline_s = now_s + self._moves.drain_deadline
        self._open[ident] = Handover(ident, node, direction, Stage.PLANNED, now_s, now_s, deadline_s)
        self._begun_s.append(now_s)

    def _advance(self, ident: str, now_s: int) -> bool:
        """One step of one hand-over; whether it changed, so that another step may follow at once."""
        before = self._open[ident]
        node = Node(before.node, self._hpc.nodes()[before.node], self._kubernetes.nodes()[before.node])
        after, commands = step(
            before, node, now_s, settle_s=self._moves.settle, opening_deadline_s=self._moves.drain_deadline
        )
        for command in commands:
            carry_out(command, self._hpc, self._kubernetes)
        if after.stage.finished:
            self._finish(after, now_s)
            return False
        self._open[ident] = after
        return after != before or bool(commands)

    def _finish(self, handover: Handover, now_s: int) -> None:
        del self._open[handover.id]
        self.finished.append(handover)
        if handover.stage is Stage.DONE:
            self._moved_s[handover.node] = now_s
            if handover.emptied_s is not None:
                self._lead.learn(handover.direction, now_s - handover.emptied_s)
