"""The meter: integrates over time what was used, what was unmet, and what a hand-over lost.

Everything it measures is constant between two instants of the agenda, so the integrals are exact.
"""

from __future__ import annotations

from controller.whatif.integral import Integral
from models.policies import Weights
from simulator.hpc import HpcCluster
from simulator.machine import Machine


class Meter:
    """Integrals in node-seconds (requests: in requests) from the first reading on."""

    def __init__(self, machine: Machine, hpc_nodes_max: int) -> None:
        self._machine = machine
        self._hpc_nodes_max = hpc_nodes_max
        self._since_s = 0
        self._hpc_version = (-1, -1)
        self._unmet_hpc_now = 0.0
        self._oversize_now = 0.0
        self._large_now = 0.0
        self._unmet_kubernetes = Integral()
        self._unserved = Integral()
        self._requests = Integral()
        self._used = Integral()
        self.unmet_hpc = 0.0
        self.oversize = 0.0
        self.large = 0.0  # waiting of jobs of more than half the machine

    @property
    def unmet_kubernetes(self) -> float:
        """Pods and replicas that wait; a sum by changes, as pods are parts of nodes: how often the meter is read must
        not be seen in its last digit."""
        return self._unmet_kubernetes.until(self._since_s)

    @property
    def used(self) -> float:
        """What jobs, replicas and pods held."""
        return self._used.until(self._since_s)

    @property
    def unserved_requests(self) -> float:
        """Requests beyond what the replicas serve."""
        return self._unserved.until(self._since_s)

    @property
    def requests(self) -> float:
        """All requests."""
        return self._requests.until(self._since_s)

    def pass_until(self, now_s: int) -> None:
        """Let time pass to ``now_s`` with everything as it was read last."""
        passed_s = now_s - self._since_s
        if passed_s <= 0:
            return
        self.unmet_hpc += self._unmet_hpc_now * passed_s
        self.oversize += self._oversize_now * passed_s
        self.large += self._large_now * passed_s
        self._since_s = now_s

    def cost(self, weights: Weights) -> float:
        """Unmet node-hours so far, weighted."""
        return (weights.hpc * self.unmet_hpc + weights.kubernetes * self.unmet_kubernetes) / 3600

    def oversize_jobs(self) -> int:
        """Jobs that came so far and that the machine could hold, but no split that the policy allows."""
        hpc, come = self._machine.hpc, self._machine.workload.jobs[: self._machine.counts.jobs_in]
        batches = [hpc.batch(job) for job in come]
        return sum(batch.nodes > self._hpc_nodes_max and hpc.could_ever_fit(batch) for batch in batches)

    def read(self) -> None:
        """Read the machine as it is now."""
        hpc, kube = self._machine.hpc, self._machine.kube
        version = (hpc.version, len(hpc.queue))
        if version != self._hpc_version:
            self._hpc_version = version
            self._unmet_hpc_now = usable_by_waiting(hpc, self._hpc_nodes_max)
            self._oversize_now = waiting_above(hpc, self._hpc_nodes_max)
            self._large_now = waiting_above(hpc, hpc.size / 2)
        now_s = self._since_s
        self._unmet_kubernetes.read(kube.missing_replicas + kube.pending_nodes(), now_s)
        served = len(kube.replicas) * self._machine.workload.rate_per_node
        self._unserved.read(max(0.0, self._machine.rate_per_s - served), now_s)
        self._requests.read(self._machine.rate_per_s, now_s)
        self._used.read(hpc.busy_nodes + len(kube.replicas) + kube.running_share, now_s)


def waiting_above(hpc: HpcCluster, nodes: float) -> float:
    """Nodes that waiting jobs of more than ``nodes`` nodes ask for."""
    units_most = nodes * hpc.units_per_node
    return sum(size * count for size, count in hpc.waiting_sizes.items() if size > units_most) / hpc.units_per_node


def usable_by_waiting(hpc: HpcCluster, nodes_max: int) -> float:
    """Nodes that waiting jobs could use if HPC had every node of the machine that it does not use.

    Greedy in the order of the queue, each job as a whole on nodes of its kind; jobs of more than ``nodes_max`` nodes,
    which the policy can never give, are left out.
    """
    if not hpc.queue:
        return 0.0
    smallest = min(hpc.waiting_sizes)
    if (hpc.size - hpc.busy_nodes) * hpc.units_per_node < smallest:
        return 0.0
    unused = {kind: hpc.of_kind[kind] for kind in hpc.kinds}
    if len(unused) == 1:
        unused[hpc.kinds[0]] -= hpc.busy_nodes
    else:
        for node, jobs in enumerate(hpc.jobs_on):
            unused[hpc.kind_of[node]] -= bool(jobs)
    cores = hpc.units_per_node
    left = {kind: count * cores for kind, count in unused.items()}
    room = total = sum(left.values())
    for batch in hpc.queue:
        if room < smallest:
            break
        kinds = hpc.eligible_kinds(batch)
        if batch.nodes > nodes_max or sum(left[kind] for kind in kinds) < batch.units:
            continue
        missing = batch.units
        for kind in kinds:
            taken = min(missing, left[kind])
            left[kind] -= taken
            missing -= taken
        room -= batch.units
    return (total - room) / cores
