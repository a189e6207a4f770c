"""Every implementation of a port that the suites try, by name: a line here is all that a new one needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.kube.lease import KubeLeaseStore
from models.acts import Outcome
from models.leadership import LeaseRecord
from models.nodes import NodeShape
from simulator.agenda import Kind
from simulator.faulty import FaultyHpc, FaultyKubernetes, FaultyLeaseStore, Line, Past, Trouble
from simulator.hpc import NodeKind
from simulator.lease_store import TwinLeaseStore
from simulator.machine import Machine, Workload
from simulator.twin import TwinHpc, TwinKubernetes
from simulator.work import Job, Pod
from tests.conformance.benches import FOREIGN, HpcBench, KubernetesBench, LeaseBench
from tests.connectors.kube.fake_api import FakeApi
from tests.connectors.kube.kube_bench import FakeKubernetesBench
from tests.controller import fleet

NODES = 4
SHAPE = NodeShape(cpu_milli=8000, memory_mib=64_000, gpu_milli=4000)


class Quiet:
    """A witness that only lets things happen."""

    def before(self, *_: object) -> None:
        """Nothing."""

    def after(self, *_: object) -> None:
        """Nothing."""

    def pass_time(self, seconds: int) -> None:
        """Nothing."""

    def later(self, seconds: int, effect: Callable[[], object]) -> None:
        """Nothing."""


class OnTheTwin:
    """A small machine on its own clock; both of its faces have a bench."""

    runs_work = True

    def __init__(self) -> None:
        self.machine = Machine(Workload(), [NodeKind("", NODES)], SHAPE)
        self.nodes = tuple(self.machine.names)
        self._count = 0
        self.machine.agenda.add(0, Kind.TIMER, 0)
        self.machine.advance()

    @property
    def now_s(self) -> int:
        return self.machine.now_s

    def number(self, node: str) -> int:
        return self.nodes.index(node)

    def fresh(self) -> int:
        self._count += 1
        return self._count

    def pass_time(self, seconds: int) -> None:
        until_s = self.machine.now_s + seconds
        self.machine.schedule()
        self.machine.agenda.add(until_s, Kind.TIMER, self.fresh())
        while self.machine.agenda and self.machine.agenda.next_s <= until_s:
            self.machine.advance()


class TwinHpcBench(OnTheTwin):
    """The twin's HPC scheduler."""

    def __init__(self, *, at_the_end_of_a_line: bool = False) -> None:
        super().__init__()
        twin = TwinHpc(self.machine, NODES)
        line = Line(Trouble(), Quiet())
        self.port = FaultyHpc(twin, self.machine, line, Past()) if at_the_end_of_a_line else twin

    def submit_job(self, *, limit_s: int, run_s: int | None = None) -> None:
        number = self.fresh()
        job = Job(number, self.now_s, limit_s if run_s is None else run_s, limit_s, 1)
        self.machine.agenda.add(self.now_s, Kind.JOB_SUBMIT, number, job)
        self.pass_time(0)

    def occupy(self, node: str, *, run_s: int) -> None:
        others = [other for other in range(NODES) if other != self.number(node) and self.machine.hpc.is_open(other)]
        for other in others:
            self.machine.hpc.set_absent(other, True)
        self.submit_job(limit_s=run_s)
        for other in others:
            self.machine.hpc.set_absent(other, False)
        assert self.machine.hpc.jobs_on[self.number(node)]

    def end_job(self, node: str) -> None:
        for batch in list(self.machine.hpc.jobs_on[self.number(node)].values()):
            self.machine.hpc.finish(batch)
            batch.killed = True
        self.pass_time(0)

    def foreign_drain(self, node: str) -> None:
        self.machine.hpc.drain(self.number(node), FOREIGN)

    def foreign_undrain(self, node: str) -> None:
        self.machine.hpc.undrain(self.number(node))

    def foreign_reserve(self, node: str, *, start_s: int) -> None:
        self.machine.hpc.reserve(self.number(node), start_s, FOREIGN)


class TwinKubernetesBench(OnTheTwin):
    """The twin's Kubernetes, all of whose nodes it owns."""

    def __init__(self, *, at_the_end_of_a_line: bool = False) -> None:
        super().__init__()
        self.machine.split(NODES)
        self.twin = TwinKubernetes(self.machine)
        line = Line(Trouble(), Quiet())
        self.port = FaultyKubernetes(self.twin, self.machine, line, Past()) if at_the_end_of_a_line else self.twin

    def submit_pod(self) -> None:
        number = self.fresh()
        pod = Pod(f"pod{number}", self.now_s, None, SHAPE.cpu_milli, 1000, 0)
        self.machine.agenda.add(self.now_s, Kind.POD_CREATE, number, (pod,))
        self.pass_time(0)

    def bind_pod(self, node: str) -> None:
        kube, number = self.machine.kube, self.number(node)
        others = [other for other in range(NODES) if other != number and kube.open[other]]
        for other in others:
            kube.set_absent(other, True)
        self.submit_pod()
        for other in others:
            kube.set_absent(other, False)
        assert kube.pods_on[number]

    def bind_late(self, node: str) -> None:
        number = self.number(node)
        self.machine.bind_late(number, Pod("late", self.now_s, None, *self.machine.kube.full), -number)

    def end_pods(self, node: str) -> None:
        kube = self.machine.kube
        for group in [group for group in kube.running if self.number(node) in group.placed]:
            kube.end(group)
        self.pass_time(0)

    def forbid_eviction(self, forbidden: bool) -> None:
        self.twin.pods_stay = forbidden

    def foreign_close(self, node: str) -> None:
        self.machine.kube.set_closed(self.number(node), FOREIGN)

    def foreign_open(self, node: str) -> None:
        self.machine.kube.set_closed(self.number(node), None)

    def cordon(self, node: str) -> None:
        self.machine.kube.set_cordoned(self.number(node), True)

    def make_anew(self, node: str) -> None:
        self.twin.make_anew(self.number(node))


