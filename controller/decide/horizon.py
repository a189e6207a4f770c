"""The exact rolling horizon: the cheapest path of splits, found backwards in time.

This is right-sizing with switching cost (Lin, Wierman, Andrew, Thereska, INFOCOM 2011) for two sides that share a
fixed pool.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cost_to_go(stage: NDArray[np.float64], switch: float) -> NDArray[np.float64]:
    """The least cost from step s on when Kubernetes has k nodes then; shape (steps + 1, nodes + 1).

    ``stage[s, k]`` is the cost of step s with k nodes, ``switch`` that of moving one node between two steps. Exact
    for any stage cost in O(nodes x steps): the best next k is found by two running minima, one from below and one
    from above.
    """
    steps, width = stage.shape
    value = np.zeros((steps + 1, width))
    ramp = switch * np.arange(width)
    for step in range(steps - 1, -1, -1):
        after = value[step + 1]
        from_below = np.minimum.accumulate(after - ramp) + ramp
        from_above = np.minimum.accumulate((after + ramp)[::-1])[::-1] - ramp
        value[step] = stage[step] + np.minimum(from_below, from_above)
    return value
