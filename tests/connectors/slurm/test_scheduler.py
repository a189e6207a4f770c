"""The port on a slurmrestd that does wrong things: three outcomes, and nothing of others is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from connectors.slurm.cluster import SlurmCluster
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.sources.backoff import Backoff
from connectors.sources.paced import Paced
from models.acts import Outcome, Verb
from models.errors import Unreachable
from models.ports import HpcScheduler
from tests.connectors.slurm import fake
from tests.connectors.slurm.fake import Fake, Handler, rest
from tests.connectors.slurm.makers import diagnosis, job, number, running
from tests.patience import LONG_S

MARK, OTHER = "tidegate:1.p1", "tidegate:1.p2"
DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
LOST: list[tuple[str, Handler]] = [
    ("no answer", fake.silence),
    ("hang up", fake.hang_up),
    ("half a body", fake.half),
    ("busy", fake.say(503, b"busy")),
    ("no JSON", fake.say(200, b"<html>")),
    ("slurmctld gave no answer", fake.fault(1800)),
    ("not the right token", fake.say(511, b"")),
]


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake.serving() as one:
        yield one


@pytest.fixture
def port(server: Fake, tmp_path: Path) -> SlurmScheduler:
    return SlurmScheduler(RestTransport(rest(server, tmp_path), bulk_s=LONG_S))


def applied(server: Fake, handler: Handler) -> Handler:
    """It happens, and then the answer goes wrong."""

    def both(handler: Handler, request: fake.Request) -> None:
        server.set_state(request.path.rsplit("/", 1)[1], server.bodies[-1])
        handler(request)

    return partial(both, handler)


def test_it_is_the_port(port: SlurmScheduler):
    as_port: HpcScheduler = port
    assert as_port.look("n01") is not None


# ---- drain and undrain ----


def test_a_drain_is_done_when_the_node_shows_it(server: Fake, port: SlurmScheduler):
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert server.asked[-3:] == ["GET node/n01", "POST node/n01", "GET node/n01"]
    assert {"state": ["DRAIN"], "reason": MARK} in server.bodies
    shown = port.look("n01")
    assert shown is not None
    assert shown.drain_reason == MARK


def test_what_is_as_it_should_be_is_not_asked_for(server: Fake, port: SlurmScheduler):
    server.drain("n01", MARK)
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n02", mark=MARK) is DONE
    assert server.writes() == []


@pytest.mark.parametrize("reason", ["bad disk", OTHER, "", f"{MARK} ", "Tidegate:1.p1"])
def test_a_drain_that_does_not_bear_the_mark_is_never_touched(server: Fake, port: SlurmScheduler, reason: str):
    server.drain("n01", reason)
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED
    assert port.undrain("n01", mark=MARK) is REFUSED
    assert server.writes() == []


@pytest.mark.parametrize("power", ["POWERED_DOWN", "POWERING_UP"])
def test_a_node_that_is_switched_on_for_a_job_is_not_drained(server: Fake, port: SlurmScheduler, power: str):
    """Slurm would send the job back to the queue."""
    server.nodes["n01"]["state"] = ["ALLOCATED", power]
    server.nodes["n02"]["state"] = ["IDLE", power]
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED
    assert server.writes() == []
    assert port.drain(["n02"], mark=MARK)["n02"] is DONE
    server.nodes["n01"]["state"] = ["ALLOCATED"]
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE


@pytest.mark.parametrize("power", ["POWERED_DOWN", "POWERING_UP"])
def test_a_job_that_came_while_a_drain_was_asked_for_makes_no_lost_answer_a_no(
    server: Fake, port: SlurmScheduler, power: str
):
    def comes(request: fake.Request) -> None:
        server.nodes["n01"]["state"] = ["ALLOCATED", power]
        fake.hang_up(request)

    server.instead["POST node/n01"] = comes
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN


def test_only_the_drain_is_taken_from_a_node(server: Fake, port: SlurmScheduler):
    server.drain("n01", MARK)
    assert port.undrain("n01", mark=MARK) is DONE
    assert [body for body in server.bodies if body] == [{"state": ["UNDRAIN"]}]


@pytest.mark.parametrize(
    ("took_s", "outcome", "looks"),
    [(0.4, DONE, 1), (0.6, REFUSED, 2), (3.0, REFUSED, 2), (3.1, DONE, 1)],
)
def test_a_person_s_drain_that_came_while_a_slow_answer_was_under_way_is_seen(
    server: Fake, tmp_path: Path, took_s: float, outcome: Outcome, looks: int
):
    """Of a quick answer, and of one that has cost too much time already, what it says is taken: see the limits."""
    now_s = 0.0
    port = SlurmScheduler(RestTransport(rest(server, tmp_path)), monotonic=lambda: now_s)
    server.drain("n01", MARK)

    def slow(request: fake.Request) -> None:
        nonlocal now_s
        del server.instead["GET node/n01"]
        now_s += took_s
        shown = {**server.nodes["n01"]}
        server.drain("n01", "bad disk")
        request.say(200, {"nodes": [shown]})

    server.instead["GET node/n01"] = slow
    assert port.undrain("n01", mark=MARK) is outcome
    writes = ["POST node/n01"] if outcome is DONE else []
    assert [one for one in server.asked if "node/n01" in one][:looks] == ["GET node/n01"] * looks
    assert server.writes() == writes
    assert port.unseen.changes.total() == len(writes)
    assert port.unseen.seconds.get(Verb.UNDRAIN, 0.0) == pytest.approx(took_s * len(writes))


INVALID_STATE = {"error_number": 2028, "error": "Invalid node state specified", "source": "slurm_update_node()"}


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_undrain_that_slurm_refuses_is_done_if_the_node_shows_it(
    server: Fake, port: SlurmScheduler, carried_out: bool
):
    """Before 26.05.2 so it answers for a node that has not registered since slurmctld began, and ends the drain."""
    no = fake.say(500, {"errors": [{**INVALID_STATE, "description": "Failure to update node n01"}]})
    server.drain("n01", MARK)
    server.instead["POST node/n01"] = applied(server, no) if carried_out else no
    assert port.undrain("n01", mark=MARK) is (DONE if carried_out else REFUSED)


def test_a_person_s_drain_right_after_ours_was_ended_stays(server: Fake, port: SlurmScheduler):
    def drains(request: fake.Request) -> None:
        server.set_state("n01", server.bodies[-1])
        server.drain("n01", "bad disk")
        request.say(200, {})

    server.drain("n01", MARK)
    server.instead["POST node/n01"] = drains
    assert port.undrain("n01", mark=MARK) is REFUSED
    assert server.nodes["n01"]["reason"] == "bad disk"


@pytest.mark.parametrize(("what", "handler"), LOST)
def test_an_answer_that_is_lost_is_unknown_when_nothing_is_seen_of_the_act(
    server: Fake, port: SlurmScheduler, what: str, handler: Handler
):
    server.instead["POST node/n01"] = handler
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
    assert server.writes() == ["POST node/n01"], "it is asked for once"


@pytest.mark.parametrize(("what", "handler"), LOST)
def test_what_happened_although_its_answer_was_lost_is_done(
    server: Fake, port: SlurmScheduler, what: str, handler: Handler
):
    server.instead["POST node/n01"] = applied(server, handler)
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n01", mark=MARK) is DONE


@pytest.mark.parametrize(("what", "handler"), LOST)
def test_nothing_is_asked_for_when_the_node_cannot_be_read(
    server: Fake, port: SlurmScheduler, what: str, handler: Handler
):
    server.instead["GET node/n01"] = handler
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
    assert port.undrain("n01", mark=MARK) is UNKNOWN
    assert server.writes() == []


@pytest.mark.parametrize("handler", [fake.fault(2010, 500), fake.fault(2180, 422), fake.fault(2018, 422)])
def test_a_no_of_slurms_is_refused(server: Fake, port: SlurmScheduler, handler: Handler):
    server.instead["POST node/n01"] = handler
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED


def test_who_may_not_drain_is_told_what_to_do(server: Fake, port: SlurmScheduler, caplog: pytest.LogCaptureFixture):
    server.instead["POST node/n01"] = fake.fault(2010)
    port.drain(["n01"], mark=MARK)
    assert "is no Slurm administrator's" in caplog.text


def test_a_yes_of_which_nothing_is_seen_is_unknown(server: Fake, port: SlurmScheduler):
    server.instead["POST node/n01"] = fake.say(200, {"errors": []})
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN


def test_somebody_who_drains_at_the_same_time_keeps_the_node(server: Fake, port: SlurmScheduler):
    def meanwhile(request: fake.Request) -> None:
        server.drain("n01", "bad disk")
        request.say(200, {"errors": []})

    server.instead["POST node/n01"] = meanwhile
    assert port.drain(["n01"], mark=MARK)["n01"] is REFUSED


@pytest.mark.parametrize("name", ["no-such-node", "../nodes", "n01?x=1", "n01/..", "n 1", "", "n01\r\nX: y", "x" * 300])
def test_a_node_that_there_is_not_is_refused_and_not_put_into_an_address(server: Fake, port: SlurmScheduler, name: str):
    assert port.look(name) is None
    assert [port.drain([name], mark=MARK)[name], port.undrain(name, mark=MARK)] == [REFUSED, REFUSED]
    assert port.reserve(name, start_s=0, mark=MARK) is REFUSED
    assert set(server.asked) <= {"GET ping", "GET node/no-such-node"}


@pytest.mark.parametrize("mark", ["", "maintenance", "tidegate:", "tidegate:a b", "tidegate:x\n"])
def test_what_is_no_mark_of_ours_is_not_left_on_anything(server: Fake, port: SlurmScheduler, mark: str):
    assert port.drain(["n01"], mark=mark)["n01"] is REFUSED
    assert port.reserve("n01", start_s=0, mark=mark) is REFUSED
    assert server.writes() == []


# ---- many at once ----


def test_many_are_drained_in_one_request(server: Fake, port: SlurmScheduler):
    server.drain("n02", "bad disk")
    outcomes = port.drain(["n01", "n02", "n03", "n09"], mark=MARK)
    assert outcomes == {"n01": DONE, "n02": REFUSED, "n03": DONE, "n09": REFUSED}
    assert server.writes() == ["POST nodes/"]
    assert [port.undrain(name, mark=MARK) for name in ("n01", "n02", "n03")] == [DONE, REFUSED, DONE]
    assert server.writes() == ["POST nodes/", "POST node/n01", "POST node/n03"]


@pytest.mark.parametrize("handler", [fake.say(404, b"Unable find requested URL."), fake.fault(2180, 422)])
def test_one_by_one_where_it_cannot_be_at_once(server: Fake, port: SlurmScheduler, handler: Handler):
    server.instead["POST nodes/"] = handler
    server.instead["POST node/n03"] = fake.fault(2180, 422)
    assert port.drain(["n01", "n02", "n03"], mark=MARK) == {"n01": DONE, "n02": DONE, "n03": REFUSED}
    assert server.writes() == ["POST nodes/", "POST node/n01", "POST node/n02", "POST node/n03"]


def test_one_by_one_none_is_asked_for_after_one_that_gives_no_answer(server: Fake, port: SlurmScheduler):
    """Else a drain of many, each of which hangs, would outlast the leadership under which it began."""
    server.instead["POST nodes/"] = fake.fault(2180, 422)
    server.instead["POST node/n02"] = fake.silence
    assert port.drain(["n01", "n02", "n03"], mark=MARK) == {"n01": DONE, "n02": UNKNOWN, "n03": UNKNOWN}
    assert server.writes() == ["POST nodes/", "POST node/n01", "POST node/n02"]


def test_one_by_one_for_a_while_only_and_each_time_for_one_at_least(server: Fake, tmp_path: Path):
    ticks = iter(range(0, 10_000, 2))
    port = SlurmScheduler(RestTransport(rest(server, tmp_path)), monotonic=lambda: float(next(ticks)))
    server.instead["POST nodes/"] = fake.fault(2180, 422)
    names = ["n01", "n02", "n03"]
    assert port.drain(names, mark=MARK) == {"n01": DONE, "n02": UNKNOWN, "n03": UNKNOWN}
    assert port.drain(names, mark=MARK) == {"n01": DONE, "n02": DONE, "n03": UNKNOWN}
    assert port.drain(names, mark=MARK) == dict.fromkeys(names, DONE)


def test_of_many_whose_answer_is_lost_each_is_looked_at(server: Fake, port: SlurmScheduler):
    def half_of_them(request: fake.Request) -> None:
        server.drain("n01", MARK)
        fake.hang_up(request)

    server.instead["POST nodes/"] = half_of_them
    assert port.drain(["n01", "n02"], mark=MARK) == {"n01": DONE, "n02": UNKNOWN}


# ---- reservations ----


def test_a_reservation_is_ours_by_its_name_and_kills_nothing(server: Fake, port: SlurmScheduler):
    assert port.reserve("n01", start_s=4_000_000_000, mark=MARK) is DONE
    body = next(body for body in server.bodies if body)
    assert (body["name"], body["node_list"], body["flags"]) == ("tidegate-1.p1-n01", ["n01"], ["IGNORE_JOBS"])
    assert body["start_time"]["number"] == 4_000_000_000
    shown = port.look("n01")
    assert shown is not None
    assert (shown.booked_by, shown.open) == (MARK, True)
    assert port.reserve("n01", start_s=4_000_000_000, mark=MARK) is DONE
    assert server.writes() == ["POST reservation"]
    assert [port.release("n01", mark=MARK), port.release("n01", mark=MARK)] == [DONE, DONE]
    assert server.writes() == ["POST reservation", "DELETE reservation/tidegate-1.p1-n01"]


@pytest.mark.parametrize("name", ["maintenance", "tidegate-1.p2-n01", "tidegate:1.p1"])
def test_a_node_in_a_reservation_that_is_not_ours_stays_in_it(server: Fake, port: SlurmScheduler, name: str):
    server.reservations[name] = {"name": name, "node_list": "n[01-02]"}
    assert port.reserve("n01", start_s=0, mark=MARK) is REFUSED
    assert port.release("n01", mark=MARK) is REFUSED
    assert server.writes() == []


def test_ours_is_dropped_beside_somebody_elses(server: Fake, port: SlurmScheduler):
    port.reserve("n01", start_s=0, mark=MARK)
    server.reservations["maintenance"] = {"name": "maintenance", "node_list": "n01"}
    assert port.release("n01", mark=MARK) is DONE
    assert list(server.reservations) == ["maintenance"]


def test_a_release_that_cannot_reserve_says_so(server: Fake, port: SlurmScheduler, caplog: pytest.LogCaptureFixture):
    server.instead["POST reservation"] = fake.say(404, b"Unable find requested URL.")
    assert port.reserve("n01", start_s=0, mark=MARK) is REFUSED
    assert "this release of Slurm cannot do it over REST" in caplog.text


@pytest.mark.parametrize(("what", "handler"), LOST)
def test_a_reservation_whose_answer_is_lost_is_unknown(server: Fake, port: SlurmScheduler, what: str, handler: Handler):
    server.instead["POST reservation"] = handler
    assert port.reserve("n01", start_s=0, mark=MARK) is UNKNOWN
    server.reservations["tidegate-1.p1-n01"] = {"name": "tidegate-1.p1-n01", "node_list": "n01"}
    server.instead["DELETE reservation/tidegate-1.p1-n01"] = handler
    assert port.release("n01", mark=MARK) is UNKNOWN
    server.instead["GET reservations/"] = handler
    assert [port.reserve("n01", start_s=0, mark=MARK), port.release("n01", mark=MARK)] == [UNKNOWN, UNKNOWN]


# ---- reading ----


def test_a_poll_is_five_requests_and_everything_else_is_told_from_it(server: Fake, port: SlurmScheduler):
    server.jobs = [running(1, "n01"), job(2)]
    server.nodes["n01"]["state"] = ["ALLOCATED"]
    picture = port.read()
    asked = ["GET diag", "GET nodes/", "GET jobs/", "GET partitions/", "GET reservations/"]
    assert server.asked == ["GET ping", *asked]
    assert sorted(picture.nodes) == ["n01", "n02", "n03"]
    assert (picture.demand.running, picture.demand.waiting, picture.waiting.sizes) == (1.0, 1.0, (1.0,))
    assert {record.id for record in picture.records} == {"1", "2"}


def test_a_reading_is_of_our_time_and_in_the_order_of_slurms(server: Fake, tmp_path: Path):
    port = SlurmScheduler(RestTransport(rest(server, tmp_path)), clock=lambda: 100.0)
    before_s = int(time.time())
    picture = port.read()
    assert picture.at_s == 100
    assert picture.order >= before_s


def test_pools_of_one_cluster_are_read_at_once(server: Fake, tmp_path: Path):
    cluster = SlurmCluster(RestTransport(rest(server, tmp_path)))
    paced = Paced(cluster.read, Backoff(30))
    pools = [SlurmScheduler(cluster, nodes, answers=paced.read) for nodes in ("n01", "n[02-03]")]
    assert [sorted(pool.read().nodes) for pool in pools] == [["n01"], ["n02", "n03"]]
    assert server.asked.count("GET nodes/") == 1
    assert pools[0].read() is pools[0].read(), "the same value while there is no newer one"


@pytest.mark.parametrize("path", ["diag", "nodes/", "jobs/", "partitions/", "reservations/"])
@pytest.mark.parametrize(("what", "handler"), LOST)
def test_nothing_is_told_of_a_poll_of_which_a_part_is_missing(
    server: Fake, port: SlurmScheduler, path: str, what: str, handler: Handler
):
    server.instead[f"GET {path}"] = handler
    with pytest.raises(Unreachable):
        port.read()


def test_a_look_is_of_now(server: Fake, port: SlurmScheduler):
    port.read()
    server.drain("n01", "bad disk")
    server.jobs = [running(1, "n02")]
    server.nodes["n02"]["state"] = ["ALLOCATED"]
    shown, busy = port.look("n01"), port.look("n02")
    assert shown is not None
    assert busy is not None
    assert shown.drain_reason == "bad disk"
    assert (busy.busy, busy.frees_at_s) == (True, running()["end_time"]["number"])


def test_when_a_node_frees_and_from_when_it_is_booked_is_by_our_clock(server: Fake, tmp_path: Path):
    """slurmctld's is three hours ahead."""
    behind_s, now_s = 3 * 3600, int(time.time())
    server.instead["GET diag"] = fake.say(200, diagnosis(now_s))
    client = rest(server, tmp_path)
    port = SlurmScheduler(RestTransport(client), clock=lambda: float(now_s - behind_s))
    later = {"state_reason": "BeginTime", "eligible_time": number(now_s + 600)}
    server.jobs = [running(1, "n02"), job(2, **later)]
    server.nodes["n02"]["state"] = ["ALLOCATED"]
    assert [one.at_s for one in port.read().demand.announced] == [now_s + 600 - behind_s]
    ends_s = running()["end_time"]["number"] - behind_s
    assert [port.read().nodes["n02"].frees_at_s, getattr(port.look("n02"), "frees_at_s", None)] == [ends_s, ends_s]
    assert port.reserve("n01", start_s=4_000_000_000, mark=MARK) is DONE
    sent = next(body for body in reversed(server.bodies) if body)
    assert sent["start_time"]["number"] == 4_000_000_000 + behind_s
    client.close()