class FleetBench:
    """The fake of the controller's own tests: nothing runs on it but what is put there by hand."""

    runs_work = False

    def __init__(self) -> None:
        self.fleet = fleet.Fleet(**{f"n{number}": fleet.Machine() for number in range(1, NODES + 1)})
        self.nodes = tuple(self.fleet.machines)

    @property
    def now_s(self) -> int:
        return self.fleet.clock.now_s

    def pass_time(self, seconds: int) -> None:
        self.fleet.clock.now_s += seconds


class FleetHpcBench(FleetBench):
    """Its HPC side."""

    def __init__(self) -> None:
        super().__init__()
        self.port = self.fleet.hpc

    def submit_job(self, *, limit_s: int, run_s: int | None = None) -> None:
        raise NotImplementedError("nothing starts by itself here: the suite looks at runs_work first")

    def occupy(self, node: str, *, run_s: int) -> None:
        machine = self.fleet.machines[node]
        machine.busy, machine.frees_at_s = True, self.now_s + run_s

    def end_job(self, node: str) -> None:
        machine = self.fleet.machines[node]
        machine.busy, machine.frees_at_s = False, None

    def foreign_drain(self, node: str) -> None:
        self.fleet.machines[node].drain = FOREIGN

    def foreign_undrain(self, node: str) -> None:
        self.fleet.machines[node].drain = None

    def foreign_reserve(self, node: str, *, start_s: int) -> None:
        self.fleet.machines[node].booked = FOREIGN


class FleetKubernetesBench(FleetBench):
    """Its Kubernetes."""

    def __init__(self) -> None:
        super().__init__()
        self.port = self.fleet.kubernetes

    def submit_pod(self) -> None:
        raise NotImplementedError("nothing starts by itself here: the suite looks at runs_work first")

    def bind_pod(self, node: str) -> None:
        self.fleet.machines[node].pods += 1

    def bind_late(self, node: str) -> None:
        self.fleet.machines[node].pods += not self.fleet.machines[node].fenced

    def end_pods(self, node: str) -> None:
        self.fleet.machines[node].pods = 0

    def forbid_eviction(self, forbidden: bool) -> None:
        self.fleet.kubernetes.pods_stay = forbidden

    def foreign_close(self, node: str) -> None:
        self.fleet.machines[node].closed = FOREIGN

    def foreign_open(self, node: str) -> None:
        self.fleet.machines[node].closed = None

    def cordon(self, node: str) -> None:
        self.fleet.machines[node].cordoned = True

    def make_anew(self, node: str) -> None:
        machine = self.fleet.machines[node]
        machine.uid += "'"
        machine.record, machine.closed, machine.discouraged, machine.cordoned = None, None, False, False


class TwinLeaseBench:
    """The twin's lease, in memory."""

    def __init__(self, *, at_the_end_of_a_line: bool = False) -> None:
        self.store = TwinLeaseStore()
        self.port = FaultyLeaseStore(self.store) if at_the_end_of_a_line else self.store

    def edit(self, lease: LeaseRecord | None) -> None:
        if lease is None:
            self.store.lease = None
        else:
            version = "" if self.store.lease is None else self.store.lease.version
            assert self.store.write(replace(lease, version=version)) is Outcome.DONE


class KubeLeaseBench:
    """A Lease of Kubernetes, on an API server in the process."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.port = KubeLeaseStore(self.api, "tidegate", "campus", clock=lambda: 0.0)

    def edit(self, lease: LeaseRecord | None) -> None:
        if lease is None:
            self.api.drop("leases", "campus", "tidegate")
        else:
            found = self.port.read()
            version = "" if found is None else found.version
            assert self.port.write(replace(lease, version=version)) is Outcome.DONE


HPC: dict[str, Callable[[], HpcBench]] = {
    "the twin": TwinHpcBench,
    "the twin at the end of a line": lambda: TwinHpcBench(at_the_end_of_a_line=True),
    "the fake of the controller's tests": FleetHpcBench,
}
KUBERNETES: dict[str, Callable[[], KubernetesBench]] = {
    "the twin": TwinKubernetesBench,
    "the twin at the end of a line": lambda: TwinKubernetesBench(at_the_end_of_a_line=True),
    "the fake of the controller's tests": FleetKubernetesBench,
    "the connector, on a fake API server": FakeKubernetesBench,
}
LEASES: dict[str, Callable[[], LeaseBench]] = {
    "in memory": TwinLeaseBench,
    "in memory, at the end of a line": lambda: TwinLeaseBench(at_the_end_of_a_line=True),
    "a Lease of Kubernetes": KubeLeaseBench,
}
