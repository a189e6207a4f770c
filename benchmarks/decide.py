"""How long one decision takes for a pool of 1,000 and of 10,000 nodes, in one thread.

Half of the nodes are HPC's, nine of ten of them busy; the other half are Kubernetes', nine of ten with pods that may be
evicted. Work waits on both sides, and each has a forecast of five quantiles at four horizons.
"""

from __future__ import annotations

import platform
import statistics
import time
from random import Random

from controller.decide.decide import decide
from models.demand import Demand
from models.forecasts import Forecast, Source
from models.handovers import Direction
from models.nodes import HpcNode, KubernetesNode, Node, Side
from models.plans import Plan
from models.policies import Evict, MovesPolicy, PoolPolicy
from models.snapshot import LeadTime, SideView, Snapshot
from models.work import WaitingWork

NOW_S = 1_000_000
BARS_MS = {1_000: 20.0, 10_000: 200.0}
TIMES = 15
MARK = "tidegate:bench"
HORIZONS_S = (900, 1800, 3600, 7200)
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
MOVES = MovesPolicy(evict=Evict.PODS)
POOL = PoolPolicy(name="bench")


def nodes_of(count: int, dice: Random) -> tuple[Node, ...]:
    """The nodes of the pool, the first half HPC's."""
    made = []
    for number in range(count):
        name = f"n{number:05d}"
        works = dice.random() < 0.9
        if number < count // 2:
            frees_at_s = NOW_S + dice.randrange(60, 86_400) if works else None
            hpc, kubernetes = HpcNode(name, "", None, works, frees_at_s), KubernetesNode(name, MARK, False, 0)
        else:
            hpc, kubernetes = HpcNode(name, "", MARK, False, None), KubernetesNode(name, None, False, int(works))
        made.append(Node(name, hpc, kubernetes))
    return tuple(made)


def view_of(side: Side, nodes: int, dice: Random) -> SideView:
    """Nine of ten of the side's nodes work, a tenth of the pool waits, and Kubernetes' demand will double."""
    sizes = tuple(float(dice.choice((1, 1, 2, 4, 8, 16))) for _ in range(nodes // 50))
    demand = Demand(side, NOW_S, 0.9 * nodes, sum(sizes))
    rises = 1.0 if side is Side.KUBERNETES else 0.1
    values = tuple(
        tuple(demand.nodes * (1 + rises * horizon_s / HORIZONS_S[-1]) + nodes * 0.2 * (level - 0.5) for level in LEVELS)
        for horizon_s in HORIZONS_S
    )
    forecast = Forecast(side, NOW_S, demand.nodes, HORIZONS_S, LEVELS, values, Source.MODEL)
    return SideView(demand, WaitingWork(side, sizes), forecast)


def snapshot_of(count: int, seed: int) -> Snapshot:
    """A pool of ``count`` nodes."""
    dice = Random(seed)  # noqa: S311 - a benchmark's dice
    return Snapshot(
        now_s=NOW_S,
        nodes=nodes_of(count, dice),
        sides={side: view_of(side, count // 2, dice) for side in Side},
        lead={direction: LeadTime(600, 900) for direction in Direction},
        open_handovers=(),
        moved_s={},
        recent_moves_s=(),
    )


def measured(count: int) -> tuple[list[float], Plan]:
    """Milliseconds of each decision, and the last plan."""
    took_ms = []
    for seed in range(TIMES + 1):
        snapshot = snapshot_of(count, seed)
        began_s = time.perf_counter()
        plan = decide(snapshot, POOL, MOVES)
        took_ms.append((time.perf_counter() - began_s) * 1000)
    return took_ms[1:], plan


def main() -> None:
    """Print both figures beside their bars, which are told and not enforced."""
    print(f"Python {platform.python_version()}")
    for count, bar_ms in BARS_MS.items():
        took_ms, plan = measured(count)
        print(
            f"{count} nodes: median {statistics.median(took_ms):.1f} ms, longest {max(took_ms):.1f} ms (the bar is"
            f" {bar_ms:.0f} ms); the last moves {len(plan.moves)}"
        )


if __name__ == "__main__":
    main()
