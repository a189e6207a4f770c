"""Which pods are demand, which wait for something else, which are none; and which would have to leave a node."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kube.demand.need import Held
from connectors.kube.demand.node_pods import NodeOwners
from connectors.kube.demand.pods import Rules, facts_of, group_by_controller, held_now
from connectors.kube.wire.pods import Pod
from tests.connectors.kube.demand.made import CREATED_S, GPU, NOW_S, UNSCHEDULABLE, pod

RULES = Rules()


def looked(**more: Any) -> dict[str, Any]:
    return {"conditions": [UNSCHEDULABLE | more]}


FRESH = {"creationTimestamp": "2026-11-30T10:59:40Z"}
STATIC = {"annotations": {"kubernetes.io/config.mirror": "x"}}
SLINKY = {"labels": {"nodeset.slinky.slurm.net/pod-name": "gpu-0"}}
WAITING: dict[str, tuple[Pod, Held | None, str]] = {
    "unschedulable": (pod(), None, ""),
    "by Volcano's word": (pod(status=looked(reason="Undetermined")), None, ""),
    "nominated: preemption is under way": (
        pod(status={"nominatedNodeName": "n1", **looked(reason="SchedulerError")}), None, ""),
    "not looked at, and fresh": (pod(status={"conditions": []}, **FRESH), None, ""),
    "not looked at for long": (pod(status={"conditions": []}), Held.IMPOSSIBLE, "no scheduler has looked at it"),
    "gated": (pod(schedulingGates=[{"name": "kueue.x-k8s.io/admission"}]), Held.BY_GATE, "kueue.x-k8s.io/admission"),
    "gated and low": (pod(schedulingGates=[{"name": "g"}], priority=-1), Held.BY_GATE, "gate g"),
    "a balloon": (pod(priority=-10), Held.LOW_PRIORITY, "-10 is below 0"),
    "the lowest that counts": (pod(priority=0), None, ""),
    "asks for nothing": (pod(asks={}), Held.INVISIBLE, "asks for nothing"),
    "asks for zeros": (pod(asks={"cpu": "0"}), Held.INVISIBLE, "asks for nothing"),
    "asks for a GPU alone": (pod(asks={GPU: 1}), None, ""),
    "by hostname": (pod(nodeSelector={"kubernetes.io/hostname": "n1"}), Held.IMPOSSIBLE, "certain nodes by name"),
    "tolerates us": (
        pod(tolerations=[{"key": "tidegate.dev/side", "operator": "Exists"}]), Held.IMPOSSIBLE, "our taint"),
    "tolerates everything": (pod(tolerations=[{"operator": "Exists"}]), None, ""),
    "a volume is not bound": (
        pod(status=looked(message="0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. x")),
        Held.IMPOSSIBLE, "a volume is not there"),
    "a volume is not known": (
        pod(status=looked(message='0/3 nodes are available: persistentvolumeclaim "data" not found.')),
        Held.IMPOSSIBLE, "a volume is not there"),
    "its scheduler fails": (
        pod(status=looked(reason="SchedulerError", message="plug-in x")), Held.IMPOSSIBLE, "SchedulerError: plug-in x"),
    "no such amount": (pod(asks={"cpu": "two"}), Held.IMPOSSIBLE, "'two' is no quantity"),
    "no such claim": (
        pod(resourceClaims=[{"name": "g", "resourceClaimName": "none"}]), Held.IMPOSSIBLE, "claim none is not there"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITING)
def test_a_pod_without_a_node(name: str):
    one, held, why = WAITING[name]
    facts = facts_of(one, RULES)
    assert facts.counts
    found, told = held_now(facts, RULES, NOW_S)
    assert found is held
    assert why in told
    assert bool(told) is (held is not None)


NONE: dict[str, Pod] = {
    "a DaemonSet's": pod(owner=("DaemonSet", "d")),
    "a static one": pod(on="n1", **STATIC),
    "a Slurm node of Slinky's": pod(owner=("NodeSet", "s"), **SLINKY),
    "succeeded": pod(on="n1", status={"phase": "Succeeded"}),
    "failed without a node": pod(status={"phase": "Failed"}),
    "deleted while it waited": pod(deletionTimestamp="2026-11-30T10:30:00Z"),
    "a balloon that runs": pod(on="n1", priority=-10),
}


@pytest.mark.parametrize("name", NONE)
def test_a_pod_that_counts_for_nothing(name: str):
    assert not facts_of(NONE[name], RULES).counts


@pytest.mark.parametrize("name", ["a DaemonSet's", "a Slurm node of Slinky's"])
def test_a_pod_of_an_owner_that_there_is_not_is_any_pod(name: str):
    rules = Rules(owners=NodeOwners(frozenset({"another"}), frozenset()))
    assert facts_of(NONE[name], rules).counts


def test_a_pod_that_runs_and_is_being_deleted_runs():
    facts = facts_of(pod(on="n1", deletionTimestamp="2026-11-30T10:30:00Z"), RULES)
    assert (facts.counts, facts.node, facts.held) == (True, "n1", None)


def test_what_is_known_of_a_pod():
    facts = facts_of(pod(on="n1", asks={"cpu": "1500m"}, priority=7, activeDeadlineSeconds=60), RULES)
    assert dict(facts.request) == {"cpu": 1500}
    assert (facts.priority, facts.limit_s, facts.created_s, facts.started_s) == (7, 60, CREATED_S, CREATED_S + 20)
    assert not facts_of(pod(preemptionPolicy="Never"), RULES).preempts


@pytest.mark.parametrize("on", ["", "n1"])
def test_what_asks_for_nothing_counts_as_the_policy_says(on: str):
    rules = Rules(default_request={"cpu": 500})
    facts = facts_of(pod(asks={}, on=on), rules)
    assert facts.request == {"cpu": 500}
    assert held_now(facts, rules, NOW_S) == (None, "")
    assert dict(facts_of(pod(asks={"memory": 1}, on=on), rules).request) == {"memory": 1}


def test_the_priority_that_counts_is_the_policys():
    assert facts_of(pod(priority=99), Rules(ignore_priority_below=100)).held is Held.LOW_PRIORITY
    assert facts_of(pod(priority=-5), Rules(ignore_priority_below=-10)).held is None


def test_a_port_of_the_node_is_asked_for_only_once_a_node():
    ports = [{"hostPort": 80}, {"hostPort": 53, "protocol": "UDP"}, {"containerPort": 8080}]
    facts = facts_of(pod(containers=[{"name": "main", "ports": ports}]), RULES)
    assert dict(facts.request) == {"hostport/80/TCP": 1, "hostport/53/UDP": 1}


def test_the_piece_of_work_is_the_controllers():
    assert group_by_controller(pod(owner=("Job", "j"))).id == "j"
    assert group_by_controller(pod("alone")).id == "uid-alone"
