"""PodGroups of Volcano, KAI, scheduler-plugins and Kubernetes itself: gangs, and members that are not there."""

from __future__ import annotations

import pytest

from connectors.kube.demand.need import Held
from tests.connectors.kube.demand.objects import TEMPLATE, cluster, lines, owned, pod, told


def volcano(status: str = "phase: Pending", spec: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: scheduling.volcano.sh/v1beta1
kind: PodGroup
metadata: {{name: pg, namespace: team{", " + meta if meta else ""}}}
spec: {{minMember: 3, queue: default, minResources: {{cpu: "6", nvidia.com/gpu: "3", pods: "3"}}{spec}}}
status: {{{status}}}
"""


def queue(name: str = "default", spec: str = "", status: str = "state: Open") -> str:
    return f"""
---
apiVersion: scheduling.volcano.sh/v1beta1
kind: Queue
metadata: {{name: {name}}}
spec: {{{spec}}}
status: {{{status}}}
"""


MEMBER = "annotations: {scheduling.k8s.io/group-name: pg}"
BOUND = 'capability: {cpu: "10"}'
JOB = f"""
---
apiVersion: batch/v1
kind: Job
metadata: {{name: job, namespace: team}}
spec: {{parallelism: 3, template: {TEMPLATE}}}
"""


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([volcano()], ["pg 3 together"], id="pods may not be made yet"),
        pytest.param([volcano(meta=owned("vcjob"))], ["vcjob/pg 3 together"], id="of a job that nobody reads"),
        pytest.param([volcano("phase: Inqueue"), pod("a", "", MEMBER)], ["pg 2 together"], id="pods appear"),
        pytest.param([volcano("phase: Unknown, succeeded: 1"), pod("a", "", MEMBER)], ["pg 1 together"],
                     id="some run and others cannot"),
        pytest.param([volcano("phase: Running")], [], id="runs"),
        pytest.param([volcano("phase: Completed")], [], id="has ended"),
        pytest.param([volcano(), queue()], ["pg 3 together"], id="an open queue without bounds"),
        pytest.param([volcano(), queue(status="state: Closed")], ["pg 3 together held by a person"], id="closed"),
        pytest.param([volcano(), queue(status="state: Closing")], ["pg 3 together held by a person"], id="closing"),
        pytest.param([volcano(), queue(spec=BOUND, status='state: Open, allocated: {cpu: "4"}')], ["pg 3 together"],
                     id="room in the queue"),
        pytest.param([volcano(), queue(spec=BOUND, status='state: Open, allocated: {cpu: "5"}')],
                     ["pg 3 together held by quota"], id="the queue uses all that it may"),
        pytest.param([volcano(), queue(spec='capability: {nvidia.com/gpu: "2"}')], ["pg 3 together impossible"],
                     id="more than the queue may ever use"),
        pytest.param([volcano(), queue(spec="parent: all"), queue("all", spec=BOUND.replace("10", "5"))],
                     ["pg 3 together impossible"], id="more than the queue above may ever use"),
        pytest.param([volcano(), queue(spec="parent: all"), queue("all", spec="parent: default")], ["pg 3 together"],
                     id="queues in a ring"),
        pytest.param([volcano(meta=owned("job")), JOB], ["job/pg 3 together"],
                     id="a Job tells of its own pods, as its group's"),
        pytest.param([volcano(), JOB.replace("{spec:", "{metadata: {annotations: {scheduling.k8s.io/group-name: pg}}, "
                      "spec:")], ["pg 3 together"], id="a Job whose template names the group tells of its own pods"),
    ],
)  # fmt: skip
def test_volcano(texts: list[str], found: list[str]):
    assert lines(*texts) == found


def test_what_members_of_volcano_ask_for_is_what_is_left_of_all_in_equal_shares():
    (need,) = told(volcano("phase: Inqueue"), pod("a", "", MEMBER)).needs
    assert dict(need.parts[0].request) == {"cpu": 2500, "nvidia.com/gpu": 2}
    (need,) = told(volcano()).needs
    assert dict(need.parts[0].request) == {"cpu": 2000, "nvidia.com/gpu": 1}
    assert need.queue == "default"


def kai(status: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: scheduling.run.ai/v2alpha2
kind: PodGroup
metadata: {{name: kg, namespace: team{", " + meta if meta else ""}}}
spec: {{minMember: 3, queue: research}}
status: {{{status}}}
"""


IN_KAI = "annotations: {pod-group-name: kg}"
OVER = "schedulingConditions: [{type: UnschedulableOnNodePool, nodePool: default, status: 'True', "


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([kai(), pod("a", "", IN_KAI)], ["kg 2 together"], id="members that are not made yet"),
        pytest.param([kai(), *(pod(name, "", IN_KAI) for name in "abc")], [], id="all are there"),
        pytest.param([kai("running: 3"), pod("a", "", IN_KAI)], ["kg 2"], id="to a group that runs others come alone"),
        pytest.param([kai()], [], id="of nobody it knows nothing"),
        pytest.param([kai('pending: 4, resourcesStatus: {requested: {cpu: "8"}, allocated: {cpu: "2"}}')],
                     ["kg 4 together"], id="what is requested and not allocated, where no pod is seen"),
        pytest.param([kai(OVER + "reason: OverLimit}]"), pod("a", "", IN_KAI)], ["kg 2 together held by quota"],
                     id="over its queue's limit"),
        pytest.param([kai(OVER + "reasons: [{reason: NonPreemptibleOverQuota, message: x}]}]"), pod("a", "", IN_KAI)],
                     ["kg 2 together held by quota"], id="over its queue's quota"),
        pytest.param([kai(OVER + "reasons: [{reason: QueueDoesNotExist}]}]"), pod("a", "", IN_KAI)],
                     ["kg 2 together impossible"], id="no such queue"),
        pytest.param([kai(OVER + "reason: Unschedulable}]"), pod("a", "", IN_KAI)], ["kg 2 together"],
                     id="no node for it"),
    ],
)  # fmt: skip
def test_kai(texts: list[str], found: list[str]):
    assert lines(*texts) == found


