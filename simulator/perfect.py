"""The perfect forecast: the trace's own future. Only a replay can have it; the decision made with it is close to the
best, but no bound, see ``simulator/oracle.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from models.demand import Demand
from models.forecasts import Forecast, Source, of_arrays
from models.nodes import Side
from models.observations import Observation
from simulator.machine import Machine, Workload
from simulator.unserved import unserved_job


class Ideal:
    """Demand of one kind of work over time if every piece of it ran from the moment it came: a step function."""

    def __init__(self, pieces: Sequence[tuple[int, int | None, float]]) -> None:
        changes = [(begin_s, nodes) for begin_s, _, nodes in pieces]
        changes += [(end_s, -nodes) for _, end_s, nodes in pieces if end_s is not None]
        changes.sort()
        self._times_s = np.array([at_s for at_s, _ in changes], dtype=np.int64)
        self._nodes = np.concatenate(([0.0], np.cumsum([nodes for _, nodes in changes])))

    def at(self, times_s: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Nodes at each of ``times_s``."""
        return np.asarray(self._nodes[np.searchsorted(self._times_s, times_s, side="right")])


class Present(Protocol):
    """What a perfect forecast has to know of the twin's present."""

    @property
    def jobs_in(self) -> int:
        """How many jobs of the workload have come."""
        ...

    def job_ends(self) -> list[tuple[int, int]]:
        """When each running job will end, and its nodes."""
        ...


class PerfectForecaster:
    """Knows the workload's future; how the queue will be served it takes as ideal (every job runs when it comes).

    Demand at t + h = demand now + what will come and not have ended by then - what runs now and will have ended;
    what waits now is taken to be still there. What can never run, since it is larger than ``hpc_nodes_max`` nodes or
    for the like, is no demand and does not come. ``machine`` is a twin of the workload's world at any time of its run,
    ``present`` the one that runs, the same unless it is given.
    """

    def __init__(
        self,
        workload: Workload,
        machine: Machine,
        horizons_s: tuple[int, ...],
        hpc_nodes_max: int,
        present: Present | None = None,
    ) -> None:
        self._present: Present = machine if present is None else present
        self._horizons_s = np.array(horizons_s, dtype=np.int64)
        self._demand: Mapping[Side, Demand] = {}
        self._kubernetes = Ideal(kubernetes_pieces(workload, machine))
        batches = [machine.hpc.batch(job) for job in workload.jobs]
        served = [unserved_job(machine.hpc, batch, hpc_nodes_max) is None for batch in batches]
        self._submit_s = np.array([job.submit_s for job in workload.jobs], dtype=np.int64)
        self._end_s = self._submit_s + np.array([batch.run_s for batch in batches], dtype=np.int64)
        self._nodes = np.array([batch.nodes for batch in batches], dtype=np.int64) * np.array(served, dtype=bool)

    def observe(self, observation: Observation) -> None:
        """Take in the demand now; the future it knows already."""
        self._demand = observation.demand

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        """The demand that will be, without any spread."""
        return self.seen_from(now_s, self._demand, self._present)

    def seen_from(self, now_s: int, demand: Mapping[Side, Demand], present: Present) -> Mapping[Side, Forecast]:
        """The same, seen from any present of the workload."""
        at_s = now_s + self._horizons_s
        now = np.array([now_s])
        kubernetes = self._kubernetes.at(at_s) - self._kubernetes.at(now)
        return {
            Side.KUBERNETES: self._made(demand[Side.KUBERNETES], now_s, kubernetes),
            Side.HPC: self._made(demand[Side.HPC], now_s, self._hpc_change(now_s, present)),
        }

    def _hpc_change(self, now_s: int, present: Present) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Ends of what runs now, and what will have been submitted and not have ended even if it ran at once."""
        at_s = now_s + self._horizons_s
        running = np.array(present.job_ends(), dtype=np.int64).reshape(-1, 2)
        first = present.jobs_in
        last = first + int(np.searchsorted(self._submit_s[first:], at_s[-1], side="right"))
        nodes = self._nodes[first:last]
        come = _sum_by(self._submit_s[first:last], nodes, at_s) - _sum_by(self._end_s[first:last], nodes, at_s)
        return np.asarray(come - _sum_by(running[:, 0], running[:, 1], at_s), dtype=np.float64)

    def _made(self, demand: Demand, now_s: int, change: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Forecast:
        now = demand.nodes
        values = np.maximum(0.0, now + change)[:, None]
        return of_arrays(demand.side, now_s, now, self._horizons_s, np.array([0.5]), values, Source.PERFECT)


def _sum_by(
    times_s: np.ndarray[tuple[int], np.dtype[np.int64]],
    nodes: np.ndarray[tuple[int], np.dtype[np.int64]],
    at_s: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The nodes whose time has come by each of ``at_s``, together."""
    return np.asarray((times_s <= at_s[:, None]) @ nodes)


def kubernetes_pieces(workload: Workload, machine: Machine) -> list[tuple[int, int | None, float]]:
    """Kubernetes' work as (begin, end, nodes) if all of it ran from the moment it came; a rate is its changes."""
    pieces: list[tuple[int, int | None, float]] = []
    before = 0
    for at_s, per_s in workload.rate_steps:
        replicas = workload.replicas_for(per_s)
        pieces.append((at_s, None, float(replicas - before)))
        before = replicas
    for number, pods in enumerate(workload.gangs):
        group = machine.kube.group(number, pods)
        if not machine.kube.could_ever_fit(group):
            continue
        run_s = group.run_s
        pieces.append((group.create_s, None if run_s is None else group.create_s + run_s, group.nodes))
    return pieces
