"""Who bears our taint: DaemonSets that a node needs and that do not, pods that do though they must go, and slurmd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from basics.text import some
from connectors.checkup.format import plain
from connectors.kube.checkup.commands import appended, kubectl
from connectors.kube.checkup.placing import chooses, not_borne
from connectors.kube.checkup.pools import SeenPool
from connectors.kube.leaving import named
from connectors.kube.names import NO_EXECUTE, NO_SCHEDULE, SIDE
from connectors.kube.wire.daemonsets import DaemonSet
from connectors.kube.wire.pods import Pod
from models.findings import Finding, warning, well, wrong

DAEMONS, BEARING, SLINKY = "kubernetes.daemonsets", "kubernetes.tolerations", "kubernetes.slinky"
TOLERATION = {"key": SIDE, "operator": "Exists"}
COMMANDS_MOST = 20
PATH = "/spec/template/spec/tolerations"


def daemon_findings(daemons: Iterable[DaemonSet], pools: Sequence[SeenPool], *, fence: bool) -> Iterator[Finding]:
    """DaemonSets on the nodes of the pools that do not bear our taint."""
    nodes = [node for pool in pools for node in pool.nodes.values()]
    ended, unplaced = [], []
    for daemon in daemons:
        spec = daemon.spec.template.spec
        lacks = not_borne(spec.tolerations)
        if not lacks or not any(chooses(spec, node) for node in nodes):
            continue
        if fence and NO_EXECUTE in lacks:
            ended.append(daemon)
        elif NO_SCHEDULE in lacks:
            unplaced.append(daemon)
    wanted = (
        "Let those bear it that a node needs whoever has it, or needs at once when it comes back (its network, device"
        " plug-ins and DRA drivers, exporters):"
    )
    if ended:
        yield warning(
            DAEMONS,
            f"pods of {_named(ended)} do not tolerate {SIDE}: they end when the HPC side gets a node (moves.fence:"
            " pods), and are back a while after it has come to Kubernetes again",
            wanted,
            *map(_command, ended[:COMMANDS_MOST]),
        )
    if unplaced:
        yield warning(
            DAEMONS,
            f"pods of {_named(unplaced)} do not tolerate {SIDE}: one that ends while the HPC side has the node is not"
            " made again there",
            wanted,
            *map(_command, unplaced[:COMMANDS_MOST]),
        )
    if not ended and not unplaced:
        yield well(DAEMONS, f"every DaemonSet on nodes of the pools tolerates {SIDE}")


def _named(daemons: Sequence[DaemonSet]) -> str:
    names = sorted(f"{one.metadata.namespace}/{one.metadata.name}" for one in daemons)
    return f"DaemonSet {plain(names[0])}" if len(names) == 1 else f"DaemonSets {some(names)}"


def _command(daemon: DaemonSet) -> str:
    meta = daemon.metadata
    first = not daemon.spec.template.spec.tolerations
    return appended("daemonset", meta.name, PATH, TOLERATION, namespace=meta.namespace, first=first)


def bearing_findings(bearing: Sequence[Pod], pools: Sequence[SeenPool]) -> Iterator[Finding]:
    """Pods of no DaemonSet that our taint keeps off no node."""
    nodes = {name for pool in pools for name in pool.nodes}
    here = [pod for pod in bearing if pod.spec.node_name in nodes]
    if here:
        yield warning(
            BEARING,
            f"every taint, {SIDE} too, is tolerated by {_owners(here)} on nodes of the pools: such a node is not empty"
            " while one comes back to it",
            "Let them name the taints that they tolerate, or select other nodes.",
            kubectl("get", "pod", "-n", here[0].metadata.namespace, here[0].metadata.name, "-o", "yaml"),
        )
    elif bearing:
        yield warning(
            BEARING,
            f"every taint, {SIDE} too, is tolerated by {_owners(bearing)}, which may come to a node that the HPC"
            " side has",
            "Let them name the taints that they tolerate, or select other nodes.",
        )
    else:
        yield well(BEARING, f"no pods but DaemonSets' tolerate {SIDE}")


def _owners(pods: Sequence[Pod]) -> str:
    owners: Mapping[str, None] = dict.fromkeys(map(_owner, pods))
    word = "pod" if len(pods) == 1 else "pods"
    return f"{len(pods)} {word} ({some(owners)})"


def _owner(pod: Pod) -> str:
    controller = pod.metadata.controller
    return named(pod) if controller is None else f"{controller.kind} {pod.metadata.namespace}/{controller.name}"


def slinky_findings(slinky: Sequence[Pod], *, fence: bool) -> Iterator[Finding]:
    """Pods in which slurmd runs: they have to be there while the HPC side has the node."""
    lacking = [pod for pod in slinky if not_borne(pod.spec.tolerations)]
    say = partial(wrong if fence else warning, SLINKY)
    if lacking:
        so = "ended" if fence else "not made again"
        yield say(
            f"slurmd runs in {_owners(lacking)} without tolerating {SIDE}: it is {so} just when the HPC side has the"
            " node",
            "Add it to the template of their NodeSet (spec.template.spec.tolerations):",
            kubectl("edit", "nodesets.slinky.slurm.net", "-n", lacking[0].metadata.namespace),
        )
    elif slinky:
        yield well(SLINKY, f"slurmd's {len(slinky)} pods tolerate {SIDE}")
