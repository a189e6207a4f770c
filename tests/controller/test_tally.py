"""What an audit comes to: hand-overs that were begun, and how long each stage took."""

from __future__ import annotations

import pytest

from controller.metric_families import STAGE_BOUNDS_S
from controller.plan_metrics import owner_of
from controller.tally import Tally
from models.audit import Entered
from models.handovers import Direction, Handover, Stage
from models.metrics import Sizes
from models.nodes import HpcNode, KubernetesNode, Node

TO = Direction.TO_KUBERNETES
WAY = ((Stage.PLANNED, 0), (Stage.DRAINING, 5), (Stage.DRAINED, 65), (Stage.DONE, 85))


def entered(stage: Stage, at_s: int, ident: str = "1.1", epoch: int = 1) -> Entered:
    return Entered(at_s, Handover(ident, "1.p1", "n1", TO, stage, 0, at_s, 100, epoch=epoch))


def heard(*entries: Entered) -> Tally:
    tally = Tally()
    for entry in entries:
        tally.hear(entry)
    return tally


def test_each_stage_is_as_long_as_until_the_next():
    tally = heard(*(entered(stage, at_s) for stage, at_s in WAY))
    took = {stage: sizes.sum for (_, stage), sizes in tally.stages_s.items() if sizes.sum}
    assert took == {Stage.PLANNED: 5, Stage.DRAINING: 60, Stage.DRAINED: 20}
    assert tally.begun == {TO: 1}
    assert tally._open == {}


def test_what_an_earlier_leader_began_is_no_beginning_and_its_stage_is_not_measured():
    assert heard(entered(Stage.DRAINED, 65)).begun[TO] == 0
    later = heard(entered(Stage.DRAINING, 5), entered(Stage.DRAINED, 65, epoch=2))
    assert sum(sizes.sum for sizes in later.stages_s.values()) == 0


def test_buckets_hold_the_smaller_ones_too():
    sizes = Sizes(STAGE_BOUNDS_S)
    for value in (10, 11, 10**9):
        sizes.add(value)
    buckets = dict(sizes.buckets())
    assert (buckets["10.0"], buckets["30.0"], buckets["43200.0"], buckets["+Inf"]) == (1, 2, 2, 3)
    assert sizes.sum == 10**9 + 21


@pytest.mark.parametrize(
    ("drained", "closed", "moving", "owner"),
    [
        (None, "tidegate:1", False, "hpc"),
        ("tidegate:1", None, False, "kubernetes"),
        ("tidegate:1", "tidegate:1", True, "in-handover"),
        ("tidegate:1", None, True, "in-handover"),
        ("by hand", "tidegate:1", False, "neither"),
        (None, None, False, "both"),
        (None, None, True, "both"),
    ],
)
def test_whose_a_node_is(drained: str | None, closed: str | None, moving: bool, owner: str):
    node = Node("n1", HpcNode("n1", "", drained, False, None), KubernetesNode("n1", closed, False, 0))
    assert owner_of(node, {"n1"} if moving else set()) == owner
