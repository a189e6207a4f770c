"""Jobs and CronJobs: the pods that are not there."""

from __future__ import annotations

import pytest

from connectors.kube.demand.all_needs import Words
from tests.connectors.kube.demand.objects import NOW_S, TEMPLATE, lines, owned, pod, told


def job(name: str = "job", spec: str = "", status: str = "", meta: str = "") -> str:
    return f"""
---
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, namespace: team{", " + meta if meta else ""}}}
spec: {{{spec + ", " if spec else ""}template: {TEMPLATE}}}
status: {{{status}}}
"""


WIDE = "parallelism: 4, completions: 10"
COMPLETE = 'conditions: [{type: Complete, status: "True"}]'


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param([job()], ["job 1"], id="one pod where nothing is said"),
        pytest.param([job(spec=WIDE)], ["job 4"], id="as many as run at once"),
        pytest.param([job(spec=WIDE), pod("a", "job"), pod("b", "job")], ["job 2"], id="less those that are there"),
        pytest.param([job(spec=WIDE, status="succeeded: 8"), pod("a", "job")], ["job 1"], id="the last few"),
        pytest.param([job(spec=WIDE, status="succeeded: 3"), pod("a", "job", status="{phase: Failed}")], ["job 4"],
                     id="a pod that failed is to be made again"),
        pytest.param([job(spec="parallelism: 1, completions: 1"), pod("a", "job", status="{phase: Succeeded}")], [],
                     id="a pod that succeeded counts before the status says so"),
        pytest.param([job(spec="parallelism: 3", status="succeeded: 1"), pod("a", "job")], [],
                     id="without completions the first success ends it"),
        pytest.param([job(spec="parallelism: 0")], [], id="none at once"),
        pytest.param([job(spec=WIDE, status=COMPLETE)], [], id="complete"),
        pytest.param([job(spec=WIDE, meta='deletionTimestamp: "2026-11-18T00:00:00Z"')], [], id="on its way out"),
        pytest.param([job(spec="managedBy: kueue.x-k8s.io/multikueue")], [], id="another cluster's"),
        pytest.param([job(spec="managedBy: kubernetes.io/job-controller")], ["job 1"], id="this cluster's, in words"),
        pytest.param([job(spec="suspend: true")], ["job 1 held by a person"], id="suspended by a person"),
        pytest.param([job(spec="suspend: true", meta="labels: {kueue.x-k8s.io/queue-name: q}")],
                     ["job 1 held by quota"], id="suspended for Kueue, which has made no Workload yet"),
        pytest.param([job(spec="parallelism: 2, scheduling: {schedulingPolicy: {gang: {minCount: 2}}}")],
                     ["job 2 together"], id="a gang of its own"),
        pytest.param([job(spec="parallelism: 2, scheduling: {schedulingPolicy: {basic: {}}}")],
                     ["job 2"], id="no gang, in words"),
        pytest.param([job(meta=owned("cron", "CronJob"))], ["cron/job 1"], id="of a CronJob that is not known"),
    ],
)  # fmt: skip
def test_pods_that_a_job_lacks(texts: list[str], found: list[str]):
    assert lines(*texts) == found


def test_a_need_has_what_its_template_asks_for_and_where_it_may_run():
    text = """
apiVersion: batch/v1
kind: Job
metadata: {name: train, namespace: ml, uid: u1, creationTimestamp: "2026-11-18T10:00:00Z"}
spec:
  parallelism: 2
  activeDeadlineSeconds: 3600
  template:
    spec:
      priorityClassName: high
      nodeSelector: {gpu: a100}
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
      - {name: main, resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {nvidia.com/gpu: 2}}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
"""
    (need,) = told(text).needs
    (part,) = need.parts
    assert dict(part.request) == {"cpu": 500, "memory": 2**30, "nvidia.com/gpu": 2}
    assert part.place.selector == (("gpu", "a100"),)
    assert [one.key for one in part.place.tolerations] == ["nvidia.com/gpu"]
    assert (need.user, need.priority, need.limit_s, need.source) == ("ml", 1000, 3600, "jobs")
    assert (need.name, need.state) == ("ml/train", "eligible")
    assert need.submitted_s == NOW_S - 4000


