"""More of what goes wrong with a real Kubernetes under hand-overs: its server, nodes, budgets and owners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle, pairwise
from typing import Any

import pytest

from models.acts import Outcome, Verb
from models.handovers import Stage, Why
from models.plans import Reason
from models.policies import Evict
from tests.real.kube import nodes, objects
from tests.real.kube.account import Account
from tests.real.kube.client import RefusedError
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.handing_over import HandingOver, handing_over
from tests.real.kube.site import POOL, RIGHTS, SIDE
from tests.real.test_kube_faults import EVICTS, check

pytestmark = pytest.mark.long("rows of the catalogue of faults beyond the first")

BUSY_S = 4.0
ALLOWED = {"tidegate.dev/evict": "allowed"}


def gaps_s(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def stages(pool: HandingOver) -> dict[str, Stage | None]:
    return {name: pool.stage(name) for name in pool.names}


# ---- C2 and C3: the server ----


def test_a_server_that_asks_to_be_left_alone_is(kube: ControlPlane):
    """C2: what it says in Retry-After is how long no node is looked at and nothing is written."""
    with kube.proxy() as proxy, handing_over(kube, ["n01", "n02"], lent=2, jobs=2, server=proxy.url) as pool:
        busy = proxy.rule("PATCH", "/nodes/", answer=429, retry_after_s=BUSY_S, most=3)
        pool.want(0)
        pool.wait(lambda: busy.seen == 3, "it is asked again")
        pool.wait_ended("n01", "n02")
        refused = [one.at_s for one in proxy.heard if one.status == 429]
        assert min(gaps_s(refused)) >= BUSY_S
        for at_s in refused:
            within = [one for one in proxy.heard if 0 < one.at_s - at_s < BUSY_S - 0.1 and "watch=" not in one.path]
            assert [one for one in within if "/nodes/n0" in one.path] == []
        assert set(stages(pool).values()) == {Stage.DONE}
        check(pool)


def test_nothing_is_decided_on_a_part_of_a_list(own_kube: Callable[..., ControlPlane]):
    """C3: lists that break off, 500, 503, a reset, and a server that is started anew."""
    kube = own_kube(nodes=12)
    called = nodes.names(12)
    lists = "/api/v1/(nodes|pods).*sendInitialEvents=true"
    with kube.proxy() as proxy:
        cut = proxy.rule("GET", lists, cut_after=9000)
        with handing_over(kube, called, lent=12, jobs=12, server=proxy.url, synced=False) as pool:
            kube.wait(lambda: cut.seen >= 2, "it is listed again")
            assert pool.want(6) is None
            assert (pool.controller.leads, pool.audit.decided()) == (False, [])
            proxy.lift(cut)
            pool.wait(lambda: pool.controller.leads and pool.lease.kept, "all was told")
            for what in ({"answer": 500}, {"answer": 503, "retry_after_s": 1}, {"reset": True}, {"cut_after": 9000}):
                proxy.rule("GET", lists, most=3, **what)
            pool.want(6)
            kube.apiserver.kill()
            kube.start_apiserver()
            pool.wait(lambda: sum(stage is Stage.DONE for stage in stages(pool).values()) == 6, "six are handed over")
            assert {len(entry.snapshot.nodes) for entry in pool.audit.decided()} == {12}
            proxy.heal()
            pool.observer.wait_for(2)
            check(pool)


# ---- C6 and C7: pods that stay ----


def test_two_budgets_on_one_pod_are_told_and_not_tried_all_the_time(
    kube: ControlPlane, space: str, caplog: pytest.LogCaptureFixture
):
    """C6: the API server's 500 is for ever; a person has to mend it."""
    for name in ("one", "other"):
        objects.budget(kube.admin, space, name, app="held", min_available=0)
    moves = {**EVICTS, "drain_deadline": 20}
    with (
        objects.deployed(kube, space, held="n01"),
        kube.proxy() as proxy,
        handing_over(kube, ["n01"], lent=1, jobs=1, server=proxy.url, moves=moves) as pool,
    ):
        pool.want(0)
        pool.wait_ended("n01")
        assert (pool.stage("n01"), pool.why("n01")) == (Stage.CANCELLED, Why.LATE)
        assert proxy.count("POST", "/eviction") <= 10
        assert pool.observer.ended_pods() == set()
        check(pool)
    assert "more than one PodDisruptionBudget" in caplog.text


