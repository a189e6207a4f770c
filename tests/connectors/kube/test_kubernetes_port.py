"""What the port does besides the suite: conflicts, quota, what an answer means, slurmd in pods, readiness."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.kubernetes import AGAIN_S, CONFLICTS_MOST
from models.acts import Outcome
from models.demand import Demand
from models.errors import Unreachable
from models.nodes import HpcNode, KubernetesNode, Node, Side
from tests.connectors.kube import objects
from tests.connectors.kube.fake_api import Asked, Rule, away, refused
from tests.connectors.kube.fake_store import Served
from tests.connectors.kube.kube_bench import NOW_S, SIDE, FakeKubernetesBench, NoWork

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
MARK = "tidegate:s_p.1.p1"


class Quota:
    """One that says what it is told to, and notes when it was asked."""

    def __init__(self, bench: FakeKubernetesBench, says: Outcome = DONE) -> None:
        self.says = says
        self.asked: list[tuple[str, bool]] = []
        self._bench = bench
        bench.port._quota = self  # type: ignore[assignment]

    def take(self, node: Any, devices: Any) -> Outcome:
        return self._note("take", node)

    def leave_out(self, node: Any) -> Outcome:
        return self._note("leave out", node)

    def give(self, node: Any, usual: Any) -> Outcome:
        return self._note("give", node)

    def _note(self, what: str, node: Any) -> Outcome:
        """With whether the node is closed on the API server just then."""
        name = node.metadata.name
        shown = self._bench.api.get("nodes", name)
        assert shown is not None
        closed = any(taint["effect"] == "NoSchedule" for taint in shown["spec"].get("taints") or ())
        self.asked.append((what, closed))
        return self.says


@pytest.fixture
def bench() -> FakeKubernetesBench:
    return FakeKubernetesBench()


def look(bench: FakeKubernetesBench, node: str = "n1") -> KubernetesNode:
    shown = bench.port.look(node)
    assert shown is not None
    return shown


def write(bench: FakeKubernetesBench, what: str, node: str = "n1", record: str = "r") -> Outcome:
    version = look(bench, node).version
    if what in ("note", "discourage"):
        return getattr(bench.port, what)(node, record=record, version=version)  # type: ignore[no-any-return]
    return getattr(bench.port, what)(node, mark=MARK, record=record, version=version)  # type: ignore[no-any-return]


def meddle(bench: FakeKubernetesBench, change: dict[str, Any], times: int = 1_000) -> list[int]:
    """Somebody changes the node whenever we are about to; how often he did."""
    done: list[int] = []

    def before(asked: Asked) -> None:
        if asked.method == "PATCH" and len(done) < times:
            done.append(1)
            shown = bench.api.get("nodes", "n1")
            assert shown is not None
            merged = {part: {**shown.get(part, {}), **more} for part, more in change.items()}
            bench.api.put("nodes", {**shown, **merged})

    bench.api.before = before
    return done


HEARTBEAT = {"status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "now"}]}}


def test_what_kubelet_tells_in_between_costs_another_try(bench: FakeKubernetesBench):
    meddle(bench, HEARTBEAT, times=CONFLICTS_MOST - 1)
    assert write(bench, "close") is DONE
    assert look(bench).closed_by == MARK


def test_where_it_tells_all_the_time_it_is_refused_in_the_end(bench: FakeKubernetesBench):
    tries = meddle(bench, HEARTBEAT)
    assert write(bench, "close") is REFUSED
    assert len(tries) == CONFLICTS_MOST


THEIRS = {
    "a cordon": {"spec": {"unschedulable": True}},
    "a taint": {"spec": {"taints": [objects.taint("maintenance")]}},
    "another record": {"metadata": {"annotations": {"tidegate.dev/record": "theirs"}}},
}


@pytest.mark.parametrize("change", THEIRS.values(), ids=THEIRS.keys())
def test_what_somebody_else_writes_in_between_is_never_overwritten(bench: FakeKubernetesBench, change: dict[str, Any]):
    tries = meddle(bench, change)
    assert write(bench, "close") is REFUSED
    assert len(tries) == 1
    assert look(bench).closed_by is None


def test_other_taints_labels_and_annotations_stay(bench: FakeKubernetesBench):
    theirs = [objects.taint("nvidia.com/gpu", value="present"), objects.taint("odd", "PreferNoSchedule")]
    bench.api.put("nodes", objects.node("n1", taints=theirs, labels={"a": "b"}, annotations={"c": "d"}))
    for what in ("discourage", "close", "fence", "open"):
        assert write(bench, what) is DONE
    shown = bench.api.get("nodes", "n1")
    assert shown is not None
    assert shown["spec"]["taints"] == theirs
    assert shown["metadata"]["labels"] == {"a": "b", SIDE: "kubernetes", "tidegate.dev/pool": "p"}
    assert shown["metadata"]["annotations"] == {"c": "d", "tidegate.dev/record": "r"}


def test_a_label_says_whose_a_node_is(bench: FakeKubernetesBench):
    write(bench, "close")
    shown = bench.api.get("nodes", "n1")
    assert shown is not None
    assert shown["metadata"]["labels"] == {SIDE: "hpc", "tidegate.dev/pool": "p"}


ANSWERS = {
    "no right": (refused(403, "Forbidden", "nodes is forbidden"), REFUSED),
    "a policy of the site's": (refused(422, "Invalid", "admission denied"), REFUSED),
    "gone": (refused(404, "NotFound", "no such node"), REFUSED),
    "too much at once": (refused(429, "TooManyRequests", "slow down"), UNKNOWN),
    "a fault of its own": (refused(500, "InternalError", "etcd"), UNKNOWN),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_an_answer_to_a_write_means(bench: FakeKubernetesBench, answer: Any, expected: Outcome):
    bench.api.rules.append(Rule(lambda asked: asked.method == "PATCH", answer))
    assert write(bench, "close") is expected


def test_a_write_without_an_answer_may_have_happened(bench: FakeKubernetesBench):
    bench.api.rules.append(Rule(lambda asked: asked.method == "PATCH", error=away()))
    assert write(bench, "close") is UNKNOWN


@pytest.mark.parametrize("answer", [refused(403, "Forbidden", "no"), refused(503, "", "no")], ids=["no right", "away"])
def test_what_cannot_be_looked_at_is_unknown_and_not_gone(bench: FakeKubernetesBench, answer: Any):
    bench.api.rules.append(Rule(lambda asked: asked.method == "GET", answer))
    with pytest.raises(Unreachable):
        bench.port.look("n1")


# ---- Kueue's quota ----


def test_the_quota_shrinks_before_a_node_closes_and_grows_after_it_opens(bench: FakeKubernetesBench):
    quota = Quota(bench)
    for what in ("discourage", "close", "fence", "open", "note"):
        assert write(bench, what) is DONE
    assert quota.asked == [
        ("take", False),
        ("take", True),
        ("leave out", True),
        ("give", False),
        ("give", False),
    ]


@pytest.mark.parametrize("says", [REFUSED, UNKNOWN])
def test_a_node_waits_until_the_quota_has_shrunk(bench: FakeKubernetesBench, says: Outcome):
    quota = Quota(bench, says)
    write(bench, "discourage")
    assert write(bench, "close") is says
    assert look(bench).closed_by is None
    quota.says = DONE
    assert write(bench, "close") is DONE


def test_one_that_is_open_to_both_sides_does_not_wait_for_it(bench: FakeKubernetesBench):
    """No hand-over discouraged pods before: it is to be closed at once."""
    Quota(bench, REFUSED)
    assert write(bench, "close") is DONE
    assert look(bench).closed_by == MARK


@pytest.mark.parametrize("how", ["open", "closed by a person"])
def test_nobody_is_evicted_from_a_node_that_is_not_closed_by_us_any_more(bench: FakeKubernetesBench, how: str):
    bench.bind_pod("n1")
    if how == "closed by a person":
        bench.foreign_close("n1")
    assert bench.port.evict("n1") is REFUSED
    assert look(bench).pods == 1
    bench.foreign_open("n1")
    write(bench, "close")
    assert bench.port.evict("n1") is DONE
    assert look(bench).pods == 0


# ---- slurmd in pods ----

SLURMD = {"labels": {"nodeset.slinky.slurm.net/pod-name": "gpu-0"}}
BEARS = {"tolerations": [{"key": SIDE, "operator": "Exists"}]}
FOR_A_WHILE = {"tolerations": [{"key": SIDE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]}


@pytest.mark.parametrize(
    ("spec", "expected"), [({}, REFUSED), (BEARS, DONE), (FOR_A_WHILE, REFUSED)], ids=["none", "all", "for a while"]
)
def test_a_fence_never_ends_the_hpc_side_s_own_pods(
    bench: FakeKubernetesBench, spec: dict[str, Any], expected: Outcome
):
    bench.api.served.append(NODE_SETS)
    bench.api.put("nodesets", named("o", "uid-NodeSet"))
    write(bench, "close")
    bench.api.put("pods", objects.pod("slurmd", on="n1", owner="NodeSet", metadata=SLURMD, spec=spec))
    assert write(bench, "fence") is expected
    assert look(bench).fenced is (expected is DONE)
    assert (look(bench).pods, bench.port.read().nodes["n1"].pods) == (0, 0), "it is no pod that would have to leave"


# ---- owners that a pod only says it has ----

NODE_SETS = Served("/apis/slinky.slurm.net/v1beta1", "nodesets", "NodeSet")


def named(name: str, uid: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ml", "uid": uid}}


def owned(kind: str, name: str, uid: str) -> dict[str, Any]:
    reference = {"kind": kind, "name": name, "uid": uid, "controller": True}
    return {"ownerReferences": [reference], **(SLURMD if kind == "NodeSet" else {})}


FORGED = {
    "a DaemonSet that there is not": owned("DaemonSet", "none", "uid-none"),
    "a DaemonSet's name with another uid": owned("DaemonSet", "agent", "uid-none"),
    "a name that is none": owned("DaemonSet", "../../pods", "uid-agent "),
    "a list instead of an object": owned("DaemonSet", ".", ""),
    "a NodeSet where there is no Slinky": owned("NodeSet", "o", "uid-NodeSet"),
    "slurmd's label alone": SLURMD,
    "the node": owned("Node", "n1", "uid-n1"),
}


@pytest.mark.parametrize("metadata", FORGED.values(), ids=FORGED.keys())
def test_no_pod_passes_for_one_of_the_node_s_by_what_it_says_of_itself(
    bench: FakeKubernetesBench, metadata: dict[str, Any]
):
    bench.api.put("daemonsets", named("agent", "uid-agent"))
    bench.port.read()
    bench.api.put("pods", objects.pod("agent", on="n1", metadata=owned("DaemonSet", "agent", "uid-agent")))
    bench.api.put("pods", objects.pod("work", on="n1", metadata=metadata))
    assert (look(bench).pods, bench.port.read().nodes["n1"].pods) == (1, 1)
    assert write(bench, "fence") is DONE, "it is not slurmd either"


def test_a_daemonset_of_which_no_watch_has_told_yet_is_asked_for(bench: FakeKubernetesBench):
    bench.port.read()
    bench.api.put("daemonsets", named("agent", "uid-agent"))
    bench.api.put("pods", objects.pod("agent", on="n1", metadata=owned("DaemonSet", "agent", "uid-agent")))
    assert look(bench).pods == 0


def test_where_daemonsets_may_not_be_read_a_pod_s_own_word_has_to_do(bench: FakeKubernetesBench):
    bench.api.refuse("GET", "/apis/apps/v1/daemonsets.*")
    bench.api.put("pods", objects.pod("agent", on="n1", metadata=owned("DaemonSet", "agent", "uid-agent")))
    assert (bench.port.read().nodes["n1"].pods, look(bench).pods) == (0, 0)


# ---- reading ----


def test_a_picture_is_the_same_value_until_something_changes_and_newer_after_a_while(bench: FakeKubernetesBench):
    first = bench.port.read()
    assert bench.port.read() is first
    bench.now_s += AGAIN_S
    again = bench.port.read()
    assert again is not first
    assert again.nodes is first.nodes
    bench.bind_pod("n1")
    later = bench.port.read()
    assert later.order > again.order
    assert (later.nodes["n1"].pods, later.nodes["n2"] is again.nodes["n2"]) == (1, True)


def test_work_that_counts_otherwise_after_a_while_is_told_although_nothing_has_changed(bench: FakeKubernetesBench):
    first = bench.port.read()
    bench.port._work = lambda state, pool: Waiting(state.at_s)
    assert bench.port.read() is first
    bench.now_s += AGAIN_S
    later = bench.port.read()
    assert (later.demand.waiting, later.order > first.order) == (3.0, True)
    bench.now_s += AGAIN_S
    again = bench.port.read()
    assert (again.demand.at_s, again.order) == (bench.now_s, later.order)
    bench.bind_pod("n1")
    assert bench.port.read().order > later.order


@pytest.mark.parametrize("how", ["made anew", "not ready between two looks"])
def test_a_node_that_became_ready_between_two_looks_has_not_been_so_for_long(bench: FakeKubernetesBench, how: str):
    assert look(bench).ready_since_s == 1_796_032_800
    bench.now_s += 100
    if how == "made anew":
        bench.make_anew("n1")
    else:
        flapped = objects.node("n1")
        flapped["status"]["conditions"][0]["lastTransitionTime"] = "2026-11-30T11:00:00Z"
        bench.api.put("nodes", flapped)
    assert look(bench).ready_since_s == NOW_S + 100
    bench.now_s += 100
    assert look(bench).ready_since_s == NOW_S + 100


class Waiting(NoWork):
    """Work that waits for three nodes."""

    def __init__(self, at_s: int) -> None:
        super().__init__(at_s)
        self.demand = Demand(Side.KUBERNETES, at_s, 0.0, 3.0)


def test_since_when_a_node_is_ready_is_told_by_its_condition_at_first_and_then_as_it_is_seen(
    bench: FakeKubernetesBench,
):
    assert look(bench).ready_since_s == 1_796_032_800  # as its condition says
    bench.api.put("nodes", objects.node("n1", ready=False))
    assert (look(bench).ready, look(bench).ready_since_s) == (False, None)
    bench.now_s += 100
    bench.api.put("nodes", objects.node("n1"))
    assert look(bench).ready_since_s == NOW_S + 100
    bench.now_s += 100
    assert look(bench).ready_since_s == NOW_S + 100


def test_a_node_that_lacks_what_the_open_ones_have_says_so(bench: FakeKubernetesBench):
    bench.port.read()
    bench.api.put("nodes", objects.node("n1", status={"allocatable": {"cpu": "8", "memory": "62500Mi"}}))
    assert look(bench).lacks == "0 of 4 nvidia.com/gpu"
    assert look(bench, "n2").lacks == ""


def test_a_node_is_closed_for_the_hpc_side_by_what_the_docs_tell_a_person_to_type(bench: FakeKubernetesBench):
    bench.api.put("nodes", objects.node("n1", taints=[objects.taint(SIDE, value="hpc")]))
    shown = look(bench)
    assert shown.closed_by == "tidegate:hpc"
    assert Node("n1", HpcNode("n1", "", None, False, None), shown).owner is Side.HPC
    version = shown.version
    assert bench.port.open("n1", mark="tidegate:hpc", record="r", version=version) is DONE
