"""The twin behind the ports: what the controller takes for a scheduler and a cluster."""

from __future__ import annotations

from collections.abc import Collection

from models.acts import Outcome
from models.demand import Demand
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.reading import Picture
from models.scheduler_facts import SchedulerFacts
from models.unserved import by_reason, too_large_jobs
from models.work import WaitingWork
from simulator.machine import Machine

WAITING_MAX = 1000  # entries of a queue that are handed on; what stands further behind decides nothing
HPC_FACTS = SchedulerFacts("the twin's HPC scheduler", settle_s=6, lands_s=30, write_longest_s=10.0)  # as Slurm's
KUBERNETES_FACTS = SchedulerFacts("the twin's Kubernetes", settle_s=0, lands_s=30, write_longest_s=10.0)


class TwinHpc:
    """The HPC scheduler of the twin, as the port ``HpcScheduler``.

    ``nodes_max`` is the most that the policy can ever give the HPC side: larger jobs are counted apart, as oversize.
    ``booted`` is the present run of the scheduler; ``offers`` is what a node registered with, by number, where it
    differs from the machine's shape.
    """

    def __init__(self, machine: Machine, nodes_max: int) -> None:
        self.facts = HPC_FACTS
        self.booted = "1"
        self.offers: dict[int, NodeShape] = {}
        self._machine = machine
        self._nodes_max = nodes_max
        self._number = {name: number for number, name in enumerate(machine.names)}
        self._shown: dict[str, HpcNode] = {}

    def refresh(self) -> dict[str, HpcNode]:
        """Every node as the scheduler shows it now; only what changed is drawn anew."""
        hpc = self._machine.hpc
        if hpc.changed:
            for node in hpc.changed:
                self._shown[self._machine.names[node]] = self._show(node)
            hpc.changed.clear()
        return self._shown

    def read(self) -> Picture[HpcNode]:
        """See the port."""
        now_s, nodes = self._machine.now_s, dict(self.refresh())
        records = self._machine.records(Side.HPC)
        return Picture(Side.HPC, now_s, now_s, nodes, records, self.demand(), self.waiting())

    def look(self, node: str) -> HpcNode | None:
        """See the port."""
        return self.refresh().get(node)

    def demand(self) -> Demand:
        """Busy nodes, and the nodes that waiting jobs ask for, oversize ones left out."""
        hpc = self._machine.hpc
        units = hpc.units_per_node
        waiting = sum(size * count for size, count in hpc.waiting_sizes.items() if size <= self._nodes_max * units)
        return Demand(Side.HPC, self._machine.now_s, float(hpc.busy_nodes), waiting / units)

    def waiting(self) -> WaitingWork:
        """Waiting jobs in the order of the queue, in nodes."""
        hpc = self._machine.hpc
        sizes = [batch.units / hpc.units_per_node for batch in hpc.queue]
        fitting = [size for size in sizes if size <= self._nodes_max]
        unserved = by_reason(too_large_jobs(size, self._nodes_max) for size in sizes if size > self._nodes_max)
        return WaitingWork(Side.HPC, tuple(fitting[:WAITING_MAX]), unserved)

    def drain(self, nodes: Collection[str], *, mark: str) -> dict[str, Outcome]:
        """See the port."""
        return {node: self._drain(node, mark) for node in nodes}

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """See the port."""
        number = self._number[node]
        present = self._machine.hpc.drained_by[number]
        if present == mark:
            self._machine.open_hpc(number)
        return Outcome.DONE if present in (None, mark) else Outcome.REFUSED

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        """See the port."""
        number = self._number[node]
        present = self._machine.hpc.booking[number]
        if present is not None and present[1] != mark:
            return Outcome.REFUSED
        self._machine.hpc.reserve(number, start_s, mark)
        return Outcome.DONE

    def release(self, node: str, *, mark: str) -> Outcome:
        """See the port."""
        number = self._number[node]
        present = self._machine.hpc.booking[number]
        if present is None:
            return Outcome.DONE
        if present[1] != mark:
            return Outcome.REFUSED
        self._machine.hpc.release(number)
        return Outcome.DONE

    def _drain(self, node: str, mark: str) -> Outcome:
        number = self._number[node]
        present = self._machine.hpc.drained_by[number]
        if present is None:
            self._machine.hpc.drain(number, mark)
        return Outcome.DONE if present in (None, mark) else Outcome.REFUSED

    def _show(self, node: int) -> HpcNode:
        hpc = self._machine.hpc
        jobs = hpc.jobs_on[node]
        return HpcNode(
            name=self._machine.names[node],
            kind=hpc.kind_of[node],
            drain_reason=hpc.drained_by[node],
            busy=bool(jobs),
            frees_at_s=max((batch.must_end_s for batch in jobs.values()), default=None),
            ready=not hpc.absent[node],
            booked_by=None if (booking := hpc.booking[node]) is None else booking[1],
            offers=self.offers.get(node, self._machine.kube.shape),
            booted=self.booted,
        )