CLASSES: Mapping[str, Mapping[str, Any]] = {
    "finalizer": {"finalizers": ["test.tidegate.dev/kept"]},
    "bare": {},
    "local-storage": {"volumes": [{"name": "scratch", "emptyDir": {}}]},
    "mirror": {"annotations": {"kubernetes.io/config.mirror": "x"}},
    "do-not-disrupt": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
    "opted-in": {"annotations": ALLOWED},
}
ON = {name: f"n{number:02d}" for number, name in enumerate((*CLASSES, "daemon-set", "no-retries", "empty"), 1)}
FREE = {"mirror", "daemon-set", "empty"}


@pytest.fixture
def classes(kube: ControlPlane, space: str) -> Iterator[None]:
    """A pod of each class on a node of its own."""
    admin = kube.admin
    for name, spec in CLASSES.items():
        objects.pod(admin, space, name, node=ON[name], **spec)
    objects.daemon_set(admin, space, "daemon-set", selector={"kubernetes.io/hostname": ON["daemon-set"]})
    job = objects.job(admin, space, "no-retries", selector={"kubernetes.io/hostname": ON["no-retries"]})
    assert job["spec"]["backoffLimit"] == 6
    admin.patch(f"{objects.BATCH}/{space}/jobs/no-retries", {"spec": {"backoffLimit": 0}})
    objects.wait_count(kube, space, len(ON) - 1)
    yield
    path = f"{objects.CORE}/{space}/pods/finalizer"
    admin.ask("PATCH", path, {"metadata": {"finalizers": None}}, content_type="application/merge-patch+json")
    for kind in (f"{objects.APPS}/{space}/daemonsets/daemon-set", f"{objects.BATCH}/{space}/jobs/no-retries"):
        admin.delete(kind, propagationPolicy="Background")
    for one in objects.pods(admin, space):
        admin.ask("DELETE", f"{objects.CORE}/{space}/pods/{one['metadata']['name']}", query={"gracePeriodSeconds": 0})
    kube.wait(lambda: not objects.pods(admin, space), "the pods are gone")


@pytest.mark.parametrize(
    ("evict", "go", "stay"),
    [
        (Evict.NEVER, set(), set()),
        (Evict.OPTED_IN, {"opted-in"}, set()),
        (Evict.PODS, {"opted-in", "bare", "local-storage", "no-retries"}, {"finalizer"}),
    ],
)
def test_by_the_policys_words_only_what_may_leave_does(
    kube: ControlPlane, space: str, classes: None, evict: Evict, go: set[str], stay: set[str]
):
    """C7: nodes without pods of their own move; of the others those whose pods may all be asked to leave. A pod that is
    asked and does not go keeps its node."""
    called = list(ON.values())
    moves = {**EVICTS, "evict": evict, "drain_deadline": 15}
    with handing_over(kube, called, lent=len(called), jobs=len(called), moves=moves) as pool:
        plan = pool.want(0)
        assert plan is not None
        begun = {ON[name] for name in FREE | go | stay}
        assert {move.node for move in plan.moves} == begun
        kept = {name for one in plan.rejections if one.reason is Reason.BUSY for name in one.nodes}
        assert kept == set(called) - begun
        pool.wait_ended(*begun)
        assert {name for name, stage in stages(pool).items() if stage is Stage.DONE} == {ON[one] for one in FREE | go}
        assert {pool.why(ON[name]) for name in stay} <= {Why.LATE}
        assert {name.rsplit("-", 1)[0] if name.startswith("no-") else name for name in pool.observer.ended_pods()} == (
            go | stay
        )
        check(pool)


# ---- C14, C15 and C17: who we are, what is admitted, whose the nodes are ----


SHORT_S = 60.0  # a token's file is read again after so long


