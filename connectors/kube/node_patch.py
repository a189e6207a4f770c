"""What is written on a node: a merge patch of its taints, annotations and labels, at a version. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from connectors.kube.names import (
    HPC,
    KUBERNETES,
    MARK,
    NO_EXECUTE,
    NO_SCHEDULE,
    POOL,
    PREFER_NOT,
    RECORD,
    SIDE,
)
from connectors.kube.wire.nodes import Node, Taint

Patch = dict[str, Any]


def noted(node: Node, record: str) -> Patch:
    """The record alone."""
    return _patch(node, {RECORD: record})


def discouraged(node: Node, record: str) -> Patch:
    """Our taint as a wish; nothing where the node is closed already."""
    if any(taint.key == SIDE for taint in node.spec.taints or ()):
        return noted(node, record)
    return _patch(node, {RECORD: record}, taints=_with(node, (PREFER_NOT,)))


def closed(node: Node, mark: str, record: str, pool: str, *, fenced: bool) -> Patch:
    """Our taint for new pods, and with ``fenced`` for those that are bound already, too."""
    effects = (NO_SCHEDULE, NO_EXECUTE) if fenced else (NO_SCHEDULE,)
    present = [taint.effect for taint in node.spec.taints or () if taint.key == SIDE and taint.value == HPC]
    if NO_EXECUTE in present:
        effects = (NO_SCHEDULE, NO_EXECUTE)
    return _patch(node, {RECORD: record, MARK: mark}, taints=_with(node, effects), labels={SIDE: HPC, POOL: pool})


def opened(node: Node, record: str, pool: str) -> Patch:
    """None of our taints."""
    labels = {SIDE: KUBERNETES, POOL: pool}
    return _patch(node, {RECORD: record, MARK: None}, taints=_with(node, ()), labels=labels)


def same_for_us(one: Node, other: Node) -> bool:
    """Whether of two versions of a node only what does not matter to us differs: kubelet tells of it now and then, and
    others label it, or wish that pods went elsewhere."""
    return _ours(one) == _ours(other)


def _ours(node: Node) -> tuple[object, ...]:
    annotations, spec = node.metadata.annotations or {}, node.spec
    taints = [taint for taint in spec.taints or () if taint.key == SIDE or taint.effect != PREFER_NOT]
    return node.metadata.uid, taints, bool(spec.unschedulable), annotations.get(RECORD), annotations.get(MARK)


def _with(node: Node, effects: Sequence[str]) -> list[Taint]:
    """The node's taints, ours replaced. A taint that stays is written as it came: when it was added counts."""
    taints = node.spec.taints or ()
    ours = {taint.effect: taint for taint in taints if taint.key == SIDE and taint.value == HPC}
    others = [taint for taint in taints if taint.key != SIDE]
    return [*others, *(ours.get(effect, Taint(SIDE, HPC, effect)) for effect in effects)]


def _patch(
    node: Node,
    annotations: dict[str, str | None],
    *,
    taints: Iterable[Taint] | None = None,
    labels: dict[str, str] | None = None,
) -> Patch:
    metadata: Patch = {"resourceVersion": node.metadata.resource_version, "annotations": annotations}
    if labels is not None:
        metadata["labels"] = labels
    patch: Patch = {"metadata": metadata}
    if taints is not None:
        patch["spec"] = {"taints": msgspec.to_builtins(list(taints))}
    return patch
