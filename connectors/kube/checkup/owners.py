"""Who else makes, removes, closes or drains nodes: autoscalers, Cluster API, SUNK, Slinky's operator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from connectors.checkup.format import nodes, plain
from connectors.kube.access.api import Answer
from connectors.kube.checkup.commands import kubectl
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.checkup.wire import Deployment
from connectors.kube.owners_of_nodes import managed_by
from models.findings import Finding, warning, well, wrong

OWNERS, SLINKY = "kubernetes.owners", "kubernetes.slinky"
AUTOSCALER = "cluster-autoscaler"
STATUS = f"/api/v1/namespaces/kube-system/configmaps/{AUTOSCALER}-status"
SLINKY_OPERATOR, ASKS_FROM = "slurm-operator", (1, 3, 0)
REQUESTED = "nodeset.slinky.slurm.net/pod-cordon-requested"
RUNNING = {AUTOSCALER: "cluster-autoscaler", "karpenter": "Karpenter"}
NAMES = ("app.kubernetes.io/name", "k8s-app", "app")  # labels
_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})")


def owner_findings(
    pools: Sequence[SeenPool], deployments: Sequence[Deployment], status: Callable[[], Answer]
) -> Iterator[Finding]:
    """Nodes of others, and autoscalers that may come to own some; ``status`` asks for cluster-autoscaler's."""
    found = [finding for pool in pools for finding in _owned(pool)]
    yield from found
    autoscalers = sorted({what for key, what in RUNNING.items() if _running(deployments, key)})
    if AUTOSCALER not in autoscalers and status().ok:
        autoscalers.append(AUTOSCALER)
    if autoscalers:
        yield warning(
            OWNERS,
            f"{' and '.join(autoscalers)} runs here: it may remove a node that Tidegate has emptied, or add one for"
            " pods that Tidegate moves a node for",
            "See that no node of a pool is in one of its node groups; this keeps cluster-autoscaler off a node:",
            kubectl("annotate", "node", "NODE", "cluster-autoscaler.kubernetes.io/scale-down-disabled=true"),
            kubectl("get", "configmap", "-n", "kube-system", f"{AUTOSCALER}-status", "-o", "yaml"),
        )
    elif not found:
        yield well(OWNERS, "nobody else makes or removes nodes of the pools, as far as can be seen")


def _owned(pool: SeenPool) -> Iterator[Finding]:
    owners: dict[str, list[str]] = {}
    for name, node in pool.nodes.items():
        if owner := managed_by(node):
            owners.setdefault(owner, []).append(name)
    for owner, names in sorted(owners.items()):
        say = wrong if len(names) == len(pool.nodes) else warning
        yield say(
            OWNERS,
            f"pool {pool.name}: of {owner}, which makes and removes nodes: {nodes(names)}; Tidegate never moves"
            " such nodes",
            "Take them out of the pool, or out of what owns them.",
            kubectl("get", "node", names[0], "-o", "yaml"),
        )


def operator_findings(deployments: Sequence[Deployment], slurmd_pods: int, *, serves: bool) -> Iterator[Finding]:
    """Slinky's operator, where there is one: whether it knows the request by which others drain; ``serves`` is whether
    its resources are there."""
    operators = [one for one in deployments if _is(one, SLINKY_OPERATOR)]
    if not operators and not slurmd_pods and not serves:
        return
    version = next(filter(None, map(_version, operators)), None)
    never = "Tidegate never cordons a node, as the operator would drain it in Slurm, too"
    if version is None:
        yield warning(
            SLINKY,
            f"Slinky runs slurmd here, and its operator's version cannot be told; {never}",
            f"See that it is 1.3.0 or later, which knows {REQUESTED}:",
            kubectl("get", "deployment", "-A", "-l", f"app.kubernetes.io/name={SLINKY_OPERATOR}", "-o", "wide"),
        )
    elif version < ASKS_FROM:
        yield warning(
            SLINKY,
            f"Slinky's operator is {_dotted(version)}, which does not know {REQUESTED} (1.3.0 does); {never}",
            "Nothing need be done for Tidegate, which drains by asking Slurm.",
        )
    else:
        yield well(SLINKY, f"Slinky's operator is {_dotted(version)}, and knows {REQUESTED}")


def _running(deployments: Iterable[Deployment], what: str) -> bool:
    return any(_is(one, what) for one in deployments)


def _is(deployment: Deployment, what: str) -> bool:
    """Whether it runs that, by the name that charts label it with or by its image."""
    labels = (deployment.metadata.labels or {}, deployment.spec.template.metadata.labels or {})
    if any(
        what in (known.get("app.kubernetes.io/name", ""), known.get("k8s-app"), known.get("app")) for known in labels
    ):
        return True
    return any(_image(one) == what for one in _images(deployment)) or deployment.metadata.name == what


def _images(deployment: Deployment) -> list[str]:
    return [one.image for one in deployment.spec.template.spec.containers or ()]


def _image(text: str) -> str:
    """The last part of the path of an image, without its version."""
    return text.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _version(deployment: Deployment) -> tuple[int, ...] | None:
    labels = deployment.metadata.labels or {}
    tags = [text.rpartition("/")[2].partition("@")[0].partition(":")[2] for text in _images(deployment)]
    for text in (labels.get("app.kubernetes.io/version", ""), *tags):
        if told := _VERSION.match(text):
            return tuple(map(int, told.groups()))
    return None


def _dotted(version: Sequence[int]) -> str:
    return plain(".".join(map(str, version)))