@contextmanager
def rotated(account: Account, *, lives_s: float, every_s: float) -> Iterator[None]:
    ended = threading.Event()

    def rotate() -> None:
        while not ended.wait(every_s):
            account.write_token(lives_s)

    thread = threading.Thread(target=rotate, daemon=True)
    account.write_token(lives_s)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(
    ("lives_s", "every_s", "lasts_s"), [(20.0, 10.0, 60.0), (75.0, 60.0, 190.0)], ids=["hurried", "each-minute"]
)
def test_a_token_that_is_renewed_is_used_and_no_401_reaches_the_log_twice(
    kube: ControlPlane, lives_s: float, every_s: float, lasts_s: float, caplog: pytest.LogCaptureFixture
):
    """C14: also one that lives shorter than the file is trusted for."""
    account = kube.account("rotated", RIGHTS)
    began_s = time.monotonic()
    with kube.proxy() as proxy, rotated(account, lives_s=lives_s, every_s=every_s):
        account.write_kubeconfig(proxy.url)
        with handing_over(kube, ["n01", "n02"], lent=1, kubeconfig=account.kubeconfig) as pool:
            wants = 0
            while time.monotonic() - began_s < lasts_s:
                ended = len(pool.ended)
                pool.wait(lambda: pool.want(wants) and len(pool.ended) > ended, "it goes to and fro")  # noqa: B023
                wants = 1 - wants
            assert {one.stage for one in pool.ended} == {Stage.DONE}
            check(pool)
        if lives_s < SHORT_S:
            assert 401 in {one.status for one in proxy.heard}, "the server did refuse one"
    account.delete()
    assert sum("401" in record.getMessage() for record in caplog.records) <= 1


OURS = "t.key == 'tidegate.dev/side' && t.effect == 'NoSchedule'"
IS, WAS = (f"has({one}.spec.taints) && {one}.spec.taints.exists(t, {OURS})" for one in ("object", "oldObject"))
REFUSING = {"no-opening": f"!({WAS}) || ({IS})", "no-closing": f"!({IS}) || ({WAS})"}


@contextmanager
def admission(kube: ControlPlane, account: Account, expression: str) -> Iterator[None]:
    """A policy of the site's that rejects some of what this account writes to nodes."""
    path = "/apis/admissionregistration.k8s.io/v1"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["nodes"]}]
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [{"name": "us", "expression": f"request.userInfo.username == '{account.user}'"}],
        "validations": [{"expression": expression, "message": "the site does not want that"}],
    }
    kube.admin.create(f"{path}/validatingadmissionpolicies", {"metadata": {"name": account.name}, "spec": spec})
    bound = {"policyName": account.name, "validationActions": ["Deny"]}
    kube.admin.create(f"{path}/validatingadmissionpolicybindings", {"metadata": {"name": account.name}, "spec": bound})
    try:
        yield
    finally:
        for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            kube.admin.delete(f"{path}/{kind}/{account.name}")


@pytest.mark.parametrize(("refuses", "lent"), [("no-opening", 0), ("no-closing", 1)])
def test_what_the_sites_admission_rejects_is_told_and_the_node_goes_back(
    kube: ControlPlane, refuses: str, lent: int, caplog: pytest.LogCaptureFixture
):
    """C15: a ValidatingAdmissionPolicy says no to our patch."""
    account = kube.account(refuses, RIGHTS)
    with (
        admission(kube, account, REFUSING[refuses]),
        handing_over(
            kube, ["n01"], lent=lent, jobs=lent, kubeconfig=account.kubeconfig, moves={"drain_deadline": 20}
        ) as pool,
    ):
        wait_rejected(kube, account, lent)
        pool.want(1 - lent)
        pool.wait_ended("n01")
        assert (pool.stage("n01"), pool.why("n01")) == (Stage.CANCELLED, Why.LATE if lent else Why.REFUSED)
        verb = Verb.CLOSE if lent else Verb.OPEN
        assert 1 <= pool.audit.answered(verb, "n01").count(Outcome.REFUSED) <= 10
        assert (pool.closed_by("n01"), pool.drained_by("n01") is None) == ((None, False) if lent else ("hpc", True))
        check(pool)
    account.delete()
    assert "the site does not want that" in caplog.text


def wait_rejected(kube: ControlPlane, account: Account, lent: int) -> None:
    """Wait until the policy is in force: a server takes a moment to hear of it."""
    taints = [{"key": SIDE, "value": "hpc", "effect": "NoSchedule"}] if lent else None

    def is_rejected() -> bool:
        with account.client(kube.url) as client:
            try:
                client.patch(f"{nodes.NODES}/n01", {"spec": {"taints": taints}}, dryRun="All")
            except RefusedError as error:
                return error.status == 422
        return False

    kube.wait(is_rejected, "the policy is in force")


