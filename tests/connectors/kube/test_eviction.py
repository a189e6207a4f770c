from __future__ import annotations

import pytest

from connectors.kube.eviction import Evictions
from models.acts import Outcome
from models.policies import Evict
from tests.connectors.kube.fake_api import FakeApi, Rule, away, refused
from tests.connectors.kube.objects import Object, as_pod, pod

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
WEB = {"labels": {"app": "web"}}


def budget(name: str, allowed: int) -> Object:
    return {
        "metadata": {"name": name, "namespace": "ml"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2},
    }


@pytest.fixture
def api() -> FakeApi:
    server = FakeApi()
    for name in ("a", "b"):
        server.put("pods", pod(name, on="n1", owner="ReplicaSet", metadata=WEB))
    return server


def ask(api: FakeApi, evict: Evict = Evict.PODS) -> tuple[Outcome, str, list[str]]:
    """What was said, why, and which pods are left."""
    evictions = Evictions(api, evict)
    outcome = evictions.ask("n1", [as_pod(one) for one in api.all("pods")])
    return outcome, evictions.refusal.get("n1", ""), [one["metadata"]["name"] for one in api.all("pods")]


def test_all_that_may_go_are_asked_to(api: FakeApi):
    assert ask(api) == (DONE, "", [])
    assert {asked.method for asked in api.asked} == {"POST"}, "nothing is ever deleted"


def test_a_budget_is_respected_and_named_and_no_pod_leaves_for_nothing(api: FakeApi):
    api.put("pods", pod("0", on="n1", owner="ReplicaSet"))
    api.put("poddisruptionbudgets", budget("web-budget", 0))
    outcome, why, left = ask(api)
    assert (outcome, left) == (REFUSED, ["0", "a", "b"])
    assert "ml/a stays" in why
    assert "budget web-budget needs 2 healthy pods and has 2 currently" in why


def test_two_budgets_are_named_as_what_only_a_person_mends(api: FakeApi):
    for name in ("one", "two"):
        api.put("poddisruptionbudgets", budget(name, 1))
    outcome, why, left = ask(api)
    assert (outcome, left) == (REFUSED, ["a", "b"])
    assert "more than one PodDisruptionBudget" in why


def test_a_pod_that_must_stay_keeps_the_others_where_they_are(api: FakeApi):
    api.put("pods", pod("c", on="n1", owner="Job", metadata={"annotations": {"karpenter.sh/do-not-disrupt": "true"}}))
    outcome, why, left = ask(api)
    assert (outcome, left, len(api.asked)) == (REFUSED, ["a", "b", "c"], 0)
    assert why == "pod ml/c stays: it has karpenter.sh/do-not-disrupt: true"


def test_under_opted_in_only_pods_that_say_so_leave(api: FakeApi):
    assert ask(api, Evict.OPTED_IN)[0] is REFUSED
    for name in ("a", "b"):
        api.put("pods", pod(name, on="n1", owner="Job", metadata={"annotations": {"tidegate.dev/evict": "allowed"}}))
    assert ask(api, Evict.OPTED_IN) == (DONE, "", [])


def test_under_never_none_leaves(api: FakeApi):
    assert ask(api, Evict.NEVER)[::2] == (REFUSED, ["a", "b"])
    assert not api.asked


def test_another_pod_of_that_name_is_not_meant(api: FakeApi):
    before = [as_pod(one) for one in api.all("pods")]
    api.drop("pods", "a", "ml")
    api.put("pods", pod("a", on="n1", owner="ReplicaSet", metadata={**WEB, "uid": "another"}))
    assert Evictions(api, Evict.PODS).ask("n1", before) is DONE
    assert [one["metadata"]["uid"] for one in api.all("pods")] == ["another"]


def test_one_on_its_way_out_is_not_asked_again(api: FakeApi):
    for name in ("a", "b"):
        api.put("pods", pod(name, on="n1", metadata={"deletionTimestamp": "2026-11-30T10:00:00Z"}))
    assert (ask(api)[0], api.asked) == (DONE, [])


# what the API server answers -> outcome
ANSWERS = {
    "nothing": (Rule(lambda asked: True, error=away()), UNKNOWN),
    "too much at once": (Rule(lambda asked: True, refused(429, "TooManyRequests", "slow", retry_after_s=1)), UNKNOWN),
    "a fault of its own": (Rule(lambda asked: True, refused(503, "ServiceUnavailable", "etcd")), UNKNOWN),
    "no right": (Rule(lambda asked: True, refused(403, "Forbidden", "may not create pods/eviction")), REFUSED),
    "a budget that cannot be met": (
        Rule(lambda asked: True, refused(403, "Forbidden", "negative", causes=("DisruptionBudget",))),
        REFUSED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_an_answer_means(api: FakeApi, rule: Rule, expected: Outcome):
    api.rules.append(rule)
    assert ask(api)[::2] == (expected, ["a", "b"])


def test_the_log_says_once_who_stays(api: FakeApi, caplog: pytest.LogCaptureFixture):
    evictions = Evictions(api, Evict.NEVER)
    for _ in range(3):
        evictions.ask("n1", [as_pod(one) for one in api.all("pods")])
    assert len(caplog.records) == 1


def test_nothing_is_asked_for_after_the_time_that_a_write_may_take_and_the_next_call_goes_on():
    """Whoever hung for long, or was stopped, may not lead any more."""
    now_s, api = [0.0], FakeApi()
    for name in "abcd":
        api.put("pods", pod(name, on="n1", owner="Job"))
    api.before = lambda asked: now_s.__setitem__(0, now_s[0] + 3.0)
    evictions = Evictions(api, Evict.PODS, lambda: now_s[0])
    found = []
    for _ in range(2):
        began = len(api.asked)
        outcome = evictions.ask("n1", [as_pod(one) for one in api.all("pods")])
        found.append((outcome, len(api.asked) - began, len(api.all("pods"))))
    assert found == [(Outcome.UNKNOWN, 4, 4), (Outcome.DONE, 4, 0)]
