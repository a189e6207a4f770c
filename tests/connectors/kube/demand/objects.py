"""A cluster's objects from YAML as a server shows them, and what is told of them in a form that a table can hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from connectors.kube.demand.all_needs import Told, Words, all_needs
from connectors.kube.demand.listed import LISTED
from connectors.kube.demand.need import Need
from connectors.kube.resource import Described
from connectors.kube.wire.pods import Pod

NOW_S = 1_795_000_000  # 2026-11-18T11:06:40Z
NOW = "2026-11-18T11:06:40Z"


@dataclass
class Cluster:
    pods: Mapping[str, Pod] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Described]] = field(default_factory=dict)
    denied: Collection[str] = ()


def cluster(*texts: str, denied: Collection[str] = ()) -> Cluster:
    """The objects of these YAML documents."""
    return of((one for text in texts for one in yaml.safe_load_all(text) if one), denied)


def of(objects: Iterable[dict[str, Any]], denied: Collection[str] = ()) -> Cluster:
    """The objects as they are; what has no uid gets its name for one, what has no time the present."""
    pods: dict[str, Pod] = {}
    others: dict[str, dict[str, Described]] = {}
    for one in objects:
        meta = one["metadata"]
        meta.setdefault("uid", meta["name"])
        meta.setdefault("creationTimestamp", NOW)
        body = msgspec.json.encode(one)
        if one["kind"] == "Pod":
            pods[meta["uid"]] = msgspec.json.decode(body, type=Pod)
        else:
            row = row_of(one)
            others.setdefault(row.name, {})[meta["uid"]] = msgspec.json.decode(body, type=row.type)
    return Cluster(pods, others, denied)


def row_of(one: Mapping[str, Any]) -> Any:
    plurals = (f"{one['kind'].lower()}s", f"{one['kind'].lower()}es")
    return next(row for row in LISTED if row.group_version == one["apiVersion"] and row.plural in plurals)


def told(*texts: str, words: Words | None = None) -> Told:
    return all_needs(cluster(*texts), words or Words(), NOW_S)


def shown(need: Need) -> str:
    """A need in one line: id, pods by part, and what is not as usual."""
    parts = "+".join(str(part.count) for part in need.parts)
    marks = [
        *(["together"] if need.together else []),
        *([need.held.value] if need.held else []),
        *([f"in {need.begins_s - NOW_S} s"] if need.begins_s is not None else []),
    ]
    return " ".join([need.id, parts, *marks])


def lines(*texts: str, words: Words | None = None) -> list[str]:
    return sorted(shown(need) for need in told(*texts, words=words).needs)


def pod(name: str, owner: str = "", more: str = "", status: str = "{phase: Running}") -> str:
    """A pod of one cpu; ``owner`` is the uid of its controller, ``more`` further metadata in flow style."""
    references = f"[{{kind: X, name: x, uid: {owner}, controller: true}}]" if owner else "[]"
    extra = f", {more}" if more else ""
    return f"""
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: team, ownerReferences: {references}{extra}}}
spec: {{containers: [{{name: main, resources: {{requests: {{cpu: "1"}}}}}}]}}
status: {status}
"""


TEMPLATE = '{spec: {containers: [{name: main, resources: {requests: {cpu: "1"}}}]}}'


def owned(uid: str, kind: str = "Job") -> str:
    return f"ownerReferences: [{{apiVersion: v1, kind: {kind}, name: {uid}, uid: {uid}, controller: true}}]"
