"""Two pools led by one lease or lock, and two sites with one hook: none takes the other's for its own."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors.hooks.command import Commands
from connectors.hooks.site_hook import SiteHook
from connectors.local.lock_file import LockFile
from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.leader_memory import decode_leader_memory
from controller.lease import Lease, Term
from controller.site_leadership import SiteLeadership
from models.acts import Outcome, Verb
from models.audit import Decided
from models.forecasts import Source, flat
from models.handovers import Stage
from models.hooks import HookCall, Hooks
from models.identity import PoolId
from models.leadership import Leadership, Orders, Pause
from models.nodes import Side
from models.plans import Plan, Reason, Switch
from models.policies import MovesPolicy, PoolPolicy, SafetyPolicy, Spec
from models.ports import Hook
from models.snapshot import Taken
from simulator.lease_store import TwinLeaseStore
from tests.controller.fleet import OLD_MARK, FakeHook, Fleet, Leader, Machine

FREE = MovesPolicy(at_once="100%", per_hour="100%", dwell="0s", drain_deadline="30m")
SETTLE_S = FREE.settle.hpc
A, B = "a100", "h100"


class Pool:
    """One pool of a site, its own nodes ``a1``, ``a2``, ... by the first letter of its name, all of them HPC's."""

    def __init__(
        self,
        name: str,
        led: SiteLeadership,
        *,
        site: str = "campus",
        nodes: int = 4,
        moves: MovesPolicy = FREE,
        hook: Hook | None = None,
    ) -> None:
        self.name = name
        self.fleet = Fleet(**{f"{name[0]}{number}": Machine(closed=OLD_MARK) for number in range(1, nodes + 1)})
        self.identity = PoolId(site, name)
        self.spec = Spec(moves=moves, safety=SafetyPolicy(failures_to_pause=3))
        self.hook = hook
        self.start(led)

    def start(self, led: SiteLeadership) -> Pool:
        """A controller that knows nothing, on the nodes as they are."""
        fleet = self.fleet
        ports = Ports(fleet.hpc, fleet.kubernetes, led.pool(self.name), self.hook)
        pool = PoolPolicy(name=self.name).without_usual_floors()
        self.controller = Controller(ports, self.identity, pool, self.spec, fleet.clock, fleet.audit, led.budget)
        return self

    def turn(self, now_s: int, wants: int = 0) -> Plan | None:
        """A turn while so many nodes' worth of pods wait."""
        self.fleet.clock.now_s = now_s
        self.fleet.sizes = {Side.HPC: (), Side.KUBERNETES: (1.0,) * wants}
        need = {Side.HPC: 0.0, Side.KUBERNETES: float(wants)}
        return self.controller.turn({side: flat(side, now_s, need[side], (900, 7200), Source.NOW) for side in Side})

    def tend(self, now_s: int) -> Pool:
        self.fleet.clock.now_s = now_s
        self.controller.tend()
        return self

    @property
    def ids(self) -> set[str]:
        return {handover.id for handover in self.controller.open_handovers}

    @property
    def switches(self) -> list[Switch]:
        return [hold.switch for hold in self.controller.holds]

    @property
    def last_decided(self) -> Decided:
        return self.fleet.audit.of(Decided)[-1]  # type: ignore[return-value]


def two(led: SiteLeadership, **facts: object) -> tuple[Pool, Pool]:
    return Pool(A, led, **facts), Pool(B, led, **facts)  # type: ignore[arg-type]


def led_by(leader: Leader) -> SiteLeadership:
    return SiteLeadership(leader, [A, B])


class Candidate(NamedTuple):
    """One process's leadership, and what keeps it."""

    leadership: Leadership
    tick: Callable[[], None]
    end: Callable[[], None]


