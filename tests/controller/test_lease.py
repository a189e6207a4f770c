"""Leadership by lease, on a clock that only the test moves and a store that may lose, delay and hide writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from controller.lease import Alone, Lease, Term
from models.acts import Outcome
from models.errors import Unreachable
from models.leadership import EPOCH_MOST, LeaseRecord, Orders, Pause
from models.scheduler_facts import SchedulerFacts

WRITE_LONGEST_S = 10.0
TERM = Term(duration_s=40.0, renew_every_s=8.0, margin_s=12.0)
PAUSED = Orders(paused=Pause.REVERT)
WRITES = ("time-out, not done", "time-out, done", "time-out, done later", "refused")


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Store:
    """The lease itself, with a version for each write, and what was once written."""

    lease: LeaseRecord | None = None
    writes: int = 0
    past: list[LeaseRecord | None] = field(default_factory=list)
    late: list[LeaseRecord] = field(default_factory=list)

    def write(self, lease: LeaseRecord) -> Outcome:
        if lease.version != ("" if self.lease is None else self.lease.version):
            return Outcome.REFUSED
        self.put(lease)
        return Outcome.DONE

    def put(self, lease: LeaseRecord | None) -> None:
        """What a person with kubectl does: no version is asked for."""
        self.past.append(self.lease)
        self.writes += 1
        self.lease = None if lease is None else replace(lease, version=str(self.writes))


@dataclass
class Line:
    """How one candidate reaches the store."""

    store: Store
    cut: bool = False
    hidden: bool = False  # reads show what was there one write ago
    faults: deque[str] = field(default_factory=deque)
    while_reading: Callable[[], None] = lambda: None

    def read(self) -> LeaseRecord | None:
        if self.cut:
            raise Unreachable("no route to the lease")
        self.while_reading()
        return self.store.past[-1] if self.hidden and self.store.past else self.store.lease

    def write(self, lease: LeaseRecord) -> Outcome:
        if self.cut:
            raise Unreachable("no route to the lease")
        fault = self.faults.popleft() if self.faults else ""
        if fault == "refused":
            return Outcome.REFUSED
        if fault == "time-out, done":
            self.store.write(lease)
        if fault == "time-out, done later":
            self.store.late.append(lease)
        return Outcome.UNKNOWN if fault else self.store.write(lease)


class World:
    """Some candidates for one lease."""

    def __init__(self, *names: str) -> None:
        self.clock = Clock()
        self.store = Store()
        self.lines = {name: Line(self.store) for name in names}
        self.candidates = {name: Lease(line, name, self.clock, TERM) for name, line in self.lines.items()}
        self.may_act_s: dict[str, float] = {}

    def __getitem__(self, name: str) -> Lease:
        return self.candidates[name]

    def let_pass(self, seconds: float, *ticking: str) -> None:
        """Second by second, while ``ticking`` go on."""
        for _ in range(round(seconds)):
            self.clock.now_s += 1.0
            for name in ticking:
                self[name].tick()
            self.check()

    def check(self) -> None:
        """Nobody else may lead while a write that was allowed can still be under way."""
        now_s = self.clock.now_s
        able = [name for name, lease in self.candidates.items() if lease.may_act()]
        assert len(able) <= 1, f"{able} may all act"
        self.may_act_s |= dict.fromkeys(able, now_s)
        for name, lease in self.candidates.items():
            if lease.epoch is not None:
                for other, at_s in self.may_act_s.items():
                    assert other == name or now_s - at_s >= WRITE_LONGEST_S, f"{other} could write, and {name} leads"
            assert lease.epoch is not None or not lease.may_act()

    def release(self, name: str) -> None:
        """An orderly end: none of its writes is under way any more."""
        self[name].release()
        self.may_act_s.pop(name, None)

    def lead(self, name: str) -> Lease:
        """Let the candidate become leader, however long that takes."""
        for _ in range(200):
            if self[name].may_act():
                return self[name]
            self.let_pass(1, name)
        raise AssertionError(f"{name} never leads")


def leading() -> World:
    world = World("a", "b")
    world.lead("a")
    return world


# ---- taking, renewing, losing ----


def test_the_first_takes_a_lease_that_there_never_was():
    world = World("a")
    assert (world["a"].epoch, world["a"].may_act()) == (None, False)
    world.lead("a")
    lease = world.store.lease
    assert lease is not None
    assert (lease.holder, lease.epoch, lease.duration_s) == ("a", 1, TERM.duration_s)
    assert world["a"].epoch == 1


def test_a_leader_renews_and_stays():
    world = leading()
    first = world.store.lease
    world.let_pass(500, "a", "b")
    last = world.store.lease
    assert first is not None
    assert last is not None
    assert (last.holder, last.epoch) == ("a", 1)
    assert last.beat - first.beat == pytest.approx(500 / TERM.renew_every_s, abs=2)
    assert world["a"].may_act()
    assert world["b"].epoch is None


def test_a_leader_that_cannot_renew_stops_acting_a_margin_before_its_lease_ends():
    world = leading()
    world.let_pass(TERM.renew_every_s + 1, "a")
    world.lines["a"].cut = True
    acted, led = [], []
    began_s = world.clock.now_s
    for _ in range(60):
        world.let_pass(1, "a")
        if world["a"].may_act():
            acted.append(world.clock.now_s - began_s)
        if world["a"].epoch is not None:
            led.append(world.clock.now_s - began_s)
    assert max(led) - max(acted) == TERM.margin_s
    assert max(led) <= TERM.duration_s


def test_margin_is_longer_than_the_longest_write():
    assert TERM.margin_s > WRITE_LONGEST_S
    for slow in ((WRITE_LONGEST_S, 1.0), (1.0, WRITE_LONGEST_S)):
        schedulers = [SchedulerFacts("one", settle_s=0, lands_s=30, write_longest_s=longest_s) for longest_s in slow]
        assert Term.around(schedulers) == TERM


def test_no_lease_can_be_kept_whose_writes_take_as_long_as_it_lasts():
    with pytest.raises(ValueError, match="renewed well before"):
        Term.around([SchedulerFacts("slow", settle_s=0, lands_s=60, write_longest_s=35.0)])


@pytest.mark.parametrize(
    ("duration_s", "renew_every_s", "margin_s"), [(40, 28, 12), (40, 0, 12), (40, -1, 12), (10, 8, 12), (12, 1, 12)]
)
def test_a_term_that_cannot_be_kept_is_refused(duration_s: float, renew_every_s: float, margin_s: float):
    with pytest.raises(ValueError, match="renewed well before"):
        Term(duration_s, renew_every_s, margin_s=margin_s)


def test_a_candidate_takes_over_once_the_lease_has_stood_still_for_its_whole_duration():
    world = leading()
    world["b"].tick()
    watched_s = world.clock.now_s
    while world["b"].epoch is None:
        assert world.clock.now_s - watched_s < TERM.duration_s + TERM.renew_every_s
        world.let_pass(1, "b")
    assert world.clock.now_s - watched_s >= TERM.duration_s
    assert world["b"].epoch == 2
    assert world["a"].epoch is None


def test_how_long_a_lease_stands_still_is_judged_by_the_duration_that_it_names():
    world = World("b")
    world.store.put(LeaseRecord("someone", 7, 3, duration_s=100.0))
    world.let_pass(100, "b")
    assert world["b"].epoch is None
    world.let_pass(10, "b")
    assert world["b"].epoch == 8


def test_a_leader_that_slept_stops_at_once_and_finds_who_leads():
    """SIGSTOP for longer than the lease: on the monotonic clock it has run out before the first write."""
    world = leading()
    world["b"].tick()
    world.let_pass(60, "b")
    assert world["b"].may_act()
    assert not world["a"].may_act()
    world.let_pass(20, "a", "b")
    assert (world["a"].epoch, world["b"].epoch) == (None, 2)


def test_a_lease_that_ran_out_but_that_nobody_took_is_renewed_in_the_same_epoch():
    world = leading()
    world.lines["a"].cut = True
    world.let_pass(60, "a")
    assert world["a"].epoch is None
    world.lines["a"].cut = False
    world.let_pass(10, "a")
    assert world["a"].epoch == 1


def test_a_process_that_restarts_under_the_same_name_is_another_candidate():
    world = leading()
    again = Lease(world.lines["a"], "a", world.clock, TERM)
    world.candidates["again"] = again
    again.tick()
    assert again.epoch is None
    world.let_pass(60, "again")
    assert again.epoch == 2


# ---- what the store does ----


@pytest.mark.parametrize("fault", WRITES)
def test_a_taking_whose_outcome_is_not_known_is_looked_up_before_it_counts(fault: str):
    world = World("a")
    world.lines["a"].faults.append(fault)
    for _ in range(100):
        world.let_pass(1, "a")
        if not world.lines["a"].faults:
            break
    assert not world["a"].may_act(), "nothing is known yet"
    world.let_pass(3, "a")
    assert world["a"].may_act()
    assert world["a"].epoch == 1


def test_a_renewal_that_timed_out_and_happened_counts_from_when_it_was_sent():
    world = leading()
    world.lines["a"].faults.append("time-out, done")
    for _ in range(100):
        if not world.lines["a"].faults:
            break
        world.let_pass(1, "a")
    sent_s = world.clock.now_s
    world.lines["a"].faults.append("time-out, not done")
    world.let_pass(TERM.renew_every_s, "a")  # it reads that the earlier one happened; this one did not
    assert not world.lines["a"].faults
    world.lines["a"].cut = True
    for _ in range(100):
        if world["a"].epoch is None:
            break
        world.let_pass(1, "a")
    assert world.clock.now_s - sent_s == TERM.duration_s


def test_a_renewal_that_is_refused_does_not_prolong_the_lease():
    world = leading()
    taken_s = world.clock.now_s
    world.lines["a"].faults.extend(["refused"] * 50)
    for _ in range(100):
        if world["a"].epoch is None:
            break
        world.let_pass(1, "a")
    assert world.clock.now_s - taken_s <= TERM.duration_s


def test_a_candidate_from_whom_renewals_are_hidden_does_not_get_the_lease():
    """A proxy that serves an old answer: the write names an old version, and is refused."""
    world = leading()
    world.let_pass(20, "a", "b")
    world.lines["b"].hidden = True
    world.let_pass(300, "a", "b")
    assert world["a"].may_act()
    assert world["b"].epoch is None
    lease = world.store.lease
    assert lease is not None
    assert lease.holder == "a"


def test_a_slow_read_does_not_shorten_the_wait():
    """The leader renews while the candidate's read is under way; what it read counts from when it had the answer."""
    world = leading()
    world.let_pass(20, "a", "b")
    line = world.lines["b"]

    def slow() -> None:
        line.while_reading = lambda: None
        world.let_pass(TERM.renew_every_s + 1, "a")

    line.while_reading = slow
    world.let_pass(TERM.renew_every_s, "b")
    world.lines["a"].cut = True
    world.let_pass(60, "a", "b")
    assert world["b"].epoch == 2


