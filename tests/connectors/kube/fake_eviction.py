"""What an API server says to an eviction, as pkg/registry/core/pod/storage/eviction.go does."""

from __future__ import annotations

import json
from typing import Any

from connectors.kube.access.api import Answer
from tests.connectors.kube.fake_store import Key, Object, Served, Store

RETRY_S = 10
NO_BUDGET = {"Pending", "Succeeded", "Failed"}  # such pods are deleted whatever a budget says


def evicted(store: Store, pods: Served, budgets: Served, key: Key, body: Object) -> Answer:
    """201 and the pod is gone; 429 for a budget that is spent, 500 for two budgets; a wrong uid is looked at last."""
    pod = store.get(pods, key)
    if pod is None:
        return _no(404, "NotFound", f'pods "{key[1]}" not found')
    if pod.get("status", {}).get("phase") not in NO_BUDGET and not pod["metadata"].get("deletionTimestamp"):
        over = [one for one in store.all(budgets, key[0]) if _covers(one, pod)]
        if len(over) > 1:
            return _no(500, "", "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
                       "not support.")  # fmt: skip
        if over and over[0].get("status", {}).get("disruptionsAllowed", 0) < 1:
            return _spent(over[0])
    wanted = ((body.get("deleteOptions") or {}).get("preconditions") or {}).get("uid")
    if wanted and wanted != pod["metadata"]["uid"]:
        return _no(409, "Conflict", f"Precondition failed: UID in precondition: {wanted}")
    if (body.get("deleteOptions") or {}).get("dryRun"):
        return _gone()
    for budget in store.all(budgets, key[0]):
        if _covers(budget, pod) and budget.get("status", {}).get("disruptionsAllowed", 0) > 0:
            left = budget["status"]["disruptionsAllowed"] - 1
            store.put(budgets, {**budget, "status": {**budget["status"], "disruptionsAllowed": left}})
    store.drop(pods, key)
    return _gone()


def _gone() -> Answer:
    return Answer(201, json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}).encode())


def _covers(budget: Object, pod: Object) -> bool:
    wanted = ((budget.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    labels: dict[str, Any] = pod["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in wanted.items())


def _spent(budget: Object) -> Answer:
    status, name = budget.get("status", {}), budget["metadata"]["name"]
    why = (
        f"The disruption budget {name} needs {status.get('desiredHealthy', 1)} healthy pods and has "
        f"{status.get('currentHealthy', 1)} currently"
    )
    details = {"causes": [{"reason": "DisruptionBudget", "message": why}], "retryAfterSeconds": RETRY_S}
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    body = {"kind": "Status", "status": "Failure", "message": message, "reason": "TooManyRequests", "code": 429}
    return Answer(429, json.dumps({**body, "details": details}).encode(), float(RETRY_S))


def _no(status: int, reason: str, message: str) -> Answer:
    told = {"kind": "Status", "status": "Failure", "message": message, "code": status}
    return Answer(status, json.dumps(told | ({"reason": reason} if reason else {})).encode())
