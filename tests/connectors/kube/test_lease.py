"""A Lease of Kubernetes: what is written where, what a person's hand leaves of it, and what each answer means."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kube.access.api import Answer
from connectors.kube.lease import BEAT, DURATION_MOST_S, EPOCH, ORDERS, REMEMBERED, KubeLeaseStore
from models.acts import Outcome
from models.errors import Unreachable
from models.leadership import EPOCH_MOST, LeaseRecord, Orders, Pause
from tests.connectors.kube.fake_api import Asked, FakeApi, Rule, refused

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
LEASE = LeaseRecord(
    "host_1a2b", 3, 7, 16.0, Orders(Pause.FINISH, 2, {"a100": Orders(Pause.REVERT, 1)}, turned_back=("h1",)), '{"v":2}'
)


class Site:
    """An API server with one Lease, and somebody's hand on it."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.store = KubeLeaseStore(self.api, "tidegate", "campus", clock=lambda: 1_800_000_000.25)

    def put(self, spec: dict[str, Any] | None, **notes: str) -> None:
        metadata = {"name": "campus", "namespace": "tidegate", "annotations": notes}
        self.api.put("leases", {"metadata": metadata, "spec": spec})

    @property
    def object(self) -> dict[str, Any]:
        found = self.api.get("leases", "campus", "tidegate")
        assert found is not None
        return dict(found)

    def read(self) -> LeaseRecord:
        found = self.store.read()
        assert found is not None
        return found


@pytest.fixture
def site() -> Site:
    return Site()


def test_what_kubectl_shows(site: Site):
    assert site.store.write(LEASE) is DONE
    assert site.object["spec"] == {
        "holderIdentity": "host_1a2b",
        "leaseDurationSeconds": 16,
        "leaseTransitions": 3,
        "renewTime": "2027-01-15T08:00:00.250000Z",
    }
    notes = site.object["metadata"]["annotations"]
    assert (notes[EPOCH], notes[BEAT], notes[REMEMBERED]) == ("3", "7", '{"v":2}')
    orders = {"paused": "finish", "resumes": 2, "pools": {"a100": {"paused": "revert", "resumes": 1}}}
    orders["turned_back"] = ["h1"]
    assert json.loads(notes[ORDERS]) == orders


def test_what_others_wrote_beside_it_stays(site: Site):
    site.put({"strategy": "OldestEmulationVersion"}, theirs="x")
    assert site.store.write(replace(LEASE, version=site.read().version)) is DONE
    assert site.object["metadata"]["annotations"]["theirs"] == "x"
    assert site.object["spec"]["strategy"] == "OldestEmulationVersion"


def test_one_that_was_released_has_no_holder_and_no_duration(site: Site):
    site.store.write(LEASE)
    released = replace(site.read(), holder="", duration_s=0.0, beat=8)
    assert site.store.write(released) is DONE
    assert site.object["spec"].get("leaseDurationSeconds") is None, "the API server takes no zero"
    assert replace(site.read(), version="") == replace(released, version="")


HAND: dict[str, tuple[dict[str, Any] | None, dict[str, str], LeaseRecord]] = {
    "nothing": (None, {}, LeaseRecord("", 0, 0, 0.0)),
    "an empty spec": ({}, {}, LeaseRecord("", 0, 0, 0.0)),
    "another election's": (
        {"holderIdentity": "x", "leaseDurationSeconds": 15, "leaseTransitions": 4},
        {},
        LeaseRecord("x", 4, 0, 15.0),
    ),
    "an epoch put back in one place": ({"leaseTransitions": 0}, {EPOCH: "9"}, LeaseRecord("", 9, 0, 0.0)),
    "an epoch raised in one place": ({"leaseTransitions": 9}, {EPOCH: "2"}, LeaseRecord("", 9, 0, 0.0)),
    "an epoch that no leader had": ({}, {EPOCH: str(EPOCH_MOST + 1)}, LeaseRecord("", 0, 0, 0.0)),
    "the last epoch": ({"leaseTransitions": EPOCH_MOST}, {}, LeaseRecord("", EPOCH_MOST, 0, 0.0)),
    "an epoch below none": ({"leaseTransitions": -1}, {EPOCH: "-5"}, LeaseRecord("", 0, 0, 0.0)),
    "no numbers": ({}, {EPOCH: "x", BEAT: "٣"}, LeaseRecord("", 0, 0, 0.0)),
    "a beat without end": ({}, {BEAT: "9" * 10_000}, LeaseRecord("", 0, 0, 0.0)),
    "a duration of years": ({"leaseDurationSeconds": 2**31 - 1}, {}, LeaseRecord("", 0, 0, DURATION_MOST_S)),
    "orders of one word": ({}, {ORDERS: '{"paused":"finish"}'}, LeaseRecord("", 0, 0, 0.0, Orders(Pause.FINISH))),
    "orders of a later release": ({}, {ORDERS: '{"v":9,"resumes":1}'}, LeaseRecord("", 0, 0, 0.0, Orders(None, 1))),
    "empty orders": ({}, {ORDERS: " "}, LeaseRecord("", 0, 0, 0.0)),
    "what is packed and is not": ({}, {REMEMBERED: "zlib:!"}, LeaseRecord("", 0, 0, 0.0)),
    "what is packed and cut off": ({}, {REMEMBERED: "zlib:eJxLTA=="}, LeaseRecord("", 0, 0, 0.0)),
}


