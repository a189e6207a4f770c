from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given as holds
from hypothesis import strategies as st

from connectors.kube.access.api import Answer
from connectors.kube.quota import LEDGER, LOWERED, Quota
from connectors.kube.quota_ledger import (
    LONGEST,
    Entry,
    given,
    lent,
    lowered_text,
    read_ledger,
    read_lowered,
    taken,
    text_of,
    without,
    written,
)
from models.acts import Outcome
from models.errors import BadInput
from tests.connectors.kube.fake_api import FakeApi, Rule, away, refused
from tests.connectors.kube.fake_store import Served
from tests.connectors.kube.objects import WHOLE, as_node, node

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
QUEUES = "/apis/kueue.x-k8s.io/v1beta2"


def queue(cpu: str = "40", **more: Any) -> dict[str, Any]:
    """One whose flavour a100 has cpu, memory and GPUs, and that has another flavour and another group."""
    resources = [
        {"name": "cpu", "nominalQuota": cpu, "borrowingLimit": "8"},
        {"name": "memory", "nominalQuota": "312500Mi"},
        {"name": "nvidia.com/gpu", "nominalQuota": 20},
    ]
    groups = [
        {
            "coveredResources": ["cpu", "memory", "nvidia.com/gpu"],
            "flavors": [
                {"name": "a100", "resources": resources},
                {"name": "h100", "resources": [{**one, "nominalQuota": "7"} for one in resources]},
            ],
        },
        {"coveredResources": ["x"], "flavors": [{"name": "x", "resources": [{"name": "x", "nominalQuota": "1"}]}]},
    ]
    return {"metadata": {"name": "ml", **more}, "spec": {"cohort": "all", "resourceGroups": groups}}


@pytest.fixture
def api() -> FakeApi:
    server = FakeApi((Served(QUEUES, "clusterqueues", "ClusterQueue", namespaced=False),))
    server.put("clusterqueues", queue())
    return server


def quota_of(api: FakeApi) -> tuple[str, ...]:
    """The nominal quota of the flavour, in the order of its resources."""
    shown = api.get("clusterqueues", "ml")
    assert shown is not None
    (flavor,) = [one for one in shown["spec"]["resourceGroups"][0]["flavors"] if one["name"] == "a100"]
    return tuple(str(resource["nominalQuota"]) for resource in flavor["resources"])


FULL, LESS, MORE = ("40", "312500Mi", "20"), ("32", "250000Mi", "16"), ("48", "375000Mi", "24")
N1, N2 = as_node(node("n1")), as_node(node("n2"))


def test_the_quota_shrinks_by_what_the_node_offers_and_gets_exactly_that_back(api: FakeApi):
    quota = Quota(api, "ml", "a100")
    assert (quota.take(N1, {}), quota_of(api)) == (DONE, LESS)
    smaller = as_node(node("n1", status={"allocatable": {**WHOLE, "cpu": "7"}}))
    assert (quota.give(smaller, {}), quota_of(api)) == (DONE, FULL)


def test_asked_for_again_nothing_changes_twice(api: FakeApi):
    for _ in range(3):
        assert Quota(api, "ml", "a100").take(N1, {}) is DONE, "another leader goes on"
    assert quota_of(api) == LESS
    for _ in range(3):
        assert Quota(api, "ml", "a100").give(N1, {}) is DONE
    assert quota_of(api) == FULL


def test_a_node_that_the_quota_counts_already_gives_nothing(api: FakeApi):
    assert (Quota(api, "ml", "a100").give(N1, {}), quota_of(api)) == (DONE, FULL)


def test_a_node_that_was_of_the_hpc_side_from_the_beginning_adds_what_it_offers_and_takes_that_along(api: FakeApi):
    quota = Quota(api, "ml", "a100")
    assert (quota.leave_out(N1), quota_of(api)) == (DONE, FULL)
    bare = as_node(node("n1", status={"allocatable": {"cpu": "8", "memory": "62500Mi"}}))
    usual = {"nvidia.com/gpu": 4, "rdma/hca": 1}
    assert (quota.give(bare, usual), quota_of(api)) == (DONE, MORE), "its devices are not back yet"
    assert (quota.leave_out(N1), quota.give(N1, usual), quota_of(api)) == (DONE, DONE, MORE)
    assert (quota.take(bare, {}), quota_of(api)) == (DONE, FULL)


