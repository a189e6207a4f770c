"""JobSets, LeaderWorkerSets, Ray, Deployments and StatefulSets: what of them has no pods."""

from __future__ import annotations

import pytest

from connectors.kube.demand.sources.leader_worker_sets import GROUPS_MOST
from tests.connectors.kube.demand.objects import TEMPLATE, cluster, lines, owned, pod, told

RUN = f"{{spec: {{parallelism: 2, completions: 2, template: {TEMPLATE}}}}}"


def job_set(spec: str = "", status: str = "", depends: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {{name: js, namespace: team{", " + meta if meta else ""}}}
spec: {{{spec + ", " if spec else ""}replicatedJobs: [
  {{name: driver, replicas: 1, template: {RUN}}},
  {{name: worker, replicas: 3, template: {RUN}{", " + depends if depends else ""}}}]}}
status: {{{status}}}
"""


def made(name: str, of: str, status: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, namespace: team, {owned("js")}{meta},
  labels: {{jobset.sigs.k8s.io/replicatedjob-name: {of}}}}}
spec: {{parallelism: 2, completions: 2, template: {TEMPLATE}}}
status: {{{status}}}
"""


LATER = "dependsOn: [{name: driver, status: Complete}]"
DONE = 'conditions: [{type: Complete, status: "True"}], succeeded: 2'


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([job_set()], ["js 2+6 together"], id="no Job is made yet"),
        pytest.param([job_set(), made("a", "driver"), made("b", "worker")], ["js 2+6 together"],
                     id="Jobs without pods"),
        pytest.param([job_set(), made("a", "driver"), pod("p", "a"), pod("q", "a")], ["js 6 together"],
                     id="some there"),
        pytest.param([job_set(), made("a", "driver", DONE)], ["js 6 together"], id="a Job that is done"),
        pytest.param([job_set(), made("a", "driver", meta=", deletionTimestamp: '2026-11-18T00:00:00Z'")],
                     ["js 2+6 together"], id="a Job on its way out makes room for another"),
        pytest.param([job_set("suspend: true")], ["js 2+6 together held by a person"], id="suspended by a person"),
        pytest.param([job_set("suspend: true", meta="labels: {kueue.x-k8s.io/queue-name: q}")],
                     ["js 2+6 together held by quota"], id="suspended for Kueue, which has made no Workload yet"),
        pytest.param([job_set(status="terminalState: Completed")], [], id="completed"),
        pytest.param([job_set(status='conditions: [{type: Failed, status: "True"}]')], [], id="failed"),
        pytest.param([job_set("managedBy: kueue.x-k8s.io/multikueue")], [], id="another cluster's"),
        pytest.param([job_set(depends=LATER)], ["js 2 together", "js/driver 6 together held by a scheduling gate"],
                     id="waits for the end of another"),
        pytest.param([job_set(depends=LATER, status="replicatedJobsStatus: [{name: driver, succeeded: 1}]"),
                      made("a", "driver", DONE)], ["js 6 together"], id="the other has ended"),
        pytest.param([job_set(depends=LATER.replace("Complete", "Ready"))], ["js 2+6 together"],
                     id="starts right after another"),
    ],
)  # fmt: skip
def test_job_sets(texts: list[str], found: list[str]):
    assert lines(*texts) == found


LWS = f"""
---
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {{name: lws, namespace: team}}
spec: {{replicas: 2, leaderWorkerTemplate: {{size: 4, workerTemplate: {TEMPLATE}, leaderTemplate: {TEMPLATE}}}}}
"""
LEADERS = f"""
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: leaders, namespace: team, {owned("lws")}}}
spec: {{replicas: 2, podManagementPolicy: Parallel, template: {TEMPLATE}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: workers, namespace: team, {owned("leader", "Pod")}}}
spec: {{replicas: 3, podManagementPolicy: Parallel, template: {TEMPLATE}}}
"""
LABELS = "labels: {leaderworkerset.sigs.k8s.io/group-index: '0', leaderworkerset.sigs.k8s.io/worker-index: '%s'}"
LEADER = pod("leader", "leaders", LABELS % 0)
WORKER = pod("worker", "workers", LABELS % 1)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([LWS], ["lws/0 1+3 together", "lws/1 1+3 together"], id="each missing group is a gang"),
        pytest.param([LWS, LEADERS, LEADER], ["lws/0 3 together", "lws/1 1+3 together"],
                     id="workers wait for a leader"),
        pytest.param([LWS, LEADERS, LEADER, WORKER], ["lws/0 2 together", "lws/1 1+3 together"], id="one worker there"),
        pytest.param([LWS.replace("size: 4", "size: 1").replace("replicas: 2", "replicas: 1")], ["lws/0 1 together"],
                     id="a group of a leader alone"),
        pytest.param([LWS.replace("replicas: 2", "replicas: 0")], [], id="no group"),
    ],
)  # fmt: skip
def test_leader_worker_sets(texts: list[str], found: list[str]):
    assert lines(*texts) == found


