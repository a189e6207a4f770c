"""Replaying one policy: the twin, a forecaster and the very controller that a service runs, on one clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from controller.controller import Controller
from controller.handover.carry_out import Ports
from controller.lease import Alone
from models.audit import AuditLog, Unaudited
from models.identity import PoolId
from models.nodes import Side
from models.observations import Observation
from models.ports import Forecaster, HpcScheduler, Kubernetes
from simulator.agenda import Kind
from simulator.figures import Moved, figures
from simulator.machine import Machine
from simulator.meter import Meter
from simulator.outcome import Outcome
from simulator.rows import Rows
from simulator.twin import TwinHpc, TwinKubernetes
from simulator.unserved import unserved_of
from simulator.world import Progress, World, quiet

SITE = "twin"  # what a site is called that is only replayed


class DataPath(Protocol):
    """What lies between the twin, a forecaster and the controller. Without one they call one another."""

    def forecaster(self, forecaster: Forecaster, hpc: HpcScheduler, kubernetes: Kubernetes) -> Forecaster:
        """The forecaster as the controller meets it at the end of the path, which begins at the two sides."""
        ...

    def audit(self, audit: AuditLog) -> AuditLog:
        """The audit, and on the path what it tells of."""
        ...


class Replay:
    """One run of one policy over the span of a world."""

    def __init__(
        self,
        world: World,
        name: str,
        forecaster_of: Callable[[Machine], Forecaster],
        audit: AuditLog | None = None,
        path: DataPath | None = None,
    ) -> None:
        self.world = world
        self.name = name
        self.machine = world.machine()
        self.machine.listening = True
        self.hpc = TwinHpc(self.machine, world.hpc_nodes_max)
        self.kubernetes = TwinKubernetes(self.machine)
        spec = world.policy.spec
        self.every_s = spec.moves.every
        self.span_s = _known_span(world)
        self.forecaster = forecaster_of(self.machine)
        if path is not None:
            self.forecaster = path.forecaster(self.forecaster, self.hpc, self.kubernetes)
            audit = path.audit(audit or Unaudited())
        ports = Ports(self.hpc, self.kubernetes, Alone())
        pool = spec.pools[0]
        self.controller = Controller(ports, PoolId(SITE, pool.name), pool, spec, lambda: self.machine.now_s, audit)
        self.meter = Meter(self.machine, world.hpc_nodes_max)
        self.rows = Rows()
        self.moved = Moved()
        self._timers = 0

    def run(self, progress: Progress = quiet) -> Outcome:
        """Replay the whole span and sum up."""
        machine, agenda, span_s = self.machine, self.machine.agenda, self.span_s
        machine.split(self.world.first_split)
        for number, at_s in enumerate(range(0, span_s, self.every_s)):
            agenda.add(at_s, Kind.TURN, number)
        while agenda and agenda.next_s <= span_s:
            self.meter.pass_until(agenda.next_s)
            machine.advance()
            self._control(progress)
            self.meter.read()
        self.meter.pass_until(span_s)
        for handover in self.controller.open_handovers:
            self.moved.count_open(handover, span_s)
        return Outcome(
            policy=self.name,
            figures=figures(machine, self.meter, self.moved, span_s, self.world.weights),
            timeline=self.rows.timeline(),
            bands=self.rows.shown_bands(),
            unserved=unserved_of(self.world),
        )

    def _control(self, progress: Progress) -> None:
        """Let the controller see what changed, and take its turn when it is due."""
        machine, now_s = self.machine, self.machine.now_s
        turn_due = now_s % self.every_s == 0 and now_s < self.span_s
        if not turn_due and not self.controller.open_handovers:
            return
        if turn_due:
            self._turn(now_s)
            progress(now_s / self.span_s)
        else:
            self.controller.tend()
        for handover in self.controller.finished:
            self.moved.count(handover, now_s)
        self.controller.finished.clear()
        due_s = self.controller.next_due_s()
        if due_s is not None:
            self._timers += 1
            machine.agenda.add(due_s, Kind.TIMER, self._timers)
        machine.schedule()

    def _turn(self, now_s: int) -> None:
        demand = {Side.HPC: self.hpc.demand(), Side.KUBERNETES: self.kubernetes.demand()}
        self.forecaster.observe(Observation(now_s, demand, self.machine.take_records()))
        forecasts = self.forecaster.forecast(now_s)
        self.controller.turn(forecasts)
        hpc, kube = self.machine.hpc, self.machine.kube
        owned = self.machine.size - hpc.closed_nodes, int(kube.open.sum())
        self.rows.note(now_s, demand, owned, self.machine.size, forecasts)


def _known_span(world: World) -> int:
    if world.span_s is None:
        raise ValueError("a controller is replayed over a known span; see simulator.compare.with_span")
    return world.span_s
