"""What must hold of nodes that go both ways, and every breach of it that was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tests.real.both.history import History
from tests.real.both.observer import Between, BothObserver
from tests.real.slurm.observer import WORKS


def breaches(observer: BothObserver, history: History) -> list[str]:
    """Nodes open to both sides, pods beside jobs, and jobs that did not end by themselves."""
    return [
        *observer.open_to_both(),
        *observer.given_while_busy(),
        *beside_jobs(observer.between, history.came_late()),
        *observer.ended_badly(),
    ]


def beside_jobs(between: Sequence[Between], late: Collection[str]) -> list[str]:
    """Pods that ran where a job did: in both looks around a sight of the job, but for the ``late`` ones, by uid.

    Kwok says of every bound pod that it runs. A real kubelet refuses one that is bound to a node that is fenced off.
    """
    return [
        f"{sight.ended_s:.1f} s: pod {pod.name} runs on {pod.node}, which is {'+'.join(sorted(flags))}"
        for before, sight, after in between
        for uid, pod in after.pods.items()
        if uid not in late and pod.runs and uid in before.pods and before.pods[uid].runs
        if pod.node in sight.nodes and WORKS & (flags := sight.nodes[pod.node].flags)
    ]


def fewest_ready(between: Sequence[Between], app: str) -> int:
    """The fewest pods with a label that were ready in any look, once there were as many as at their most."""
    counts = [sum(pod.ready and pod.app == app for pod in look.pods.values()) for _, _, look in between]
    return min(counts[counts.index(max(counts)) :])
