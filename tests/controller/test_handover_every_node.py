"""``step`` on every node that there can be, in every stage: it knows what to do, and never asks for what it must not.

Each side of a node has some dozens of faces; all pairs of them are tried, before and after the deadline, wanted and not
wanted, by a leader who has followed the hand-over and by one who has just taken it over. That is the full product, for
``make test-full``; ``make test`` tries every pair in which nobody else had a hand, and one in ten of the others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from controller.handover.look import Rules, look, remember
from controller.handover.step import step
from controller.handover.table import TABLES, Seen
from models.acts import Act, Verb
from models.handovers import Direction, Handover, Stage, Why, ours
from models.nodes import HpcNode, KubernetesNode, Node
from tests.controller.fleet import SHAPE
from tests.controller.play import DEADLINE_S, DOWN, FOREIGN, LANDS_S, MARK, OPENER, RULES, SETTLE_S, STAGES, UP

S, V = Stage, Verb
OTHER = "tidegate:p0"
NOW_S = (DEADLINE_S - 1, DEADLINE_S)
FOLLOWED = {"was_closed": True, "emptied_s": DEADLINE_S - 1 - SETTLE_S, "booted": "1"}
ALL_RULES = replace(RULES, hook=True, evict=True)
HOURS = (None, 50, 2 * DEADLINE_S)  # of a booking: none, one that is past, one to come
TOWARD = {V.DRAIN, V.RESERVE, V.DISCOURAGE, V.EVICT, V.PREPARE}  # with the opener: what leads to the new side
OF_HPC = {V.DRAIN, V.UNDRAIN, V.RESERVE, V.RELEASE}
ONE_IN = 10  # of the nodes in which somebody else had a hand
ELSEWHERE = {  # rows of the table that take more than a node: a stage that has just begun, or what was refused
    *((direction, S.SETTLED, seen) for direction in (UP, DOWN) for seen in (Seen.UNFIT, Seen.OLD_EMPTY_LONG)),
    *((direction, S.CANCELLING, seen) for direction in (UP, DOWN) for seen in (Seen.CANCEL, Seen.OLD_EMPTY_LONG)),
    *((direction, S.OPENING, Seen.NEW_REFUSED) for direction in (UP, DOWN)),
    (UP, S.OPENING, Seen.NEW_EARLY),
}


@cache
def hpc_faces() -> tuple[HpcNode, ...]:
    return tuple(
        HpcNode("n1", "", drain, busy, None, ready, booked, SHAPE, "1")
        for drain, busy, ready, booked in product(
            (None, MARK, OTHER, FOREIGN), (False, True), (True, False), (None, MARK, FOREIGN)
        )
    )


@cache
def kubernetes_faces() -> tuple[KubernetesNode, ...]:
    return tuple(
        KubernetesNode("n1", closed, discouraged, pods, ready, cordoned, None, SHAPE, "7", uid)
        for closed, discouraged, pods, ready, cordoned, uid in product(
            (None, MARK, OTHER, FOREIGN), (False, True), (0, 2), (True, False), (False, True), ("u1", "u2")
        )
    )


@cache
def nodes() -> tuple[Node, ...]:
    return tuple(Node("n1", hpc, kubernetes) for hpc in hpc_faces() for kubernetes in kubernetes_faces())


def is_ours_alone(node: Node) -> bool:
    hpc, kubernetes = node.hpc, node.kubernetes
    marks = {hpc.drain_reason, hpc.booked_by, kubernetes.closed_by}
    return marks <= {None, MARK} and not kubernetes.cordoned and kubernetes.uid == "u1"


@cache
def some_nodes() -> tuple[Node, ...]:
    alone = [node for node in nodes() if is_ours_alone(node)]
    others = [node for node in nodes() if not is_ours_alone(node)]
    return (*alone, *random.Random(1).sample(others, len(others) // ONE_IN))


@pytest.fixture(params=[pytest.param(some_nodes, id="some"), pytest.param(nodes, id="all", marks=pytest.mark.full)])
def tried(request: pytest.FixtureRequest) -> tuple[Node, ...]:
    found: tuple[Node, ...] = request.param()
    return found


def handovers(direction: Direction, stage: Stage) -> Iterator[Handover]:
    hours = (None,) if direction is DOWN else HOURS[stage is S.RESERVED :]
    for why, memory, reserve_from_s in product((None, Why.NOT_WANTED), ({}, FOLLOWED), hours):
        yield Handover(
            "h1", "p1", "n1", direction, stage, 0, 0, DEADLINE_S,
            why=why, uid="u1", expects=SHAPE, reserve_from_s=reserve_from_s, **memory,
        )  # fmt: skip


def test_all_faces_are_different():
    assert (len(set(hpc_faces())), len(set(kubernetes_faces()))) == (48, 128)
    assert sum(node.breached for node in nodes()) == 12 * 16


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_every_row_of_the_table_is_come_by(direction: Direction, stage: Stage, tried: tuple[Node, ...]):
    seen = {
        look(remember(handover, node, now_s), node, now_s, RULES)
        for handover, now_s in product(handovers(direction, stage), NOW_S)
        for node in tried
    }
    rows = {seen for before, seen in TABLES[direction] if before is stage}
    assert seen == {seen for seen in rows if (direction, stage, seen) not in ELSEWHERE}


@pytest.mark.parametrize(
    ("direction", "stage", "rules"),
    [
        *[(direction, stage, RULES) for direction, stage in STAGES],
        *[(direction, stage, ALL_RULES) for direction, stage in STAGES if stage in (S.DRAINED, S.EMPTYING, S.SETTLED)],
    ],
)
def test_step_knows_every_node_and_asks_for_nothing_that_it_must_not(
    direction: Direction, stage: Stage, rules: Rules, tried: tuple[Node, ...]
):
    """An ImpossibleStep would end the test."""
    for handover, now_s in product(handovers(direction, stage), NOW_S):
        for node in tried:
            after, acts = step(handover, node, now_s, rules)
            if now_s == DEADLINE_S:  # past its deadline none just goes on
                assert after.stage.finished or after.stage is S.CANCELLING or node.breached
            if acts:
                wrong = [text for text, holds in claims(after, node, acts, rules) if not holds]
                assert not wrong, f"{wrong}\n{handover}\n{node}\n{after}\n{acts}"
            else:
                assert not node.breached
                assert not after.stage.finished


def claims(after: Handover, node: Node, acts: tuple[Act, ...], rules: Rules) -> Iterator[tuple[str, bool]]:
    """What must hold of any step, each with its name."""
    asked = {act.verb: act for act in acts}
    yield "each act once, on this node", len(asked) == len(acts) and {act.node for act in acts} <= {"n1"}
    if after.stage.finished:
        yield "what has ended is written down and no more", [act.verb for act in acts] == [V.NOTE]
        return
    if node.breached:
        yield "an opening to both sides is mended before anything else", acts[0] == Act(V.CLOSE, "n1", MARK)
    if after.why is not None and after.stage is not S.OPENING:
        yield "one that is not wanted goes no further", not asked.keys() & {*TOWARD, OPENER[after.direction]}
    if OF_HPC & asked.keys() - {V.RELEASE}:
        yield "the stage is written down before the HPC side is asked", acts[0].verb is V.NOTE
    for verb in (V.DRAIN, V.RESERVE, V.CLOSE, V.DISCOURAGE):
        yield f"{verb} bears our mark", verb not in asked or asked[verb].mark == MARK
    yield from closing(after, node, asked, rules)
    yield from opening(after, node, asked)
    yield from undoing(after, node, asked)


def closing(after: Handover, node: Node, asked: dict[Verb, Act], rules: Rules) -> Iterator[tuple[str, bool]]:
    """Closing the old side, and emptying and preparing the node."""
    hpc, kubernetes = node.hpc, node.kubernetes
    if V.DRAIN in asked:
        yield "only an open node is drained", hpc.drain_reason is None and kubernetes.closed_by is not None
        yield "only to give it away", (after.direction, after.stage) == (UP, S.DRAINING)
    if V.RESERVE in asked:
        yield "only a free node is booked", hpc.booked_by is None and hpc.drain_reason is None
    if V.CLOSE in asked:
        yield "only an open node is closed", kubernetes.closed_by is None
    if V.EVICT in asked:
        yield "pods are evicted only by leave", rules.evict and after.direction is DOWN and after.stage is S.EMPTYING
        yield "and only from a node that we closed", kubernetes.closed_by == MARK
    if V.PREPARE in asked:
        yield "only a settled node is prepared", rules.hook and after.stage is S.SETTLED and not after.prepared
        yield "which is closed to both", hpc.drain_reason is not None and kubernetes.closed_by is not None
        yield "and empty of its old owner's work", not (hpc.busy if after.direction is UP else kubernetes.pods)


def opening(after: Handover, node: Node, asked: dict[Verb, Act]) -> Iterator[tuple[str, bool]]:
    """Opening the new side."""
    hpc, kubernetes = node.hpc, node.kubernetes
    if after.direction is UP and V.OPEN in asked:
        yield "opened only while opening", after.stage is S.OPENING
        yield "opened only when drained by us and empty", hpc.drain_reason == MARK and not hpc.busy
        yield "what is lifted is the closing that is there", asked[V.OPEN].mark == kubernetes.closed_by
        yield "which is ours", ours(kubernetes.closed_by, "")
    if after.direction is DOWN and V.UNDRAIN in asked:
        yield "undrained only while opening", after.stage is S.OPENING
        yield "undrained only when closed by us and empty", kubernetes.closed_by == MARK and not kubernetes.pods
        yield "what is lifted is the drain that is there", asked[V.UNDRAIN].mark == hpc.drain_reason
        yield "which is ours", ours(hpc.drain_reason, "")


def undoing(after: Handover, node: Node, asked: dict[Verb, Act]) -> Iterator[tuple[str, bool]]:
    """Opening the old side again: only what this very hand-over closed, and only while the other is closed."""
    hpc, kubernetes = node.hpc, node.kubernetes
    if after.direction is UP and V.UNDRAIN in asked:
        yield "undrained only in turning back", after.stage is S.CANCELLING
        yield "undrained only while Kubernetes is closed and empty", bool(kubernetes.closed_by) and not kubernetes.pods
        yield "undrained only where we drained", asked[V.UNDRAIN].mark == hpc.drain_reason == MARK
    if after.direction is DOWN and V.OPEN in asked:
        yield "opened again only in turning back", after.stage is S.CANCELLING
        yield "opened again only while the HPC side is drained and empty", bool(hpc.drain_reason) and not hpc.busy
        yield "opened again only by our mark", asked[V.OPEN].mark == MARK
    if V.RELEASE in asked:
        yield "released only where we booked", asked[V.RELEASE].mark == hpc.booked_by == MARK


@pytest.mark.parametrize(("direction", "stage"), [pair for pair in STAGES if pair[1] in (S.OPENING, S.CANCELLING)])
def test_none_ends_well_while_an_opening_that_was_never_answered_may_still_take_effect(
    direction: Direction, stage: Stage, tried: tuple[Node, ...]
):
    """A person may be called, and what is open to both sides is closed all the same."""
    landed_s = DEADLINE_S - 1
    for handover in handovers(direction, stage):
        waiting, over = (replace(handover, unsure_s=landed_s - LANDS_S + late) for late in (1, 0))
        for node in tried:
            after, acts = step(waiting, node, landed_s, RULES)
            assert after.stage not in (S.DONE, S.CANCELLED)
            assert not node.breached or acts[0].verb is V.CLOSE
            plain, plain_acts = step(handover, node, landed_s, RULES)
            after, acts = step(over, node, landed_s, RULES)
            assert (after.stage, acts) == (plain.stage, plain_acts)
