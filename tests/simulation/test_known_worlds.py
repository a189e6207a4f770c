"""Worlds of two or three faults that once broke something, and that chance alone hardly makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.handovers import Stage
from tests.simulation.plan import Event, Fault, Plan, plan_of
from tests.simulation.world import World


def world(seed: int, *events: Event) -> World:
    return World(
        Plan(
            seed=seed,
            nodes=6,
            processes=1,
            span_s=900,
            every_s=30,
            at_once=6,
            per_hour=5000,
            floor=0,
            evict=False,
            hook=False,
            reserve_ahead=False,
            deadline_s=120,
            events=events,
        )
    )


@pytest.mark.parametrize(
    "events",
    [
        (Event(676, Fault.KUBE_LATE, 111, 30), Event(683, Fault.SLURM_EMPTY, 75, 6)),
        (Event(676, Fault.KUBE_LATE, 111, 28), Event(683, Fault.ADMIN_UNDRAIN, 2, 0)),
    ],
    ids=["and a scheduler without its state", "and a person who undrains"],
)
def test_a_late_opening_finds_the_door_shut_once_the_handover_turns_back(events: tuple[Event, ...]):
    world(176135, *events).run()


@pytest.mark.parametrize("second", range(520, 580, 4))
def test_an_outage_longer_than_the_deadline_leaves_no_healthy_node_stuck(second: int):
    away = world(
        176135,
        Event(second, Fault.KUBE_LATE, 0, 5),
        Event(second + 3, Fault.KUBE_DOWN, 0, 400),
    )
    away.run()
    assert away.observer.ended[Stage.STUCK] == 0


def test_a_node_that_registers_less_while_its_opening_is_under_way_is_nobodys_fault():
    world(2, Event(616, Fault.HPC_SLOW, 565, 8), Event(617, Fault.LESS_HPC, 4, 0)).run()


@pytest.mark.parametrize(
    ("seed", "full", "cut", "empty"),
    [
        (716423550, (1328, 94), (1441, 46), (1454, 3)),
        (410160015, (490, 92), (594, 70), (623, 15)),
    ],
)
def test_what_a_leader_saw_while_its_disk_was_full_is_handed_on(
    seed: int, full: tuple[int, int], cut: tuple[int, int], empty: tuple[int, int]
):
    events = (
        Event(full[0], Fault.AUDIT_FULL, 0, full[1]),
        Event(cut[0], Fault.LEASE_CUT, 0, cut[1]),
        Event(empty[0], Fault.SLURM_EMPTY, 1, empty[1]),
    )
    plan = replace(plan_of(seed), processes=2, span_s=1800, every_s=30, per_hour=5000, floor=0, events=events)
    World(replace(plan, at_once=plan.nodes)).run()


@pytest.mark.parametrize(
    "seed",
    [
        500001808,  # a leader that wrote a stuck hand-over down ended before it told of it
        900005099,  # work vanished again between a person's word to go on and the turn that heard it
        900006923,  # records of moves landed after their leader had ended, and another had begun to lead
        900005375,  # the record of a move landed after another process had begun to lead
        1300001264,  # an opening that was given up arrived, and was refused, when the node had got worse
        1200002565,  # work vanished, and the next leader's clock was ten minutes ahead
        1100005209,  # the same, and the one that went on with them ended soon after
        1000002302,  # the same, with as many moves at once as there may be
        1500014363,  # a person opened a node while no write to Kubernetes was answered: nobody could mend it
        1500012115,  # the same, with writes that arrive much later
    ],
)
def test_a_world_that_once_failed(seed: int):
    """As it was found: then no budget was tight where there was a takeover."""
    plan = plan_of(seed)
    World(replace(plan, at_once=plan.nodes, per_hour=5000) if plan.takeovers else plan).run()


def test_a_node_whose_record_is_forged_as_somebody_else_s_does_not_stay_open_to_both():
    events = (Event(1139, Fault.FORGED_RECORD, 752, 92), Event(1152, Fault.SLURM_EMPTY, 335, 43))
    World(plan_of(615524860).only(events)).run()
