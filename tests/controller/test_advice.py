"""What a person is told of a hand-over that cannot end by itself: what, where, why, and what to run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.handover.advice import advice, command
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node, Side
from tests.controller.fleet import HPC_FACTS, KUBERNETES_FACTS
from tests.controller.play import DOWN, STAGES, UP, S

FACTS = {Side.HPC: HPC_FACTS, Side.KUBERNETES: KUBERNETES_FACTS}


def handover(direction: Direction, stage: Stage, why: Why | None = None) -> Handover:
    return Handover("7.3", "7.p1", "gpu001", direction, stage, 0, 0, 100, why=why)


NODE = Node(
    "gpu001",
    HpcNode("gpu001", "", "tidegate:7.p1", True, 50, ready=False),
    KubernetesNode("gpu001", "maintenance", False, 2, ready=False, cordoned=True),
)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("was", [S.OPENING, S.CANCELLING])
@pytest.mark.parametrize("why", [None, *Why])
def test_it_is_one_line_that_names_all_there_is_to_know(direction: Direction, was: Stage, why: Why | None):
    text = advice(handover(direction, S.STUCK, why), was, NODE, FACTS)
    assert "\n" not in text
    for word in ("7.3", "gpu001", str(direction), "is stuck", "run: "):
        assert word in text
    for word in ("drained (tidegate:7.p1)", "busy", "not ready", "closed (maintenance)", "2 pods", "cordoned"):
        assert word in text


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_one_that_is_overdue_says_in_which_stage(direction: Direction, stage: Stage):
    text = advice(handover(direction, stage), stage, None, FACTS)
    assert f"is overdue in stage {stage}" in text
    assert "one side does not show the node" in text


def test_nothing_is_said_of_what_is_well():
    well = Node("gpu001", HpcNode("gpu001", "", None, False, None), KubernetesNode("gpu001", None, False, 0))
    text = advice(handover(UP, S.STUCK, Why.LATE), S.CANCELLING, well, FACTS)
    assert "Bolt is open, empty, Kube is open, 0 pods;" in text


# direction, whether it is stuck, the stage where it halted -> which side has to open or to become empty, and so which
# command shows why it does not
KUBE, BOLT = "kube describe gpu001", "bolt show gpu001"
COMMANDS = {
    "opening Kubernetes": (UP, False, S.OPENING, KUBE),
    "stuck while opening Kubernetes": (UP, True, S.OPENING, KUBE),
    "going back to HPC": (UP, False, S.CANCELLING, BOLT),
    "stuck on the way back to HPC": (UP, True, S.CANCELLING, BOLT),
    "waiting for HPC to be empty": (UP, False, S.DRAINING, BOLT),
    "opening HPC": (DOWN, False, S.OPENING, BOLT),
    "stuck while opening HPC": (DOWN, True, S.OPENING, BOLT),
    "going back to Kubernetes": (DOWN, False, S.CANCELLING, KUBE),
    "stuck on the way back to Kubernetes": (DOWN, True, S.CANCELLING, KUBE),
    "waiting for Kubernetes to be empty": (DOWN, False, S.EMPTYING, KUBE),
}


@pytest.mark.parametrize(("direction", "stuck", "was", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
def test_the_command_shows_the_side_that_matters(direction: Direction, stuck: bool, was: Stage, expected: str):
    one = handover(direction, S.STUCK if stuck else was, Why.LATE if was is S.CANCELLING else None)
    assert command(one, was, FACTS) == expected
    assert command(one, was, FACTS) in advice(one, was, NODE, FACTS)


@pytest.mark.parametrize(
    ("was", "why", "said"),
    [
        (S.OPENING, None, "it was opening and never became ready"),
        (S.OPENING, Why.FOREIGN, "it was opening, and someone else changed the node"),
        (S.CANCELLING, Why.HOOK, "the site's hook failed and turning back did not take effect"),
    ],
)
def test_what_is_stuck_says_what_it_was_about(was: Stage, why: Why | None, said: str):
    assert said in advice(handover(UP, S.STUCK, why), was, NODE, FACTS)


def test_what_a_new_leader_finds_stuck_is_shown_on_both_sides():
    assert command(handover(UP, S.STUCK), S.STUCK, FACTS) == f"{BOLT}, and {KUBE}"


def test_to_end_it_each_side_says_how_it_is_opened():
    text = advice(handover(UP, S.STUCK), S.OPENING, NODE, FACTS)
    assert text.endswith("; to end it, open one side: bolt open --node=gpu001, or kube untaint gpu001")


@pytest.mark.parametrize(
    ("silent", "said"),
    [
        ((Side.KUBERNETES,), "; to end it, open one side: bolt open --node=gpu001"),
        ((Side.HPC, Side.KUBERNETES), "; to end it, open one side"),
    ],
)
def test_a_side_that_takes_no_commands_is_given_none(silent: tuple[Side, ...], said: str):
    facts = FACTS | {side: replace(FACTS[side], show_command="", open_command="") for side in silent}
    text = advice(handover(UP, S.STUCK), S.OPENING, NODE, facts)
    assert text.endswith(said)
    assert "run:" not in text
