"""A controller's turn in plain numbers: who may move, what the rule says, and what begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.decide.bounds import bounds_by_step, hpc_floor_of
from controller.decide.choice import choose
from controller.decide.guards import budget_of
from controller.decide.situation import Situation, flow_of, has_left, will_leave
from controller.decide.transit import Flow
from controller.safety import SideSeen, Vanishing
from controller.service_level.follower import PriceFollower
from controller.taken_lately import HOUR_S
from controller.whatif.batch_queue import BatchQueue
from controller.whatif.moving import DOWN, UP, Moving
from controller.whatif.replicas import KubernetesSide
from models.demand import Demand
from models.forecasts import Forecast
from models.handovers import Direction
from models.nodes import Side
from models.policies import Evict, Spec
from models.snapshot import SideView
from models.work import WaitingWork

WAITING_MAX = 1000  # entries of a queue that are handed on, as the twin's ports do
Leaving = list[tuple[int, int]]  # seconds until a node is empty, and the node


def not_flat(spec: Spec) -> str | None:
    """What the policy wants of hand-overs that the flat twin does not know; None when there is nothing of the kind."""
    if len(spec.pools) != 1:
        return "several pools"
    if spec.moves.evict is not Evict.NEVER:
        return "pods that are evicted"
    if spec.moves.reserve_ahead or spec.moves.loans != "never":
        return "nodes that are booked ahead"
    if spec.moves.node_hours_per_day is not None:
        return "node-hours that moves may take in a day"
    if spec.takeovers or spec.pools[0].takeover.automatic is not None:
        return "takeovers"
    return None


@dataclass(slots=True)
class Deciding:
    """What a controller of one pool keeps from turn to turn, and its turn. ``not_flat`` says which policies it knows.

    ``begun_s`` are the seconds at which the moves of the last hour began.
    """

    spec: Spec
    queue: BatchQueue
    side: KubernetesSide
    moving: Moving
    begun_s: deque[int] = field(default_factory=deque)
    vanishing: Vanishing = field(default_factory=Vanishing)
    price: PriceFollower = field(init=False)

    def __post_init__(self) -> None:
        self.price = PriceFollower(self.spec.pools[0], self.spec.moves)

    def demand(self, now_s: int) -> dict[Side, Demand]:
        """What both sides could use."""
        queue, side = self.queue, self.side
        waiting = float(queue.waiting_nodes - queue.oversize_nodes)
        return {
            Side.HPC: Demand(Side.HPC, now_s, float(queue.busy_nodes), waiting),
            Side.KUBERNETES: Demand(Side.KUBERNETES, now_s, float(side.running_nodes), float(side.waiting_nodes)),
        }

    def turn(self, now_s: int, demand: Mapping[Side, Demand], forecasts: Mapping[Side, Forecast]) -> None:
        """Decide on what there is now, and begin it unless something holds it back."""
        waiting = {
            Side.HPC: WaitingWork(Side.HPC, self._waiting_jobs()),
            Side.KUBERNETES: WaitingWork(Side.KUBERNETES, self.side.waiting_sizes()[:WAITING_MAX]),
        }
        held = self._is_held(now_s, demand[Side.HPC], len(waiting[Side.HPC].sizes))
        sides = {side: SideView(demand[side], waiting[side], forecasts[side]) for side in Side}
        to_kubernetes, to_hpc = self._to_kubernetes(now_s), self._to_hpc(now_s)
        found = self._situation(now_s, sides, to_kubernetes, to_hpc)
        pool = self.price.turn(now_s, demand[Side.KUBERNETES], found.bounds[1], counts=not held)
        offset = choose(found, pool, self.spec.moves).offset
        if offset and not held:
            direction = UP if offset > 0 else DOWN
            leaving = to_kubernetes if offset > 0 else to_hpc
            self._begin(now_s, direction, leaving, abs(offset))

    def _is_held(self, now_s: int, demand: Demand, waiting: int) -> bool:
        """Whether the queue vanished from one turn to the next. Of all that stops a service's moves nothing else can
        come about where nothing goes wrong."""
        seen = SideSeen(self.queue.size, demand.nodes, waiting, self.queue.busy_nodes, "1")
        self.vanishing.read(Side.HPC, seen, now_s, self.spec.safety.vanished_hold)
        return bool(self.vanishing.since_s)

    def _situation(
        self, now_s: int, sides: Mapping[Side, SideView], to_kubernetes: Leaving, to_hpc: Leaving
    ) -> Situation:
        pool, nodes, moving = self.spec.pools[0], self.queue.size, self.moving.open
        bounds = bounds_by_step(pool, self.spec, nodes, now_s)[0]
        while self.begun_s and now_s - self.begun_s[0] >= HOUR_S:
            self.begun_s.popleft()
        lead = self.moving.lead.current()
        opened = sum(move.opens_s is not None and move.opens_s <= now_s for move in moving.values())
        opened_up = sum(m.direction is UP and m.opens_s is not None and m.opens_s <= now_s for m in moving.values())
        return Situation(
            open_hpc=nodes - self.queue.closed_nodes - (opened - opened_up),
            open_kubernetes=self.side.open_nodes - opened_up,
            up=self._flow(now_s, UP, to_kubernetes, lead[UP].planned_s),
            down=self._flow(now_s, DOWN, to_hpc, lead[DOWN].planned_s),
            sides=sides,
            lead=lead,
            bounds=bounds,
            hpc_floor=hpc_floor_of(pool, nodes, bounds[1]),
            budgets=dict.fromkeys(Direction, budget_of(nodes, len(moving), len(self.begun_s), self.spec.moves)),
        )

    def _flow(self, now_s: int, direction: Direction, leaving: Leaving, lead_s: int) -> Flow:
        under_way = []
        for move in self.moving.open.values():
            if move.direction is not direction:
                continue
            if move.emptied_s is None:
                busy = self.queue.is_busy(move.node)
                under_way.append(will_leave(float(max(0, move.frees_s - now_s)) if busy else 0.0, lead_s))
            else:
                under_way.append(has_left(now_s - move.emptied_s, lead_s))
        return flow_of(under_way, [seconds for seconds, _ in leaving], lead_s)

    def _begin(self, now_s: int, direction: Direction, leaving: Leaving, wanted: int) -> None:
        """First turn back what goes the other way, the one that would be empty last first; then the nodes that are
        empty soonest."""
        other = [m for m in self.moving.open.values() if m.direction is not direction and m.recallable]
        other.sort(key=lambda m: (-m.frees_s if self.queue.is_busy(m.node) else 0, m.node))
        for move in other[:wanted]:
            move.turns_back = True
        for seconds, node in leaving[: wanted - len(other[:wanted])]:
            self.begun_s.append(now_s)
            self.moving.begin(node, direction, now_s, now_s + seconds)

    def _to_kubernetes(self, now_s: int) -> Leaving:
        """Nodes of the HPC side that may go, those that are empty soonest first."""
        queue, moving, moves = self.queue, self.moving.open, self.spec.moves
        end_s = now_s + min(moves.look_ahead, moves.drain_deadline)
        found = [(0, node) for node in queue.idle]
        for must_end_s, _, job in queue.running:
            if must_end_s > end_s:
                break
            left_s = max(0, must_end_s - now_s)
            found += [(left_s, node) for node in queue.alloc[job]]
        return sorted(one for one in found if one[1] not in moving and self._may_move(one[1], now_s))

    def _to_hpc(self, now_s: int) -> Leaving:
        """Nodes of Kubernetes that may go: those without pods."""
        moving = self.moving.open
        return [(0, node) for node in self.side.empty_nodes() if node not in moving and self._may_move(node, now_s)]

    def _may_move(self, node: int, now_s: int) -> bool:
        """Whether the node has been where it is for the dwell."""
        moved_s = self.moving.rests_s.get(node)
        return moved_s is None or moved_s <= now_s - self.spec.moves.dwell

    def _waiting_jobs(self) -> tuple[float, ...]:
        queue = self.queue
        nodes, nodes_max = queue.jobs.nodes, queue.nodes_max
        if queue.oversize_nodes:
            return tuple([nodes[job] for job in queue.queue if nodes[job] <= nodes_max][:WAITING_MAX])
        return tuple([nodes[job] for job in queue.queue[:WAITING_MAX]])