def test_a_job_that_is_suspended_is_seen_on_a_node_that_shows_idle(server: Fake, port: SlurmScheduler):
    """So Slurm shows it where memory is not counted (SelectTypeParameters=CR_Core); the job may be resumed any time."""
    port.read()
    assert port.look("n01") == port.read().nodes["n01"]
    server.jobs = [running(1, job_state=["SUSPENDED"])]  # it came since, and the drain was too late for it
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    for _ in range(2):
        assert getattr(port.look("n01"), "busy", None) is True
        port.read()


def test_a_look_at_a_node_that_a_poll_saw_drained_and_empty_does_not_read_the_jobs(server: Fake, port: SlurmScheduler):
    server.drain("n01", MARK)
    port.read()
    server.asked.clear()
    assert getattr(port.look("n01"), "busy", None) is False
    assert "GET jobs/" not in server.asked
    server.drain("n01", OTHER)  # it was open in between
    port.look("n01")
    assert "GET jobs/" in server.asked


def test_a_job_that_ended_just_now_is_seen_to_have_ended(server: Fake, port: SlurmScheduler):
    port.read()
    port.drain(["n01"], mark=MARK)["n01"]
    server.jobs = [running(1, "n01")]
    server.nodes["n01"]["state"] = ["ALLOCATED", "DRAIN"]
    assert getattr(port.look("n01"), "busy", None) is True
    server.jobs = []
    server.nodes["n01"]["state"] = ["IDLE", "DRAIN"]
    assert getattr(port.look("n01"), "busy", None) is False