@pytest.mark.parametrize(("spec", "notes", "record"), HAND.values(), ids=HAND.keys())
def test_what_a_person_wrote_is_read_as_far_as_it_can_be(
    site: Site, spec: dict[str, Any] | None, notes: dict[str, str], record: LeaseRecord
):
    site.put(spec, **notes)
    found = site.read()
    assert replace(found, version="") == record
    assert site.store.write(replace(LEASE, version=found.version)) is DONE
    assert replace(site.read(), version="") == LEASE


@pytest.mark.parametrize("text", ["no", "[]", '{"paused":"yes"}', '{"resumes":-1}', '{"pools":{"a":7}}', "\x00"])
def test_nobody_leads_while_orders_cannot_be_read(site: Site, text: str):
    site.put({}, **{ORDERS: text})
    command = "kubectl -n tidegate annotate lease campus tidegate.dev/orders-"
    with pytest.raises(Unreachable, match=f"whether moves are paused is not known: .*{command}"):
        site.store.read()


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
COUNTS = st.integers(0, 2**53)
OWN = st.builds(Orders, st.none() | st.sampled_from(Pause), COUNTS)
RECORDS = st.builds(
    LeaseRecord,
    holder=TEXTS,
    epoch=st.integers(0, EPOCH_MOST),
    beat=COUNTS,
    duration_s=st.integers(0, 600).map(float),
    orders=st.builds(Orders, st.none() | st.sampled_from(Pause), COUNTS, st.dictionaries(TEXTS, OWN, max_size=3)),
    remembered=TEXTS | TEXTS.map(lambda text: f"zlib:{text}") | TEXTS.map(lambda text: text * 5000),
)


@settings(max_examples=200)
@given(RECORDS, RECORDS)
def test_what_is_written_is_read(first: LeaseRecord, second: LeaseRecord):
    site = Site()
    assert site.store.write(first) is DONE
    assert replace(site.read(), version="") == first
    assert site.store.write(replace(second, version=site.read().version)) is DONE
    assert replace(site.read(), version="") == second


def test_a_part_of_a_second_counts_as_a_whole_one(site: Site):
    site.store.write(replace(LEASE, duration_s=16.25))
    assert site.read().duration_s == 17.0, "whoever waits may wait longer, never less"


def test_what_is_remembered_of_many_pools_has_room(site: Site):
    pools = {f"pool-{number}": {"begun": {str(60 * minute): 3 for minute in range(60)}} for number in range(500)}
    text = json.dumps({"v": 2, "pools": pools})
    assert len(text) > 256 * 1024
    assert site.store.write(replace(LEASE, remembered=text)) is DONE
    assert site.read().remembered == text
    assert len(site.object["metadata"]["annotations"][REMEMBERED]) < 100_000


def test_what_has_no_room_is_refused_and_told(site: Site, caplog: pytest.LogCaptureFixture):
    orders = Orders(pools={f"{number:0200}": Orders() for number in range(2000)})
    for _ in range(3):
        assert site.store.write(replace(LEASE, orders=orders)) is REFUSED
    (record,) = caplog.records
    assert record.message.startswith("lease tidegate/campus cannot be written: what is to be remembered takes")
    assert site.store.read() is None


# ---- what each answer means ----


def answering(site: Site, method: str, answer: Answer | Exception) -> None:
    rule = Rule(lambda asked: asked.method == method)
    if isinstance(answer, Exception):
        rule.error = answer
    else:
        rule.answer = answer
    site.api.rules.append(rule)


GONE = Unreachable("no route")
WRITES: dict[str, tuple[Answer | Exception, Outcome, bool]] = {
    "no answer": (GONE, UNKNOWN, False),
    "timed out within": (refused(504, "Timeout", ""), UNKNOWN, False),
    "broken": (refused(500, "InternalError", ""), UNKNOWN, False),
    "too slow": (refused(408, "Timeout", ""), UNKNOWN, False),
    "somebody was faster": (refused(409, "Conflict", ""), REFUSED, False),
    "too many requests": (refused(429, "TooManyRequests", ""), REFUSED, False),
    "not allowed": (refused(403, "Forbidden", "you may not"), REFUSED, True),
    "not valid": (refused(422, "Invalid", "it is no lease"), REFUSED, True),
    "a proxy's page": (Answer(403, b"<html>"), REFUSED, True),
}