PLUGIN = """
---
apiVersion: scheduling.x-k8s.io/v1alpha1
kind: PodGroup
metadata: {name: group, namespace: team}
spec: {minMember: 3}
status: {STATUS}
"""
NATIVE = """
---
apiVersion: scheduling.k8s.io/v1beta1
kind: PodGroup
metadata: {name: group, namespace: team}
spec: {schedulingPolicy: {gang: {minCount: 3}}, disruptionMode: {single: {}}}
status: {STATUS}
"""
SCHEDULED = "conditions: [{type: PodGroupInitiallyScheduled, status: '%s', reason: X}]"


def named(name: str, how: str) -> str:
    if how == "native":
        return pod(name).replace("spec: {containers", "spec: {schedulingGroup: {podGroupName: group}, containers")
    return pod(name, "", how)


LABEL = "labels: {scheduling.x-k8s.io/pod-group: group}"


@pytest.mark.parametrize(
    ("text", "how", "gang"),
    [
        pytest.param(PLUGIN.replace("STATUS", ""), LABEL, ("group", True, None), id="scheduler-plugins"),
        pytest.param(PLUGIN.replace("STATUS", "running: 3"), LABEL, ("group", False, None), id="once that has started"),
        pytest.param(NATIVE.replace("STATUS", ""), "native", ("group", True, None), id="native, just made"),
        pytest.param(NATIVE.replace("STATUS", SCHEDULED % "False"), "native", ("group", True, None), id="native"),
        pytest.param(NATIVE.replace("STATUS", SCHEDULED % "True"), "native", ("group", False, None), id="has started"),
        pytest.param(NATIVE.replace("STATUS", "").replace("gang: {minCount: 3}", "basic: {}"), "native",
                     ("group", False, None), id="native, no gang"),
        pytest.param("", LABEL, ("p", False, None), id="a group that is not known"),
        pytest.param(volcano(), MEMBER, ("pg", True, None), id="Volcano"),
        pytest.param(volcano() + queue(status="state: Closed"), MEMBER, ("pg", True, "held by a person"),
                     id="Volcano, in a closed queue"),
        pytest.param(volcano("phase: Running") + queue(status="state: Closed"), MEMBER, ("pg", False, None),
                     id="Volcano, runs in a closed queue"),
        pytest.param(volcano(spec=", x: y").replace('cpu: "6"', 'cpu: "six"'), MEMBER, ("pg", True, "impossible"),
                     id="an amount that is none"),
        pytest.param(kai(OVER + "reason: OverLimit}]"), IN_KAI, ("kg", True, "held by quota"), id="KAI, over a limit"),
    ],
)  # fmt: skip
def test_the_gang_of_a_pod_in_a_group(text: str, how: str, gang: tuple[str, bool, str | None]):
    state = cluster(text, named("p", how))
    found = told(text, named("p", how)).gang_of(state.pods["p"])
    assert (found.id, found.together, found.held) == gang
    assert bool(found.why) is (found.held is not None)


def test_a_group_of_another_namespace_is_another_group():
    text = PLUGIN.replace("STATUS", "").replace("namespace: team", "namespace: other")
    state = cluster(text, named("p", LABEL))
    assert told(text, named("p", LABEL)).gang_of(state.pods["p"]).id == "p"


RESOURCES = 'pending: 4, resourcesStatus: {requested: {cpu: "%s"}}'


@pytest.mark.parametrize(
    ("bad", "good", "source"),
    [
        (volcano().replace('cpu: "6"', "cpu: 1e1.5").replace("name: pg", "name: odd"), volcano(), "volcano"),
        (kai(RESOURCES % "1e1.5").replace("name: kg", "name: odd"), kai(RESOURCES % "6"), "kai"),
        (JOB.replace('cpu: "1"', "cpu: 1e1.5").replace("name: job", "name: odd"), JOB, "jobs"),
    ],
    ids=["Volcano", "KAI", "Jobs"],
)
def test_an_amount_that_is_none_costs_nobody_else_s_work(bad: str, good: str, source: str):
    """The pattern of CRDs lets some through that no controller can read."""
    found = told(bad, good)
    assert [(need.source, need.id == "odd", need.held) for need in found.needs] == [
        (source, True, Held.IMPOSSIBLE),
        (source, False, None),
    ]
    assert found.needs[0].why == "'1e1.5' is no quantity"
    assert found.unread == ()
