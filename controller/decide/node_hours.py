"""The budget of node-hours that hand-overs may take from service in 24 hours, over all pools of a policy.

Half of it is shared out by the pools' numbers of nodes: of its part a pool is sure. The rest is for whoever asks first.
No pool begins a move that would let the sum over all pools of max(taken, sure) exceed the budget, unless it stays
within what it is sure of. So that sum, and with it all that is taken, keeps within the budget while the pools keep
their sizes; and no pool, and no takeover in one, can use up what another is sure of.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.snapshot import Taken


def node_seconds_left(node_hours: float, own: Taken, others: Sequence[Taken]) -> int:
    """What the moves of a pool may still take of a budget of ``node_hours``, in node-seconds.

    While a pool has not been seen yet, nobody knows who is sure of how much: that half is kept for then.
    """
    budget_s = int(node_hours * 3600)
    half_s, pools = budget_s // 2, (own, *others)
    sizes = [one.nodes for one in pools if one.nodes is not None]
    if len(sizes) < len(pools):
        return max(0, half_s - sum(one.node_s for one in pools))

    def sure_s(one: Taken) -> int:
        return half_s * (one.nodes or 0) // max(1, sum(sizes))

    held_s = sum(max(one.node_s, sure_s(one)) for one in others)
    return max(0, max(sure_s(own), budget_s - held_s) - own.node_s)