@pytest.mark.parametrize("version", ["", "1"], ids=["made", "changed"])
@pytest.mark.parametrize(("answer", "outcome", "is_told"), WRITES.values(), ids=WRITES.keys())
def test_what_the_answer_to_a_write_means(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    version: str,
    answer: Answer | Exception,
    outcome: Outcome,
    is_told: bool,
):
    answering(site, "PATCH" if version else "POST", answer)
    assert site.store.write(replace(LEASE, version=version)) is outcome
    assert bool(caplog.records) is is_told


def test_a_namespace_that_is_not_there_is_told_and_that_it_is_there_again(site: Site, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate.lease")
    rule = site.api.refuse("POST", ".*", 404, "NotFound")
    assert site.store.write(LEASE) is REFUSED
    site.api.rules.remove(rule)
    assert site.store.write(LEASE) is DONE
    assert caplog.messages[1:] == ["lease tidegate/campus is written again"]


READS: dict[str, Answer | Exception] = {
    "no answer": GONE,
    "not allowed": refused(403, "Forbidden", "you may not"),
    "who are you": refused(401, "Unauthorized", ""),
    "broken": refused(503, "", ""),
    "no JSON": Answer(200, b"<html>"),
    "half of it": Answer(200, b'{"metadata": {"name": "ca'),
    "no object": Answer(200, b"[]"),
    "no text": Answer(200, b'{"spec": {"holderIdentity": "\xff"}}'),
    "nested without end": Answer(200, b'{"spec":' * 100_000),
}


@pytest.mark.parametrize("answer", READS.values(), ids=READS.keys())
def test_what_is_no_answer_to_a_look_is_not_taken_for_no_lease(site: Site, answer: Answer | Exception):
    site.store.write(LEASE)
    answering(site, "GET", answer)
    with pytest.raises(Unreachable):
        site.store.read()


def test_no_call_takes_longer_than_a_few_seconds():
    calls: list[float] = []

    class Slow(FakeApi):
        def ask(self, *_: Any, timeout_s: float, **__: Any) -> Answer:
            calls.append(timeout_s)
            raise GONE

    store = KubeLeaseStore(Slow(), "a", "b")
    with pytest.raises(Unreachable):
        store.read()
    assert store.write(LEASE) is UNKNOWN
    assert store.write(replace(LEASE, version="1")) is UNKNOWN
    assert calls == [4.0] * 3


# ---- orders of persons ----


def test_an_order_changes_the_orders_and_nothing_else(site: Site):
    site.store.write(LEASE)
    before = site.object
    told = site.store.order(lambda orders: orders.resume())
    after = site.object
    assert replace(told, version="") == replace(LEASE, orders=LEASE.orders.resume())
    assert site.read().orders == LEASE.orders.resume()
    assert after["spec"] == before["spec"]
    assert after["metadata"]["annotations"][BEAT] == "7"


def test_an_order_before_the_first_leader_makes_a_lease_that_is_free(site: Site):
    site.store.order(lambda orders: orders.pause(Pause.FINISH))
    found = site.read()
    assert (found.holder, found.duration_s, found.epoch, found.orders) == ("", 0.0, 0, Orders(Pause.FINISH))


@pytest.mark.parametrize("times", [1, 7])
def test_an_order_that_a_renewal_was_faster_than_is_given_again(site: Site, times: int):
    site.store.write(LEASE)
    left = [times]

    def renewal(asked: Asked) -> None:
        if asked.method == "PATCH" and left[0]:
            left[0] -= 1
            site.put({"leaseTransitions": 3}, **{BEAT: str(100 - left[0])})

    site.api.before = renewal
    site.store.order(lambda orders: orders.pause(Pause.REVERT))
    assert (site.read().beat, site.read().orders.paused) == (100, Pause.REVERT)


def test_an_order_that_others_are_always_faster_than_is_not_told_as_done(site: Site):
    site.store.write(LEASE)
    answering(site, "PATCH", refused(409, "Conflict", ""))
    with pytest.raises(Unreachable, match="somebody else was faster each time"):
        site.store.order(lambda orders: orders.resume())


def test_an_order_whose_answer_was_lost_is_looked_up(site: Site):
    site.store.write(LEASE)
    patch = site.api.ask

    def lost(method: str, path: str, **more: Any) -> Answer:
        answer = patch(method, path, **more)
        if method == "PATCH":
            site.api.ask = patch  # type: ignore[method-assign]
            raise GONE
        return answer

    site.api.ask = lost  # type: ignore[method-assign]
    site.store.order(lambda orders: orders.resume())
    assert site.read().orders.resumes == LEASE.orders.resumes + 1, "once"


def test_orders_that_cannot_be_read_are_not_replaced(site: Site):
    site.put({}, **{ORDERS: "no"})
    with pytest.raises(Unreachable, match="cannot be read"):
        site.store.order(lambda orders: orders.pause(Pause.FINISH))
    assert site.object["metadata"]["annotations"][ORDERS] == "no"
