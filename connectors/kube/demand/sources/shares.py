"""Requests that are told of several pods together, and what that leaves for each."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.kube.demand.need import Request
from connectors.kube.demand.requests import added, offered
from connectors.kube.wire.pods import Amounts


def less(together: Amounts | None, there: Iterable[Request]) -> Request:
    """What is left of what all ask for together without what is there. Raises ValueError for an amount that is none."""
    taken = added(there)
    left = {name: value - taken.get(name, 0) for name, value in offered(together).items()}
    return {name: value for name, value in left.items() if value > 0}


def shares(request: Request, pods: int) -> Request:
    """What each of so many pods asks for, rounded up; that there is a pod is no request."""
    return {name: -(-value // pods) for name, value in request.items() if name != "pods"}