def test_only_the_pools_own_nodes_are_seen_and_touched(server: Fake, tmp_path: Path):
    port = SlurmScheduler(RestTransport(rest(server, tmp_path)), "n[01-02]")
    assert sorted(port.read().nodes) == ["n01", "n02"]
    assert port.look("n03") is None
    assert port.drain(["n03"], mark=MARK)["n03"] is REFUSED
    assert port.drain(["n02", "n03"], mark=MARK) == {"n02": DONE, "n03": REFUSED}
    assert server.nodes["n03"]["state"] == ["IDLE"]


def test_a_drain_of_ours_is_ours_still_after_its_node_stopped_answering(server: Fake, port: SlurmScheduler):
    """slurmctld adds to the reason of a node that goes down, and leaves it so when the node is back."""
    server.drain("n01", f"{MARK} : Not responding")
    shown = port.look("n01")
    assert shown is not None
    assert shown.drain_reason == MARK
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n01", mark=MARK) is DONE
    assert server.nodes["n01"]["state"] == ["IDLE"]


def test_jobs_that_take_too_long_are_told_with_what_helps(server: Fake, tmp_path: Path):
    server.instead["GET jobs/"] = fake.silence
    slurm = RestTransport(rest(server, tmp_path), bulk_s=0.2)
    with pytest.raises(Unreachable, match=r"timed out; with thousands of jobs, name .* spec\.slurm\.commands"):
        slurm.jobs()
