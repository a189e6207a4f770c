"""Hand-overs between the twin's HPC side and a real Kubernetes while its users, its pods and its rights are in the way.

What is claimed is what an observer saw that knows nothing of Tidegate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from models.acts import Outcome, Verb
from models.audit import Fenced
from models.handovers import Stage, Why
from models.policies import Evict
from tests.real.kube import nodes, objects
from tests.real.kube.account import rule
from tests.real.kube.another_hand import AnotherHand, forget
from tests.real.kube.client import Client
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.handing_over import HandingOver, handing_over, insist
from tests.real.kube.http_proxy import HttpProxy
from tests.real.kube.site import RIGHTS, SIDE

OURS_TO_WRITE = "PATCH", "/api/v1/nodes/"
CLOSES_S = 3.0  # by when a node that a person opened to both is closed again
EVICTS = {"evict": Evict.PODS, "every": 120, "look_ahead": 1200}  # whom it is worth to wait for pods that leave
WRITES_MOST = 60  # of a few hand-overs, whatever is in their way; beside those that put a scribbled record right


@pytest.mark.parametrize("lent", [0, 4], ids=["to-kubernetes", "to-hpc"])
def test_another_hand_on_the_same_nodes_loses_nothing_and_hand_overs_end(kube: ControlPlane, lent: int):
    """C1: taints, labels and records change all the time under hand-overs in either direction."""
    called = ["n01", "n02", "n03", "n04"]
    with kube.proxy() as proxy, handing_over(kube, called, lent=lent, jobs=lent, server=proxy.url) as pool:
        hands = [
            AnotherHand(pool, "n01", "taint", 0.05),
            AnotherHand(pool, "n02", "label", 0.02),
            AnotherHand(pool, "n03", "record", 0.3),
        ]
        last = Verb.FENCE if lent else Verb.OPEN
        pool.kubernetes.before[last, "n04"] = lambda: nodes.annotate(pool.admin, "n04", between="look and write")
        with ExitStack() as stack:
            stack.callback(forget, pool)
            for hand in hands:
                stack.enter_context(hand.busy())
            pool.want(len(called) - lent)
            pool.wait_ended(*called)
        assert [hand.lost for hand in hands] == [[], [], []]
        assert pool.stage("n04") is Stage.DONE
        assert {pool.stage(name) for name in called} <= {Stage.DONE, Stage.CANCELLED}
        assert [one.status for one in proxy.heard if one.method == "PATCH"].count(409) >= 1
        assert proxy.count(*OURS_TO_WRITE) <= WRITES_MOST + hands[2].changes
        assert pool.observer.open_to_both() == []


def test_a_budget_that_allows_nothing_is_waited_for_and_then_the_node_stays(
    kube: ControlPlane, space: str, caplog: pytest.LogCaptureFixture
):
    """C5: a PodDisruptionBudget of 100 %; the other node, whose pods may go, is handed over."""
    objects.budget(kube.admin, space, "all-of-it", app="held")
    moves = {**EVICTS, "drain_deadline": 12}
    with (
        objects.deployed(kube, space, held="n01", free="n02"),
        kube.proxy() as proxy,
        handing_over(kube, ["n01", "n02"], lent=2, jobs=2, server=proxy.url, moves=moves) as pool,
    ):
        pool.want(0)
        pool.wait_ended("n01", "n02")
        assert (pool.stage("n01"), pool.why("n01"), pool.stage("n02")) == (Stage.CANCELLED, Why.LATE, Stage.DONE)
        assert Stage.EMPTYING in pool.audit.stages("n01")
        assert (pool.closed_by("n01"), pool.closed_by("n02")) == (None, "hpc")
        asked = proxy.count("POST", f"{space}/pods/held-.*/eviction")
        assert 2 <= asked <= 10, "more and more seldom"
        check(pool)
        assert {name.split("-")[0] for name in pool.observer.ended_pods()} == {"free"}
    assert "all-of-it" in caplog.text


def check(pool: HandingOver, *opened: str) -> None:
    """No node was open to both, but one that a person opened, and that for a moment; no pod met a job."""
    observer = pool.observer
    assert observer.open_to_both(but=opened) == []
    assert all(observer.longest_open_to_both_s(node) < CLOSES_S for node in opened)
    assert observer.met() == []


# ---- C8: bound between "empty" and opening ----


@pytest.fixture
def scheduled_through(kube: ControlPlane) -> Iterator[HttpProxy]:
    """The scheduler asks through this proxy."""
    with kube.proxy() as proxy:
        kube.start_scheduler(proxy.url)
        try:
            yield proxy
        finally:
            proxy.heal()
            kube.start_scheduler()


@pytest.mark.parametrize("fence", ["pods", "none"])
def test_a_pod_that_is_bound_late_never_meets_a_job(
    kube: ControlPlane, space: str, scheduled_through: HttpProxy, fence: str
):
    """C8: the scheduler chose the node while it was open, and binds the pod after the node was seen to be empty."""
    held = {node: scheduled_through.rule("POST", f"/pods/late-{node}/binding", hold_s=600.0) for node in ("n01", "n02")}
    kept = {"finalizers": ["test.tidegate.dev/kept"]}  # else it is ended, and gone, before anybody can look

    def comes(node: str) -> None:
        where = {"kubernetes.io/hostname": node}
        objects.pod(kube.admin, space, f"late-{node}", selector=where, **(kept if node == "n02" else {}))
        kube.wait(lambda: held[node].held == 1, f"the binding to {node} is held")

    def is_bound(node: str) -> None:
        scheduled_through.lift(held[node])
        kube.wait(lambda: objects.get_pod(kube.admin, space, f"late-{node}")["spec"].get("nodeName"), "it is bound")

    called = ["n01", "n02", "n03"]
    with handing_over(kube, called, lent=3, jobs=3, moves={"fence": fence}) as pool:
        pool.kubernetes.before[Verb.CLOSE, "n01"] = lambda: comes("n01")
        if fence == "pods":
            pool.kubernetes.before[Verb.CLOSE, "n02"] = lambda: comes("n02")
            pool.kubernetes.after[Verb.FENCE, "n02"] = lambda: is_bound("n02")
        pool.want(0)
        pool.wait_for("n01", Stage.EMPTY)
        is_bound("n01")
        pool.wait_for("n01", Stage.EMPTYING)
        pool.wait_for("n03", Stage.DONE)
        if fence == "pods":
            pool.wait_for("n02", Stage.OPENING)
            late = f"{objects.CORE}/{space}/pods/late-n02"
            kube.wait(lambda: "deletionTimestamp" in kube.admin.get(late)["metadata"], "the fence ends it")
            assert (pool.stage("n02"), pool.drained_by("n02") is None) == (Stage.OPENING, False)
            kube.admin.patch(late, {"metadata": {"finalizers": None}})
        pool.wait_for("n02", Stage.DONE)
        assert (pool.stage("n01"), pool.drained_by("n01") is None) == (Stage.EMPTYING, False)
        objects.delete_pod(kube.admin, space, "late-n01")
        pool.wait_for("n01", Stage.DONE)
        pool.observer.wait_for(2)
        check(pool)
        assert [pool.observer.sights[-1].jobs[node] != frozenset() for node in called] == [True] * 3
        told = [(entry.node, entry.pods) for entry in pool.audit.entries if isinstance(entry, Fenced)]
        assert told == ([("n02", 1)] if fence == "pods" else [])


# ---- C9: a person opens or closes the node ----


def test_whoever_opens_or_closes_a_node_to_kubernetes_in_mid_way_has_his_way(kube: ControlPlane):
    """C9, on the way to the HPC side: it goes back, and a person's cordon stays; one that is there is closed again."""
    called = ["n01", "n02", "n03", "n04"]
    with handing_over(kube, called, lent=4, jobs=4) as pool:
        pool.want(0)
        pool.wait_for("n01", Stage.EMPTY)
        untaint(pool, "n01")
        nodes.cordon(pool.admin, "n02")
        pool.wait_ended(*called)
        assert {name: pool.stage(name) for name in called} == {
            "n01": Stage.CANCELLED,
            "n02": Stage.CANCELLED,
            "n03": Stage.DONE,
            "n04": Stage.DONE,
        }
        assert (pool.why("n01"), pool.why("n02")) == (Why.FOREIGN, Why.FOREIGN)
        assert pool.node("n02")["spec"]["unschedulable"]
        nodes.cordon(pool.admin, "n04")
        nodes.cordon(pool.admin, "n04", on=False)
        untaint(pool, "n03")
        pool.wait(lambda: pool.closed_by("n03") == "hpc", "it is closed again")
        pool.observer.wait_for(5)
        check(pool, "n03")
        assert pool.observer.ever_open() == {"n03", "n04"}
        assert pool.controller.breaches <= 1


