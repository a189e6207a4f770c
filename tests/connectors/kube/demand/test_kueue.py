"""Kueue's Workloads: what each state of theirs means for nodes."""

from __future__ import annotations

import pytest

from connectors.kube.demand.all_needs import Words, all_needs
from connectors.kube.demand.need import Held
from connectors.kube.demand.sources.kueue_standing import Quota, QuotaWords
from tests.connectors.kube.demand.objects import NOW_S, TEMPLATE, cluster, lines, owned, pod, told

QUEUES = """
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: lq, namespace: team}
spec: {clusterQueue: cq}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: cq}
spec:
  resourceGroups:
  - coveredResources: [cpu]
    flavors: [{name: a100, resources: [{name: cpu, nominalQuota: "4"}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: a100}
spec: {nodeLabels: {gpu: a100}, nodeTaints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}
"""
OPEN = QUEUES.replace("value: present", "value: absent").replace(
    ", nodeTaints: [{key: nvidia.com/gpu, value: absent, effect: NoSchedule}]", ""
)


def workload(count: int = 3, spec: str = "", status: str = "", meta: str = "", name: str = "wl") -> str:
    """A Workload of the Job ``job``, which asks for one cpu a pod."""
    return f"""
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: Workload
metadata: {{name: {name}, namespace: team, {meta or owned("job")}}}
spec: {{queueName: lq, priority: 7{", " + spec if spec else ""},
  podSets: [{{name: main, count: {count}, template: {TEMPLATE}}}]}}
status: {{{status}}}
"""


def reserved(reason: str, message: str = "no") -> str:
    return f'conditions: [{{type: QuotaReserved, status: "False", reason: {reason}, message: "{message}"}}]'


def words(word: Quota, **growth: dict[str, int]) -> Words:
    return Words(quota=QuotaWords(word, {("cq", flavor): more for flavor, more in growth.items()}))


ASSIGNED = "admission: {clusterQueue: cq, podSetAssignments: [{name: main, count: 3, flavors: {cpu: a100}}]}"
RESERVED = f'conditions: [{{type: QuotaReserved, status: "True", reason: QuotaReserved}}], {ASSIGNED}'
ADMITTED = (
    'conditions: [{type: QuotaReserved, status: "True", reason: QuotaReserved},'
    f' {{type: Admitted, status: "True", reason: Admitted}}], {ASSIGNED}'
)
FINISHED = 'conditions: [{type: Finished, status: "True", reason: Succeeded}]'
EVICTED = (
    'conditions: [{type: Evicted, status: "True", reason: PodsReadyTimeout},'
    ' {type: QuotaReserved, status: "False", reason: Pending, message: evicted}],'
    ' requeueState: {count: 1, requeueAt: "2026-11-18T11:08:20Z"}'
)
LATE = EVICTED.replace("11:08:20", "11:06:40")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(workload(), ["job 3 together"], id="just made"),
        pytest.param(workload(1), ["job 1"], id="of one pod there is no gang"),
        pytest.param(workload(status=reserved("WaitingForQuota")), ["job 3 together"], id="WaitingForQuota"),
        pytest.param(workload(status=reserved("Pending")), ["job 3 together"], id="Pending"),
        *(
            pytest.param(workload(status=reserved(reason)), ["job 3 together"], id=reason)
            for reason in (
                "TopologyPlacementFailed",
                "WaitingForPreemptedWorkloads",
                "WaitingForPodsReady",
                "PendingEvaluation",
                "Waiting",
            )
        ),
        *(
            pytest.param(workload(status=reserved(reason)), [f"job 3 together {held}"], id=reason)
            for reason, held in (
                ("ExceedsMaxQuota", "held by quota"),
                ("NoMatchingFlavor", "impossible"),
                ("Misconfigured", "impossible"),
                ("Inadmissible", "impossible"),
                ("Suspended", "held by a person"),
                ("AdmissionGated", "held by a scheduling gate"),
            )
        ),
        pytest.param(workload(spec="active: false"), ["job 3 together held by a person"], id="deactivated"),
        pytest.param(workload(status=FINISHED), [], id="finished"),
        pytest.param(workload(status=RESERVED), ["job 3 together"], id="quota, but checks pending"),
        pytest.param(workload(status=ADMITTED), ["job 3 together"], id="admitted, and no pods yet"),
        pytest.param(workload(status=EVICTED), ["job 3 together in 100 s"], id="evicted, known to come again"),
        pytest.param(workload(status=LATE), ["job 3 together"], id="evicted, and it is time"),
        pytest.param(workload(status="clusterName: other"), [], id="runs in another cluster"),
        pytest.param(workload(meta=owned("job") + ', deletionTimestamp: "2026-11-18T00:00:00Z"'), [], id="deleted"),
        pytest.param(
            workload() + workload(name="variant", meta=owned("wl", "Workload")), ["job 3 together"], id="a variant"
        ),
    ],
)
def test_states(text: str, found: list[str]):
    assert lines(OPEN, text) == found


