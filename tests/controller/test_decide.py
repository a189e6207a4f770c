"""``decide`` in named situations: what moves, what does not, and why; every node is accounted for once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from controller.decide.decide import decide
from models.demand import Demand
from models.forecasts import Forecast, Source, flat
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import Plan, Reason
from models.policies import Evict, MovesPolicy, PoolPolicy, Shares, Weights
from models.snapshot import LeadTime, SideView, Snapshot
from models.unserved import Unserved, UnservedReason
from models.work import WaitingWork
from tests.values import replace

NOW_S = 100_000
MARK = "tidegate:h0"
FREE = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s")
LEAD_S = 750  # what ``snapshot`` plans with
UP, DOWN = Direction.TO_KUBERNETES, Direction.TO_HPC


def hpc_node(
    name: str,
    *,
    frees_in_s: int | None = None,
    closed_by: str = MARK,
    booked_by: str | None = None,
    **kubernetes: object,
) -> Node:
    frees_at_s = None if frees_in_s is None else NOW_S + frees_in_s
    hpc = HpcNode(name, "", None, frees_in_s is not None, frees_at_s, booked_by=booked_by)
    return Node(name, hpc, KubernetesNode(name, closed_by, False, 0, **kubernetes))


def kubernetes_node(
    name: str, *, pods: int = 0, drain: str = MARK, hpc_ready: bool = True, managed_by: str = ""
) -> Node:
    kubernetes = KubernetesNode(name, None, False, pods, managed_by=managed_by)
    return Node(name, HpcNode(name, "", drain, False, None, hpc_ready), kubernetes)


def closed_node(name: str, drain: str = MARK, closed_by: str | None = MARK, *, cordoned: bool = False) -> Node:
    kubernetes = KubernetesNode(name, closed_by, False, 0, cordoned=cordoned)
    return Node(name, HpcNode(name, "", drain, False, None), kubernetes)


def hpc_nodes(count: int, **kind: object) -> list[Node]:
    return [hpc_node(f"h{number:02d}", **kind) for number in range(count)]


def hpc_nodes_soon(count: int) -> list[Node]:
    return [hpc_node(f"soon{number}", frees_in_s=3600) for number in range(count)]


def kubernetes_nodes(count: int, **kind: object) -> list[Node]:
    return [kubernetes_node(f"k{number:02d}", **kind) for number in range(count)]


def view(side: Side, running: float, sizes: tuple[float, ...], forecast: Forecast | None) -> SideView:
    demand = Demand(side, NOW_S, running, sum(sizes))
    made = forecast or flat(side, NOW_S, demand.nodes, (900, 7200), Source.NOW)
    return SideView(demand, WaitingWork(side, sizes), made)


def snapshot(
    nodes: list[Node],
    *,
    hpc: tuple[float, ...] = (),
    kubernetes: tuple[float, ...] = (),
    handovers: tuple[Handover, ...] = (),
    moved_s: dict[str, int] | None = None,
    recent_moves_s: tuple[int, ...] = (),
    forecasts: dict[Side, Forecast] | None = None,
    kept: tuple[str, ...] = (),
) -> Snapshot:
    """Running demand follows from the nodes; ``hpc`` and ``kubernetes`` are the sizes of what waits."""
    busy = sum(node.hpc.busy for node in nodes)
    podded = sum(node.kubernetes.pods > 0 for node in nodes)
    foreseen = forecasts or {}
    return Snapshot(
        now_s=NOW_S,
        nodes=tuple(nodes),
        sides={
            Side.HPC: view(Side.HPC, busy, hpc, foreseen.get(Side.HPC)),
            Side.KUBERNETES: view(Side.KUBERNETES, podded, kubernetes, foreseen.get(Side.KUBERNETES)),
        },
        lead={direction: LeadTime(600, 900) for direction in Direction},
        open_handovers=handovers,
        moved_s=moved_s or {},
        recent_moves_s=recent_moves_s,
        kept=frozenset(kept),
    )


def handover(ident: str, node: str, direction: Direction, stage: Stage, emptied_s: int | None = None) -> Handover:
    return Handover(ident, f"p-{ident}", node, direction, stage, NOW_S - 60, NOW_S - 60, NOW_S + 9999, emptied_s)


def planned(found: Snapshot, pool: PoolPolicy | None = None, moves: MovesPolicy = FREE) -> Plan:
    pool = pool or PoolPolicy(name="pool")
    plan = decide(found, pool, moves)
    assert plan == decide(found, pool, moves)
    check_complete(found, plan)
    return plan


def check_complete(found: Snapshot, plan: Plan) -> None:
    """Every node of the pool stands in exactly one place, every place has its reason, nothing is moved against it."""
    told = [move.node for move in plan.moves] + [name for refused in plan.rejections for name in refused.nodes]
    assert sorted(told) == sorted(node.name for node in found.nodes)
    assert all(refused.text and refused.nodes for refused in plan.rejections)
    assert all(move.text and move.reason is Reason.DEMAND for move in plan.moves)
    owners = {node.name: node.owner for node in found.nodes}
    assert all(owners[move.node] is move.direction.source for move in plan.moves)
    assert len({move.direction for move in plan.moves}) <= 1
    assert abs(plan.target - plan.current) == len(plan.moves) + len(plan.cancellations)
    assert set(plan.cancellations) <= {handover.id for handover in found.open_handovers}


def reasons(plan: Plan) -> dict[Reason, int]:
    found: dict[Reason, int] = {}
    for refused in plan.rejections:
        found[refused.reason] = found.get(refused.reason, 0) + len(refused.nodes)
    return found


def shares(**sides: int) -> Shares:
    return Shares(**sides)


POOL = PoolPolicy(name="pool")
ONES = (1.0,) * 4
# snapshot, pool, moves -> moves to Kubernetes (negative: to HPC), reasons of what stays
CASES = {
    "idle HPC nodes and missing replicas": (snapshot(hpc_nodes(8), kubernetes=ONES), POOL, FREE, 4, {"balanced": 4}),
    "idle Kubernetes nodes and waiting jobs": (
        snapshot(kubernetes_nodes(8), hpc=ONES),
        POOL,
        FREE,
        -4,
        {"balanced": 4},
    ),
    "nothing waits anywhere": (
        snapshot(hpc_nodes(3) + kubernetes_nodes(3)),
        POOL,
        FREE,
        0,
        {"balanced": 6},
    ),
    "the floor of HPC binds": (
        snapshot(hpc_nodes(4), kubernetes=ONES),
        PoolPolicy(name="pool", floor=shares(hpc=3)),
        FREE,
        1,
        {"ceiling": 3},
    ),
    "the floor of Kubernetes binds": (
        snapshot(kubernetes_nodes(4), hpc=ONES),
        PoolPolicy(name="pool", floor=shares(kubernetes=3)),
        FREE,
        -1,
        {"floor": 3},
    ),
    "the ceiling of Kubernetes binds": (
        snapshot(hpc_nodes(4), kubernetes=ONES),
        PoolPolicy(name="pool", ceiling=shares(kubernetes=2)),
        FREE,
        2,
        {"ceiling": 2},
    ),
    "only so many at once": (
        snapshot(hpc_nodes(8), kubernetes=ONES),
        POOL,
        MovesPolicy(at_once=2, dwell="0s"),
        2,
        {"at-once": 6},
    ),
    "only so many in an hour": (
        snapshot(hpc_nodes(8), kubernetes=ONES, recent_moves_s=(NOW_S - 3599, NOW_S - 10)),
        POOL,
        MovesPolicy(at_once="100%", per_hour=3, dwell="0s"),
        1,
        {"per-hour": 7},
    ),
    "only so many node-hours in a day": (
        replace(snapshot(hpc_nodes(8), kubernetes=ONES), taken_s=3600 - 2 * LEAD_S - 1),
        POOL,
        MovesPolicy(at_once="100%", dwell="0s", node_hours_per_day=1),
        2,
        {"node-hours": 6},
    ),
    "what began an hour ago is forgotten": (
        snapshot(hpc_nodes(8), kubernetes=ONES, recent_moves_s=(NOW_S - 3600,) * 3),
        POOL,
        MovesPolicy(at_once="100%", per_hour=3, dwell="0s"),
        3,
        {"per-hour": 5},
    ),
    "nodes that moved lately dwell": (
        snapshot(hpc_nodes(4), kubernetes=ONES, moved_s={"h00": NOW_S - 1199, "h01": NOW_S - 1200}),
        POOL,
        MovesPolicy(at_once="100%", dwell="20m"),
        3,
        {"dwell": 1},
    ),
    "nodes whose jobs end too late": (
        snapshot(hpc_nodes(4, frees_in_s=7201), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"busy": 4},
    ),
    "nodes with pods": (snapshot(kubernetes_nodes(4, pods=1), hpc=ONES), POOL, FREE, 0, {"busy": 4}),
    "HPC nodes that someone else closed in Kubernetes": (
        snapshot(hpc_nodes(4, closed_by="maintenance"), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"not-ours": 4},
    ),
    "Kubernetes nodes that someone else drained": (
        snapshot(kubernetes_nodes(4, drain="maintenance"), hpc=ONES),
        POOL,
        FREE,
        0,
        {"not-ours": 4},
    ),
    "HPC nodes that someone else cordoned in Kubernetes": (
        snapshot(hpc_nodes(4, cordoned=True), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"not-ours": 4},
    ),
    "HPC nodes that someone reserved": (
        snapshot(hpc_nodes(4, booked_by="maintenance"), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"not-ours": 4},
    ),
    "HPC nodes with a booking of ours that is left over": (
        snapshot(hpc_nodes(4, booked_by=MARK), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"not-ours": 4},
    ),
    "HPC nodes that are not Ready in Kubernetes": (
        snapshot(hpc_nodes(4, ready=False), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"unready": 4},
    ),
    "Kubernetes nodes that the HPC scheduler cannot use": (
        snapshot(kubernetes_nodes(4, hpc_ready=False), hpc=ONES),
        POOL,
        FREE,
        0,
        {"unready": 4},
    ),
    "HPC nodes that another autoscaler has": (
        snapshot(hpc_nodes(4, managed_by="karpenter"), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"managed": 4},
    ),
    "Kubernetes nodes that another autoscaler has": (
        snapshot(kubernetes_nodes(4, managed_by="karpenter"), hpc=ONES),
        POOL,
        FREE,
        0,
        {"managed": 4},
    ),
    "nodes with a record that cannot be read": (
        snapshot(hpc_nodes(4), kubernetes=ONES, kept=("h01", "h03")),
        POOL,
        FREE,
        2,
        {"managed": 2},
    ),
    "whose nodes they are comes before what they do": (
        snapshot(kubernetes_nodes(4, pods=1, managed_by="karpenter"), hpc=ONES),
        POOL,
        FREE,
        0,
        {"managed": 4},
    ),
    "nodes whose jobs end after the drain deadline": (
        snapshot(hpc_nodes(4, frees_in_s=1801), kubernetes=ONES),
        POOL,
        MovesPolicy(at_once="100%", dwell="0s", drain_deadline="30m"),
        0,
        {"busy": 4},
    ),
    "pods may be evicted, and jobs are worth it": (
        snapshot(kubernetes_nodes(4, pods=1), hpc=ONES),
        PoolPolicy(name="pool", unmet_cost=Weights(hpc=10.0, kubernetes=1.0)),
        MovesPolicy(at_once="100%", dwell="0s", evict="pods"),
        -4,
        {},
    ),
    "nodes that are closed on both sides": (
        snapshot(
            [
                closed_node("a"),
                closed_node("b", drain="maintenance"),
                closed_node("c", closed_by="maintenance"),
                closed_node("d", closed_by=None, cordoned=True),
            ],
            kubernetes=ONES,
        ),
        POOL,
        FREE,
        0,
        {"unready": 1, "not-ours": 3},
    ),
    "the largest waiting job keeps its nodes": (
        snapshot(hpc_nodes(6), hpc=(6.0,), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"gang": 6},
    ),
    "a job that can begin within the look-ahead keeps its nodes, too": (
        snapshot([*hpc_nodes(4), *hpc_nodes_soon(2)], hpc=(6.0,), kubernetes=ONES),
        POOL,
        FREE,
        0,
        {"gang": 6},
    ),
    "idle nodes are not held for a job that can begin only tomorrow": (
        snapshot([*hpc_nodes(5), hpc_node("long", frees_in_s=86_400)], hpc=(6.0,), kubernetes=ONES),
        POOL,
        FREE,
        4,
        {"balanced": 1, "busy": 1},
    ),
    "nodes that rest are held for it with the others": (
        snapshot(hpc_nodes(6), hpc=(6.0,), kubernetes=ONES, moved_s={"h00": NOW_S, "h01": NOW_S}),
        POOL,
        MovesPolicy(at_once="100%", per_hour="100%", dwell="20m"),
        0,
        {"gang": 4, "dwell": 2},
    ),
    "a node that is on its way already counts": (
        snapshot(
            [*hpc_nodes(3), closed_node("x")],
            kubernetes=(1.0,),
            handovers=(handover("h1", "x", UP, Stage.DRAINED, NOW_S - 10),),
        ),
        POOL,
        FREE,
        0,
        {"balanced": 3, "in-handover": 1},
    ),
    "a pool of no nodes": (snapshot([], kubernetes=ONES), POOL, FREE, 0, {}),
}


@pytest.mark.parametrize(("found", "pool", "moves", "expected", "why"), CASES.values(), ids=CASES.keys())
def test_what_moves_and_why_the_others_stay(
    found: Snapshot, pool: PoolPolicy, moves: MovesPolicy, expected: int, why: dict[str, int]
):
    plan = planned(found, pool, moves)
    assert len(plan.moves) == abs(expected)
    assert {move.direction for move in plan.moves} == ({UP if expected > 0 else DOWN} if expected else set())
    assert {str(reason): count for reason, count in reasons(plan).items()} == why


def test_a_gang_moves_as_a_whole_or_not_at_all():
    """A job of six nodes waits, HPC has two: four more or none."""
    nodes = hpc_nodes(2) + kubernetes_nodes(5)
    assert len(planned(snapshot(nodes, hpc=(6.0,))).moves) == 4
    assert not planned(snapshot(nodes, hpc=(6.0,)), moves=MovesPolicy(at_once=3, dwell="0s")).moves


def test_nodes_that_free_soonest_go_first():
    nodes = [hpc_node("late", frees_in_s=900), hpc_node("idle"), hpc_node("soon", frees_in_s=60)]
    plan = planned(snapshot(nodes, kubernetes=(1.0,)))
    assert [move.node for move in plan.moves] == ["idle"]


def test_nodes_without_pods_go_before_those_whose_pods_are_evicted():
    nodes = [kubernetes_node("a", pods=1), kubernetes_node("b"), kubernetes_node("c", pods=2)]
    plan = planned(snapshot(nodes, hpc=(1.0,)), moves=MovesPolicy(at_once="100%", dwell="0s", evict="pods"))
    assert [move.node for move in plan.moves] == ["b"]


def test_a_node_that_waits_for_a_person_is_not_counted_on_and_takes_its_place_among_the_moves():
    stuck = (handover("h1", "x", UP, Stage.STUCK),)
    nodes = [*hpc_nodes(4), closed_node("x")]
    plan = planned(snapshot(nodes, kubernetes=ONES, handovers=stuck), moves=MovesPolicy(at_once=3, dwell="0s"))
    assert (plan.current, len(plan.moves), plan.cancellations) == (0, 2, ())
    assert reasons(plan) == {Reason.IN_HANDOVER: 1, Reason.AT_ONCE: 2}


def test_a_node_that_is_still_draining_is_turned_back_when_its_work_comes_back():
    draining = Node("x", HpcNode("x", "", "tidegate:h1", True, NOW_S + 1800), KubernetesNode("x", MARK, False, 0))
    under_way = (handover("h1", "x", UP, Stage.DRAINING),)
    found = snapshot([*hpc_nodes(2, frees_in_s=9000), draining], hpc=(1.0,), handovers=under_way)
    plan = planned(found)
    assert plan.cancellations == ("h1",)
    assert not plan.moves


def test_one_that_is_opening_is_never_turned_back():
    under_way = (handover("h1", "x", UP, Stage.OPENING, NOW_S - 60),)
    found = snapshot([*hpc_nodes(2, frees_in_s=9000), closed_node("x")], hpc=(1.0,), handovers=under_way)
    assert planned(found).cancellations == ()


def test_a_hopeless_job_moves_nothing():
    assert not planned(snapshot(hpc_nodes(2) + kubernetes_nodes(2), hpc=(9.0,))).moves


def test_a_rise_that_is_foreseen_moves_nodes_before_it_comes():
    rising = {Side.KUBERNETES: flat(Side.KUBERNETES, NOW_S, 0.0, (900, 7200), Source.MODEL)}
    assert not planned(snapshot(hpc_nodes(6), forecasts=rising)).moves
    rising[Side.KUBERNETES] = replace(rising[Side.KUBERNETES], values=((3.0,), (3.0,)))
    plan = planned(snapshot(hpc_nodes(6), forecasts=rising))
    assert (len(plan.moves), {move.direction for move in plan.moves}) == (3, {UP})


def test_a_move_that_gains_too_little_is_not_made():
    found = snapshot(hpc_nodes(4), kubernetes=(1.0,))
    assert planned(found).moves
    assert not planned(found, moves=MovesPolicy(at_once="100%", dwell="0s", min_gain=1000)).moves


def any_node(dice: random.Random, name: str) -> Node:
    """A node that is in no hand-over, with one thing about it that matters, or nothing."""
    somebody = dice.choice([MARK, "maintenance"])
    makers: list[Callable[[], Node]] = [
        lambda: hpc_node(name, frees_in_s=dice.choice([0, 60, 3000, 9000])),
        lambda: hpc_node(name, closed_by=somebody),
        lambda: kubernetes_node(name, pods=dice.randrange(3)),
        lambda: closed_node(name, drain=somebody),
        lambda: hpc_node(name, booked_by=somebody, cordoned=dice.random() < 0.5),
        lambda: kubernetes_node(name, hpc_ready=dice.random() < 0.5, managed_by=dice.choice(["", "karpenter"])),
        lambda: hpc_node(name),
        lambda: kubernetes_node(name),
    ]
    return dice.choice(makers)()


def any_handover(dice: random.Random, name: str) -> Handover:
    direction = dice.choice([UP, DOWN])
    stages = (Stage.DRAINED, Stage.OPENING) if direction is UP else (Stage.EMPTYING, Stage.EMPTY)
    stage = dice.choice([*stages, Stage.CANCELLING])
    emptied_s = None if stage in (Stage.EMPTYING, Stage.CANCELLING) else NOW_S - 30
    return handover(f"h-{name}", name, direction, stage, emptied_s)


@pytest.mark.parametrize("seed", range(60))
def test_every_node_is_accounted_for_in_any_situation(seed: int):
    dice = random.Random(seed)
    names = [f"n{number:02d}" for number in range(dice.randint(1, 14))]
    under_way = [any_handover(dice, name) for name in names if dice.random() < 0.12]
    moving = {one.node for one in under_way}
    nodes = [closed_node(name) if name in moving else any_node(dice, name) for name in names]
    low = dice.randint(0, len(nodes))
    pool = PoolPolicy(name="pool", floor=shares(kubernetes=low // 2), ceiling=shares(kubernetes=low))
    found = snapshot(
        nodes,
        hpc=tuple(float(dice.randint(1, 6)) for _ in range(dice.randrange(5))),
        kubernetes=tuple(dice.choice([0.25, 1.0, 2.5]) for _ in range(dice.randrange(5))),
        handovers=tuple(under_way),
        moved_s={node.name: NOW_S - dice.choice([0, 100, 5000]) for node in nodes if dice.random() < 0.3},
        recent_moves_s=tuple(NOW_S - dice.randrange(4000) for _ in range(dice.randrange(6))),
        kept=tuple(node.name for node in nodes if dice.random() < 0.1),
    )
    moves = MovesPolicy(
        at_once=dice.choice([1, 3, "50%"]),
        per_hour=dice.choice([2, "100%"]),
        dwell="20m",
        evict=dice.choice(["never", "pods"]),
    )
    plan = planned(found, pool, moves)
    at_once = moves.at_once if isinstance(moves.at_once, int) else max(1, len(nodes) // 2)
    assert len(plan.moves) <= max(0, at_once - len(under_way)) or not plan.moves
    if plan.moves:
        assert 0 <= plan.target <= max(low, plan.current)
    shown = {node.name: node for node in nodes}
    for move in plan.moves:
        node = shown[move.node]
        assert move.node not in found.kept
        assert not node.kubernetes.managed_by
        assert not node.kubernetes.cordoned
        assert node.hpc.booked_by is None
        assert moves.evict == "pods" or not node.kubernetes.pods


@pytest.mark.parametrize("stage", [Stage.DRAINING, Stage.SETTLED, Stage.OPENING])
def test_no_side_counts_on_a_node_whose_hand_over_is_to_turn_back(stage: Stage):
    """As one that only a record told of, before it has been claimed."""
    coming = replace(handover("h1", "n0", Direction.TO_KUBERNETES, stage), why=Why.NOT_WANTED)
    nodes = [closed_node("n0"), *kubernetes_nodes(2)]
    pool = PoolPolicy(name="pool", unmet_cost=Weights(hpc=1, kubernetes=1), floor=Shares(hpc=0, kubernetes=2))
    plan = planned(snapshot(nodes, hpc=(1.0, 1.0), handovers=(coming,)), pool)
    assert (plan.moves, plan.cancellations) == ((), ())


@pytest.mark.parametrize("side", Side)
def test_a_floor_is_kept_by_nodes_that_are_there_not_by_those_that_may_yet_turn_back(side: Side):
    """What is settled can still turn out to be unfit for the side to which it goes."""
    coming = handover("h1", "n0", Direction.toward(side), Stage.SETTLED, NOW_S - 5)
    there = hpc_nodes(2) if side is Side.HPC else kubernetes_nodes(2)
    waiting = {"kubernetes" if side is Side.HPC else "hpc": (1.0,) * 3}
    pool = PoolPolicy(
        name="pool", unmet_cost=Weights(hpc=1, kubernetes=1), floor=Shares(**{"hpc": 0, "kubernetes": 0, side: 2})
    )
    plan = planned(snapshot([closed_node("n0"), *there], handovers=(coming,), **waiting), pool)
    assert plan.moves == ()
    assert Reason.FLOOR in reasons(plan)


def test_what_no_plan_can_serve_stands_in_the_plan_and_changes_nothing_else():
    usual = snapshot(hpc_nodes(4) + kubernetes_nodes(4), hpc=(2.0,))
    side = usual.sides[Side.KUBERNETES]
    unserved = (Unserved(Side.KUBERNETES, UnservedReason.NODE, 41, 82.0),)
    waiting = replace(side.waiting, unserved=unserved)
    plan = planned(replace(usual, sides={**usual.sides, Side.KUBERNETES: replace(side, waiting=waiting)}))
    assert plan == replace(planned(usual), unserved=unserved)


@pytest.mark.parametrize("every", ["10s", "30s", "1m", "2m", "5m"])
def test_nodes_whose_pods_may_be_evicted_are_moved_however_often_is_decided(every: str):
    moves = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s", every=every, evict=Evict.PODS)
    found = snapshot(kubernetes_nodes(8, pods=1), hpc=ONES)
    podded = replace(found.sides[Side.KUBERNETES], demand=Demand(Side.KUBERNETES, NOW_S, 1.0, 0.0))
    found = replace(found, sides={**found.sides, Side.KUBERNETES: podded})
    assert len(planned(found, moves=moves).moves) == len(ONES)