def test_a_store_that_cannot_be_reached_raises_nothing():
    world = World("a")
    world.lines["a"].cut = True
    world.let_pass(100, "a")
    assert world["a"].epoch is None
    world["a"].release()


# ---- orders, and what is handed on ----


def order(world: World, orders: Orders) -> None:
    assert world.store.lease is not None
    world.store.put(replace(world.store.lease, orders=orders))


def test_an_order_is_heard_by_all_and_outlives_every_leader():
    world = leading()
    world.let_pass(20, "a", "b")
    order(world, PAUSED)
    world.let_pass(10, "a", "b")
    assert [world[name].orders for name in "ab"] == [PAUSED, PAUSED]
    world.let_pass(100, "b")
    assert world["b"].may_act()
    assert world.store.lease is not None
    assert world.store.lease.orders == PAUSED
    order(world, Orders())
    world.let_pass(10, "b")
    assert world["b"].orders == Orders()


def test_an_order_given_between_a_read_and_the_write_after_it_is_not_overwritten():
    world = leading()

    def person() -> None:
        world.lines["a"].while_reading = lambda: None
        lease = world.store.lease
        assert lease is not None
        world.store.past.append(lease)
        world.store.put(replace(lease, orders=PAUSED))

    world.lines["a"].hidden = True
    world.lines["a"].while_reading = person
    world.let_pass(TERM.renew_every_s + 1, "a")
    world.lines["a"].hidden = False
    assert world.store.lease is not None
    assert world.store.lease.orders == PAUSED
    world.let_pass(TERM.renew_every_s + 1, "a")
    assert (world["a"].orders, world["a"].may_act()) == (PAUSED, True)
    assert world.store.lease.orders == PAUSED


