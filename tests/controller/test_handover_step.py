"""Whole life cycles of a hand-over, step by step, against a node that can be told to misbehave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from controller.handover.carry_out import carry_out
from controller.handover.step import Command, Verb, step
from models.handovers import Direction, Handover, Stage
from models.nodes import HpcNode, KubernetesNode, Node
from models.ports import Outcome

SETTLE_S = 6
DEADLINE_S = 1000
OLD_MARK = "tidegate:before"
MARK = "tidegate:h1"


@dataclass
class FakeNode:
    """One node behind both ports. Acts are obeyed and listed; a new side takes a while to be ready."""

    drain: str | None = None
    closed: str | None = None
    discouraged: bool = False
    busy: bool = False
    pods: int = 0
    hpc_ready: bool = True
    kubernetes_ready: bool = True
    acts: list[tuple[Verb, str]] = field(default_factory=list)

    def shown(self) -> Node:
        hpc = HpcNode("n1", "", self.drain, self.busy, None, self.hpc_ready)
        return Node("n1", hpc, KubernetesNode("n1", self.closed, self.discouraged, self.pods, self.kubernetes_ready))


class FakeHpc:
    def __init__(self, node: FakeNode) -> None:
        self.node = node

    def drain(self, node: str, *, mark: str) -> Outcome:
        self.node.acts.append((Verb.DRAIN, mark))
        if self.node.drain not in (None, mark):
            return Outcome.REFUSED
        self.node.drain = mark
        return Outcome.DONE

    def undrain(self, node: str, *, mark: str) -> Outcome:
        self.node.acts.append((Verb.UNDRAIN, mark))
        if self.node.drain not in (None, mark):
            return Outcome.REFUSED
        self.node.drain = None
        return Outcome.DONE


class FakeKubernetes:
    def __init__(self, node: FakeNode) -> None:
        self.node = node

    def discourage(self, node: str, *, mark: str) -> Outcome:
        self.node.acts.append((Verb.DISCOURAGE, mark))
        self.node.discouraged = True
        return Outcome.DONE

    def close(self, node: str, *, mark: str) -> Outcome:
        self.node.acts.append((Verb.CLOSE, mark))
        if self.node.closed not in (None, mark):
            return Outcome.REFUSED
        self.node.closed = mark
        return Outcome.DONE

    def open(self, node: str, *, mark: str) -> Outcome:
        self.node.acts.append((Verb.OPEN, mark))
        if self.node.closed not in (None, mark):
            return Outcome.REFUSED
        self.node.closed, self.node.discouraged = None, False
        return Outcome.DONE


class Play:
    """A hand-over and its node; ``to(now_s)`` takes it as far as what is seen allows."""

    def __init__(self, direction: Direction, **node: object) -> None:
        closed = {"closed": OLD_MARK} if direction is Direction.TO_KUBERNETES else {"drain": OLD_MARK}
        self.node = FakeNode(**{**closed, **node})
        self.handover = Handover("h1", "n1", direction, Stage.PLANNED, 0, 0, DEADLINE_S)
        self.stages = [Stage.PLANNED]

    def once(self, now_s: int) -> tuple[Command, ...]:
        self.handover, commands = step(
            self.handover, self.node.shown(), now_s, settle_s=SETTLE_S, opening_deadline_s=DEADLINE_S
        )
        if self.handover.stage is not self.stages[-1]:
            self.stages.append(self.handover.stage)
        for command in commands:
            carry_out(command, FakeHpc(self.node), FakeKubernetes(self.node))
            shown = self.node.shown()
            assert not (shown.hpc.drain_reason is None and shown.kubernetes.closed_by is None), "open to both sides"
        return commands

    def to(self, now_s: int) -> Stage:
        for _ in range(20):
            before = self.handover
            if before.stage.finished:
                break
            if not self.once(now_s) and self.handover == before:
                break
        else:
            raise AssertionError(f"does not come to rest in {self.handover.stage}")
        return self.handover.stage

    def cancel(self) -> None:
        self.handover = replace(self.handover, cancel_reason="demand came back")

    @property
    def verbs(self) -> list[Verb]:
        return [verb for verb, _ in self.node.acts]


def up(**node: object) -> Play:
    return Play(Direction.TO_KUBERNETES, **node)


def down(**node: object) -> Play:
    return Play(Direction.TO_HPC, **node)


# ---- all goes well ----


def test_hpc_to_kubernetes():
    play = up(busy=True)
    assert play.to(0) is Stage.DRAINING
    assert play.to(50) is Stage.DRAINING
    play.node.busy = False
    assert play.to(100) is Stage.DRAINED
    assert play.to(100 + SETTLE_S - 1) is Stage.DRAINED
    play.node.kubernetes_ready = False
    assert play.to(100 + SETTLE_S) is Stage.OPENING
    assert play.to(300) is Stage.OPENING
    play.node.kubernetes_ready = True
    assert play.to(400) is Stage.DONE
    S = Stage
    assert play.stages == [S.PLANNED, S.DRAINING, S.DRAINED, S.SETTLED, S.OPENING, S.DONE]
    assert set(play.node.acts) == {(Verb.DRAIN, MARK), (Verb.OPEN, OLD_MARK)}
    assert (play.node.drain, play.node.closed, play.handover.emptied_s) == (MARK, None, 100)


def test_kubernetes_to_hpc():
    play = down(pods=1)
    assert play.to(0) is Stage.EMPTYING
    play.node.pods = 0
    assert play.to(100) is Stage.EMPTY
    play.node.hpc_ready = False
    assert play.to(100 + SETTLE_S) is Stage.OPENING
    play.node.hpc_ready = True
    assert play.to(200) is Stage.DONE
    S = Stage
    assert play.stages == [
        S.PLANNED, S.DISCOURAGED, S.CLOSED, S.EMPTYING, S.EMPTY, S.SETTLED, S.OPENING, S.DONE,
    ]  # fmt: skip
    assert list(dict.fromkeys(play.verbs)) == [Verb.DISCOURAGE, Verb.CLOSE, Verb.UNDRAIN]
    assert (play.node.closed, play.node.drain) == (MARK, None)


@pytest.mark.parametrize("make", [up, down])
def test_the_new_side_is_opened_only_after_the_second_look(make):
    play = make()
    play.to(0)
    assert play.handover.emptied_s == 0
    opening = Verb.OPEN if make is up else Verb.UNDRAIN
    assert play.to(SETTLE_S - 1) is not Stage.DONE
    assert opening not in play.verbs
    assert play.to(SETTLE_S) is Stage.DONE
    assert opening in play.verbs


# ---- what goes wrong ----


def test_a_lost_drain_is_asked_for_again_and_the_settling_begins_anew():
    play = up()
    assert play.to(0) is Stage.DRAINED
    play.node.drain = None  # the scheduler crashed and forgot it
    play.node.acts.clear()
    assert play.to(3) is Stage.DRAINED
    assert play.node.acts == [(Verb.DRAIN, MARK)]
    assert play.handover.emptied_s == 3
    assert play.to(SETTLE_S) is Stage.DRAINED
    assert play.to(3 + SETTLE_S) is Stage.DONE


def test_a_lost_closing_is_asked_for_again():
    play = down()
    assert play.to(0) is Stage.EMPTY
    play.node.closed = None
    play.node.acts.clear()
    assert play.to(3) is Stage.EMPTY
    assert (Verb.CLOSE, MARK) in play.node.acts
    assert play.to(3 + SETTLE_S) is Stage.DONE


@pytest.mark.parametrize(("make", "busy", "waits"), [(up, "busy", Stage.DRAINING), (down, "pods", Stage.EMPTYING)])
def test_busy_again_after_it_was_empty(make, busy: str, waits: Stage):
    play = make()
    play.to(0)
    setattr(play.node, busy, True)
    assert play.to(SETTLE_S) is waits
    assert play.handover.emptied_s is None
    setattr(play.node, busy, False)
    play.to(50)
    assert play.handover.emptied_s == 50
    assert play.to(50 + SETTLE_S) is Stage.DONE


@pytest.mark.parametrize("at_s", [0, 3])
@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("make", [up, down])
def test_a_cancelled_one_gives_the_node_back_to_the_side_it_came_from(make, busy: bool, at_s: int):
    play = make(**({"busy": busy} if make is up else {"pods": int(busy)}))
    play.to(0)
    play.cancel()
    assert play.to(at_s) is Stage.CANCELLED
    shown = play.node.shown()
    assert (shown.hpc.drain_reason is None, shown.kubernetes.closed_by is None) == (make is up, make is down)
    assert not shown.kubernetes.discouraged


def test_one_that_is_cancelled_while_still_discouraged_is_not_discouraged_afterwards():
    play = down()
    play.once(0)
    play.node.discouraged = True
    play.cancel()
    assert play.to(0) is Stage.CANCELLED
    assert not play.node.discouraged


@pytest.mark.parametrize("make", [up, down])
def test_once_opening_it_is_too_late_to_cancel(make):
    play = make()
    play.to(0)
    play.node.kubernetes_ready = play.node.hpc_ready = False
    assert play.to(SETTLE_S) is Stage.OPENING
    play.cancel()
    assert play.to(SETTLE_S + 1) is Stage.OPENING
    play.node.kubernetes_ready = play.node.hpc_ready = True
    assert play.to(SETTLE_S + 2) is Stage.DONE


@pytest.mark.parametrize("make", [up, down])
def test_a_late_one_turns_back(make):
    play = make(**({"busy": True} if make is up else {"pods": 1}))
    play.to(0)
    play.to(DEADLINE_S - 1)
    assert Stage.CANCELLING not in play.stages
    assert play.to(DEADLINE_S) is Stage.CANCELLED
    assert play.stages[-2:] == [Stage.CANCELLING, Stage.CANCELLED]


@pytest.mark.parametrize("make", [up, down])
def test_an_opening_that_never_ends_calls_a_person(make):
    play = make()
    play.to(0)
    play.node.kubernetes_ready = play.node.hpc_ready = False
    assert play.to(SETTLE_S) is Stage.OPENING
    assert play.to(SETTLE_S + DEADLINE_S - 1) is Stage.OPENING
    assert play.to(SETTLE_S + DEADLINE_S) is Stage.STUCK


@pytest.mark.parametrize(("make", "part"), [(up, "drain"), (down, "closed")])
def test_what_someone_else_did_is_never_undone(make, part: str):
    play = make(**({"busy": True} if make is up else {"pods": 1}))
    play.to(0)
    setattr(play.node, part, "maintenance")
    play.node.acts.clear()
    assert play.to(5) is Stage.CANCELLED
    assert getattr(play.node, part) == "maintenance"
    other = "closed" if make is up else "drain"
    assert getattr(play.node, other) == OLD_MARK


@pytest.mark.parametrize(("make", "part"), [(up, "drain"), (down, "closed")])
def test_a_foreign_mark_on_an_empty_node_keeps_it_from_being_opened(make, part: str):
    play = make()
    play.to(0)
    setattr(play.node, part, "maintenance")
    assert play.to(SETTLE_S) is Stage.CANCELLED
    assert getattr(play.node, part) == "maintenance"


@pytest.mark.parametrize("make", [up, down])
def test_a_step_is_repeated_only_for_as_long_as_its_effect_is_not_seen(make):
    play = make(**({"busy": True} if make is up else {"pods": 1}))
    play.to(0)
    play.node.acts.clear()
    for now_s in range(1, 20):
        play.to(now_s)
    assert play.node.acts == []


@pytest.mark.parametrize("verb", Verb)
def test_carrying_out_asks_the_port_that_has_the_verb(verb: Verb):
    node = FakeNode(drain=MARK, closed=MARK)
    assert carry_out(Command(verb, "n1", MARK), FakeHpc(node), FakeKubernetes(node)) is Outcome.DONE
    assert node.acts == [(verb, MARK)]


@pytest.mark.parametrize("busy", [True, False], ids=["work still runs", "empty"])
def test_turning_back_that_never_takes_effect_ends_stuck_at_its_deadline(busy: bool) -> None:
    handover = Handover("h9", "n1", Direction.TO_KUBERNETES, Stage.CANCELLING, 0, 0, 100)
    hpc = HpcNode("n1", "", handover.mark, busy, 50 if busy else None)
    node = Node("n1", hpc, KubernetesNode("n1", "tidegate:old", False, 0))
    before, _ = step(handover, node, 99, settle_s=6, opening_deadline_s=100)
    after, _ = step(handover, node, 100, settle_s=6, opening_deadline_s=100)
    assert (before.stage, after.stage) == (Stage.CANCELLING, Stage.STUCK)
