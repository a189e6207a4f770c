"""What is refused alike again is asked for more and more seldom; what changes, or is refused for once, is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.handover.refusals import AT_ONCE, PAUSE_MOST_S, Refusals
from models.acts import Act, Outcome, Verb
from models.audit import Asked
from models.handovers import Stage
from models.nodes import Node
from tests.controller.fleet import OLD_MARK, Fault, Fleet, Machine
from tests.controller.play import RULES, SETTLE_S
from tests.controller.test_driver import BOTH, up
from tests.controller.test_sweep import Swept

V = Verb
ACT = Act(V.FENCE, "n1", "tidegate:1.p1")
REFUSED = Outcome.REFUSED
HOUR_S = 3600


def shown(**facts: object) -> Node:
    return Fleet(n1=Machine(**facts)).node("n1")


def asked_at(node: Node, *, until_s: int, outcome: Outcome = REFUSED, every_s: int = 1) -> list[int]:
    """When an act is asked for that is wanted all the time."""
    refusals, times = Refusals(), []
    for now_s in range(0, until_s, every_s):
        if refusals.may_ask("h", ACT, node, now_s):
            refusals.heard("h", ACT, outcome, now_s)
            times.append(now_s)
    return times


def test_the_pauses_double_up_to_the_longest():
    assert asked_at(shown(), until_s=100) == [0, 1, 2, 3, 5, 9, 17, 33, 63, 93]
    times = asked_at(shown(), until_s=HOUR_S)
    assert len(times) < HOUR_S / PAUSE_MOST_S + 10
    assert times[-1] >= HOUR_S - PAUSE_MOST_S, "it is never given up"


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.UNKNOWN])
def test_what_is_not_refused_is_asked_for_each_time(outcome: Outcome):
    assert len(asked_at(shown(), until_s=50, outcome=outcome)) == 50


CHANGES = {
    "a job has ended": (shown(busy=True), shown()),
    "a pod has gone": (shown(closed=OLD_MARK, pods=2), shown(closed=OLD_MARK, pods=1)),
    "a person cordoned it": (shown(), shown(cordoned=True)),
    "another record": (shown(), shown(record="x")),
}


def refused_often(node: Node) -> Refusals:
    refusals = Refusals()
    for now_s in range(AT_ONCE):
        assert refusals.may_ask("h", ACT, node, now_s)
        refusals.heard("h", ACT, REFUSED, now_s)
    assert not refusals.may_ask("h", ACT, node, AT_ONCE - 1)
    return refusals


@pytest.mark.parametrize("row", CHANGES)
def test_a_node_that_has_changed_is_tried_at_once(row: str):
    before, after = CHANGES[row]
    assert refused_often(before).may_ask("h", ACT, after, AT_ONCE - 1)


def test_a_new_version_alone_is_no_change():
    node = shown()
    refusals = refused_often(node)
    newer = replace(node, kubernetes=replace(node.kubernetes, version="99", ready_since_s=7))
    assert not refusals.may_ask("h", ACT, newer, AT_ONCE - 1)


def test_another_act_another_hand_over_and_a_clock_set_back_do_not_rest():
    refusals, node = refused_often(shown()), shown()
    assert refusals.may_ask("h", Act(V.CLOSE, "n1", "m"), node, AT_ONCE - 1)
    assert refusals.may_ask("other", ACT, node, AT_ONCE - 1)
    assert refusals.may_ask("h", ACT, node, -HOUR_S)


def test_a_hand_over_says_when_it_is_due_again_and_is_forgotten_at_its_end():
    refusals = refused_often(shown())
    assert refusals.due_s(AT_ONCE - 1) == AT_ONCE
    assert refusals.due_s(AT_ONCE) is None
    refusals.forget("h")
    assert (refusals.due_s(AT_ONCE - 1), refusals.may_ask("h", ACT, shown(), AT_ONCE - 1)) == (None, True)


@BOTH
def test_the_audit_of_a_hand_over_does_not_grow_with_each_look(make):
    tended = make()
    for verb in (V.NOTE, V.DISCOURAGE):
        tended.fleet.faults[verb].extend([Fault.REFUSED] * 1000)
    tended.at(*range(50))
    assert len(tended.audit.of(Asked)) == 8
    assert tended.driver.next_due_s() == 63


def test_a_hand_over_goes_on_once_it_is_not_refused_any_more():
    tended = up()
    tended.fleet.faults[V.NOTE].extend([Fault.REFUSED] * 6)
    tended.at(*range(18 + SETTLE_S))
    assert tended.stage() is Stage.DONE


def test_a_fence_that_is_refused_is_not_written_down_at_each_look():
    done = Machine(closed=OLD_MARK, record="x")
    swept = Swept(rules=replace(RULES, fence=True), n1=done)
    for now_s in range(HOUR_S // 6):
        swept.fleet.clock.now_s = now_s
        swept.fleet.faults[V.FENCE].append(Fault.REFUSED)
        swept.driver.fence(swept.fleet.node("n1"))
    asked = swept.fleet.audit.of(Asked)
    assert {entry.act.verb for entry in asked} == {V.FENCE}
    assert len(asked) == len(asked_at(shown(), until_s=HOUR_S // 6))


def test_a_node_open_to_both_that_may_not_be_closed_is_not_told_of_at_each_look(caplog: pytest.LogCaptureFixture):
    swept = Swept(n1=Machine())
    swept.fleet.faults[V.CLOSE].extend([Fault.REFUSED] * 100)
    for now_s in range(50):
        swept.fleet.clock.now_s = now_s
        swept.driver.close_kubernetes(swept.fleet.node("n1"), OLD_MARK)
    assert len(swept.fleet.audit.of(Asked)) == caplog.text.count("is open to both sides") == 8