def test_what_a_leader_remembers_is_found_by_the_next():
    world = leading()
    world["a"].remembered = "it had five jobs"
    world.let_pass(TERM.renew_every_s + 1, "a", "b")
    world["a"].remembered = "too late to be renewed"
    world.let_pass(100, "b")
    assert world["b"].epoch == 2
    assert world["b"].remembered == "it had five jobs"


# ---- people ----


def test_a_lease_that_a_person_deleted_is_taken_again_in_a_later_epoch():
    world = leading()
    world.let_pass(20, "a", "b")
    world.store.put(None)
    world.let_pass(100, "a", "b")
    leaders = [world[name].epoch for name in "ab" if world[name].epoch is not None]
    assert len(leaders) == 1
    assert leaders[0] >= 2


@pytest.mark.parametrize("epoch", [-1, EPOCH_MOST + 1, 2**60])
def test_an_epoch_that_no_leader_can_have_had_is_not_taken_over(epoch: int):
    world = leading()
    world.let_pass(20, "a", "b")
    lease = world.store.lease
    assert lease is not None
    world.store.put(replace(lease, epoch=epoch))
    world.let_pass(100, "a", "b")
    assert [world[name].epoch for name in "ab" if world[name].epoch is not None] == [2]


def test_nobody_leads_in_an_epoch_that_nobody_could_read_and_that_is_told_once(caplog: pytest.LogCaptureFixture):
    world = leading()
    lease = world.store.lease
    assert lease is not None
    world.store.put(replace(lease, epoch=EPOCH_MOST))
    world.let_pass(100, "a", "b")
    assert [world[name].epoch for name in "ab"] == [None, None]
    assert [line.count("the last that there is; delete it") for line in caplog.messages] == [1, 1]  # by each of them