def test_of_one_that_asks_for_groups_without_end_some_are_told_and_all_of_others():
    huge = LWS.replace("replicas: 2", "replicas: 2147483647")
    other = LWS.replace("namespace: team", "namespace: other").replace("name: lws", "name: small")
    needs = told(huge, other).needs
    assert [sum(need.user == user for need in needs) for user in ("team", "other")] == [GROUPS_MOST, 2]


def test_a_worker_is_of_its_group_through_the_leader_that_is_a_pod():
    state = cluster(LWS, LEADERS, LEADER, WORKER)
    gang_of = told(LWS, LEADERS, LEADER, WORKER).gang_of
    assert {gang_of(one).id for one in state.pods.values()} == {"lws/0"}


def ray_cluster(spec: str = "", group: str = "replicas: 3", meta: str = "") -> str:
    return f"""
---
apiVersion: ray.io/v1
kind: RayCluster
metadata: {{name: rc, namespace: team{", " + meta if meta else ""}}}
spec: {{{spec + ", " if spec else ""}headGroupSpec: {{template: {TEMPLATE}}},
  workerGroupSpecs: [{{groupName: gpu, {group}, template: {TEMPLATE}}}]}}
"""


def ray_job(spec: str = "", status: str = "") -> str:
    return f"""
---
apiVersion: ray.io/v1
kind: RayJob
metadata: {{name: rj, namespace: team}}
spec: {{{spec + ", " if spec else ""}rayClusterSpec: {{headGroupSpec: {{template: {TEMPLATE}}},
  workerGroupSpecs: [{{groupName: gpu, replicas: 2, template: {TEMPLATE}}}]}}}}
status: {{{status}}}
"""


HEAD = pod("head", "rc", "labels: {ray.io/node-type: head, ray.io/group: headgroup}")
RAY_WORKER = pod("worker", "rc", "labels: {ray.io/node-type: worker, ray.io/group: gpu}")


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([ray_cluster()], ["rc 1+3"], id="a head and workers"),
        pytest.param([ray_cluster(), HEAD, RAY_WORKER], ["rc 2"], id="less those that are there"),
        pytest.param([ray_cluster(group="replicas: 9, maxReplicas: 4"), HEAD], ["rc 4"], id="no more than the most"),
        pytest.param([ray_cluster(group="replicas: 1, minReplicas: 2"), HEAD], ["rc 2"], id="no fewer than the least"),
        pytest.param([ray_cluster(group="replicas: 2, numOfHosts: 4"), HEAD, RAY_WORKER], ["rc 7"],
                     id="of several hosts"),
        pytest.param([ray_cluster(group="replicas: 2, suspend: true"), HEAD], [], id="a suspended group"),
        pytest.param([ray_cluster("suspend: true")], ["rc 1+3 held by a person"], id="suspended"),
        pytest.param([ray_job()], ["rj 1+2"], id="a job whose cluster is not made yet"),
        pytest.param([ray_job(), ray_cluster(meta=owned("rj", "RayJob"))], ["rj/rc 1+3"], id="its cluster tells of it"),
        pytest.param([ray_job("suspend: true")], ["rj 1+2 held by a person"], id="a suspended job"),
        pytest.param([ray_job("clusterSelector: {ray.io/cluster: x}")], [], id="a job for a cluster that is there"),
        pytest.param([ray_job(status="jobDeploymentStatus: Complete")], [], id="a job that is complete"),
    ],
)  # fmt: skip
def test_ray(texts: list[str], found: list[str]):
    assert lines(*texts) == found


def app(kind: str, spec: str = "", status: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: app, namespace: team{", " + meta if meta else ""}}}
spec: {{replicas: 3, {spec + ", " if spec else ""}template: {TEMPLATE}}}
status: {{{status}}}
"""


REFUSED = (
    'replicas: 1, conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: exceeded quota}]'
)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([app("Deployment", status="replicas: 1")], [], id="pods are on their way"),
        pytest.param([app("Deployment", status=REFUSED)], ["app 2"], id="pods are refused"),
        pytest.param([app("StatefulSet", "podManagementPolicy: Parallel"), pod("app-0", "app")], ["app 2"],
                     id="all at once, and some are not there"),
        pytest.param([app("StatefulSet", status="readyReplicas: 0"), pod("app-0", "app")], [],
                     id="in order: the next waits for the one before"),
        pytest.param([app("StatefulSet", status="readyReplicas: 1"), pod("app-0", "app")], ["app 2"],
                     id="in order: the one before is ready"),
    ],
)  # fmt: skip
def test_services(texts: list[str], found: list[str]):
    assert lines(*texts) == found


def test_why_replicas_have_no_pods_is_said():
    (need,) = told(app("Deployment", status=REFUSED)).needs
    assert need.why == "exceeded quota"


@pytest.mark.parametrize(
    ("status", "reason", "limited"),
    [("True", "TooManyReplicas", ("team/hpa",)), ("True", "TooFewReplicas", ()), ("False", "TooManyReplicas", ())],
)
def test_that_an_autoscaler_would_have_more_is_a_figure_and_no_need(status: str, reason: str, limited: tuple[str, ...]):
    text = f"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: hpa, namespace: team}}
status: {{conditions: [{{type: ScalingLimited, status: "{status}", reason: {reason}}}]}}
"""
    found = told(text)
    assert (found.limited, found.needs) == (limited, ())
