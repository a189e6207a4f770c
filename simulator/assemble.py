"""From traces to a workload: each input cut to its window and set on the common clock, that begins at 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.errors import BadInput
from simulator.machine import Workload
from simulator.traces.swf import SwfTrace, first_full_day_s
from simulator.work import Job, Pod, Requests

DAY_S = 86400
PEAK_SHARE = 0.6  # of the nodes, which the request rate's peak needs when nobody says what a node serves


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read. Any may be missing, not all."""

    hpc: SwfTrace | None = None
    requests: Requests | None = None
    pods: tuple[Pod, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that are there."""
        there = {"hpc": self.hpc is not None, "requests": self.requests is not None, "pods": bool(self.pods)}
        return tuple(name for name, is_there in there.items() if is_there)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the inputs: a start for each by name, in seconds of its own clock, and a length."""

    start_s: Mapping[str, int]
    span_s: int | None


@dataclass(frozen=True, slots=True)
class Assembled:
    """A workload and what was done to get it; ``before`` is that of the period of equal length before it, None where an
    input does not have it."""

    workload: Workload
    window: Window
    jobs_left_out: int
    notes: tuple[str, ...]
    before: Workload | None = None


def assemble(
    inputs: Inputs,
    *,
    nodes: int,
    procs_per_node: int = 1,
    rate_per_node: float | None = None,
    start_s: Mapping[str, int] | None = None,
    days: float | None = None,
    max_job_nodes: int | None = None,
) -> Assembled:
    """Cut and shift every input. Raises BadInput when nothing is left of one."""
    window = find_window(inputs, start_s or {}, days)
    jobs, left_out = _jobs(inputs, window, procs_per_node, max_job_nodes)
    steps = _rate_steps(inputs, window)
    per_node, notes = _rate_per_node(steps, rate_per_node, nodes)
    if left_out:
        notes.append(f"{left_out} jobs of more than {max_job_nodes} nodes were left out (--max-job-nodes)")
    workload = Workload(jobs, _gangs(inputs, window), steps, per_node)
    earlier = _window_before(inputs, window)
    before = None
    if earlier is not None:
        jobs, _ = _jobs(inputs, earlier, procs_per_node, max_job_nodes)
        before = Workload(jobs, _gangs(inputs, earlier), _rate_steps(inputs, earlier), per_node)
    return Assembled(workload, window, left_out, tuple(notes), before)


def _window_before(inputs: Inputs, window: Window) -> Window | None:
    """The window of equal length that ends where this one begins, if all inputs have all of it."""
    if window.span_s is None:
        return None
    start_s = {name: at_s - window.span_s for name, at_s in window.start_s.items()}
    if any(at_s < _extent(inputs, name)[0] for name, at_s in start_s.items()):
        return None
    return Window(start_s, window.span_s)


def find_window(inputs: Inputs, given_s: Mapping[str, int], days: float | None) -> Window:
    """Starts and span: inputs that are replayed together start at their own first full days, the shortest bounds the
    span.

    One that is replayed alone, or that has no full day, starts at its first record. Jobs alone run until the last has
    ended.
    """
    unknown = [name for name in given_s if name not in inputs.names]
    if unknown:
        raise BadInput(f"--start names {unknown[0]}, which is not among the inputs ({', '.join(inputs.names)})")
    start_s, left_s = {}, {}
    for name in inputs.names:
        first_s, last_s, midnight_s = _extent(inputs, name)
        together = len(inputs.names) > 1 and last_s - midnight_s >= DAY_S
        start_s[name] = given_s.get(name, midnight_s if together else first_s)
        left_s[name] = last_s - start_s[name]
        if left_s[name] < 0 or (left_s[name] == 0 and name == "requests"):
            raise BadInput(
                f"nothing of the {name} input is left after its start at {start_s[name] / DAY_S:g} days;"
                f" it ends at {last_s / DAY_S:g} days",
                remedy="choose an earlier --start",
            )
    span_s = min(left_s.values()) + (1 if inputs.names != ("requests",) else 0)
    if days is not None:
        return Window(start_s, min(round(days * DAY_S), span_s) if len(inputs.names) > 1 else round(days * DAY_S))
    return Window(start_s, None if inputs.names == ("hpc",) else span_s)


def windows_after(inputs: Inputs, first: Window, count: int) -> list[Window]:
    """The first window and those that follow it one after another, ``count`` at most: as many as all inputs have in
    full. The window must have an end."""
    span_s = first.span_s or 0
    found: list[Window] = []
    for number in range(count):
        start_s = {name: at_s + number * span_s for name, at_s in first.start_s.items()}
        if any(at_s + span_s > _extent(inputs, name)[1] + 1 for name, at_s in start_s.items()):
            break
        found.append(Window(start_s, span_s))
    return found


def _extent(inputs: Inputs, name: str) -> tuple[int, int, int]:
    """First and last second of an input, and its first midnight."""
    if name == "hpc" and inputs.hpc is not None:
        jobs, header = inputs.hpc.jobs, inputs.hpc.header
        first_s = jobs[0].submit_s
        return first_s, jobs[-1].submit_s, first_full_day_s(first_s, header.unix_start_s, header.utc_offset_s)
    if name == "requests" and inputs.requests is not None:
        first_s = int(inputs.requests.times_s[0])
        return first_s, inputs.requests.end_s, first_full_day_s(first_s)
    first_s = inputs.pods[0].create_s
    last_s = max(pod.create_s + (pod.run_s or 0) for pod in inputs.pods)
    return first_s, last_s, first_full_day_s(first_s)


def _jobs(inputs: Inputs, window: Window, procs_per_node: int, max_nodes: int | None) -> tuple[tuple[Job, ...], int]:
    if inputs.hpc is None:
        return (), 0
    start_s = window.start_s["hpc"]
    end_s = None if window.span_s is None else start_s + window.span_s
    within = [job for job in inputs.hpc.jobs if job.submit_s >= start_s and (end_s is None or job.submit_s < end_s)]
    kept = [job for job in within if max_nodes is None or -(-job.procs // procs_per_node) <= max_nodes]
    return tuple(_shifted(job, start_s) for job in kept), len(within) - len(kept)


def _shifted(job: Job, start_s: int) -> Job:
    """The job on the common clock. A trace may have a million of them, so it is made at once and not by replacing."""
    return Job(job.id, job.submit_s - start_s, job.run_s, job.limit_s, job.procs, job.user, job.kind)


def _gangs(inputs: Inputs, window: Window) -> tuple[tuple[Pod, ...], ...]:
    """Pods of the window by gang; one that was created before and still runs at its start is there from 0 on."""
    if not inputs.pods or window.span_s is None:
        return ()
    start_s = window.start_s["pods"]
    gangs: dict[str, list[Pod]] = {}
    for pod in inputs.pods:
        gone_s = max(0, start_s - pod.create_s)
        if pod.create_s >= start_s + window.span_s or (gone_s and pod.run_s is not None and pod.run_s <= gone_s):
            continue
        run_s = None if pod.run_s is None else pod.run_s - gone_s
        shifted = replace(pod, create_s=max(0, pod.create_s - start_s), run_s=run_s)
        gangs.setdefault(f"gang {pod.gang}" if pod.gang else f"pod {pod.id}", []).append(shifted)
    return tuple(tuple(pods) for pods in gangs.values())


def _rate_steps(inputs: Inputs, window: Window) -> tuple[tuple[int, float], ...]:
    """The rate from 0 on: the value in force at the start, then each change within the span, then nothing after its
    end."""
    if inputs.requests is None or window.span_s is None:
        return ()
    requests, start_s = inputs.requests, window.start_s["requests"]
    first = max(0, int(np.searchsorted(requests.times_s, start_s, side="right")) - 1)
    steps = [
        (max(0, int(at_s) - start_s), float(per_s))
        for at_s, per_s in zip(requests.times_s[first:], requests.per_s[first:], strict=True)
        if at_s < start_s + window.span_s
    ]
    return (*steps, (requests.end_s - start_s, 0.0)) if requests.end_s < start_s + window.span_s else tuple(steps)


def _rate_per_node(steps: tuple[tuple[int, float], ...], given: float | None, nodes: int) -> tuple[float, list[str]]:
    peak = max((per_s for _, per_s in steps), default=0.0)
    if given is not None or peak == 0.0:
        return given or 1.0, []
    needed = max(1, round(PEAK_SHARE * nodes))
    note = (
        f"no --rate-per-node: one node is taken to serve {peak / needed:.6g} requests/s,"
        f" so that the peak of {peak:.6g} requests/s needs {needed} nodes ({PEAK_SHARE:.0%})"
    )
    return peak / needed, [note]