class Place:
    """A lease or a lock: ``candidate`` is that of a new process."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.path = folder / "leader.json"
        self.store = TwinLeaseStore()
        self.now_s = 0.0

    def candidate(self) -> Candidate:
        if self.kind == "lock":
            lock = LockFile(self.path)
            lock.tick()
            return Candidate(lock, lock.tick, lock.release)
        lease = Lease(self.store, f"process {self.now_s}", lambda: self.now_s, Term(margin_s=12.0))

        def tick() -> None:
            self.now_s += 60.0 if lease.epoch is None else 1.0
            lease.tick()

        tick()
        tick()
        return Candidate(lease, tick, lease.release)


@pytest.fixture(params=["lease", "lock"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


# ---- what was seen to be wrong ----


def test_two_pools_of_one_epoch_give_no_hand_over_the_same_name():
    a, b = two(led_by(Leader()))
    a.turn(0, 2)
    b.turn(0, 2)
    assert a.ids == {"campus_a100.1.1", "campus_a100.1.2"}
    assert b.ids == {"campus_h100.1.1", "campus_h100.1.2"}
    marks = [{act.mark for act in pool.fleet.asked if act.verb is Verb.DRAIN} for pool in (a, b)]
    assert marks == [{"tidegate:campus_a100.1.p1"}, {"tidegate:campus_h100.1.p1"}]


def test_what_one_pool_remembers_does_not_replace_what_the_other_does(place: Place):
    first = place.candidate()
    led = SiteLeadership(first.leadership, [A, B])
    a, b = two(led)
    for now_s in (0, 300):
        a.turn(now_s, 1)
        b.turn(now_s, 2)
        first.tick()
    first.end()
    second = place.candidate()
    again = SiteLeadership(second.leadership, [A, B])
    begun = {pool: sum(decode_leader_memory(again.pool(pool).remembered).begun.values()) for pool in (A, B)}
    assert (second.leadership.epoch, begun) == (2, {A: 1, B: 2})


class Service(http.server.ThreadingHTTPServer):
    """A hook of two sites: it prepares a node once for each Idempotency-Key, and says done to who asks again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys: set[str] = set()
        self.prepared: list[tuple[str, str, str]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        if key not in self.server.keys:
            self.server.keys.add(key)
            self.server.prepared.append((body["site"], body["pool"], body["node"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_two_sites_that_share_a_hook_have_each_node_prepared_before_it_is_opened(service: Service):
    hooks = Hooks(before=HookCall(url=f"http://127.0.0.1:{service.server_address[1]}/prepare"))
    for site in ("north", "south"):
        hook = SiteHook(hooks, PoolId(site, A), Commands(lambda: True))
        pool = Pool(A, SiteLeadership(Leader(), [A]), site=site, nodes=1, hook=hook)
        pool.turn(0, 1)
        pool.tend(SETTLE_S).tend(SETTLE_S + 1)
        assert [ended.stage for ended in pool.controller.finished] == [Stage.DONE]
        assert (site, A, "a1") in service.prepared


# ---- one leadership, led as a whole ----


def test_one_pool_that_takes_over_later_does_not_end_the_lead_of_the_other():
    leader = Leader()
    led = led_by(leader)
    a = Pool(A, led)
    a.turn(0, 1)
    b = Pool(B, led)
    b.turn(300, 1)
    a.tend(SETTLE_S)
    assert (leader.risen, a.controller.leads, b.controller.leads) == ([], True, True)


def test_a_controller_that_is_made_anew_in_the_same_process_goes_on_in_its_epoch_and_repeats_no_name():
    leader = Leader()
    led = led_by(leader)
    a, b = two(led)
    a.turn(0, 1)
    b.turn(0, 1)
    a.start(led).turn(1, 2)
    assert (leader.risen, b.controller.leads) == ([], True)
    assert a.ids == {"campus_a100.1.1", "campus_a100.1.2"}


def test_records_of_an_epoch_in_which_another_process_led_this_pool_let_all_pools_rise():
    leader = Leader()
    a, b = two(led_by(leader))
    b.turn(0, 1)
    led = led_by(leader)  # the lease was deleted, and another process leads in the same epoch
    a.start(led).turn(1, 1)
    b.start(led).turn(1, 1)
    assert leader.risen == [1]


def test_a_pool_is_kept_once_its_part_is_and_other_pools_turns_do_not_put_that_off(place: Place):
    candidate = place.candidate()
    led = SiteLeadership(candidate.leadership, [A, B])
    a, b = two(led)
    for now_s in (0, 300):
        assert led.pool(A).epoch is not None
        a.turn(now_s)
        b.turn(now_s)
        expected = [Switch.NEW_LEADER] if not now_s else []
        assert (a.switches, b.switches) == (expected, expected)
        candidate.tick()
    assert (led.pool(A).kept, led.pool(B).kept) == (True, True)


def test_parts_of_pools_that_are_no_longer_named_are_handed_on_as_they_are():
    leader = Leader(remembered='{"v":2,"pools":{"old":{"begun":{"60":7},"colour":"blue"}}}')
    led = led_by(leader)
    a, _ = two(led)
    a.turn(100, 1)
    parts = json.loads(leader.remembered)["pools"]
    assert parts["old"] == {"begun": {"60": 7}, "colour": "blue"}
    assert parts.keys() == {"old", A}
    assert a.last_decided.snapshot.recent_moves_elsewhere_s == ()


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"v":3,"pools":{}}', '{"v":2,"pools":{"a100":7}}'])
def test_what_cannot_be_read_counts_as_nothing_remembered(text: str):
    a, b = two(led_by(Leader(remembered=text)))
    assert a.turn(0, 1) is not None
    assert b.turn(0, 1) is not None


def test_what_release_0_1_0_remembers_is_the_first_pool_s():
    old = '{"begun":{"60":2},"at_s":60,"failures":1,"resumes":3,"under_way":["1.1"]}'
    led = led_by(Leader(epoch=2, remembered=old))
    assert [led.pool(pool).remembered for pool in (A, B)] == [old, ""]
    a, b = two(led)
    b.turn(100)
    a.turn(100)
    assert (a.last_decided.snapshot.recent_moves_s, b.last_decided.snapshot.recent_moves_s) == ((60, 60), ())


# ---- budgets over all pools ----


def moved(a: Pool, b: Pool, now_s: int = 0) -> tuple[int, int, set[Reason]]:
    """How many moves each begins, and why the second begins no more."""
    plans = [pool.turn(now_s, 4) for pool in (a, b)]
    assert plans[0] is not None
    assert plans[1] is not None
    return len(plans[0].moves), len(plans[1].moves), {rejection.reason for rejection in plans[1].rejections}


# moves -> moves of the first pool, of the second, and what bounds the second
BUDGETS = {
    "a number at once is of all": (FREE.model_copy(update={"at_once": 3}), 3, 0, Reason.AT_ONCE),
    "a number an hour is of all": (FREE.model_copy(update={"per_hour": 5}), 4, 1, Reason.PER_HOUR),
    "a share at once is the pool's": (FREE.model_copy(update={"at_once": "50%"}), 2, 2, Reason.AT_ONCE),
    "node-hours are of all: half until all pools were seen": (
        FREE.model_copy(update={"node_hours_per_day": 1}),
        3,
        3,
        Reason.NODE_HOURS,
    ),
    "a share an hour is the pool's": (FREE.model_copy(update={"per_hour": "75%"}), 3, 3, Reason.PER_HOUR),
}


@pytest.mark.parametrize(("moves", "first", "second", "bound"), BUDGETS.values(), ids=BUDGETS.keys())
def test_limits_as_a_number_are_of_all_pools_and_as_a_share_of_each(
    moves: MovesPolicy, first: int, second: int, bound: Reason
):
    a, b = two(led_by(Leader()), moves=moves)
    assert moved(a, b) == (first, second, {bound})


def test_what_ends_in_one_pool_makes_room_in_the_other_at_once():
    a, b = two(led_by(Leader()), moves=FREE.model_copy(update={"at_once": 3}))
    assert moved(a, b)[:2] == (3, 0)
    a.tend(SETTLE_S).tend(SETTLE_S + 1)
    assert [ended.stage for ended in a.controller.finished] == [Stage.DONE] * 3
    plan = b.turn(300, 4)
    assert plan is not None
    assert len(plan.moves) == 3


@pytest.mark.parametrize("limit", ["at_once", "per_hour"])
def test_a_new_leader_counts_a_pool_that_it_has_not_taken_over_yet(limit: str):
    moves = FREE.model_copy(update={limit: 4})
    first = Leader()
    a, b = two(led_by(first), moves=moves)
    assert moved(a, b)[:2] == (4, 0)
    led = led_by(Leader(epoch=2, remembered=first.remembered))
    b.start(led)  # the nodes of the other pool cannot be seen yet
    plan = b.turn(60, 4)
    assert plan is not None
    assert plan.moves == ()
    assert b.last_decided.snapshot.open_elsewhere == 4
    assert b.last_decided.snapshot.recent_moves_elsewhere_s == (0, 0, 0, 0)


def test_a_new_leader_knows_what_a_pool_took_from_service_that_it_has_not_taken_over_yet():
    moves = FREE.model_copy(update={"node_hours_per_day": 1})  # six moves of ten minutes
    first = Leader()
    a, b = two(led_by(first), moves=moves)
    a.turn(0)
    b.turn(0)
    assert moved(a, b, 60)[:2] == (4, 2)
    led = led_by(Leader(epoch=2, remembered=first.remembered))
    b.start(led)  # the nodes of the other pool cannot be seen yet
    plan = b.turn(120, 4)
    assert plan is not None
    assert plan.moves == ()
    shown = b.last_decided.snapshot
    assert (shown.taken_s, shown.taken_elsewhere) == (2 * moves.lead_time, (Taken(4, 4 * moves.lead_time),))


def test_a_stuck_hand_over_of_another_pool_counts_as_under_way():
    leader = Leader()
    a, b = two(led_by(leader), moves=FREE.model_copy(update={"at_once": 4}))
    a.turn(0, 1)
    a.fleet.machines["a1"].opens_slowly = True
    a.tend(SETTLE_S)
    a.fleet.machines["a1"].cordoned = True  # by a person, once Kubernetes was opened
    a.tend(10_000)
    assert [one.stage for one in a.controller.stuck_handovers] == [Stage.STUCK]
    a.turn(10_100)
    assert moved(a, b, 10_100)[1] == 0  # the other three of the first pool, and the one that is stuck
    assert b.last_decided.snapshot.open_elsewhere == 4
    again = led_by(Leader(epoch=2, remembered=leader.remembered))
    b.start(again).turn(10_200)
    assert b.last_decided.snapshot.open_elsewhere == 4


def failing(pool: Pool, nodes: int, now_s: int) -> None:
    """So many of its hand-overs fail, the site's hook saying no."""
    assert isinstance(pool.hook, FakeHook)
    pool.hook.before_says = Outcome.REFUSED
    pool.turn(now_s, nodes)
    for later_s in (SETTLE_S, SETTLE_S + 1, SETTLE_S + 2):
        pool.tend(now_s + later_s)
    pool.hook.before_says = Outcome.DONE


def hooked(leader: Leader) -> tuple[Pool, Pool]:
    led = led_by(leader)
    return Pool(A, led, hook=FakeHook()), Pool(B, led, hook=FakeHook())


def test_failures_in_a_row_are_counted_over_all_pools():
    a, b = hooked(Leader())
    failing(a, 2, 0)
    failing(b, 1, 10)
    for pool in (a, b):
        pool.turn(300)
        assert pool.switches == [Switch.BREAKER]
    assert "3 hand-overs failed in a row" in a.controller.holds[0].text


def test_one_that_ends_well_in_any_pool_ends_the_row():
    a, b = hooked(Leader())
    failing(a, 2, 0)
    b.turn(10, 1)
    b.tend(10 + SETTLE_S).tend(11 + SETTLE_S)
    failing(a, 2, 300)
    assert (a.turn(600) is not None, a.switches) == (True, [])


def test_a_new_leader_knows_the_failures_of_a_pool_that_it_has_not_taken_over_yet():
    first = Leader()
    a, b = hooked(first)
    failing(a, 3, 0)
    a.turn(100)
    b.start(led_by(Leader(epoch=2, remembered=first.remembered))).turn(200)
    assert b.switches == [Switch.BREAKER]


# ---- orders ----


def test_a_pause_of_one_pool_holds_that_one_and_names_it_in_the_command_to_go_on():
    leader = Leader(orders=Orders().pause(Pause.FINISH, B))
    a, b = two(led_by(leader))
    a.turn(0)
    b.turn(0)
    assert (a.switches, b.switches) == ([], [Switch.PAUSED])
    assert b.controller.holds[0].text.endswith("then run: tidegate resume lock --pool h100")
    leader.orders = leader.orders.pause(Pause.FINISH)
    for pool in (a, b):
        pool.turn(300)
        assert pool.controller.holds[0].text.endswith("then run: tidegate resume lock")


def test_turning_back_is_ordered_for_one_pool():
    leader = Leader()
    a, b = two(led_by(leader))
    for pool in (a, b):
        pool.turn(0, 1)
    leader.orders = Orders().pause(Pause.REVERT, A)
    for pool in (a, b):
        pool.tend(1).tend(2)
    assert [ended.stage for ended in a.controller.finished] == [Stage.CANCELLED]
    assert b.controller.finished == []


def test_who_resumes_one_pool_forgets_its_failures_and_who_resumes_all_those_of_all():
    leader = Leader()
    a, b = hooked(leader)
    failing(a, 2, 0)
    failing(b, 2, 10)
    leader.orders = leader.orders.resume(A)
    a.turn(300)
    assert (a.switches, b.turn(300) is not None, b.switches) == ([], True, [])
    failing(a, 1, 310)
    a.turn(600)
    assert a.switches == [Switch.BREAKER]
    leader.orders = leader.orders.resume()
    b.turn(900)
    a.turn(900)
    assert (a.switches, b.switches) == ([], [])


# ---- what is another's is left alone ----


def left_by(identity: PoolId, stage: Stage = Stage.DRAINED) -> Machine:
    """A node as another Tidegate has it in hand-over, or has moved it."""
    pool = Pool(A, SiteLeadership(Leader(), [A]), site=identity.site, nodes=1)
    pool.identity = identity
    pool.start(SiteLeadership(Leader(), [A])).turn(0, 1)
    if stage is Stage.DONE:
        pool.tend(SETTLE_S).tend(SETTLE_S + 1)
    return pool.fleet.machines["a1"]


@pytest.mark.parametrize("stage", [Stage.DRAINED, Stage.DONE])
@pytest.mark.parametrize("identity", [PoolId("elsewhere", A), PoolId("campus", B), PoolId("campus", "a100.1")])
def test_nodes_of_another_site_or_pool_are_left_as_they_are(identity: PoolId, stage: Stage):
    pool = Pool(A, SiteLeadership(Leader(), [A]), nodes=1)
    pool.fleet.machines["a1"] = theirs = left_by(identity, stage)
    before = (theirs.drain, theirs.closed, theirs.record)
    for now_s in (0, 300, 10_000):
        plan = pool.turn(now_s)
        assert plan is not None
        assert {rejection.reason for rejection in plan.rejections} <= {Reason.MANAGED, Reason.NOT_OURS}
        pool.controller.watch()
    assert (theirs.drain, theirs.closed, theirs.record) == before
    assert pool.fleet.asked == []
    assert "another site or pool" in pool.controller.unreadable["a1"]


def test_a_hand_over_whose_node_another_takes_is_left_to_that_one():
    pool = Pool(A, SiteLeadership(Leader(), [A]), nodes=1)
    pool.turn(0, 1)
    pool.fleet.machines["a1"] = theirs = left_by(PoolId("elsewhere", A))
    pool.fleet.asked.clear()
    pool.tend(1).tend(SETTLE_S).tend(10_000)
    assert (pool.ids, pool.fleet.asked) == (set(), [])
    assert theirs.drain == "tidegate:elsewhere_a100.1.p1"


def test_a_mark_has_at_most_80_characters():
    pool = Pool(A, SiteLeadership(Leader(), [A]), nodes=1)
    pool.identity = PoolId("s" * 63, "p" * 63)
    led = SiteLeadership(Leader(epoch=2**31 - 1), [A, pool.identity.pool])
    led.budget.of(pool.identity.pool).plans = 10**10 - 2
    pool.start(led)
    pool.turn(0, 1)
    (handover,) = pool.controller.open_handovers
    assert (len(handover.mark), handover.mark[-10:]) == (80, "9999999999")