class TwinKubernetes:
    """The Kubernetes of the twin, as the port ``Kubernetes``.

    ``offers`` is what a node registered with, by number, where it differs from the machine's shape; ``ready_since_s``
    is when it last became Ready, where that was not from the beginning.
    """

    def __init__(self, machine: Machine) -> None:
        self.facts = KUBERNETES_FACTS
        self.offers: dict[int, NodeShape] = {}
        self.ready_since_s: dict[int, int] = {}
        self.uids: dict[int, int] = {}
        self.pods_stay = False  # whether a disruption budget forbids every eviction
        self._machine = machine
        self._number = {name: number for number, name in enumerate(machine.names)}
        self._shown: dict[str, KubernetesNode] = {}
        self._version = 0
        self._records: dict[int, str] = {}

    def refresh(self) -> dict[str, KubernetesNode]:
        """Every node as the API server shows it now; only what changed is drawn anew, at a new version."""
        kube = self._machine.kube
        if kube.changed:
            for node in kube.changed:
                self._shown[self._machine.names[node]] = self._show(node)
            kube.changed.clear()
        return self._shown

    def read(self) -> Picture[KubernetesNode]:
        """See the port."""
        now_s, nodes = self._machine.now_s, dict(self.refresh())
        records = self._machine.records(Side.KUBERNETES)
        return Picture(Side.KUBERNETES, now_s, now_s, nodes, records, self.demand(), self.waiting())

    def look(self, node: str) -> KubernetesNode | None:
        """See the port."""
        return self.refresh().get(node)

    def demand(self) -> Demand:
        """Nodes on which pods run (a node can be lent only as a whole), and what pending pods and replicas ask for."""
        kube = self._machine.kube
        waiting = kube.missing_replicas + kube.pending_nodes()
        return Demand(Side.KUBERNETES, self._machine.now_s, float(kube.used_nodes), waiting)

    def waiting(self) -> WaitingWork:
        """Missing replicas, one node each, then pending pods and gangs in the order in which they were created; apart
        from them what came so far and could never start."""
        kube = self._machine.kube
        sizes = [1.0] * min(kube.missing_replicas, WAITING_MAX) + [group.nodes for group in kube.pending]
        return WaitingWork(Side.KUBERNETES, tuple(sizes[:WAITING_MAX]), kube.unserved)

    def note(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        number = self._at(node, version)
        return Outcome.REFUSED if number is None else self._write(number, record)

    def discourage(self, node: str, *, record: str, version: str) -> Outcome:
        """See the port."""
        number = self._at(node, version)
        if number is None:
            return Outcome.REFUSED
        self._machine.kube.set_discouraged(number, True)
        return self._write(number, record)

    def close(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        number = self._at(node, version)
        if number is None or self._machine.kube.closed_by[number] not in (None, mark):
            return Outcome.REFUSED
        self._machine.kube.set_closed(number, mark, fenced=self._machine.kube.fenced[number])
        return self._write(number, record)

    def fence(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        number = self._at(node, version)
        if number is None or self._machine.kube.closed_by[number] not in (None, mark):
            return Outcome.REFUSED
        self._machine.fence(number, mark)
        return self._write(number, record)

    def open(self, node: str, *, mark: str, record: str, version: str) -> Outcome:
        """See the port."""
        number = self._at(node, version)
        if number is None or self._machine.kube.closed_by[number] not in (None, mark):
            return Outcome.REFUSED
        if self._machine.kube.closed_by[number] is None:
            self._machine.kube.set_discouraged(number, False)
        else:
            self._machine.open_kubernetes(number)
        return self._write(number, record)

    def evict(self, node: str) -> Outcome:
        """See the port."""
        if self.pods_stay:
            return Outcome.REFUSED
        self._machine.evict(self._number[node])
        return Outcome.DONE

    def make_anew(self, node: int) -> None:
        """The node's object is deleted and made again: another uid, no record, nothing that was set on it."""
        self.uids[node] = self.uids.get(node, 0) + 1
        self._records.pop(node, None)
        self._machine.kube.set_cordoned(node, False)
        self._machine.kube.set_closed(node, None)
        self._machine.kube.set_discouraged(node, False)

    def scribble(self, node: int, record: str | None) -> None:
        """Somebody else writes a record on the node, or takes it away."""
        self._records.pop(node, None)
        if record is not None:
            self._records[node] = record
        self._machine.kube.changed.add(node)

    def _at(self, node: str, version: str) -> int | None:
        """The node's number if it is at the version still, else None."""
        shown = self.refresh().get(node)
        return self._number[node] if shown is not None and shown.version == version else None

    def _write(self, number: int, record: str) -> Outcome:
        self._records[number] = record
        self._machine.kube.changed.add(number)
        return Outcome.DONE

    def _show(self, node: int) -> KubernetesNode:
        kube, name = self._machine.kube, self._machine.names[node]
        self._version += 1
        return KubernetesNode(
            name=name,
            closed_by=kube.closed_by[node],
            discouraged=bool(kube.discouraged[node]),
            pods=int(kube.pods_on[node]),
            ready=not kube.absent[node],
            cordoned=kube.cordoned[node],
            ready_since_s=self.ready_since_s.get(node),
            offers=self.offers.get(node, kube.shape),
            version=str(self._version),
            uid=str(self.uids.get(node, 0)),
            record=self._records.get(node),
            fenced=kube.fenced[node],
        )
