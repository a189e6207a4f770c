"""A lease that is kept in a thread of its own: here mostly without the thread, on a clock that only the test moves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.lease import GRACE_S, Term
from models.acts import Outcome
from models.errors import Unreachable
from models.leadership import LeaseRecord, Orders, Pause
from models.scheduler_facts import SchedulerFacts
from service.lease_keeper import LOOK_S, PATIENCE_S, LeaseKeeper
from simulator.lease_store import TwinLeaseStore
from tests.patience import until

WRITE_LONGEST_S = 10.0
FACTS = SchedulerFacts("one", settle_s=0, lands_s=30, write_longest_s=WRITE_LONGEST_S)
TERM = Term.short((FACTS,))
TAKEN_OVER_S = 20.0  # what is promised
TICK_S = 1.0  # how often whoever acts comes round


class Line:
    """The way of one candidate to the lease."""

    def __init__(self, store: TwinLeaseStore) -> None:
        self.store = store
        self.cut = False

    def read(self) -> LeaseRecord | None:
        if self.cut:
            raise Unreachable("no route to the lease")
        return self.store.read()

    def write(self, lease: LeaseRecord) -> Outcome:
        return Outcome.UNKNOWN if self.cut else self.store.write(lease)


class World:
    """Two processes, each with a thread that keeps and one that acts, and one lease."""

    def __init__(self, *names: str) -> None:
        self.now_s = 100.0
        self.store = TwinLeaseStore()
        self.lines = {name: Line(self.store) for name in names}
        self.keepers = {
            name: LeaseKeeper(line, name, TERM, place="lease a/b", resume="go", monotonic=lambda: self.now_s)
            for name, line in self.lines.items()
        }
        self.due_s = dict.fromkeys(names, 0.0)
        self.could_write_s: dict[str, float] = {}

    def __getitem__(self, name: str) -> LeaseKeeper:
        return self.keepers[name]

    def let_pass(self, seconds: float, *kept: str, acting: tuple[str, ...] | None = None) -> None:
        """Time passes while the threads of ``kept`` go on, and those that act of ``acting``, or of the same."""
        for _ in range(round(seconds / LOOK_S)):
            self.now_s += LOOK_S
            for name in kept:
                self[name].keep()
            for name in kept if acting is None else acting:
                if self.now_s >= self.due_s[name]:
                    self.due_s[name] = self.now_s + TICK_S
                    self[name].tick()
            self.check()

    def check(self) -> None:
        """Nobody leads while a write of somebody else can be under way."""
        able = [name for name, keeper in self.keepers.items() if keeper.may_act()]
        assert len(able) <= 1, f"{able} may all act"
        self.could_write_s |= dict.fromkeys(able, self.now_s)
        for name, keeper in self.keepers.items():
            if keeper.epoch is not None:
                for other, at_s in self.could_write_s.items():
                    assert other == name or self.now_s - at_s >= WRITE_LONGEST_S

    def lead(self, name: str) -> LeaseKeeper:
        """Let it become leader, all it remembers kept."""
        for _ in range(200):
            if self[name].may_act() and self[name].kept:
                return self[name]
            self.let_pass(LOOK_S, name)
        raise AssertionError(f"{name} never leads")


def leading(*names: str) -> World:
    world = World(*(names or ("a", "b")))
    world.lead("a")
    return world


# ---- how soon another leads ----


def test_the_term_is_as_short_as_the_longest_write_allows():
    assert TERM.margin_s == WRITE_LONGEST_S + GRACE_S
    assert TERM.renew_every_s < TERM.duration_s - TERM.margin_s
    slow = replace(FACTS, write_longest_s=30.0)
    assert Term.short((FACTS, slow)).duration_s == TERM.duration_s + 20.0


@pytest.mark.parametrize("phase", range(16))
@pytest.mark.parametrize("offset", range(4))
def test_another_leads_soon_after_a_leader_was_killed_whenever_that_is(phase: int, offset: int):
    world = leading()
    world.let_pass(60 + phase * LOOK_S, "a", "b")
    world.now_s += offset * LOOK_S / 4
    killed_s = world.now_s
    while not world["b"].may_act():
        world.let_pass(LOOK_S, "b")
        assert world.now_s - killed_s < TAKEN_OVER_S
    assert world.now_s - killed_s <= TERM.duration_s + 2.0
    assert world["b"].epoch == 2


def test_after_an_end_in_order_another_leads_at_once():
    world = leading()
    world.let_pass(10, "a", "b")
    world["a"].release()
    world.could_write_s.clear()
    world.let_pass(2, "b")
    assert world["b"].may_act()
    assert world["a"].epoch is None


# ---- one that acts and is busy ----


def test_a_leader_that_is_busy_for_long_leads_on():
    world = leading()
    world.let_pass(PATIENCE_S - 10, "a", "b", acting=("b",))
    assert (world["a"].may_act(), world["a"].epoch, world["b"].epoch) == (True, 1, None)


def test_a_leader_that_does_not_come_round_any_more_loses_the_lease():
    world = leading()
    world.let_pass(PATIENCE_S + TERM.duration_s + 5, "a", "b", acting=("b",))
    assert (world["a"].epoch, world["b"].epoch) == (None, 2)
    world.let_pass(60, "a", "b")
    assert (world["a"].epoch, world["b"].epoch) == (None, 2), "it is a candidate again, and no more"


def test_one_that_leads_again_meanwhile_does_not_act_before_it_knows():
    world = leading()
    world["a"].remembered = "of epoch 1"
    world.let_pass(5, "a", "b")
    world.lines["a"].cut = True
    world.let_pass(30, "a", "b", acting=("b",))
    assert world["b"].epoch == 2
    world["b"].remembered = "of epoch 2"
    world.let_pass(5, "a", "b", acting=("b",))
    world["a"].remembered = "of epoch 1, and late"
    world.lines["a"].cut = False
    world.let_pass(30, "a", acting=())
    lease = world.store.lease
    assert lease is not None
    assert (lease.holder, lease.epoch, lease.remembered) == ("a", 3, "of epoch 2")
    assert (world["a"].epoch, world["a"].may_act(), world["a"].kept) == (None, False, False)
    world.let_pass(1, "a")
    assert (world["a"].epoch, world["a"].may_act(), world["a"].remembered) == (3, True, "of epoch 2")


def test_one_whose_lease_ran_out_and_that_nobody_took_goes_on_with_what_it_knew():
    world = leading("a")
    world["a"].remembered = "kept"
    world.let_pass(5, "a")
    world.lines["a"].cut = True
    world["a"].remembered = "not kept yet"
    world.let_pass(30, "a")
    assert (world["a"].epoch, world["a"].kept) == (None, False)
    world.lines["a"].cut = False
    world.let_pass(5, "a")
    assert (world["a"].epoch, world["a"].remembered, world["a"].kept) == (1, "not kept yet", True)


def test_what_is_to_be_remembered_is_kept_at_the_next_look():
    world = leading()
    world["a"].remembered = "new"
    assert not world["a"].kept
    world.let_pass(LOOK_S, "a")
    assert world["a"].kept
    assert world.store.lease is not None
    assert world.store.lease.remembered == "new"


def test_a_leader_that_met_a_later_epoch_leads_only_after_it():
    world = leading()
    world["a"].rise_above(7)
    assert (world["a"].epoch, world["a"].may_act()) == (None, False)
    world["a"].tick()
    assert world["a"].epoch is None, "the thread has not looked yet"
    world.let_pass(40, "a")
    assert world["a"].epoch == 8


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 60),
            st.sets(st.sampled_from("ab")),
            st.sets(st.sampled_from("ab")),
            st.sets(st.sampled_from("ab")),
            st.sampled_from(["", "", "", "a", "b"]),
        ),
        max_size=25,
    )
)
def test_nobody_leads_while_a_write_of_another_can_be_under_way(
    story: list[tuple[int, set[str], set[str], set[str], str]],
):
    world = World("a", "b")
    for seconds, alive, acting, cut, risen in story:
        for name, line in world.lines.items():
            line.cut = name in cut
        if risen and world[risen].epoch is not None:
            world[risen].rise_above(world[risen].epoch or 0)
        world.let_pass(seconds, *sorted(alive), acting=tuple(sorted(acting & alive)))
    for line in world.lines.values():
        line.cut = False
    world.let_pass(60, "a", "b")
    assert sum(keeper.may_act() for keeper in world.keepers.values()) == 1, "in the end somebody leads"


# ---- what persons hear and say ----


def test_a_leader_hears_orders_within_seconds():
    world = leading()
    lease = world.store.lease
    assert lease is not None
    assert world.store.write(replace(lease, orders=Orders(Pause.REVERT))) is Outcome.DONE
    world.let_pass(TERM.renew_every_s + LOOK_S, "a")
    assert (world["a"].orders, world["a"].resume) == (Orders(Pause.REVERT), "go")


def test_who_leads_and_what_is_wrong_is_told():
    world = leading()
    world.let_pass(5, "a", "b")
    assert world["a"].trouble is None
    assert "lease a/b: a leads" in str(world["b"].trouble)
    world.lines["a"].cut = True
    world.let_pass(5, "a", "b")
    assert str(world["a"].trouble) == "no route to the lease"
    world.lines["a"].cut = False
    world.let_pass(5, "a", "b")
    assert world["a"].trouble is None


# ---- with its thread ----


def free_store() -> TwinLeaseStore:
    """A lease that its holder has let go of."""
    store = TwinLeaseStore()
    store.write(LeaseRecord("", 4, 9, 0.0, remembered="what was"))
    return store


def threaded(store: TwinLeaseStore, name: str = "a") -> LeaseKeeper:
    return LeaseKeeper(store, name, TERM, place="lease a/b")


def test_a_thread_takes_it_keeps_it_and_lets_it_go():
    store = free_store()
    keeper = threaded(store)
    keeper.start()
    keeper.wait_for_lead()
    assert (keeper.epoch, keeper.remembered) == (5, "what was")
    keeper.remembered = "what is"
    keeper.wait_until_kept()
    assert store.lease is not None
    assert (store.lease.holder, store.lease.remembered) == ("a", "what is")
    keeper.remembered = "the last word"
    keeper.release()
    assert (store.lease.holder, store.lease.epoch, store.lease.remembered) == ("", 5, "the last word")
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]


def test_a_bug_does_not_end_the_thread(caplog: pytest.LogCaptureFixture):
    store = free_store()
    read: Callable[[], LeaseRecord | None] = store.read
    faults = [RuntimeError("a bug")]

    def once() -> LeaseRecord | None:
        if faults:
            raise faults.pop()
        return read()

    store.read = once  # type: ignore[method-assign]
    keeper = threaded(store)
    caplog.set_level(logging.ERROR, "tidegate.service")
    keeper.start()
    keeper.wait_for_lead()
    until(lambda: keeper.epoch == 5)
    keeper.release()
    assert "please report it" in caplog.text
