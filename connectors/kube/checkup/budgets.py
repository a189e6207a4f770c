"""Budgets that keep a pod from ever being evicted, where the policy lets Tidegate ask pods to leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from basics.text import some
from connectors.checkup.format import plain
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.placing import selects
from connectors.kube.leaving import named, stays
from connectors.kube.wire.budgets import PodDisruptionBudget
from connectors.kube.wire.pods import Pod
from models.findings import Finding, warning, well
from models.policies import Evict

CHECK = "kubernetes.budgets"
COMMANDS_MOST = 10


def budget_findings(budgets: Iterable[PodDisruptionBudget], pods: Sequence[Pod], evict: Evict) -> Iterator[Finding]:
    """Budgets over the pods that Tidegate may ask to leave a node of a pool."""
    going = [pod for pod in pods if not stays(pod, evict)]
    over = [(one, covered) for one in budgets if (covered := [pod for pod in going if _covers(one, pod)])]
    found = [*_never(over), *_two(over), *_stale(over)]
    yield from found
    if not found:
        yield well(CHECK, f"{len(over)} budgets over the {len(going)} pods that may be evicted, all can be met")


Over = Sequence[tuple[PodDisruptionBudget, Sequence[Pod]]]


def _covers(budget: PodDisruptionBudget, pod: Pod) -> bool:
    same = budget.metadata.namespace == pod.metadata.namespace
    return same and selects(budget.spec.selector, pod.metadata.labels)


def _never(over: Over) -> Iterator[Finding]:
    never = [one for one, _ in over if _forbids(one)]
    if never:
        yield warning(
            CHECK,
            f"no eviction is ever allowed by {_named(never)}: as many pods must be healthy as there are, so a node with"
            " one of them waits until it ends by itself",
            "Let maxUnavailable be 1 or more, or minAvailable less than the replicas.",
            *map(_show, never[:COMMANDS_MOST]),
        )


def _forbids(budget: PodDisruptionBudget) -> bool:
    told = budget.status
    allowed, wanted, expected = told.disruptions_allowed, told.desired_healthy, told.expected_pods
    return not allowed and bool(expected) and wanted is not None and wanted >= (expected or 0)


def _two(over: Over) -> Iterator[Finding]:
    first: dict[str, PodDisruptionBudget] = {}
    twice: dict[str, tuple[PodDisruptionBudget, PodDisruptionBudget]] = {}
    for budget, pods in over:
        for pod in pods:
            known = first.setdefault(named(pod), budget)
            if known is not budget:
                twice.setdefault(named(pod), (known, budget))
    if twice:
        name, both = next(iter(twice.items()))
        yield warning(
            CHECK,
            f"pods with two budgets can never be evicted (the API server answers 500): {some(twice)}; {plain(name)} has"
            f" {_named(both)}",
            "Leave one budget over each pod.",
            *map(_show, both),
        )


def _stale(over: Over) -> Iterator[Finding]:
    old = [one for one, _ in over if (one.status.observed_generation or 0) < (one.metadata.generation or 0)]
    if old:
        yield warning(
            CHECK,
            f"nobody has counted the pods of {_named(old)} since that changed: no eviction is allowed until then",
            "See that the controller manager runs:",
            kubectl("get", "lease", "-n", "kube-system", "kube-controller-manager"),
            *map(_show, old[:COMMANDS_MOST]),
        )


def _named(budgets: Sequence[PodDisruptionBudget]) -> str:
    word = "budget" if len(budgets) == 1 else "budgets"
    return f"{word} {some(f'{one.metadata.namespace}/{one.metadata.name}' for one in budgets)}"


def _show(budget: PodDisruptionBudget) -> str:
    return kubectl("get", "pdb", "-n", budget.metadata.namespace, budget.metadata.name, "-o", "yaml")
