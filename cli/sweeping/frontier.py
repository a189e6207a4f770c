"""What each combination came to, and which of them nobody would choose: another is as good in all and better in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.sweeping.combinations import Combination
from simulator.outcome import Outcome

SHARE, WAIT, COST, MOVES, UNMET = (
    "unmet_requests_share",
    "hpc_wait_mean_s",
    "unmet_cost",
    "moves",
    "unmet_kubernetes_node_h",
)


@dataclass(frozen=True, slots=True)
class Swept:
    """One combination with its figures by key, and whether another one dominates it."""

    combination: Combination
    figures: Mapping[str, float]
    is_dominated: bool


def unmet_key(has_requests: bool) -> str:
    """What tells how well Kubernetes is served: the share of requests, or its node-hours where there are none."""
    return SHARE if has_requests else UNMET


def frontier(
    combinations: Sequence[Combination], outcomes: Mapping[str, Outcome], *, has_requests: bool
) -> list[Swept]:
    """Those that were replayed, the best served Kubernetes first.

    Less is better in all: what Kubernetes lacks, HPC's mean wait, moves, and the cost where all count with the same
    prices.
    """
    ran = [one for one in combinations if one.name in outcomes]
    prices = {one.policy.spec.pools[0].unmet_cost for one in ran}
    unmet = unmet_key(has_requests)
    keys = [unmet, WAIT, MOVES, *([COST] if len(prices) == 1 else [])]
    shown = dict.fromkeys([unmet, WAIT, COST, MOVES])
    found = [(one, {key: float(outcomes[one.name].figures.get(key, 0.0)) for key in shown}) for one in ran]
    aims = [tuple(figures[key] for key in keys) for _, figures in found]
    swept = [
        Swept(one, figures, any(_dominates(other, mine) for other in aims))
        for (one, figures), mine in zip(found, aims, strict=True)
    ]
    return sorted(swept, key=lambda one: (one.figures[unmet], one.figures[WAIT], one.figures[COST]))


def _dominates(other: tuple[float, ...], mine: tuple[float, ...]) -> bool:
    return other != mine and all(theirs <= ours for theirs, ours in zip(other, mine, strict=True))
