"""The view: both sides put together as a whole or not at all, unchanged values kept, and what is awry found."""

from __future__ import annotations

import pytest

from controller.safety import Vanishing
from controller.view import View
from models.errors import Unreachable
from models.nodes import Node, Side
from models.plans import Switch
from models.policies import SafetyPolicy
from tests.controller.fleet import OLD_MARK, Fleet, Machine

SAFETY = SafetyPolicy(stale_after="2m", vanished_hold="30m")
HPC, KUBERNETES = Side.HPC, Side.KUBERNETES


class Viewed:
    """A view of a fleet of some nodes."""

    def __init__(self, count: int = 4, **machines: Machine) -> None:
        plain = {f"n{number}": Machine(closed=OLD_MARK) for number in range(1, count + 1)}
        self.fleet = Fleet(**(machines or plain))
        self.view = View(self.fleet.hpc, self.fleet.kubernetes, SAFETY)

    def read(self, now_s: int = 0) -> tuple[Node, ...]:
        self.fleet.clock.now_s = now_s
        self.view.read(now_s)
        return self.view.nodes

    def names(self) -> list[str]:
        return [node.name for node in self.view.nodes]

    def changed(self) -> list[str]:
        return [node.name for node in self.view.changed]

    def switches(self) -> list[Switch]:
        return [hold.switch for hold in self.view.holds()]


# ---- putting two sides together ----


def test_every_node_that_both_sides_show_is_in_the_view():
    viewed = Viewed()
    viewed.read()
    assert viewed.names() == viewed.changed() == ["n1", "n2", "n3", "n4"]
    assert viewed.view.nodes[0] == viewed.fleet.node("n1")


def test_a_node_that_shows_no_change_is_the_same_value_as_before():
    viewed = Viewed()
    before = viewed.read()
    viewed.fleet.machines["n2"].busy = True
    viewed.fleet.machines["n3"].cordoned = True
    after = viewed.read(300)
    same = [one is other for one, other in zip(before, after, strict=True)]
    assert same == [True, False, False, True]
    assert viewed.changed() == ["n2", "n3"]
    viewed.read(600)
    assert viewed.changed() == []


@pytest.mark.parametrize("part", ["in_hpc", "in_kubernetes"])
def test_a_node_that_one_side_stops_showing_leaves_the_view_and_comes_back_as_changed(part: str):
    viewed = Viewed()
    viewed.read()
    setattr(viewed.fleet.machines["n2"], part, False)
    viewed.read(300)
    assert viewed.names() == ["n1", "n3", "n4"]
    setattr(viewed.fleet.machines["n2"], part, True)
    viewed.read(600)
    assert sorted(viewed.names()) == ["n1", "n2", "n3", "n4"]
    assert viewed.changed() == ["n2"]


def test_a_node_that_leaves_one_side_while_another_joins_it_leaves_the_view():
    """Each side shows as many nodes as before, and other ones."""
    viewed = Viewed(3)
    viewed.fleet.machines["n3"].in_hpc = viewed.fleet.machines["n3"].in_kubernetes = False
    viewed.read()
    viewed.fleet.machines["n2"].in_hpc = False
    viewed.fleet.machines["n3"].in_hpc = True
    viewed.read(300)
    assert viewed.names() == ["n1"]


def test_a_node_that_only_one_side_has_is_in_nobodys_way():
    viewed = Viewed(n1=Machine(closed=OLD_MARK), h9=Machine(in_kubernetes=False), k9=Machine(in_hpc=False))
    for now_s in (0, 300, 600):
        viewed.read(now_s)
        assert viewed.names() == ["n1"]
    assert viewed.changed() == []


def test_what_both_sides_tell_of_their_work_is_in_the_view():
    viewed = Viewed()
    viewed.fleet.running[HPC] = 3.0
    viewed.fleet.sizes[KUBERNETES] = (1.0, 0.5)
    viewed.read()
    assert viewed.view.demand[HPC].running == 3.0
    assert viewed.view.waiting[KUBERNETES].sizes == (1.0, 0.5)
    assert viewed.view.demand[KUBERNETES].waiting == 1.5


@pytest.mark.parametrize("side", Side)
def test_a_reading_that_fails_changes_nothing(side: Side):
    viewed = Viewed()
    before = viewed.read()
    demand = dict(viewed.view.demand)
    viewed.fleet.machines["n1"].busy = True
    viewed.fleet.running[HPC] = 7.0
    viewed.fleet.down.add(side)
    for read in (lambda: viewed.view.read(300), viewed.view.read_nodes):
        with pytest.raises(Unreachable):
            read()
        assert viewed.view.nodes is before
        assert viewed.view.demand == demand
    viewed.fleet.down.clear()
    viewed.read(600)
    assert viewed.changed() == ["n1"]