def test_a_holder_that_a_person_cleared_does_not_make_two_leaders():
    world = leading()
    world.let_pass(20, "a", "b")
    assert world.store.lease is not None
    world.store.put(replace(world.store.lease, holder=""))
    world.let_pass(TERM.duration_s - 1, "b")
    assert world["b"].epoch is None
    world.let_pass(TERM.renew_every_s, "b")
    assert world["b"].epoch == 2


def test_a_duration_that_a_person_shortened_does_not_make_two_leaders():
    world = leading()
    world.let_pass(20, "a", "b")
    assert world.store.lease is not None
    world.store.put(replace(world.store.lease, duration_s=1.0))
    world.let_pass(TERM.duration_s - TERM.renew_every_s - TERM.margin_s, "b")
    assert world["b"].epoch is None
    world.let_pass(TERM.duration_s, "b")
    assert world["b"].epoch == 2


def test_a_lease_that_a_person_gave_to_somebody_else_stops_the_leader_at_its_next_look():
    world = leading()
    lease = world.store.lease
    assert lease is not None
    world.store.put(replace(lease, holder="nobody", epoch=9, beat=0))
    world.let_pass(TERM.renew_every_s + 1, "a")
    assert not world["a"].may_act()
    world.let_pass(100, "a")
    assert world["a"].epoch == 10


