"""The figures of a comparison, computed once at the end of a replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.handovers import Handover, Stage
from models.policies import Weights
from simulator.ran import Measured, Ran

HOUR_S = 3600


@dataclass(slots=True)
class Moved:
    """What the hand-overs came to. A node is lost to both sides from when it is empty until it is open again."""

    done: int = 0
    cancelled: int = 0
    stuck: int = 0
    lost_s: int = 0

    def count(self, handover: Handover, now_s: int) -> None:
        """Take in a hand-over that ended at ``now_s``."""
        self.done += handover.stage is Stage.DONE
        self.cancelled += handover.stage is Stage.CANCELLED
        self.stuck += handover.stage is Stage.STUCK
        self.count_open(handover, now_s)

    def count_open(self, handover: Handover, now_s: int) -> None:
        """Take in what a hand-over that has not ended has lost so far."""
        if handover.emptied_s is not None:
            self.lost_s += now_s - handover.emptied_s


def figures(machine: Ran, meter: Measured, moved: Moved, span_s: int, weights: Weights) -> dict[str, float | int]:
    """All figures in their fixed order: times in seconds, amounts in node-hours, shares between 0 and 1.

    Waits are of jobs and pods that started within the span; those still queued are counted beside, but in
    ``hpc_wait_so_far_mean_s``, where they are in with their wait so far. Pods that no node can hold, or no split for a
    gang, are counted only where there are any.
    """
    counts, hpc = machine.counts, machine.hpc
    return {
        **_waits(machine, span_s),
        "hpc_jobs_in": counts.jobs_in,
        "hpc_jobs_finished": counts.jobs_finished,
        "hpc_jobs_running": len(hpc.running),
        "hpc_jobs_queued": len(hpc.queue),
        "hpc_jobs_refused": counts.jobs_refused,
        "unmet_hpc_node_h": meter.unmet_hpc / HOUR_S,
        "unmet_kubernetes_node_h": meter.unmet_kubernetes / HOUR_S,
        "unmet_cost": meter.cost(weights),
        "oversize_jobs": meter.oversize_jobs(),
        "oversize_wait_node_h": meter.oversize / HOUR_S,
        "large_jobs_wait_node_h": meter.large / HOUR_S,
        "pod_wait_mean_s": _mean(counts.pod_waits_s),
        "pod_wait_p95_s": _percentile(counts.pod_waits_s, 95),
        **_refused(machine),
        "unmet_requests_share": meter.unserved_requests / meter.requests if meter.requests else 0.0,
        "utilisation": meter.used / (machine.size * span_s) if span_s else 0.0,
        "moves": moved.done,
        "handover_lost_node_h": moved.lost_s / HOUR_S,
        "killed": counts.killed,
    }


def _waits(machine: Ran, span_s: int) -> dict[str, float | int]:
    counts = machine.counts
    so_far_s = [max(0, span_s - submit_s) for submit_s in machine.waiting_since_s()]
    return {
        "hpc_wait_mean_s": _mean(counts.waits_s),
        "hpc_wait_so_far_mean_s": _mean(counts.waits_s + so_far_s),
        "hpc_wait_median_s": _percentile(counts.waits_s, 50),
        "hpc_wait_p95_s": _percentile(counts.waits_s, 95),
        "hpc_bounded_slowdown_mean": _mean(counts.slowdowns),
    }


def _refused(machine: Ran) -> dict[str, float | int]:
    refused = machine.kube.unserved
    if not refused:
        return {}
    return {
        "pods_refused": sum(one.count for one in refused),
        "pods_refused_nodes": sum(one.nodes for one in refused),
    }


def _mean(values: list[int] | list[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _percentile(values: list[int], percent: int) -> float:
    """By linear interpolation between the two nearest ranks, as numpy's default."""
    return float(np.percentile(values, percent)) if values else 0.0