@pytest.mark.parametrize("side", Side)
def test_one_side_without_the_other_is_not_taken_in(side: Side):
    viewed = Viewed()
    before = viewed.read()
    viewed.fleet.machines["n1"].busy = True
    face = viewed.fleet.hpc if side is HPC else viewed.fleet.kubernetes

    def fails():
        raise Unreachable("half an answer")

    face.read = fails
    with pytest.raises(Unreachable):
        viewed.view.read(300)
    assert viewed.view.nodes is before


def test_between_turns_only_nodes_are_read():
    viewed = Viewed()
    viewed.read()
    viewed.fleet.machines["n1"].busy = True
    viewed.fleet.running[HPC] = 7.0
    viewed.view.read_nodes()
    assert viewed.changed() == ["n1"]
    assert viewed.view.demand[HPC].running == 0.0


def test_to_forget_lets_every_node_count_as_changed():
    viewed = Viewed()
    viewed.read()
    viewed.read(300)
    assert viewed.changed() == []
    viewed.view.forget()
    viewed.read(600)
    assert viewed.changed() == ["n1", "n2", "n3", "n4"]


# ---- too old ----


@pytest.mark.parametrize(("age_s", "switches"), [(120.0, []), (121.0, [Switch.STALE])])
@pytest.mark.parametrize("side", Side)
def test_a_side_that_was_read_too_long_ago_holds_moves(side: Side, age_s: float, switches: list[Switch]):
    viewed = Viewed()
    viewed.fleet.ages_s[side] = age_s
    viewed.read()
    assert viewed.switches() == switches
    viewed.fleet.ages_s[side] = 0.0
    viewed.read(300)
    assert viewed.switches() == []


# ---- vanishing ----


def working() -> Viewed:
    viewed = Viewed()
    viewed.fleet.running[HPC] = 4.0
    viewed.fleet.sizes[HPC] = (1.0,) * 6
    for machine in viewed.fleet.machines.values():
        machine.busy = True
    viewed.read()
    assert viewed.switches() == []
    return viewed


def emptied(viewed: Viewed, *, busy: bool = False) -> None:
    viewed.fleet.running[HPC] = 0.0
    viewed.fleet.sizes[HPC] = ()
    for machine in viewed.fleet.machines.values():
        machine.busy = busy


def test_a_scheduler_that_restarted_empty_holds_moves_until_a_person_says_to_go_on():
    viewed = working()
    viewed.fleet.booted = "2"
    emptied(viewed)
    viewed.read(300)
    assert viewed.switches() == [Switch.VANISHED]
    viewed.read(600)
    assert viewed.switches() == [Switch.VANISHED]
    viewed.view.vanishing.believe()
    viewed.read(900)
    assert viewed.switches() == []


def test_or_until_it_has_been_so_for_long():
    viewed = working()
    viewed.fleet.booted = "2"
    emptied(viewed)
    viewed.read(300)
    viewed.read(300 + 1800)
    assert viewed.switches() == []


def test_or_until_its_work_is_back():
    viewed = working()
    emptied(viewed, busy=True)
    viewed.read(300)
    assert viewed.switches() == [Switch.VANISHED]
    viewed.fleet.running[HPC] = 4.0
    viewed.fleet.sizes[HPC] = (1.0,) * 6
    viewed.read(600)
    assert viewed.switches() == []


def test_a_queue_that_cannot_be_seen_while_nodes_are_busy_holds_moves():
    viewed = working()
    viewed.fleet.sizes[HPC] = ()
    viewed.read(300)
    emptied(viewed, busy=True)
    viewed.read(600)
    assert "shows 4 busy nodes" in viewed.view.holds()[0].text


@pytest.mark.parametrize("part", ["in_hpc", "in_kubernetes"])
def test_a_side_that_shows_less_than_half_its_nodes_holds_moves(part: str):
    viewed = Viewed()
    viewed.read()
    for name in ("n1", "n2", "n3"):
        setattr(viewed.fleet.machines[name], part, False)
    viewed.read(300)
    assert viewed.switches() == [Switch.VANISHED]
    assert viewed.names() == ["n4"]


def test_work_that_simply_ends_holds_nothing():
    viewed = working()
    viewed.fleet.sizes[HPC] = ()
    viewed.read(300)
    emptied(viewed)
    viewed.read(600)
    assert viewed.switches() == []


def test_a_new_leader_goes_on_from_what_the_one_before_saw():
    """Else a change of leader between two readings would hide that everything is gone."""
    before = working()
    after = Viewed()
    after.view.vanishing = before.view.vanishing
    after.fleet.booted = "2"
    after.read(300)
    assert after.switches() == [Switch.VANISHED]


def test_without_anything_handed_on_the_first_reading_is_the_measure():
    viewed = working()
    viewed.view.vanishing = Vanishing()
    viewed.fleet.booted = "2"
    emptied(viewed)
    viewed.read(300)
    assert viewed.switches() == []
