"""What a process that begins to lead makes of what both sides show: records, nodes that nobody has, nodes that both
have."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from controller.handover.begin import Booked, Names, known_shape, moved, repaired
from controller.handover.record import VERSION, encode
from controller.handover.step import step
from controller.recovery import Found, mend, read_records, suspect
from models.acts import Verb
from models.handovers import MARK_PREFIX, Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node, NodeShape, Side
from tests.controller.fleet import OLD_MARK, SHAPE
from tests.controller.play import DEADLINE_S, DOWN, FOREIGN, MARK, RULES, STAGES, UP

S, V = Stage, Verb
NOW_S, EPOCH = 10_000, 4
NAMES = Names("4.m1", "4.m1", 4)
SMALLER = NodeShape(1000, 1000, 0)


def handover(name: str = "n1", direction: Direction = UP, **facts: object) -> Handover:
    plain = Handover(
        f"h-{name}", "p1", name, direction, S.DRAINING, NOW_S - 60, NOW_S - 30, NOW_S + 500, epoch=3, uid="u1"
    )
    return replace(plain, **facts)


def shown(record: str | None, name: str = "n1") -> KubernetesNode:
    return KubernetesNode(name, OLD_MARK, False, 0, record=record)


def found(**records: Handover | str | None) -> Found:
    texts = {name: encode(one) if isinstance(one, Handover) else one for name, one in records.items()}
    return read_records({name: shown(text, name) for name, text in texts.items()}, EPOCH, NOW_S, RULES)


def node(
    drain: str | None = None,
    closed: str | None = None,
    *,
    busy: bool = False,
    pods: int = 0,
    booked: str | None = None,
    hpc_ready: bool = True,
    kubernetes_ready: bool = True,
    cordoned: bool = False,
) -> Node:
    hpc = HpcNode("n1", "", drain, busy, None, hpc_ready, booked, SHAPE, "1")
    kubernetes = KubernetesNode("n1", closed, False, pods, kubernetes_ready, cordoned, None, SHAPE, "7", "u1")
    return Node("n1", hpc, kubernetes)


# ---- records ----


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_an_unfinished_record_is_gone_on_with(direction: Direction, stage: Stage):
    one = handover(direction=direction, stage=stage)
    assert found(n1=one) == Found(open=[one])


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("stage", "group"), [(S.DONE, "ended"), (S.CANCELLED, "ended"), (S.STUCK, "stuck")])
def test_a_finished_record_is_sorted_by_its_end(direction: Direction, stage: Stage, group: str):
    one = handover(direction=direction, stage=stage)
    assert found(n1=one) == Found(**{group: [one]})


def test_each_record_stands_for_itself():
    ones = {
        "n1": handover("n1"),
        "n2": handover("n2", stage=S.DONE, epoch=9),
        "n3": handover("n3", stage=S.STUCK, epoch=2),
        "n4": None,
        "n5": "drained by bob",
        "n6": handover("n6", DOWN, stage=S.EMPTY),
    }
    read = found(**ones)
    assert read.open == [ones["n1"], ones["n6"]]
    assert (read.ended, read.stuck, list(read.unreadable)) == ([ones["n2"]], [ones["n3"]], ["n5"])
    assert read.epoch == 9


def test_without_records_there_is_nothing_and_the_epoch_is_none():
    assert found(n1=None, n2=None) == Found()
    assert Found().epoch == 0


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("", "cannot be read"),
        ("drained by bob", "cannot be read"),
        ('{"v":' + str(VERSION + 1) + "}", "upgrade"),
        (encode(handover("n2")), "of node n2"),
        ("x" * 5000, "5000 characters"),
    ],
    ids=["empty", "not JSON", "a later version", "copied from another node", "too long"],
)
def test_a_record_that_is_not_ours_to_understand_is_told_with_its_reason(record: str, why: str):
    read = found(n1=record)
    assert (read.open, read.stuck, read.ended) == ([], [], [])
    assert why in read.unreadable["n1"]


# what is written down -> what is believed of it, as offsets from now
TIMES = {
    "in the past": ((-60, -30, 500), (-60, -30, 500)),
    "now": ((0, 0, DEADLINE_S), (0, 0, DEADLINE_S)),
    "a clock that was an hour ahead": ((3600, 3600, 3600 + DEADLINE_S), (0, 0, DEADLINE_S)),
    "a deadline that no policy gives": ((-60, -30, 10**9), (-60, -30, DEADLINE_S)),
    "long overdue": ((-9999, -9000, -8000), (-9999, -9000, -8000)),
}


@pytest.mark.parametrize(("written", "believed"), TIMES.values(), ids=TIMES.keys())
def test_times_that_cannot_be_are_cut_down(written: tuple[int, int, int], believed: tuple[int, int, int]):
    names = ("started_s", "stage_since_s", "deadline_s")
    one = handover(**{name: NOW_S + offset for name, offset in zip(names, written, strict=True)})
    (read,) = found(n1=one).open
    assert tuple(getattr(read, name) - NOW_S for name in names) == believed


def test_a_booked_hour_to_come_prolongs_the_deadline_that_is_believed():
    one = handover(stage=S.RESERVED, reserve_from_s=NOW_S + 7000, deadline_s=NOW_S + 7000 + DEADLINE_S)
    assert found(n1=one).open == [one]


def test_a_time_that_cannot_be_does_not_hide_how_it_ended():
    one = handover(stage=S.DONE, stage_since_s=NOW_S + 3600, why=None)
    assert found(n1=one).ended == [replace(one, stage_since_s=NOW_S)]


# ---- nodes that nobody has, or both ----

SUSPECT = {
    "HPC has it": (node(None, OLD_MARK), False),
    "Kubernetes has it": (node(OLD_MARK, None), False),
    "open to both": (node(None, None), True),
    "open to HPC and cordoned": (node(None, None, cordoned=True), False),
    "closed to both by us": (node(MARK, OLD_MARK), True),
    "drained by someone else, closed by us": (node(FOREIGN, OLD_MARK), False),
    "drained by us, closed by someone else": (node(MARK, FOREIGN), False),
    "drained by us, cordoned": (node(MARK, None, cordoned=True), False),
    "closed to both by someone else": (node(FOREIGN, FOREIGN), False),
    "a booking of ours is left": (node(None, OLD_MARK, booked=MARK), True),
    "someone else booked it": (node(None, OLD_MARK, booked=FOREIGN), False),
}


@pytest.mark.parametrize(("one", "expected"), SUSPECT.values(), ids=SUSPECT.keys())
def test_which_nodes_are_worth_a_fresh_look(one: Node, expected: bool):
    assert suspect(one, "") is expected


@pytest.mark.parametrize(
    "one",
    [pair[0] for name, pair in SUSPECT.items() if name not in ("open to both", "closed to both by us")],
    ids=[name for name in SUSPECT if name not in ("open to both", "closed to both by us")],
)
def test_a_node_with_one_owner_or_in_somebody_elses_hands_is_not_mended(one: Node):
    assert mend(one, NAMES, NOW_S, RULES, None) is None


# busy, pods -> direction, stage: where work runs, there the node goes
ORPHANS = {
    "nothing runs": (False, 0, DOWN, S.EMPTY),
    "a job still runs": (True, 0, UP, S.CANCELLING),
    "pods still run": (False, 2, DOWN, S.CANCELLING),
    "both still run": (True, 2, DOWN, S.CANCELLING),
}


@pytest.mark.parametrize(("busy", "pods", "direction", "stage"), ORPHANS.values(), ids=ORPHANS.keys())
def test_a_node_closed_to_both_goes_where_work_runs_else_to_hpc(
    busy: bool, pods: int, direction: Direction, stage: Stage
):
    one = node("tidegate:3.p7", "tidegate:3.p9", busy=busy, pods=pods)
    repair = mend(one, NAMES, NOW_S, RULES, None)
    assert repair is not None
    assert (repair.id, repair.epoch, repair.repair, repair.uid) == ("4.m1", 4, True, "u1")
    assert (repair.direction, repair.stage) == (direction, stage)
    assert repair.mark == ("tidegate:3.p7" if direction is UP else "tidegate:3.p9"), "it undoes what is there"
    assert (repair.started_s, repair.stage_since_s, repair.deadline_s) == (NOW_S, NOW_S, NOW_S + DEADLINE_S)


def test_a_node_open_to_both_is_closed_to_kubernetes_under_a_mark_of_its_own():
    repair = mend(node(), NAMES, NOW_S, RULES, None)
    assert repair is not None
    assert (repair.direction, repair.stage, repair.mark) == (DOWN, S.CLOSED, MARK_PREFIX + "4.m1")
    _, acts = step(repair, node(), NOW_S, RULES)
    assert [act.verb for act in acts] == [V.CLOSE]


@pytest.mark.parametrize("work", [{"pods": 2}, {"busy": True}, {"pods": 2, "busy": True}], ids=str)
def test_whatever_runs_on_a_node_open_to_both_it_is_closed_at_once(work: dict[str, object]):
    repair = mend(node(**work), NAMES, NOW_S, RULES, None)
    assert repair is not None
    _, acts = step(repair, node(**work), NOW_S, RULES)
    assert [act.verb for act in acts] == [V.CLOSE]


def test_a_node_that_waits_for_a_person_is_left_to_him_unless_it_is_open_to_both():
    stuck = handover(stage=S.STUCK, why=Why.LATE)
    assert mend(node(MARK, OLD_MARK), NAMES, NOW_S, RULES, stuck) is None
    assert mend(node(), NAMES, NOW_S, RULES, stuck) is not None


@pytest.mark.parametrize("stage", [S.DONE, S.CANCELLED])
def test_what_is_known_of_its_shape_from_the_last_hand_over_is_what_the_repair_expects(stage: Stage):
    last = handover(direction=UP, stage=stage, leaves=SHAPE, expects=SMALLER)
    repair = mend(node(MARK, OLD_MARK), NAMES, NOW_S, RULES, last)
    assert repair is not None
    assert (repair.leaves, repair.expects) == (SMALLER, SHAPE)


@pytest.mark.parametrize(
    ("drain", "closed", "busy", "pods"),
    list(product((None, MARK, OLD_MARK, FOREIGN), (None, MARK, OLD_MARK, FOREIGN), (False, True), (0, 2))),
)
def test_every_repair_can_be_stepped_and_never_undoes_what_is_not_ours(
    drain: str | None, closed: str | None, busy: bool, pods: int
):
    one = node(drain, closed, busy=busy, pods=pods)
    repair = mend(one, NAMES, NOW_S, RULES, None)
    if repair is None:
        return
    assert suspect(one, "")
    _, acts = step(repair, one, NOW_S, RULES)
    for act in acts:
        if act.verb is V.UNDRAIN:
            assert act.mark == drain
        if act.verb is V.OPEN:
            assert act.mark == closed
        assert FOREIGN not in act.mark


# ---- how hand-overs begin ----


def test_a_move_is_planned_and_knows_the_shapes_that_it_sees():
    one = replace(node(None, OLD_MARK), hpc=replace(node().hpc, offers=SMALLER))
    plan = moved(one, UP, NAMES, NOW_S, RULES)
    assert (plan.stage, plan.leaves, plan.uid) == (S.PLANNED, SMALLER, "u1")
    assert plan.expects is None, "what a closed Kubernetes node offers may lack its devices"
    assert moved(one, DOWN, NAMES, NOW_S, RULES).expects == SMALLER
    assert (plan.started_s, plan.deadline_s, plan.reserve_from_s) == (NOW_S, NOW_S + DEADLINE_S, None)


def test_a_move_expects_what_its_new_side_had_when_the_node_left_there():
    last = handover(direction=DOWN, stage=S.DONE, leaves=SMALLER, expects=SHAPE)
    assert moved(node(None, OLD_MARK), UP, NAMES, NOW_S, RULES, last=last).expects == SMALLER


# from when it is to be booked -> from when it is
AHEAD = {
    "from an hour that comes": (UP, NOW_S + 700, NOW_S + 700),
    "closed at once": (UP, None, None),
    "from now": (UP, NOW_S, None),
    "to the HPC side": (DOWN, NOW_S + 700, None),
}


@pytest.mark.parametrize(("direction", "book_from_s", "expected"), AHEAD.values(), ids=AHEAD.keys())
def test_a_node_is_booked_from_an_hour_that_is_still_to_come(
    direction: Direction, book_from_s: int | None, expected: int | None
):
    booked = None if book_from_s is None else Booked(book_from_s)
    plan = moved(node(None, OLD_MARK), direction, NAMES, NOW_S, RULES, booked=booked)
    assert plan.reserve_from_s == expected
    assert plan.deadline_s == (expected or NOW_S) + DEADLINE_S


@pytest.mark.parametrize(
    ("direction", "side", "expected"),
    [
        (UP, Side.HPC, SHAPE),
        (UP, Side.KUBERNETES, SMALLER),
        (DOWN, Side.HPC, SMALLER),
        (DOWN, Side.KUBERNETES, SHAPE),
    ],
)
def test_what_a_side_is_known_to_have_seen(direction: Direction, side: Side, expected: NodeShape):
    last = handover(direction=direction, leaves=SHAPE, expects=SMALLER)
    assert known_shape(last, side) == expected
    assert known_shape(None, side) is None


def test_a_repair_says_that_it_is_one():
    assert repaired(node(), DOWN, S.CLOSED, NAMES, NOW_S, RULES, None).repair
    assert not moved(node(), DOWN, NAMES, NOW_S, RULES).repair


def test_of_two_records_of_one_hand_over_only_one_is_taken_over():
    twice = found(n1=handover("n1"), n2=replace(handover("n1"), node="n2"))
    assert [one.node for one in twice.open] == ["n1"]
    assert list(twice.unreadable) == ["n2"]
    ended = found(n1=handover("n1", stage=S.DONE), n2=replace(handover("n1"), node="n2", stage=S.DONE))
    assert (len(ended.ended), ended.unreadable) == (2, {})