def test_a_later_epoch_found_on_a_node_ends_this_term_and_the_next_is_later():
    world = leading()
    world["a"].rise_above(17)
    assert (world["a"].epoch, world["a"].may_act()) == (None, False)
    assert world.lead("a").epoch == 18


def test_an_earlier_epoch_found_on_a_node_changes_nothing():
    world = leading()
    world["a"].rise_above(0)
    assert world["a"].may_act()


def test_one_that_never_led_and_heard_of_a_later_epoch_leads_after_it():
    world = World("a")
    world["a"].rise_above(5)
    assert world.lead("a").epoch == 6


def test_one_that_released_does_not_act_any_more():
    world = leading()
    world["a"].release()
    assert (world["a"].epoch, world["a"].may_act()) == (None, False)


def test_a_lease_that_was_released_in_order_is_free_at_once():
    world = leading()
    world.let_pass(20, "a", "b")
    world.release("a")
    lease = world.store.lease
    assert lease is not None
    assert (lease.holder, lease.duration_s) == ("", 0.0)
    world.let_pass(TERM.renew_every_s / 4, "b")
    assert world["b"].may_act()


def test_alone_one_always_leads():
    alone = Alone()
    assert (alone.epoch, alone.may_act(), alone.orders, alone.remembered) == (1, True, Orders(), "")
    alone.rise_above(9)
    assert (alone.epoch, alone.may_act()) == (10, True)
    alone.rise_above(3)
    assert alone.epoch == 10


# ---- any order of events ----


class Rivals(RuleBasedStateMachine):
    """Three candidates, each of whom may be slow, cut off, shown old answers, or not told of what it wrote."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.world = World("a", "b", "c")
        self.led: list[tuple[str, int]] = []

    @initialize(target=names)
    def begin(self):
        return "a"

    @rule(target=names, name=st.sampled_from("abc"))
    def known(self, name: str):
        return name

    @rule(seconds=st.sampled_from([1, 2, 9, 13, 29, 41, 90]), ticking=st.sets(st.sampled_from("abc")))
    def time_passes(self, seconds: int, ticking: set[str]) -> None:
        for _ in range(seconds):
            self.world.let_pass(1, *sorted(ticking))
            self.note()

    @rule(name=names)
    def tick(self, name: str) -> None:
        self.world[name].tick()

    @rule(name=names, cut=st.booleans())
    def cut_off(self, name: str, cut: bool) -> None:
        self.world.lines[name].cut = cut

    @rule(name=names, hidden=st.booleans())
    def shown_old_answers(self, name: str, hidden: bool) -> None:
        self.world.lines[name].hidden = hidden

    @rule(name=names, fault=st.sampled_from(WRITES))
    def next_write_fails(self, name: str, fault: str) -> None:
        self.world.lines[name].faults.append(fault)

    @rule()
    def late_writes_arrive(self) -> None:
        for lease in self.world.store.late:
            self.world.store.write(lease)
        self.world.store.late.clear()

    @rule(name=names)
    def release(self, name: str) -> None:
        self.world.release(name)

    @rule(name=names, epoch=st.integers(0, 6))
    def later_epoch_found(self, name: str, epoch: int) -> None:
        self.world[name].rise_above(epoch)

    @rule(orders=st.sampled_from([PAUSED, Orders()]))
    def person_orders(self, orders: Orders) -> None:
        if self.world.store.lease is not None:
            order(self.world, orders)

    @invariant()
    def at_most_one_may_act(self) -> None:
        self.world.check()

    @invariant()
    def note(self) -> None:
        """Each new leader leads in a later epoch than every one before."""
        for name, lease in self.world.candidates.items():
            epoch = lease.epoch
            if epoch is not None and (not self.led or self.led[-1] != (name, epoch)):
                assert all(epoch > before for _, before in self.led), (name, epoch, self.led)
                self.led.append((name, epoch))


TestRivals = Rivals.TestCase
TestRivals.settings = settings(max_examples=150, stateful_step_count=40)
