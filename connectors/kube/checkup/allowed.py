"""What we may do: each right that the policy's mode needs, and some that nobody needs, asked of the API server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from connectors.checkup.format import plain
from connectors.kube.access.api import Api, ApiRefused
from connectors.kube.checkup.asked import answered
from connectors.kube.checkup.commands import appended
from connectors.kube.checkup.served import Served
from connectors.kube.checkup.wire import May
from connectors.kube.rights import Rule, Wanted, rights, rule_of
from models.findings import Finding, skipped, warning, well, wrong
from models.policies import Mode

CHECK = "kubernetes.rights"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
AS_THE_POLICY_HAS_IT = "tidegate rights --policy POLICY --site SITE | kubectl apply -f -"
NEEDED_BY_NOBODY = (
    (Rule("*", ("*",), ("*",)), "do everything"),
    (Rule("", ("secrets",), ("list",)), "read all secrets"),
    (Rule("", ("pods",), ("delete",)), "delete pods, whatever their budgets say"),
    (Rule("", ("nodes",), ("delete",)), "delete nodes"),
    (Rule("", ("pods/exec",), ("create",)), "run commands in pods"),
    (Rule("rbac.authorization.k8s.io", ("clusterroles",), ("escalate",)), "give itself more rights"),
)
WITHOUT: Mapping[str, str] = {
    "nodes patch": "no node can be closed or opened",
    "events create": "hand-overs are not told as events of nodes",
    "pods/eviction create": "no pod can be asked to leave",
    "clusterqueues patch": "Kueue's quota cannot follow the nodes",
    "leases get": "nobody can lead",
    "leases create": "nobody can lead",
    "leases patch": "nobody can lead",
    "nodes list": "nothing is known of the nodes",
    "pods list": "nothing is known of the pods",
}


def may(api: Api, rule: Rule, resource: str, verb: str) -> bool:
    """Whether we may. Raises Unreachable, or ApiRefused for a no to the question."""
    name, _, part = resource.partition("/")
    asked = {"group": rule.group, "resource": name, "subresource": part, "verb": verb, "namespace": rule.namespace}
    for each in rule.names or ("",):
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked | {"name": each}},
        }
        if not answered(api, "POST", REVIEWS, May, body).status.allowed:
            return False
    return True


def rights_findings(api: Api, wanted: Wanted, seen: Served, user: str) -> Iterator[Finding]:
    """What lacks, with the exact rule, and what is too much."""
    try:
        lacking = [one for rule in rights(wanted) for one in _lacking(api, rule, seen)]
    except ApiRefused as error:
        yield skipped(CHECK, f"we may not ask what we may: {error}")
        return
    whose = plain(user) or "the user"
    if all(rule in lacking for rule in rights(wanted) if not rule.optional):
        reads = f"tidegate rights --mode {wanted.mode} | kubectl apply -f -"
        yield wrong(
            CHECK,
            f"{whose} may do nothing of what mode {wanted.mode} needs",
            "This makes an account that may, tidegate in namespace tidegate; use it, or bind its roles to this one:",
            AS_THE_POLICY_HAS_IT if wanted.mode is Mode.AUTO else reads,
        )
        return
    for rule in lacking:
        yield _lacks(rule, whose)
    if not lacking:
        yield well(CHECK, f"{whose} may do all that mode {wanted.mode} needs")
    yield from _too_much(api, whose)


def _lacking(api: Api, rule: Rule, seen: Served) -> Iterator[Rule]:
    """The parts of a rule that we lack: its resources by the verbs that they lack."""
    by_verbs: dict[tuple[str, ...], list[str]] = {}
    for resource in rule.resources:
        if rule.optional and not seen.has(rule.group, resource):
            continue
        if verbs := tuple(verb for verb in rule.verbs if not may(api, rule, resource, verb)):
            by_verbs.setdefault(verbs, []).append(resource)
    for verbs, resources in by_verbs.items():
        yield replace(rule, resources=tuple(resources), verbs=verbs)


def _lacks(rule: Rule, whose: str) -> Finding:
    what = ", ".join(f"{resource}.{rule.group}" if rule.group else resource for resource in rule.resources)
    within = f" in namespace {rule.namespace}" if rule.namespace else ""
    so = next((WITHOUT[key] for key in _keys(rule) if key in WITHOUT), "what they stand for is not known")
    told = f"{whose} may not {', '.join(rule.verbs)} {what}{within}: {so}"
    kind = "role" if rule.namespace else "clusterrole"
    command = appended(kind, "tidegate", "/rules", rule_of(rule), namespace=rule.namespace, first=False)
    if rule.namespace:  # who could only read has no role there yet
        how = "Make the role and its binding by the first; where there is one already (here tidegate), by the second:"
        return wrong(CHECK, told, how, AS_THE_POLICY_HAS_IT, command)
    how = f"Add the rule to the {kind} that it is bound to (here tidegate); tidegate rights prints all of them:"
    return wrong(CHECK, told, how, command)


def _keys(rule: Rule) -> Iterator[str]:
    return (f"{resource} {verb}" for resource in rule.resources for verb in rule.verbs)


def _too_much(api: Api, whose: str) -> Iterator[Finding]:
    found = []
    for rule, what in NEEDED_BY_NOBODY:
        if may(api, rule, rule.resources[0], rule.verbs[0]):
            found.append(what)
            if rule.group == "*":
                break  # the rest follows
    if found:
        yield warning(
            CHECK,
            f"{whose} may also {', '.join(found)}: Tidegate never does, and who steals its token could",
            "Give it what tidegate rights prints instead (docs/kubernetes.md).",
        )