@pytest.mark.parametrize(
    ("spec", "words", "found"),
    [
        pytest.param("nodeSelector: {kubernetes.io/hostname: n1}", Words(), "impossible", id="one node by name"),
        pytest.param("tolerations: [{key: tidegate.dev/side, operator: Exists}]", Words(), "impossible",
                     id="bears our taint"),
        pytest.param("priority: -5", Words(), "below the priority that counts", id="headroom"),
        pytest.param("priority: -5", Words(ignore_priority_below=-10), None, id="a lower priority counts"),
        pytest.param("priority: 5", Words(ignore_priority_below=6), "below the priority that counts", id="by a policy"),
        pytest.param("containers: [{name: main}]", Words(), "asks for nothing", id="invisible"),
        pytest.param("containers: [{name: main}]", Words(default_request={"cpu": 100}), None, id="counts as little"),
    ],
)  # fmt: skip
def test_what_is_no_demand_by_its_template_or_the_policy(spec: str, words: Words, found: str | None):
    containers = "" if "containers" in spec else 'containers: [{name: main, resources: {requests: {cpu: "1"}}}], '
    text = f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: job, namespace: team}}
spec: {{template: {{spec: {{{containers}{spec}}}}}}}
"""
    (need,) = told(text, words=words).needs
    assert need.held == found
    assert need.state == ("held" if found else "eligible")
    assert need.parts[0].request or found == "asks for nothing"


def cron_job(schedule: str, spec: str = "", job_spec: str = "parallelism: 2") -> str:
    return f"""
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly, namespace: team}}
spec: {{schedule: "{schedule}"{spec}, jobTemplate: {{spec: {{{job_spec}, template: {TEMPLATE}}}}}}}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(cron_job("0 18 * * *"), [(24800, 2)], id="the next start within a day"),
        pytest.param(cron_job("0 18 * * *", ", timeZone: Europe/Berlin"), [(21200, 2)], id="in its time zone"),
        pytest.param(cron_job("0 */12 * * *"), [(3200, 2), (46400, 2)], id="several"),
        pytest.param(cron_job("0 18 * * *", ", suspend: true"), [], id="suspended"),
        pytest.param(cron_job("0 18 * * *", job_spec="parallelism: 2, suspend: true"), [], id="makes suspended Jobs"),
        pytest.param(cron_job("0 18 1 1 *"), [], id="beyond the horizon"),
    ],
)
def test_starts_of_cron_jobs_are_announced(text: str, found: list[tuple[int, int]]):
    needs = told(text).needs
    assert [(need.begins_s - NOW_S, need.parts[0].count) for need in needs if need.begins_s] == found
    assert {need.id for need in needs} == {f"nightly/{NOW_S + after}" for after, _ in found}
    assert len(needs) == len(found)


def test_of_many_starts_the_next_ones_are_told_and_the_horizon_is_the_policys():
    assert len(told(cron_job("0 * * * *")).needs) == 10
    assert len(told(cron_job("0 * * * *"), words=Words(horizon_s=7200)).needs) == 2


@pytest.mark.parametrize(
    ("schedule", "job_spec", "lasting"),
    [
        ("0 18 * * *", "", [None]),
        ("0 18 * * *", ", activeDeadlineSeconds: 600", [600]),
        ("0 */12 * * *", "", [43200, None]),
        ("0 */12 * * *", ", activeDeadlineSeconds: 86400", [43200, 86400]),
        ("0,30 18 * * *", "", [1800]),
        ("*/5 * * * *", "", []),
        ("* 18 * * *", "", [60]),
    ],
    ids=["unbounded", "its deadline", "until the next", "the shorter of both", "twice in an hour", "often", "a burst"],
)
def test_a_start_lasts_until_the_next_and_one_that_follows_soon_is_left_out(schedule, job_spec, lasting):
    needs = told(cron_job(schedule, job_spec=f"parallelism: 2{job_spec}")).needs
    assert [need.limit_s for need in needs] == lasting


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (cron_job("@every 5m"), "team/nightly: '@every 5m' is not five fields"),
        (cron_job("0 18 * * *", ", timeZone: Nowhere/Land"), "the time zone 'Nowhere/Land' is not known"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_left_out_with_the_reason(text: str, why: str):
    found = told(text, job())
    assert [need.source for need in found.needs] == ["jobs"]
    assert why in found.unread[0]


def test_the_job_that_a_cron_job_has_made_is_a_piece_of_its_own():
    texts = cron_job("0 18 * * *"), job(meta=owned("nightly", "CronJob"), spec="parallelism: 2"), pod("a", "job")
    assert lines(*texts) == ["nightly/1795024800 2 in 24800 s", "nightly/job 1"]
