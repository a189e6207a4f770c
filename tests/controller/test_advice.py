"""What a person is told of a hand-over that cannot end by itself: what, where, why, and what to run."""

from __future__ import annotations

import pytest

from controller.handover.advice import advice, command
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node
from tests.controller.play import DOWN, STAGES, UP, S


def handover(direction: Direction, stage: Stage, why: Why | None = None) -> Handover:
    return Handover("7.3", "7.p1", "gpu001", direction, stage, 0, 0, 100, why=why)


NODE = Node(
    "gpu001",
    HpcNode("gpu001", "", "tidegate:7.p1", True, 50, ready=False),
    KubernetesNode("gpu001", "maintenance", False, 2, ready=False, cordoned=True),
)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("why", [None, *Why])
def test_it_is_one_line_that_names_all_there_is_to_know(direction: Direction, why: Why | None):
    text = advice(handover(direction, S.STUCK, why), NODE)
    assert "\n" not in text
    for word in ("7.3", "gpu001", str(direction), "is stuck", "run: "):
        assert word in text
    for word in ("drained (tidegate:7.p1)", "busy", "not ready", "closed (maintenance)", "2 pods", "cordoned"):
        assert word in text


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_one_that_is_overdue_says_in_which_stage(direction: Direction, stage: Stage):
    text = advice(handover(direction, stage), None)
    assert f"is overdue in stage {stage}" in text
    assert "one side does not show the node" in text


def test_nothing_is_said_of_what_is_well():
    well = Node("gpu001", HpcNode("gpu001", "", None, False, None), KubernetesNode("gpu001", None, False, 0))
    text = advice(handover(UP, S.STUCK, Why.LATE), well)
    assert "HPC is open, empty, Kubernetes is open, 0 pods;" in text


# direction, stage, why -> which side has to open, and so which command shows why it does not
COMMANDS = {
    "opening Kubernetes": (UP, S.OPENING, None, "kubectl describe node gpu001"),
    "going back to HPC": (UP, S.CANCELLING, Why.LATE, "scontrol show node gpu001"),
    "stuck on the way back to HPC": (UP, S.STUCK, Why.NOT_WANTED, "scontrol show node gpu001"),
    "waiting for HPC to be empty": (UP, S.DRAINING, None, "scontrol show node gpu001"),
    "opening HPC": (DOWN, S.OPENING, None, "scontrol show node gpu001"),
    "going back to Kubernetes": (DOWN, S.CANCELLING, Why.HOOK, "kubectl describe node gpu001"),
    "stuck on the way back to Kubernetes": (DOWN, S.STUCK, Why.HOOK, "kubectl describe node gpu001"),
    "waiting for Kubernetes to be empty": (DOWN, S.EMPTYING, None, "kubectl describe node gpu001"),
}


@pytest.mark.parametrize(("direction", "stage", "why", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
def test_the_command_shows_the_side_that_matters(direction: Direction, stage: Stage, why: Why | None, expected: str):
    one = handover(direction, stage, why)
    assert command(one).startswith(expected)
    assert command(one) in advice(one, NODE)


def test_the_command_for_slurm_names_that_for_pbs_as_well():
    assert "pbsnodes -v gpu001" in command(handover(DOWN, S.OPENING))
