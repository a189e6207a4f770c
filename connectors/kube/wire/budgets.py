"""PodDisruptionBudgets, as far as they are read: how many pods of a set may be missing at a time."""

from __future__ import annotations

import msgspec

from connectors.kube.wire.meta import EMPTY, Condition, Metadata
from connectors.kube.wire.pods import Expression


class LabelSelector(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Labels that a pod must have; one without any term chooses all of its namespace."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Expression, ...] | None = None


class BudgetSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The pods, and how many of them may be missing: a number, or a share such as ``25%``."""

    selector: LabelSelector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pod_eviction_policy: str | None = None


class BudgetStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What its controller counts; with ``observed_generation`` below the object's generation it is out of date."""

    observed_generation: int | None = None
    disruptions_allowed: int | None = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    expected_pods: int | None = None
    conditions: tuple[Condition, ...] | None = None


class PodDisruptionBudget(msgspec.Struct, frozen=True, gc=False):
    """A budget."""

    metadata: Metadata = EMPTY
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()