def test_nothing_else_of_the_queue_changes(api: FakeApi):
    before = api.get("clusterqueues", "ml")
    Quota(api, "ml", "a100").take(N1, {})
    Quota(api, "ml", "a100").take(N2, {})
    Quota(api, "ml", "a100").give(N1, {})
    Quota(api, "ml", "a100").give(N2, {})
    after = api.get("clusterqueues", "ml")
    assert before is not None
    assert after is not None
    assert after["spec"] == {**before["spec"], "resourceGroups": after["spec"]["resourceGroups"]}
    assert quota_of(api) == FULL
    assert after["spec"]["resourceGroups"][0]["flavors"][1] == before["spec"]["resourceGroups"][0]["flavors"][1]
    assert after["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["borrowingLimit"] == "8"


def test_somebody_else_s_change_in_between_is_kept(api: FakeApi):
    changes = iter((queue("100"), None))

    def meddle(asked: object) -> None:
        if getattr(asked, "method", "") == "PATCH" and (other := next(changes, None)) is not None:
            api.put("clusterqueues", other)

    api.before = meddle
    assert Quota(api, "ml", "a100").take(N1, {}) is DONE
    assert quota_of(api) == ("92", *LESS[1:])


def test_where_somebody_always_comes_before_nobody_knows(api: FakeApi):
    api.rules.append(Rule(lambda asked: asked.method == "PATCH", refused(409, "Conflict", "modified")))
    assert (Quota(api, "ml", "a100").take(N1, {}), quota_of(api)) == (UNKNOWN, FULL)


def test_without_an_answer_nobody_knows(api: FakeApi):
    api.rules.append(Rule(lambda asked: True, error=away()))
    assert Quota(api, "ml", "a100").take(N1, {}) is UNKNOWN


def lending(api: FakeApi) -> tuple[str | None, str]:
    """The lending limit of cpu, and what the annotation says."""
    shown = api.get("clusterqueues", "ml")
    assert shown is not None
    (flavor,) = [one for one in shown["spec"]["resourceGroups"][0]["flavors"] if one["name"] == "a100"]
    return flavor["resources"][0].get("lendingLimit"), shown["metadata"]["annotations"].get(LOWERED, "")


def lends(limit: str) -> dict[str, Any]:
    there = queue()
    there["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["lendingLimit"] = limit
    return there


def test_a_lending_limit_goes_down_with_the_quota_and_up_again_in_any_order(api: FakeApi):
    api.put("clusterqueues", lends("36"))
    quota = Quota(api, "ml", "a100")
    assert (quota.take(N1, {}), lending(api)) == (DONE, ("32", '{"a100":{"cpu":4000}}'))
    assert (quota.take(N2, {}), lending(api)) == (DONE, ("24", '{"a100":{"cpu":12000}}'))
    assert (quota.give(N1, {}), lending(api)) == (DONE, ("32", '{"a100":{"cpu":4000}}'))
    assert (quota.give(N2, {}), lending(api)) == (DONE, ("36", ""))
    assert quota_of(api) == FULL


def test_a_lending_limit_below_the_quota_stays_as_it_was_written(api: FakeApi):
    api.put("clusterqueues", lends("8000m"))
    assert (Quota(api, "ml", "a100").take(N1, {}), lending(api)) == (DONE, ("8000m", ""))


def test_a_limit_that_somebody_took_away_meanwhile_does_not_come_back(api: FakeApi):
    api.put("clusterqueues", lends("40"))
    Quota(api, "ml", "a100").take(N1, {})
    shown = api.get("clusterqueues", "ml")
    assert shown is not None
    del shown["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["lendingLimit"]
    api.put("clusterqueues", shown)
    assert (Quota(api, "ml", "a100").give(N1, {}), lending(api)) == (DONE, (None, ""))


@holds(st.integers(0, 100), st.lists(st.integers(0, 100), max_size=8))
def test_a_lending_limit_is_what_the_site_has_set_as_far_as_the_quota_goes(limit: int, nominals: list[int]):
    set_to, lowered = limit, 0
    for nominal in nominals:
        limit, lowered = lent(limit, lowered, nominal)
        assert (limit, limit + lowered) == (min(set_to, nominal), set_to)
        assert read_lowered(lowered_text({"f": {"cpu": lowered}}) or "") == ({"f": {"cpu": lowered}} if lowered else {})


SMALL = {LEDGER: "scribbled"}
# what there is -> what is said against it
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such flavor": (queue(), "b200", "has no flavor b200"),
    "a quota that is smaller than one node": (queue("4"), "a100", "is smaller than what node n1 offers"),
    "a ledger that somebody scribbled on": (queue(annotations=SMALL), "a100", "cannot be read"),
    "lending limits that somebody scribbled on": (queue(annotations={LOWERED: "[]"}), "a100", "lending limits"),
    "no groups": ({"metadata": {"name": "ml"}, "spec": {}}, "a100", "cannot be understood"),
}


@pytest.mark.parametrize(("there", "flavor", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_done_is_refused_and_said_once(
    api: FakeApi, there: dict[str, Any], flavor: str, told: str, caplog: pytest.LogCaptureFixture
):
    api.drop("clusterqueues", "ml")
    api.put("clusterqueues", there)
    quota = Quota(api, "ml", flavor)
    assert [quota.take(N1, {}), quota.take(N1, {})] == [REFUSED, REFUSED]
    assert told in quota.trouble
    assert len(caplog.records) == 1
    assert api.get("clusterqueues", "ml")["spec"] == there["spec"]  # type: ignore[index]


@pytest.mark.parametrize("body", [b'{"metadata":{"name":"\xff"}}', b"[" * 100_000], ids=["no UTF-8", "nested"])
def test_an_answer_that_is_no_queue_is_refused(api: FakeApi, body: bytes):
    api.rules.append(Rule(lambda asked: asked.method == "GET", answer=Answer(200, body)))
    quota = Quota(api, "ml", "a100")
    assert quota.take(N1, {}) is REFUSED
    assert "cannot be understood" in quota.trouble


def test_a_right_that_lacks_is_said(api: FakeApi):
    api.refuse("PATCH", f"{QUEUES}/clusterqueues/ml")
    quota = Quota(api, "ml", "a100")
    assert quota.take(N1, {}) is REFUSED
    assert "403 Forbidden" in quota.trouble


def test_an_older_kueue_is_spoken_to_in_its_version():
    old = "/apis/kueue.x-k8s.io/v1beta1"
    server = FakeApi((Served(old, "clusterqueues", "ClusterQueue", namespaced=False),))
    server.put("clusterqueues", queue())
    quota = Quota(server, "ml", "a100")
    assert (quota.take(N1, {}), quota_of(server)) == (DONE, LESS)
    assert (quota.give(N1, {}), quota_of(server)) == (DONE, FULL)


AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 10**12))


@holds(
    st.lists(st.sampled_from(["take", "give", "leave out"]), max_size=12), st.lists(AMOUNTS, min_size=12, max_size=12)
)
def test_however_often_a_node_comes_and_goes_the_quota_differs_by_one_node_at_most(acts: list[str], offers: list[Any]):
    entry: Entry | None = None
    total: dict[str, int] = {}
    change = {"take": taken, "give": given, "leave out": without}
    for act, offered in zip(acts, offers, strict=False):
        if (after := change[act](entry, offered)) is not None:
            entry, delta = after
            total = {name: total.get(name, 0) + delta.get(name, 0) for name in {*total, *delta}}
        assert {name: amount for name, amount in total.items() if amount} == (entry.delta if entry else {})
        assert read_ledger(text_of({"n1": entry} if entry else {})) == ({"n1": entry} if entry else {})


WRITTEN = {
    "cpu": [(8000, "8"), (7910, "7910m")],
    "memory": [(2**30, "1Gi"), (2**20 * 3, "3Mi"), (1001, "1001"), (0, "0")],
    "nvidia.com/gpu": [(1024, "1024")],
}


@pytest.mark.parametrize(("resource", "rows"), WRITTEN.items(), ids=WRITTEN.keys())
def test_amounts_as_kubernetes_writes_them(resource: str, rows: list[tuple[int, str]]):
    assert [written(resource, amount) for amount, _ in rows] == [text for _, text in rows]


def test_a_ledger_that_would_be_larger_than_an_annotation_is_not_written():
    entry = Entry("hpc", {"cpu": -64_000, "memory": -(2**40)})
    fits = {f"n{number:05d}": entry for number in range(3000)}
    assert json.loads(text_of(fits))["n00001"] == ["hpc", {"cpu": -64_000, "memory": -(2**40)}]
    with pytest.raises(BadInput, match="more than one ClusterQueue"):
        text_of({f"n{number:05d}": entry for number in range(LONGEST // 40)})
