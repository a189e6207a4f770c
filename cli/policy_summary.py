"""A policy in a line or two, for people, and what of it is not acted on everywhere."""

from __future__ import annotations

from models.durations import duration_text
from models.fields import nodes_of, share_text
from models.policies import Policy

NOT_YET = {
    "spec.pools[1] and further": "a replay has the first pool only; the service looks after all",
    "spec.pools[].hooks": "a replay calls no hook; the service does",
    "spec.pools[].signals": "a replay reads no Prometheus; the service does",
    "spec.pools[].past": "a replay reads no Prometheus; the service does",
}


def summary(policy: Policy) -> str:
    """What the policy does, on one line."""
    spec, moves = policy.spec, policy.spec.moves
    horizons = [duration_text(horizon) for horizon in spec.forecast.horizons]
    ahead = horizons[0] if len(horizons) == 1 else f"{horizons[0]} to {horizons[-1]}"
    more = f" and {len(spec.pools) - 1} more" if len(spec.pools) > 1 else ""
    at_most = spec.pools[0].kubernetes.unmet_at_most
    level = "" if at_most is None else f" with {share_text(at_most)} of Kubernetes' demand unmet at most"
    taken = moves.node_hours_per_day
    in_a_day = "" if taken is None else f", and takes at most {taken:g} node-hours from service in a day for it"
    return (
        f"{spec.mode}, pool {spec.pools[0].name}{level}{more}, forecasts {ahead} ahead, decides every"
        f" {duration_text(moves.every)}, moves at most {moves.at_once} at once and {moves.per_hour} an hour{in_a_day}"
    )


def split_of(policy: Policy, pool_nodes: int) -> str:
    """What the policy allows of its first pool, if that has ``pool_nodes``.

    Raises ValueError when the floors and ceilings leave no split.
    """
    pool, moves = policy.spec.pools[0], policy.spec.moves
    low, high = pool.bounds(pool_nodes)
    fixed = "; the split is fixed, so no node can move" if low == high else ""
    return (
        f"pool {pool.name} of {pool_nodes} nodes: HPC may have {pool_nodes - high} to {pool_nodes - low}, Kubernetes"
        f" {low} to {high}; at most {nodes_of(moves.at_once, pool_nodes)} in hand-over at once and"
        f" {nodes_of(moves.per_hour, pool_nodes)} moves an hour{fixed}"
    )


def not_acted_on(policy: Policy) -> list[str]:
    """The keys of ``NOT_YET`` that this policy uses."""
    spec = policy.spec
    used = {
        "spec.pools[1] and further": len(spec.pools) > 1,
        "spec.pools[].hooks": any(pool.hooks.before or pool.hooks.after for pool in spec.pools),
        "spec.pools[].signals": any(pool.signals for pool in spec.pools),
        "spec.pools[].past": any(pool.past is not None for pool in spec.pools),
    }
    return [key for key in NOT_YET if used[key]]