def test_whoever_opens_or_closes_a_node_on_its_way_to_kubernetes_has_it_turn_back(kube: ControlPlane):
    """C9, in the other direction: it is closed again, and the HPC side has it."""
    called = ["n01", "n02", "n03"]
    with handing_over(kube, called) as pool:
        pool.want(3)
        pool.wait_for("n01", Stage.DRAINED)
        untaint(pool, "n01")
        nodes.cordon(pool.admin, "n02")
        pool.wait_ended(*called)
        stages = [pool.stage(name) for name in called]
        assert stages == [Stage.CANCELLED, Stage.CANCELLED, Stage.DONE]
        assert (pool.why("n01"), pool.why("n02")) == (Why.FOREIGN, Why.FOREIGN)
        assert (pool.closed_by("n01"), pool.drained_by("n01")) == ("hpc", None)
        assert pool.node("n02")["spec"]["unschedulable"]
        untaint(pool, "n02")
        nodes.cordon(pool.admin, "n02", on=False)
        pool.wait(lambda: pool.closed_by("n02") == "hpc", "what he opened to both is closed again")
        pool.observer.wait_for(5)
        check(pool, "n02")


def untaint(pool: HandingOver, node: str) -> None:
    """What ``kubectl taint node NODE tidegate.dev/side-`` does."""
    insist(pool.control_plane, lambda: nodes.untaint(pool.admin, node, SIDE))