@pytest.mark.parametrize(
    ("reason", "message", "by_word"),
    [
        ("WaitingForQuota", "insufficient unused quota", {Quota.FIXED: "held by quota"}),
        ("Pending", "insufficient unused quota for cpu in flavor a100, 1 more needed", {Quota.FIXED: "held by quota"}),
        ("Pending", 'topology \\"default\\" allows to fit only 2 out of 3 pod(s)', {}),
        ("Waiting", "waiting for all admitted workloads to be in PodsReady condition", {}),
        ("TopologyPlacementFailed", "no", {}),
        ("Inadmissible", "LocalQueue lq doesn't exist", dict.fromkeys(Quota, "impossible")),
    ],
)
@pytest.mark.parametrize("word", list(Quota))
def test_whether_lacking_quota_is_demand_is_the_policys_word(
    reason: str, message: str, by_word: dict[Quota, str], word: Quota
):
    (need,) = told(OPEN, workload(status=reserved(reason, message)), words=words(word)).needs
    assert need.held == by_word.get(word)
    assert message.replace("\\", "") in need.why or need.held is None


@pytest.mark.parametrize("reason", ["Pending", "ExceedsMaxQuota"])
def test_a_quota_that_follows_the_nodes_makes_demand_of_what_exceeds_it_today(reason: str):
    text = workload(6, status=reserved(reason))
    (today,) = told(OPEN, text, words=words(Quota.FOLLOWS)).needs
    assert (today.held, today.why) == (
        "held by quota", "asks for 6 cpu of at most 4 in a100 in the ClusterQueue cq"
    )  # fmt: skip
    assert lines(OPEN, text, words=words(Quota.FIXED, a100={"cpu": 2000})) == ["job 6 together"]
    assert lines(OPEN, text, words=words(Quota.FIXED, a100={"cpu": 1999})) == ["job 6 together held by quota"]


def test_what_is_asked_for_is_compared_as_kueue_has_worked_it_out():
    text = workload(status=reserved("Pending") + ', resourceRequests: [{name: main, resources: {cpu: "6"}}]')
    assert lines(OPEN, text) == ["job 3 together held by quota"]


def test_a_workload_that_may_start_smaller_is_compared_by_its_least():
    text = workload(6, status=reserved("Pending")).replace("count: 6", "count: 6, minCount: 4")
    assert lines(OPEN, text) == ["job 6 together"]


def test_pods_get_the_labels_of_their_flavors_nodes_and_bear_their_taints():
    text = workload(status=RESERVED)
    (need,) = told(QUEUES, text).needs
    assert need.flavors == (("cpu", "a100"),)
    assert need.parts[0].place.selector == (("gpu", "a100"),)
    assert [(one.key, one.value, one.effect) for one in need.parts[0].place.tolerations] == [
        ("nvidia.com/gpu", "present", "NoSchedule")
    ]
    assert (need.queue, need.priority, need.user, need.source) == ("lq", 7, "team", "workloads")


TWO = """
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: cq}
spec:
  resourceGroups:
  - coveredResources: [cpu]
    flavors:
    - {name: spot, resources: [{name: cpu, nominalQuota: "8"}]}
    - {name: own, resources: [{name: cpu, nominalQuota: "8"}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: lq, namespace: team}
spec: {clusterQueue: cq}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: spot}
spec: {nodeLabels: {kind: spot}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: own}
spec: {nodeLabels: {kind: own}}
"""