MARKS: Mapping[str, Mapping[str, Any]] = {
    "n01": {"metadata": {"labels": {"karpenter.sh/nodepool": "x"}}},
    "n02": {"metadata": {"annotations": {"cluster.x-k8s.io/machine": "x"}}},
    "n03": {"metadata": {"labels": {"sunk.coreweave.com/x": "y"}}},
    "n04": {"spec": {"taints": [{"key": "DeletionCandidateOfClusterAutoscaler", "effect": "PreferNoSchedule"}]}},
    "n05": {"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}},
}


def test_nodes_of_other_owners_are_refused(kube: ControlPlane):
    """C17: Karpenter, Cluster API, SUNK and the cluster-autoscaler make and remove these nodes."""
    called = [*MARKS, "n06"]
    with handing_over(kube, called, lent=6, jobs=6) as pool:
        for name, mark in MARKS.items():
            kube.admin.patch(f"{nodes.NODES}/{name}", mark)
        pool.wait(lambda: all(pool.port.read().nodes[name].managed_by for name in MARKS), "the marks are told")
        plan = pool.want(0)
        assert plan is not None
        assert {move.node for move in plan.moves} == {"n06"}
        kept = {name: one.reason for one in plan.rejections for name in one.nodes}
        assert {kept[name] for name in MARKS if name != "n05"} == {Reason.MANAGED}
        assert kept["n05"] in {Reason.MANAGED, Reason.NOT_OURS, Reason.UNREADY}, "it is closed by its owner, too"
        pool.wait_ended("n06")
        assert {act[1] for act in pool.kubernetes.acts} == {"n06"}
        for name, mark in MARKS.items():
            kube.admin.patch(f"{nodes.NODES}/{name}", _without(mark))
        check(pool)


def _without(mark: Mapping[str, Any]) -> Any:
    if "spec" in mark:
        return {"spec": {"taints": None}}
    return {"metadata": {what: dict.fromkeys(keys) for what, keys in mark["metadata"].items()}}


# ---- C19: pods that flap ----

FLAPS_S, LASTS_S = 2.0, 60.0
DWELL_S, PER_HOUR = 20, 6


def test_pods_that_flap_move_no_more_nodes_than_the_policy_allows(kube: ControlPlane, space: str):
    """C19: three whole nodes are wanted, and are not, every other second."""
    called = ["n01", "n02", "n03", "n04"]
    moves = {"dwell": DWELL_S, "per_hour": PER_HOUR, "at_once": 1}
    scale = f"{objects.APPS}/{space}/deployments/flapping"
    with labelled(kube, called), handing_over(kube, called, moves=moves) as pool:
        objects.deployment(kube.admin, space, "flapping", objects.WHOLE, replicas=0, selector={POOL: "flapping"})
        began_s = time.monotonic()
        for wanted in cycle((3, 0)):
            kube.admin.patch(scale, {"spec": {"replicas": wanted}})
            flapped_s = time.monotonic()
            while time.monotonic() - flapped_s < FLAPS_S:
                pool.want(round(pool.port.read().demand.nodes))
                time.sleep(0.4)
            if time.monotonic() - began_s > LASTS_S:
                break
        begun = [one for one in pool.audit.entered() if one.stage is Stage.PLANNED]
        assert 1 <= len(begun) <= PER_HOUR
        for name in called:
            times = [one.started_s for one in begun if one.node == name]
            assert all(after - before >= DWELL_S for before, after in pairwise(times))
        kube.admin.delete(scale, propagationPolicy="Background")
        kube.wait(lambda: not objects.pods(kube.admin, space), "the pods are gone")
        assert {act[0] for act in pool.kubernetes.acts} & {Verb.EVICT} == set()
        check(pool)


@contextmanager
def labelled(kube: ControlPlane, called: list[str]) -> Iterator[None]:
    """Nodes that pods can ask for by something else than their names, which no other node would do for."""
    for value in ("flapping", None):
        for name in called:
            kube.admin.patch(f"{nodes.NODES}/{name}", {"metadata": {"labels": {POOL: value}}})
        if value:
            yield
