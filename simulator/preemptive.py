"""The pre-emptive ideal: a fixed scale that no policy reaches, since nothing here may be stopped and no node moves at
once.

Every node changes sides at once and at no cost. Kubernetes has what it wants, as far as there are nodes; jobs have the
rest in the order of their arrival, each as a whole where it fits, and are stopped and gone on with at no cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.figures import HOUR_S
from simulator.perfect import Ideal, kubernetes_pieces
from simulator.world import World


@dataclass(slots=True)
class _Running:
    """A job that has come: what it still has to run, in seconds."""

    nodes: int
    left_s: int


def preemptive_ideal(world: World) -> dict[str, float]:
    """Unmet node-hours of both sides and their weighted sum, measured as of any policy. The world has a known end."""
    if world.span_s is None:
        raise ValueError("the pre-emptive ideal is of a known span")
    machine, span_s = world.machine(), world.span_s
    pieces = kubernetes_pieces(world.workload, machine)
    changes_s = {begin_s for begin_s, _, _ in pieces} | {end_s for _, end_s, _ in pieces if end_s is not None}
    batches = [machine.hpc.batch(job) for job in world.workload.jobs]
    coming = [batch for batch in batches if machine.hpc.could_ever_fit(batch)]
    instants_s = {0, *changes_s, *(batch.job.submit_s for batch in coming)}
    events_s = [*sorted(at_s for at_s in instants_s if at_s < span_s), span_s]
    wanted = Ideal(pieces).at(np.array(events_s))
    jobs: list[_Running] = []
    come = 0
    unmet_hpc = unmet_kubernetes = 0.0
    for number, until_s in enumerate(events_s[1:]):
        now_s = events_s[number]
        while come < len(coming) and coming[come].job.submit_s <= now_s:
            jobs.append(_Running(coming[come].nodes, coming[come].run_s))
            come += 1
        unmet_kubernetes += max(0.0, wanted[number] - world.nodes) * (until_s - now_s)
        room = world.nodes - min(world.nodes, math.ceil(wanted[number] - 1e-9))
        while now_s < until_s:
            now_s, withheld = _step(jobs, room, world, now_s, until_s)
            unmet_hpc += withheld
    weights = world.weights
    return {
        "unmet_hpc_node_h": unmet_hpc / HOUR_S,
        "unmet_kubernetes_node_h": unmet_kubernetes / HOUR_S,
        "unmet_cost": (weights.hpc * unmet_hpc + weights.kubernetes * unmet_kubernetes) / HOUR_S,
    }


def _step(jobs: list[_Running], room: int, world: World, now_s: int, until_s: int) -> tuple[int, float]:
    """Let the jobs run with so many nodes until one ends, or until then: that instant, and the unmet node-seconds."""
    running, waiting = _fitting(jobs, room)
    used = sum(job.nodes for job in running)
    servable = [job for job in waiting if job.nodes <= world.hpc_nodes_max]
    missed = sum(job.nodes for job in _fitting(servable, world.nodes - used)[0])
    next_s = min([until_s, *(now_s + job.left_s for job in running)])
    for job in running:
        job.left_s -= next_s - now_s
    jobs[:] = [job for job in jobs if job.left_s > 0]
    return next_s, float(missed * (next_s - now_s))


def _fitting(jobs: list[_Running], room: int) -> tuple[list[_Running], list[_Running]]:
    """Those that fit into so many nodes, in their order and each as a whole, and the others."""
    fitting, others = [], []
    for job in jobs:
        if job.nodes <= room:
            room -= job.nodes
            fitting.append(job)
        else:
            others.append(job)
    return fitting, others