@pytest.mark.parametrize(
    ("spec", "growth", "flavor", "why"),
    [
        pytest.param("", {}, "spot", "", id="the first in the queue's order"),
        pytest.param("", {"own": {"cpu": 1}}, "own", "", id="the one whose quota follows the nodes"),
        pytest.param("nodeSelector: {kind: own}", {}, "own", "", id="the one that it selects"),
        pytest.param("nodeSelector: {zone: x}", {}, "spot", "", id="a label that no flavour has says nothing"),
        pytest.param("nodeSelector: {kind: other}", {}, None, "spot: no label kind=other; own: no label kind=other",
                     id="none"),
        pytest.param(
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
            "[{matchExpressions: [{key: kind, operator: NotIn, values: [spot]}, {key: zone, operator: Exists}]}]}}}",
            {}, "own", "", id="the one that its affinity leaves",
        ),
    ],
)  # fmt: skip
def test_which_flavor_one_that_waits_could_be_given(
    spec: str, growth: dict[str, dict[str, int]], flavor: str | None, why: str
):
    text = workload().replace("{spec: {", f"{{spec: {{{spec}, " if spec else "{spec: {")
    (need,) = told(TWO, text, words=words(Quota.NONE, **growth)).needs
    assert dict(need.flavors) == ({"cpu": flavor} if flavor else {})
    assert why in need.why
    assert (need.held == "impossible") is (flavor is None)


@pytest.mark.parametrize(
    ("kind", "policy", "why"),
    [
        ("LocalQueue", "Hold", "the LocalQueue lq is stopped (Hold)"),
        ("ClusterQueue", "HoldAndDrain", "the ClusterQueue cq is stopped (HoldAndDrain)"),
        ("ClusterQueue", "None", ""),
    ],
)
def test_a_stopped_queue_holds_what_waits_in_it_and_not_what_it_has_admitted(kind: str, policy: str, why: str):
    spec = "spec: {clusterQueue: cq" if kind == "LocalQueue" else "spec:\n  resourceGroups"
    with_policy = f"spec: {{stopPolicy: {policy}, clusterQueue: cq"
    if kind == "ClusterQueue":
        with_policy = f"spec:\n  stopPolicy: {policy}\n  resourceGroups"
    queues = OPEN.replace(spec, with_policy)
    (need,) = told(queues, workload(status=reserved("Inadmissible" if why else "Pending"))).needs
    assert (need.held, need.why) == (("held by a person", why) if why else (None, ""))
    (need,) = told(queues, workload(status=ADMITTED)).needs
    assert need.held is None


JOB = f"""
---
apiVersion: batch/v1
kind: Job
metadata: {{name: job, namespace: team, labels: {{kueue.x-k8s.io/queue-name: lq}}}}
spec: {{suspend: true, parallelism: 3, completions: 3, template: {TEMPLATE}}}
"""
GATED = pod("g", "job").replace(
    "spec: {containers", "spec: {schedulingGates: [{name: kueue.x-k8s.io/admission}], containers"
)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([JOB, workload(status=reserved("Pending"))], ["job 3 together"],
                     id="a suspended Job that nobody sees pods of is told by its Workload alone"),
        pytest.param([JOB.replace("true", "false"), workload(status=ADMITTED), pod("a", "job")], ["job 2 together"],
                     id="admitted: those that are not there yet"),
        pytest.param([JOB.replace("true", "false"), workload(status=ADMITTED + ", reclaimablePods: "
                      "[{name: main, count: 1}]"), pod("a", "job")], ["job 1 together"], id="less what is done with"),
        pytest.param([JOB.replace("true", "false") + "status: {succeeded: 2}", workload(status=ADMITTED)],
                     ["job 1 together"], id="the Job knows of the end of its pods before Kueue does"),
        pytest.param([JOB, workload(status=reserved("Pending")), GATED], ["job 3 together"],
                     id="a pod that Kueue holds is told by its Workload"),
        pytest.param([JOB, workload(status=FINISHED)], ["job 3 held by quota"],
                     id="a Workload that has finished tells of nothing"),
    ],
)  # fmt: skip
def test_a_job_and_its_workload_are_one_piece(texts: list[str], found: list[str]):
    assert lines(OPEN, *texts) == found


