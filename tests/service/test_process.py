"""A process of the service, of which a test takes the steps itself, on a slurmrestd that does what it is told to."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from connectors.kube.lease import KubeLeaseStore
from controller.turn_pace import TurnPace
from models.errors import BadInput, BusUnavailable
from models.events import Event, Planned, Topic
from models.leadership import LeaseRecord
from models.nodes import Side
from models.plans import Plan
from service import lease_keeper
from service.open_process import OPEN
from service.page.model import PlanStatus
from service.page.model import Status as SiteStatus
from service.page.vitals import STALLED_S
from service.part import Status
from service.parts import leadership
from service.parts.bus import BusPart
from service.parts.control import WATCH_S, ControlPart
from service.parts.forecasting import ForecastingPart
from service.parts.kubernetes import KubernetesPart
from service.parts.leadership import LeadershipPart
from service.parts.page import PagePart
from service.parts.publishing import PublishingPart
from service.parts.signals import SignalsPart
from service.parts.slurm import SlurmPart
from service.process import Process
from service.roles import NEEDS, PARTS, Role, in_order_of_need
from service.running import read_once, run_once
from tests.connectors.kube.fake_api import FakeApi
from tests.connectors.slurm import fake, makers
from tests.connectors.slurm.fake import Fake
from tests.patience import LONG_S, until
from tests.service.kube_site import KubeSite

RETRIES = 20
OLD = (Topic.PLANS, Topic.WORK)

Opening = Callable[..., Process]


@pytest.mark.parametrize("role", Role)
def test_a_part_is_opened_after_all_that_it_needs(role: Role):
    order = in_order_of_need(PARTS[role])
    for number, part in enumerate(order):
        assert set(NEEDS[part]) <= set(order[:number]), part
    assert set(order) <= OPEN.keys()


def test_every_part_is_in_a_role_and_can_be_opened():
    needed = {part for role in Role for part in in_order_of_need(PARTS[role])}
    assert needed | {"metrics"} == OPEN.keys() == NEEDS.keys()


@pytest.mark.parametrize(
    ("role", "kinds", "asks_slurm"),
    [
        (Role.CONNECT, {BusPart, SlurmPart, KubernetesPart, SignalsPart, PublishingPart}, True),
        (Role.FORECAST, {BusPart, ForecastingPart}, False),
        (Role.PAGE, {BusPart, PagePart}, False),
    ],
)
def test_a_role_has_what_it_needs_and_no_more(
    opening: Opening, server: Fake, role: Role, kinds: set[type], asks_slurm: bool
):
    process = opening(role, site=", page: {listen: '127.0.0.1:0'}")
    assert {type(part) for part in process.parts} == kinds
    assert bool(server.asked) is asks_slurm
    for step in process.steps():
        assert step.take() > 0
    assert all(isinstance(one, Status) and one.well for one in process.status())


def test_control_alone_reads_both_sides_for_itself(opening: Opening, server: Fake):
    connect, forecast = opening(Role.CONNECT), opening(Role.FORECAST)
    control = opening(Role.CONTROL)
    assert not any(isinstance(part, PublishingPart | ForecastingPart) for part in control.parts)
    read_once(connect)
    read_once(forecast)
    asked = len(server.asked)
    control.part(SlurmPart).paced._due_s = 0.0
    (decided,) = run_once(control)
    assert len(server.asked) > asked, "it reads Slurm itself"
    assert (decided.plan.current, decided.plan.target) == (0, 1)


def test_a_site_without_kubernetes_may_observe_slurm_alone(opening: Opening):
    process = opening(spec=", mode: observe", there="null")
    assert run_once(process) == []
    assert process.part(BusPart).bus.latest_state(Topic.DEMAND).keys() == {"site/pool/hpc"}
    assert all(one.well for one in process.status())


@pytest.mark.parametrize("mode", ["recommend", "auto"])
def test_without_kubernetes_more_is_refused_with_the_rights_that_it_needs(opening: Opening, mode: str):
    with pytest.raises(BadInput, match=f"mode {mode} needs Kubernetes, .*tidegate rights --mode recommend"):
        opening(spec=f", mode: {mode}", there="null")


def test_what_kubernetes_shows_wakes_the_publishing(opening: Opening, kube: KubeSite):
    woken: list[tuple[str, float]] = []
    process = opening(Role.CONNECT)
    process.wake = lambda name, in_s: woken.append((name, in_s))
    kube.put_node("n99")
    until(lambda: woken)
    assert {name for name, _ in woken} == {"publish"}


def test_all_pools_are_looked_after_and_slurm_is_read_once_for_them(opening: Opening, server: Fake):
    process = opening(spec=", pools: [{name: a, nodes: n01}, {name: b, nodes: 'n[02-03]'}]")
    before = server.asked.count("GET jobs/")
    process.part(SlurmPart).paced._due_s = 0.0
    decided = run_once(process)
    assert [one.pool.name for one in decided] == ["a", "b"]
    assert [sorted(node.name for node in one.snapshot.nodes) for one in decided] == [["n01"], ["n02", "n03"]]
    assert server.asked.count("GET jobs/") == before + 1
    keys = process.part(BusPart).bus.latest_state(Topic.NODES).keys()
    assert {key for key in keys if "/hpc/" in key} == {"site/a/hpc/n01", "site/b/hpc/n02", "site/b/hpc/n03"}


def test_pools_are_led_as_one_and_name_their_handovers(opening: Opening, server: Fake, kube: KubeSite):
    kube.wait_for(1, "n02")
    process = opening(spec=", mode: auto, pools: [{name: a, nodes: n01}, {name: b, nodes: 'n[02-03]'}]")
    run_once(process)
    leadership = process.part(LeadershipPart)
    assert leadership.lock is not None
    assert leadership.lock.epoch == 1
    reasons = {name: node["reason"] for name, node in server.nodes.items() if "DRAIN" in node["state"]}
    assert reasons["n01"].startswith("tidegate:site_a.1.")
    assert {reason.split(".")[0] for reason in reasons.values()} == {"tidegate:site_a", "tidegate:site_b"}


def test_trouble_with_the_lock_is_told_when_it_comes_and_when_it_goes(
    opening: Opening, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    leadership = opening(Role.CONTROL, ", mode: auto").part(LeadershipPart)
    lock = tmp_path / "tidegate-state" / "lock"
    caplog.set_level(logging.INFO, "tidegate.service")
    lock.write_text("{")
    leadership.keep()
    leadership.keep()
    assert not leadership.status().well
    lock.unlink()
    leadership.keep()
    leadership.keep()
    came, went = (record.message for record in caplog.records)
    assert came.startswith(f"the lock: {lock}: cannot be read")
    assert went == "the lock: no trouble any more"


LEASE = ", leadership: {lease: {namespace: tidegate, name: campus}}"


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> KubeLeaseStore:
    """The Lease of a site whose API server is in the process."""
    api = FakeApi()
    monkeypatch.setattr(leadership, "open_api", lambda _: api)
    return KubeLeaseStore(api, "tidegate", "campus")


def test_a_site_may_lead_by_a_lease(opening: Opening, server: Fake, leases: KubeLeaseStore):
    leases.write(LeaseRecord("", 4, 0, 0.0))  # somebody led, and let go of it
    process = opening(spec=", mode: auto", site=LEASE)
    (decided,) = run_once(process)
    assert decided.plan.moves
    assert {node["reason"].split(".")[1] for node in server.nodes.values() if "DRAIN" in node["state"]} == {"5"}
    found = leases.read()
    assert found is not None
    assert (found.holder.rpartition("_")[2], found.epoch, "pool" in found.remembered) == (process.run, 5, True)
    assert process.part(LeadershipPart).status() == Status("leadership", True, "leads in epoch 5")
    lead = next(step for step in process.steps() if step.name == "lead")
    assert lead.take() == leadership.LEAD_S
    process.at_end.close()
    released = leases.read()
    assert released is not None
    assert (released.holder, released.epoch) == ("", 5)


def test_a_service_that_does_not_lead_by_its_lease_moves_nothing_and_says_who_does(
    opening: Opening, server: Fake, leases: KubeLeaseStore, monkeypatch: pytest.MonkeyPatch
):
    leases.write(LeaseRecord("another", 4, 0, 600.0))
    monkeypatch.setattr(lease_keeper, "TAKE_S", -600.0)
    process = opening(spec=", mode: auto", site=LEASE)
    run_once(process)
    until(lambda: not process.part(LeadershipPart).status().well)
    assert "another leads" in process.part(LeadershipPart).status().text
    assert not any("DRAIN" in node["state"] for node in server.nodes.values())


def test_a_hook_whose_program_is_not_there_is_told_at_the_start_where_nodes_would_move(opening: Opening):
    pools = "pools: [{name: pool, hooks: {before: {command: [/no/such/program, '{node}']}}}]"
    opening(spec=f", {pools}").at_end.close()
    with pytest.raises(BadInput, match=r"/no/such/program: hooks\.before: cannot be run: No such file"):
        opening(spec=f", mode: auto, {pools}")


def test_a_bus_that_stays_away_is_told_once(opening: Opening, caplog: pytest.LogCaptureFixture):
    part = opening(Role.FORECAST).part(ForecastingPart)
    part.publishers = [Deaf()]  # type: ignore[list-item]
    for _ in range(3):
        part.follow()
    assert [record.message for record in caplog.records] == ["nothing is forecast: it is away"]


class Deaf:
    """A forecaster that cannot hear the bus."""

    def follow(self, now_s: int) -> bool:
        raise BusUnavailable("it is away")


def of_hpc(process: Process, server: Fake) -> None:
    server.instead["GET nodes/"] = fake.say(500, {})


def of_forecasts(process: Process, server: Fake) -> None:
    process.part(ForecastingPart).publishers = [Deaf()]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("spoil", "old"),
    [(of_hpc, r"hpc read \d+ s ago"), (of_forecasts, r"forecasts made \d+ s ago")],
    ids=["Slurm", "forecasting"],
)
def test_a_plan_of_a_blind_service_says_so_from_the_first_on(
    opening: Opening, server: Fake, caplog: pytest.LogCaptureFixture, spoil: Callable[[Process, Fake], None], old: str
):
    caplog.set_level(logging.INFO, "tidegate.service")
    process = opening()
    control, forecasting = process.part(ControlPart), process.part(ForecastingPart)
    following = forecasting.publishers

    def step() -> str:
        process.part(SlurmPart).paced._due_s = 0.0  # it is time to read Slurm again
        read_once(process)
        control.turn("pool")
        return caplog.messages[-1]

    assert "blind" not in step()
    spoil(process, server)
    for _ in range(3):
        assert re.search(rf"should have 1; hpc->kubernetes: n01 \(blind: {old}\)$", step())
    server.instead.pop("GET nodes/", None)
    forecasting.publishers = following
    assert "blind" not in step()
    told = [line for line in caplog.messages if line.startswith("plans rest on what is old")]
    assert re.fullmatch(f"plans rest on what is old: {old}", told[0])
    assert told[1:] == ["plans rest on what is old: no trouble any more"]


def test_forecasts_that_do_not_come_although_nothing_fails_make_a_plan_blind(
    opening: Opening, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "tidegate.service")
    process = opening()
    read_once(process)
    control, began_s = process.part(ControlPart), process.clock()
    loop = control.pools["pool"].loop
    for set_later in (loop, loop._mover):  # both have a clock
        set_later._clock = lambda: began_s + 200  # type: ignore[attr-defined]
    control.turn("pool")
    assert re.search(r"\(blind: (hpc read \d+ s ago, )?forecasts made (199|200) s ago\)$", caplog.messages[-1])


def test_what_happens_wakes_the_turn_of_its_pool_and_no_other(opening: Opening, server: Fake):
    woken: list[tuple[str, float]] = []
    pools = ", pools: [{name: a, nodes: n01}, {name: b, nodes: 'n[02-03]'}]"
    process = opening(spec=pools)
    control = process.part(ControlPart)
    read_once(process)
    control.listen()
    for name in control.pools:
        control.turn(name)
    process.wake = lambda name, in_s: woken.append((name, in_s))
    control.listen()
    assert woken == [], "nothing has happened"
    server.nodes["n02"]["state"] = ["DOWN"]
    process.part(SlurmPart).paced._due_s = 0.0
    read_once(process)
    control.listen()
    ((name, in_s),) = woken
    assert name == "turn b"
    assert 2.0 <= in_s <= 10.0, "debounced, and not before moves.soonest, here moves.every"


@pytest.mark.parametrize(("soonest_s", "again_s"), [(15.0, 15.0), (0.0, WATCH_S)], ids=["soonest", "no busy loop"])
def test_where_there_is_no_forecast_yet_it_is_looked_for_soon(opening: Opening, soonest_s: float, again_s: float):
    """A control that starts before the forecasts come does not wait as long as between two decisions."""
    control = opening(Role.CONTROL).part(ControlPart)
    control.pools["pool"].pace = TurnPace(3600.0, soonest_s, 0.0)
    assert control.turn("pool") == pytest.approx(again_s)
    assert control.pools["pool"].last.decided is None


def got(page: PagePart, path: str) -> bytes:
    with urlopen(f"http://127.0.0.1:{page.port}{path}") as answer:
        return answer.read()


def shown(page: PagePart) -> SiteStatus:
    page.look()
    assert page.shown.status is not None
    return page.shown.status


def plan_of(page: PagePart) -> PlanStatus:
    (pool,) = shown(page).pools
    assert pool.plan is not None
    return pool.plan


def test_the_page_shows_what_the_bus_tells(opening: Opening, caplog: pytest.LogCaptureFixture):
    process = opening(spec=", mode: auto", site=", page: {listen: '127.0.0.1:0'}")
    run_once(process)
    page = process.part(PagePart)
    page.look()

    assert b"/api/status" in got(page, "/")
    told = json.loads(got(page, "/api/status"))
    assert {one["part"] for one in told["parts"]} >= {"control", "publishing", "forecasting", "bus"}
    (pool,) = told["pools"]
    assert (pool["name"], pool["plan"]["current"], pool["plan"]["target"]) == ("pool", 0, 1)
    assert {one["side"] for one in pool["sides"]} == {"hpc", "kubernetes"}
    assert b"tidegate_leads" in got(page, "/metrics")
    assert got(page, "/livez") == b"ok\n"
    with pytest.raises(HTTPError, match="404"):
        got(page, "/nothing")


def test_work_that_nobody_can_serve_is_in_the_log_once_on_the_page_and_in_the_metrics(
    opening: Opening, server: Fake, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    server.jobs = [makers.job(ident, tres_req_str="cpu=9,mem=9G,node=9") for ident in (1, 2)]
    process = opening(site=", page: {listen: '127.0.0.1:0'}")
    (decided,) = run_once(process)
    assert decided.plan.unserved == decided.snapshot.sides[Side.HPC].waiting.unserved
    run_once(process)
    page = process.part(PagePart)
    said = "2 jobs ask for more than HPC can ever have of this pool (largest: 9 nodes, HPC can have 2)"
    assert [one.text for one in plan_of(page).unserved] == [said]
    assert [line for line in caplog.messages if said in line] == [f"{said}; no move can help"]
    assert any(line.endswith("; nobody can serve 2 jobs") for line in caplog.messages)
    labels = b'pool="pool",reason="larger-than-the-pool",side="hpc"'
    assert b"tidegate_unserved_nodes{%s} 18.0" % labels in page.shown.vitals.metrics
    server.jobs = []
    process.part(SlurmPart).paced._due_s = 0.0
    run_once(process)
    assert caplog.messages[-1] == f"no longer so: {said}"
    assert plan_of(page).unserved == ()


@pytest.mark.parametrize(
    ("later_s", "every_s", "old"),
    [
        (100, 10, set()),
        (130, 300, {"site/pool/hpc", "site/pool/kubernetes"}),
        (130, 10, {"site/pool", "site/pool/hpc", "site/pool/kubernetes"}),
        (700, 300, {"site/pool", "site/pool/hpc", "site/pool/kubernetes"}),
    ],
    ids=["within", "readings", "plans, too", "slow plans, too"],
)
def test_what_nobody_tells_any_more_is_red_on_the_page_and_warned_of_once(
    opening: Opening, caplog: pytest.LogCaptureFixture, later_s: int, every_s: int, old: set[str]
):
    process = opening(site=", page: {listen: '127.0.0.1:0'}", every=f"{every_s}s")
    run_once(process)
    page, now_s = process.part(PagePart), process.clock()
    process.clock = lambda: now_s + later_s
    for _ in range(3):
        page.look()
    status = shown(page)
    (pool,) = status.pools
    found = {f"site/pool/{one.side}" for one in pool.sides if one.old} | ({"site/pool"} if plan_of(page).old else set())
    assert found == old
    assert pool.sentence.startswith("Old: ") is ("site/pool" in old)
    assert next(one for one in status.parts if one.part == "page").well is not bool(old)
    warned = [line for line in caplog.messages if "nothing newer is told" in line]
    assert len(warned) == bool(old), warned
    process.clock = lambda: now_s
    assert not plan_of(page).old


@pytest.mark.parametrize(("site", "later_s"), [("elsewhere", 1000), ("site", 100)])
def test_what_another_site_or_an_earlier_run_has_left_on_the_bus_is_red_and_not_warned_of(
    opening: Opening, caplog: pytest.LogCaptureFixture, site: str, later_s: int
):
    process = opening(Role.PAGE, site=", page: {listen: '127.0.0.1:0'}")
    plan = Planned(1, Plan(5, 0, 0, (), (), ()))
    process.part(BusPart).bus.publish(Event(Topic.PLANS, f"{site}/pool", plan, 1, f"tidegate/{site}/pool", 5.0))
    page, now_s = process.part(PagePart), process.clock()
    process.clock = lambda: now_s + later_s
    assert next(pool.plan for pool in shown(page).pools if pool.plan is not None).old
    assert (page.status().well, caplog.messages) == (True, [])


def test_an_address_that_is_taken_is_told(opening: Opening):
    taken = opening(Role.PAGE, site=", page: {listen: '127.0.0.1:0'}").part(PagePart).port
    with pytest.raises(BadInput, match=rf"127\.0\.0\.1:{taken}: cannot be listened on"):
        opening(Role.PAGE, site=f", page: {{listen: '127.0.0.1:{taken}'}}")


def test_a_slurm_that_goes_away_right_after_the_start_ends_nothing(opening: Opening, server: Fake):
    process = opening()
    server.instead["GET nodes/"] = fake.say(500, {})
    process.part(SlurmPart).paced._due_s = 0.0
    assert process.part(ControlPart).turn("pool") > 0
    assert process.part(SlurmPart).pools["pool"].source.unread


def test_a_turn_that_could_not_read_what_woke_it_comes_again_until_it_could(opening: Opening):
    process = opening(spec="")
    control, paced = process.part(ControlPart), process.part(SlurmPart).paced
    read_once(process)
    control.turn("pool")
    pool = control.pools["pool"]
    pool.order, pool.heard_s = pool.slurm.source.read().order + 5, process.clock()
    paced._soonest_s = paced._monotonic() + 1000.0  # Slurm was asked a moment ago, and took long
    assert control.turn("pool") <= 10.0
    assert pool.pace.heard_s is not None, "it waits for its own picture"
    pool.heard_s, paced._due_s = process.clock() - 1, 0.0  # a second later Slurm may be asked
    control.turn("pool")
    assert pool.order == -1, "its own picture is newer than the event by our clock: slurmctld's may have been set back"
    assert pool.pace.heard_s is None


def test_a_turn_after_an_act_of_ours_does_not_rest_on_what_slurm_showed_before_it(opening: Opening, server: Fake):
    """Kubernetes is watched and Slurm is polled: a node that had just gone over looked open to both, and more went"""
    process = opening(spec=", mode: auto", every="1h")
    control, paced = process.part(ControlPart), process.part(SlurmPart).paced
    (decided,) = run_once(process)
    assert [move.node for move in decided.plan.moves] == ["n01"]
    assert server.nodes["n01"]["reason"].startswith("tidegate:")
    paced._due_s, paced._soonest_s = paced._monotonic() + 1000.0, 0.0
    control.turn("pool")
    again = control.pools["pool"].last.decided
    assert again is not None
    assert [node.hpc.drain_reason is not None for node in again.snapshot.nodes] == [True, False, False]


def test_a_process_that_takes_no_steps_is_not_alive_and_metrics_are_drawn_by_its_own_thread(opening: Opening):
    now_s = [0.0]
    process = opening(spec=", mode: auto", site=", page: {listen: '127.0.0.1:0'}")
    page = process.part(PagePart)
    page.shown.vitals._monotonic = lambda: now_s[0]
    page.look()
    drawn = got(page, "/metrics")
    assert b"tidegate_leads" in drawn
    process.parts.clear()
    assert got(page, "/metrics") == drawn
    assert got(page, "/livez") == b"ok\n"
    now_s[0] = STALLED_S + 1.0
    with pytest.raises(HTTPError, match="503"):
        got(page, "/livez")


def no_broker() -> None:
    raise BusUnavailable("no broker answers")


def test_a_bus_that_does_not_say_what_was_lost_ends_nothing(opening: Opening, monkeypatch: pytest.MonkeyPatch):
    part = opening(Role.PAGE, site=", page: {listen: '127.0.0.1:0'}").part(BusPart)

    monkeypatch.setattr(part.bus, "take_resyncs", no_broker)
    assert part.resync() > 0


def test_a_bus_that_lost_events_is_well_again_once_all_was_told_anew(opening: Opening, monkeypatch: pytest.MonkeyPatch):
    part = opening(Role.FORECAST).part(BusPart)
    part.bus.counts.dropped += 3
    assert not part.status().well
    with monkeypatch.context() as patched:
        patched.setattr(part.bus, "take_resyncs", no_broker)
        part.resync()
        assert not part.status().well
    part.resync()
    assert part.status().well
    assert "3 lost" in part.status().text


def test_an_order_by_the_page_holds_the_moves_of_whoever_leads(opening: Opening, tmp_path: Path):
    (tmp_path / "admin").write_text("0123456789abcdef")
    site = ", page: {listen: '127.0.0.1:0', adminToken: admin}"
    process = opening(spec=", mode: auto", site=site)
    page, control = process.part(PagePart), process.part(ControlPart)
    shown(page)

    def ordered(path: str) -> str:
        headers = {"Authorization": "Bearer 0123456789abcdef", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{page.port}{path}"
        with urlopen(Request(url, b'{"pool": "pool"}', headers, method="POST")) as answer:
            return json.loads(answer.read())["done"]

    with pytest.raises(HTTPError, match="409"):
        ordered("/api/pause")  # nobody has led by this lock yet
    control.tend()
    assert ordered("/api/pause") == "moves of pool pool are paused; open hand-overs finish"
    (decided,) = run_once(process)
    assert [hold.switch for hold in decided.plan.holds] == ["paused"]
    (pool,) = shown(page).pools
    assert pool.paused == "finish"
    assert ordered("/api/resume") == "moves of pool pool may begin again"
    control.tend()
    process.part(SlurmPart).paced._due_s = 0.0
    control.turn("pool")
    again = control.pools["pool"].last.decided
    assert again is not None
    assert again.plan.holds == ()


def test_weeks_of_a_bus_are_read_in_slices_so_that_no_step_waits(opening: Opening):
    process = opening(Role.PAGE, site=", page: {listen: '127.0.0.1:0'}")
    page, bus, ticks = process.part(PagePart), process.part(BusPart).bus, count()
    for number in range(1, 1201):
        plan = Planned(1, Plan(number, 0, 0, (), (), ()))
        bus.publish(Event(Topic.PLANS, "site/pool", plan, number, "/tidegate/site/pool/controller", float(number)))
    bus.flush(LONG_S)
    page._monotonic = lambda: float(next(ticks))
    assert page.look() == 0.0
    assert page.shown.status is not None
    first = page.shown.status.unknown[0]
    assert (first.what, first.until) == ("All that was told before this start", "700 messages of the bus to be read")
    while page.look() == 0.0:
        pass
    assert plan_of(page).at_s == 1200
    assert all(one.what != first.what for one in page.shown.status.unknown)


def test_an_admin_token_that_is_none_is_refused_at_the_start(opening: Opening, tmp_path: Path):
    (tmp_path / "admin").write_text("short")
    with pytest.raises(BadInput, match="is no admin token of 16 characters or more"):
        opening(Role.PAGE, site=", page: {listen: '127.0.0.1:0', adminToken: admin}")
