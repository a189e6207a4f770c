"""A Kubernetes to be looked over, in the process, of which nothing bad can be said, and what a checkup finds there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from connectors.kube.access.api import SOME_S, Answer
from connectors.kube.checkup import allowed, reaching
from connectors.kube.checkup.checkup import KubeCheckup
from connectors.kube.settings import KubernetesSettings
from models.findings import Finding, Level
from models.nodes import NodeShape
from models.policies import Policy
from tests.connectors.kube.fake_api import SERVED, Asked, FakeApi, said
from tests.connectors.kube.fake_store import Object, Served
from tests.connectors.kube.objects import node

NOW_S = 1_800_000_000.0
MORE = (
    Served("/api/v1", "configmaps", "ConfigMap"),
    Served("/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    Served("/apis/scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", namespaced=False),
)
KUEUE = (
    Served("/apis/kueue.x-k8s.io/v1beta2", "clusterqueues", "ClusterQueue", namespaced=False),
    Served("/apis/kueue.x-k8s.io/v1beta2", "resourceflavors", "ResourceFlavor", namespaced=False),
)
DEVICES = (
    Served("/apis/resource.k8s.io/v1", "resourceslices", "ResourceSlice", namespaced=False),
    Served("/apis/resource.k8s.io/v1", "deviceclasses", "DeviceClass", namespaced=False),
)
SHAPE = NodeShape(8000, 64000, 4000)
DANGEROUS = {"secrets", "*", "clusterroles"}
May = Callable[[Mapping[str, str]], bool]


def least(asked: Mapping[str, str]) -> bool:
    """Whether somebody with the least rights of mode auto may."""
    if asked["resource"] in DANGEROUS or asked["verb"] == "delete":
        return False
    return asked["subresource"] in ("", "eviction")


class Looked(FakeApi):
    """An API server that says who asks and what he may, and whose clock is that of the test."""

    def __init__(self, *more: Served) -> None:
        super().__init__((*SERVED, *MORE, *more))
        self.may: May = least
        self.user: Object = {"username": "system:serviceaccount:tidegate:tidegate", "groups": []}
        self.off_s: float | None = 0.0

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout_s: float = SOME_S,
    ) -> Answer:
        wrong = any(rule.where(Asked(method, path)) for rule in self.rules)
        if path == allowed.REVIEWS and isinstance(body, dict) and not wrong:
            asked = body["spec"]["resourceAttributes"]
            return said(201, {"kind": "SelfSubjectAccessReview", "status": {"allowed": self.may(asked)}})
        if path == reaching.REVIEW and not wrong:
            return said(201, {"kind": "SelfSubjectReview", "status": {"userInfo": self.user}})
        answer = super().ask(method, path, query=query, body=body, content_type=content_type, timeout_s=timeout_s)
        date = "" if self.off_s is None else formatdate(int(NOW_S + self.off_s), usegmt=True)
        return replace(answer, date=date)


def healthy(*more: Served, names: Iterable[str] = ("n1", "n2", "n3")) -> Looked:
    """Three nodes, and nothing else."""
    api = Looked(*more)
    for name in names:
        api.put("nodes", node(name))
    return api


def policy(mode: str = "auto", *, moves: Mapping[str, Any] | None = None, **pool: Any) -> Policy:
    """One pool, gpu, of n1 to n3; ``pool`` is what the document says of it besides."""
    its = {"name": "gpu", "nodes": "n[1-3]", **pool}
    return Policy.model_validate({"spec": {"mode": mode, "pools": [its], "moves": dict(moves or {})}})


def look(
    api: FakeApi, its: Policy | None = None, *, hpc: Mapping[str, NodeShape | None] | None = None, **more: Any
) -> list[Finding]:
    """All that a checkup finds."""
    shapes = {f"n{number}": SHAPE for number in (1, 2, 3)} if hpc is None else hpc
    settings = KubernetesSettings()
    checkup = KubeCheckup(
        settings, its or policy(), "campus", lambda: NOW_S, lambda: shapes, open=lambda _: api, **more
    )
    return list(checkup.findings())


def bad(found: Iterable[Finding], check: str = "") -> list[Finding]:
    """What is not well, of one check or of all."""
    levels = (Level.WARNING, Level.ERROR)
    return [one for one in found if one.level in levels and check in ("", one.check)]


def only(found: Iterable[Finding], check: str) -> Finding:
    """The one thing that is not well, and it is of this check."""
    (one,) = bad(found)
    assert one.check == check, one
    return one


def text(finding: Finding) -> str:
    """All of it."""
    return json.dumps([finding.what, finding.remedy, *finding.commands], ensure_ascii=False).replace('\\"', '"')