def test_a_pod_that_kueue_holds_is_told_and_another_is_not():
    state = cluster(OPEN, JOB, workload(status=reserved("Pending")), GATED, pod("free", "job"), pod("alone"))
    gang_of = told(OPEN, JOB, workload(status=reserved("Pending")), GATED, pod("free", "job"), pod("alone")).gang_of
    found = {uid: gang_of(one) for uid, one in state.pods.items()}
    assert {uid: (one.id, one.together, one.told) for uid, one in found.items()} == {
        "g": ("job", True, True),
        "free": ("job", True, False),
        "alone": ("alone", False, False),
    }


def test_several_pod_sets_are_told_apart_by_the_label_of_their_pods():
    text = f"""
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: Workload
metadata: {{name: wl, namespace: team, {owned("mpi", "MPIJob")}}}
spec:
  queueName: lq
  podSets:
  - {{name: launcher, count: 1, template: {TEMPLATE}}}
  - {{name: worker, count: 4, template: {TEMPLATE}}}
status: {{{ADMITTED.replace("name: main, count: 3", "name: launcher, count: 1")}}}
"""
    workers = [pod(f"w{number}", "mpi", "labels: {kueue.x-k8s.io/podset: worker}") for number in range(3)]
    assert lines(OPEN, text, *workers) == ["mpi 1+1 together"]
    assert lines(OPEN, text, *workers, pod("x", "mpi")) == ["mpi 1 together"]


def test_plain_pods_of_a_group_are_one_piece_by_their_label():
    names = ("p0", "p1")
    references = ", ".join(f"{{kind: Pod, name: {name}, uid: {name}}}" for name in names)
    group = workload(2, status=reserved("Pending"), meta=f"ownerReferences: [{references}]", name="grp")
    label = "labels: {kueue.x-k8s.io/pod-group-name: grp}"
    gated = "spec: {schedulingGates: [{name: kueue.x-k8s.io/admission}], containers"
    pods = [pod(name, more=label).replace("spec: {containers", gated) for name in names]
    assert lines(OPEN, group, *pods) == ["grp 2 together"]
    state, gang_of = cluster(OPEN, group, *pods), told(OPEN, group, *pods).gang_of
    assert {gang_of(one).id for one in state.pods.values()} == {"grp"}
    assert all(gang_of(one).told for one in state.pods.values())


def test_the_older_version_says_the_same():
    texts = [
        text.replace("v1beta2", "v1beta1").replace("cohortName", "cohort")
        for text in (OPEN, workload(status=reserved("Pending")), JOB)
    ]
    assert lines(*texts, words=words(Quota.FIXED)) == ["job 3 together held by quota"]


def test_defaults_of_the_namespace_are_asked_for_where_the_template_asks_for_nothing():
    text = workload(status=reserved("Pending") + ", resourceRequests: [{name: main, resources: {memory: 3Gi}}]")
    (need,) = told(OPEN, text.replace('cpu: "1"', 'nvidia.com/gpu: "1"')).needs
    assert dict(need.parts[0].request) == {"nvidia.com/gpu": 1, "memory": 2**30}


def test_what_may_not_be_read_is_named():
    denied = cluster(denied=["workloads.kueue.x-k8s.io", "leases.coordination.k8s.io"])
    assert all_needs(denied, Words(), NOW_S).unread == ("workloads.kueue.x-k8s.io may not be read",)
    assert told().unread == ()


def test_an_amount_that_is_none_costs_no_other_workload():
    odd = workload(name="odd", meta=owned("other")).replace('cpu: "1"', "cpu: 1e1.5")
    found = told(odd, workload())
    assert {need.id: need.why for need in found.needs if need.held is Held.IMPOSSIBLE} == {
        "other": "'1e1.5' is no quantity"
    }
    assert {need.id for need in found.needs} == {"other", "job"}
    assert found.unread == ()