def unfence(admin: Client, node: str) -> None:
    """Take away the taint that ends pods, and leave the one that keeps new ones off."""
    shown = nodes.get(admin, node)
    left = [one for one in shown["spec"]["taints"] if one["effect"] != "NoExecute"]
    body = {"metadata": {"resourceVersion": shown["metadata"]["resourceVersion"]}, "spec": {"taints": left}}
    admin.patch(f"{nodes.NODES}/{node}", body)


# ---- C13: a right is taken away ----


def test_a_right_that_is_taken_away_is_named_asked_for_ever_more_seldom_and_used_again(
    kube: ControlPlane, caplog: pytest.LogCaptureFixture
):
    """C13: without ``patch nodes`` nothing is done, nothing ends, and the audit does not fill."""
    account = kube.account("rights-go", RIGHTS)
    fewer = [rule("", "nodes", "get list watch"), *RIGHTS[1:]]
    with handing_over(kube, ["n01", "n02", "n03"], lent=3, jobs=3, kubeconfig=account.kubeconfig) as pool:
        pool.want(2)
        pool.wait(lambda: any(pool.stage(name) is Stage.DONE for name in pool.names), "one is handed over")
        done = next(name for name in pool.names if pool.stage(name) is Stage.DONE)
        others = [name for name in pool.names if name != done]
        account.allow(fewer)
        kube.wait(lambda: not account.may(rule("", "nodes", "patch")), "the right is gone")
        insist(kube, lambda: unfence(pool.admin, done))
        pool.want(0)
        began_s = time.monotonic()
        pool.wait(lambda: time.monotonic() - began_s > 20, "it stays so for a while")
        assert {pool.stage(name) for name in others} == {Stage.DISCOURAGED}
        refused = [outcome for verb in Verb for name in pool.names for outcome in pool.audit.answered(verb, name)]
        assert refused.count(Outcome.REFUSED) <= 3 * 8
        assert Outcome.REFUSED in pool.audit.answered(Verb.FENCE, done)
        assert 'cannot patch resource "nodes"' in caplog.text
        account.allow(RIGHTS)
        pool.wait_ended(*others)
        assert {pool.stage(name) for name in others} == {Stage.DONE}
        pool.wait(lambda: "NoExecute" in str(pool.node(done)["spec"]["taints"]), "it is fenced off again")
        check(pool)
    account.delete()
