"""What a run on the flat twin came to, in the form that the figures are made from."""

from __future__ import annotations

from dataclasses import dataclass

from controller.whatif.batch_queue import BatchQueue
from models.policies import Weights
from models.unserved import Unserved
from simulator.ran import Counts


@dataclass(frozen=True, slots=True)
class FlatPods:
    """The pods that were turned away."""

    unserved: tuple[Unserved, ...] = ()


@dataclass(frozen=True, slots=True)
class FlatRan:
    """See ``Ran``."""

    now_s: int
    counts: Counts
    hpc: BatchQueue
    kube: FlatPods

    @property
    def size(self) -> int:
        """Nodes of the machine."""
        return self.hpc.size

    def waiting_since_s(self) -> list[int]:
        """When each job came that still waits."""
        return [self.hpc.jobs.submit_s[job] for job in self.hpc.queue]


@dataclass(frozen=True, slots=True)
class FlatMeasured:
    """See ``Measured``."""

    queue: BatchQueue
    jobs_in: int
    unmet_hpc: float = 0.0
    oversize: float = 0.0
    large: float = 0.0
    unmet_kubernetes: float = 0.0
    unserved_requests: float = 0.0
    requests: float = 0.0
    used: float = 0.0

    def cost(self, weights: Weights) -> float:
        """Unmet node-hours, weighted."""
        return (weights.hpc * self.unmet_hpc + weights.kubernetes * self.unmet_kubernetes) / 3600

    def oversize_jobs(self) -> int:
        """Jobs that came and that the machine could hold, but no split that the policy allows."""
        queue = self.queue
        return sum(queue.nodes_max < nodes <= queue.size for nodes in queue.jobs.nodes[: self.jobs_in])


def counts_of(queue: BatchQueue, jobs_in: int, pod_waits_s: list[int] | None = None) -> Counts:
    """What came of the jobs so far."""
    jobs = queue.jobs
    waits_s = [queue.start_s[job] - jobs.submit_s[job] for job in queue.started]
    runs_s = [jobs.run_s[job] for job in queue.started]
    return Counts(
        jobs_in=jobs_in,
        jobs_finished=queue.finished,
        jobs_refused=sum(nodes > queue.size for nodes in jobs.nodes[:jobs_in]),
        waits_s=waits_s,
        slowdowns=[max(1.0, (wait_s + run_s) / max(run_s, 10)) for wait_s, run_s in zip(waits_s, runs_s, strict=True)],
        pod_waits_s=pod_waits_s or [],
    )
