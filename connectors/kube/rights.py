"""What Tidegate needs to be allowed in Kubernetes, for each mode, and as RBAC has it. Nothing here gives more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from models.policies import Evict, Mode, Policy

LOOK = ("get", "list", "watch")
ACCOUNT = "tidegate"  # as the documents call the account, its namespace and its roles
EVENTS_IN = "default"  # where events on nodes are


@dataclass(frozen=True, slots=True)
class Rule:
    """One of RBAC's rules. ``optional`` is one of resources that a cluster need not have.

    A subresource is written ``pods/eviction``. ``namespace`` is empty for all of them, ``names`` for every object.
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    optional: bool = False
    namespace: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a site and its policy want of Tidegate, as far as rights go.

    ``queues`` are the ClusterQueues whose quota follows the nodes; ``lease_in`` is the namespace of the Lease by which
    the site leads, empty where it does not.
    """

    mode: Mode
    evict: Evict = Evict.NEVER
    queues: tuple[str, ...] = ()
    lease_in: str = ""


READ = (
    Rule("", ("nodes", "pods"), LOOK),
    Rule("apps", ("daemonsets", "deployments", "statefulsets"), LOOK),
    Rule("batch", ("jobs", "cronjobs"), LOOK),
    Rule("autoscaling", ("horizontalpodautoscalers",), LOOK),
    Rule("policy", ("poddisruptionbudgets",), LOOK),
    Rule("scheduling.k8s.io", ("priorityclasses",), LOOK),
    Rule("scheduling.k8s.io", ("podgroups",), LOOK, optional=True),
    Rule(
        "resource.k8s.io",
        ("resourceslices", "resourceclaims", "resourceclaimtemplates", "deviceclasses"),
        LOOK,
        optional=True,
    ),
    Rule(
        "kueue.x-k8s.io",
        ("workloads", "clusterqueues", "localqueues", "cohorts", "resourceflavors"),
        LOOK,
        optional=True,
    ),
    Rule("scheduling.volcano.sh", ("podgroups", "queues"), LOOK, optional=True),
    Rule("scheduling.run.ai", ("podgroups",), LOOK, optional=True),
    Rule("scheduling.x-k8s.io", ("podgroups",), LOOK, optional=True),
    Rule("jobset.x-k8s.io", ("jobsets",), LOOK, optional=True),
    Rule("leaderworkerset.x-k8s.io", ("leaderworkersets",), LOOK, optional=True),
    Rule("ray.io", ("rayclusters", "rayjobs"), LOOK, optional=True),
    Rule("slinky.slurm.net", ("nodesets",), LOOK, optional=True),
)
"""What is read, in every mode."""


def wanted_by(policy: Policy, lease_in: str = "") -> Wanted:
    """What a policy wants, at a site that leads by a Lease in that namespace."""
    spec = policy.spec
    told = [pool.kubernetes.kueue for pool in spec.pools]
    queues = sorted({one.cluster_queue for one in told if one is not None and one.cluster_queue is not None})
    return Wanted(spec.mode, spec.moves.evict, tuple(queues), lease_in)


def rights(wanted: Wanted) -> tuple[Rule, ...]:
    """All that is needed."""
    return (*READ, *acting(wanted))


def acting(wanted: Wanted) -> tuple[Rule, ...]:
    """What is needed besides reading."""
    if wanted.mode is not Mode.AUTO:
        return ()
    found = [Rule("", ("nodes",), ("patch",)), Rule("", ("events",), ("create",), namespace=EVENTS_IN)]
    if wanted.evict is not Evict.NEVER:
        found.append(Rule("", ("pods/eviction",), ("create",)))
    if wanted.queues:
        found.append(Rule("kueue.x-k8s.io", ("clusterqueues",), ("patch",), names=wanted.queues))
    if wanted.lease_in:
        found.append(Rule("coordination.k8s.io", ("leases",), ("get", "create", "patch"), namespace=wanted.lease_in))
    return tuple(found)


def rule_of(rule: Rule) -> dict[str, Any]:
    """The rule as RBAC writes it."""
    told = {"apiGroups": [rule.group], "resources": list(rule.resources), "verbs": list(rule.verbs)}
    return told | ({"resourceNames": list(rule.names)} if rule.names else {})


def manifest(name: str, rules: Sequence[Rule], account: str = ACCOUNT, namespace: str = ACCOUNT) -> str:
    """Roles with these rules, bound to a service account, as YAML for ``kubectl apply``.

    What holds in one namespace only becomes a Role there.
    """
    documents: list[dict[str, Any]] = []
    for place in sorted({rule.namespace for rule in rules}):
        documents += _role(name, [rule for rule in rules if rule.namespace == place], place, (account, namespace))
    return "---\n".join(yaml.dump(one, sort_keys=False, default_flow_style=None, width=110) for one in documents)


def account_manifest(account: str = ACCOUNT, namespace: str = ACCOUNT) -> str:
    """The service account and its namespace, as YAML for ``kubectl apply``."""
    documents = (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
    )
    return "---\n".join(yaml.dump(one, sort_keys=False, default_flow_style=None) for one in documents)


def _role(name: str, rules: Iterable[Rule], place: str, account: tuple[str, str]) -> list[dict[str, Any]]:
    """A role of one namespace, or of all where ``place`` is empty, and its binding."""
    kind = "Role" if place else "ClusterRole"
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name} | ({"namespace": place} if place else {})
    subject = {"kind": "ServiceAccount", "name": account[0], "namespace": account[1]}
    return [
        {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": [rule_of(rule) for rule in rules]},
        {
            "apiVersion": f"{group}/v1",
            "kind": f"{kind}Binding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": kind, "name": name},
            "subjects": [subject],
        },
    ]
