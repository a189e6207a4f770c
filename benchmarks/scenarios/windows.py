"""The windows: which recorded work meets which machine, each by a name that says it.

* ``kth100-small-20``: jobs of KTH's SP2 of at most 30 nodes from day 100 on and the request rate ``servegen_m_small``
  from its beginning on, on 100 nodes for 10 days, the peak of the rate at 60 nodes, with a median hand-over of 20
  minutes. ``kth200-mid-20-14`` lasts 14 days; with ``-full`` at its end the jobs are of up to 100 nodes.
* ``openb118-kth118-20``: such jobs, and for Kubernetes the pods of Alibaba's openb from day 118 on.
* ``demo2``: the week of ``tidegate demo`` made with the seed 2.

The period before a window is as long and ends where it begins. A rate of 14 days is taken to repeat, so what was before
its beginning is its end; before a demo was the week with the seed 1000 higher.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from cli.demo import HANDOVER_S as DEMO_HANDOVER_S
from cli.demo import NODES as DEMO_NODES
from cli.demo import demo_workload
from cli.replaying.parse import DEFAULT_SHAPE, node_shape
from models.errors import BadInput
from models.policies import Policy, Weights, policy_of_replays
from simulator.assemble import DAY_S, Inputs, assemble
from simulator.hpc import NodeKind
from simulator.machine import Workload
from simulator.traces.jobs import read_jobs
from simulator.traces.pods import read_pods
from simulator.traces.rates import read_rates
from simulator.traces.swf import SwfTrace
from simulator.work import Pod, Requests
from simulator.world import World

NODES, SMALL_JOBS, DAYS = 100, 30, 10
JOBS, PODS = "kth_sp2.swf.gz", "openb_pods_2023.csv.gz"
EARLIER_SEED = 1000
_KTH = re.compile(r"kth(?P<day>\d+)-(?P<rate>small|mid)-(?P<handover>\d+)(-(?P<days>\d+))?(?P<full>-full)?")
_OPENB = re.compile(r"openb(?P<pods>\d+)-kth(?P<day>\d+)-(?P<handover>\d+)(-(?P<days>\d+))?(?P<full>-full)?")
_DEMO = re.compile(r"demo(?P<seed>\d+)")

DEMOS = ("demo1", "demo2", "demo3", "demo4")
FULL_KTH = ("kth100-small-20-full", "kth180-small-20-full", "kth200-small-20-full", "kth300-small-20-full")
OPENB = ("openb118-kth118-20",)
STUDIED = (
    *DEMOS,
    *("kth100-mid-5", "kth100-small-20", "kth100-small-5", "kth120-mid-20", "kth140-small-20", "kth200-mid-20"),
    *("kth200-mid-20-14", "kth200-mid-5", "kth200-small-20", "kth200-small-5", "kth230-mid-20", "kth250-small-20"),
    *("kth270-mid-20", "kth300-mid-20", "kth300-mid-5", "kth300-small-20", "kth300-small-5", "kth60-small-20"),
    "kth80-mid-20",
)
FULL = (*STUDIED, *FULL_KTH, *OPENB)
QUICK = (
    *("demo1", "kth80-mid-20", "kth100-small-20", "kth140-small-20"),
    *("kth200-mid-5", "kth200-small-20", "kth300-mid-20", "kth200-small-20-full"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """A window by its name: its work and the work of the period before, on one machine."""

    name: str
    workload: Workload
    before: Workload
    nodes: int
    span_s: int
    handover_s: int

    def world(self, weight: float, seed: int = 0, first: int | None = None) -> World:
        """The window with a price of Kubernetes' unmet demand, dice, and what Kubernetes has at the beginning."""
        return World(
            workload=self.workload,
            kinds=(NodeKind("", self.nodes),),
            shape=node_shape(DEFAULT_SHAPE),
            policy=policy_at(weight),
            span_s=self.span_s,
            handover_s=self.handover_s,
            seed=seed,
            kubernetes_nodes_first=first,
        )

    def world_before(self, weight: float) -> World:
        """The period of equal length before it."""
        return replace(self.world(weight), workload=self.before)


def policy_at(weight: float) -> Policy:
    """The policy of a replay, with Kubernetes' unmet demand so many times as dear as HPC's."""
    policy = policy_of_replays()
    pool = policy.spec.pools[0].model_copy(update={"unmet_cost": Weights(kubernetes=weight)})
    return policy.model_copy(update={"spec": policy.spec.model_copy(update={"pools": (pool,)})})


def window(name: str, traces: Path) -> Window:
    """The window of that name. Raises BadInput for a name that is none, and for a trace that is missing."""
    if found := _DEMO.fullmatch(name):
        return _demo(name, int(found["seed"]))
    if found := _KTH.fullmatch(name):
        rates = _rates(_trace(traces, f"servegen_m_{found['rate']}_10min.csv.gz"))
        return _kth(name, found.groupdict(), traces, rates, ())
    if found := _OPENB.fullmatch(name):
        return _kth(name, found.groupdict(), traces, None, _pods(_trace(traces, PODS)))
    raise BadInput(f"{name!r} is no window", remedy="for example kth100-small-20, openb118-kth118-20 or demo1")


def _demo(name: str, seed: int) -> Window:
    made, earlier = demo_workload(seed), demo_workload(seed + EARLIER_SEED)
    before = replace(earlier.workload, rate_per_node=made.workload.rate_per_node)
    span_s = made.window.span_s or 0
    return Window(name, made.workload, before, DEMO_NODES, span_s, DEMO_HANDOVER_S)


def _kth(
    name: str, said: Mapping[str, str | None], traces: Path, rates: Requests | None, pods: tuple[Pod, ...]
) -> Window:
    day, days = int(said["day"] or 0), int(said["days"] or DAYS)
    inputs = Inputs(_jobs(_trace(traces, JOBS)), rates and twice(rates), pods)
    begin_s = {"hpc": day * DAY_S}
    if rates is not None:
        begin_s["requests"] = rates.end_s
    if pods:
        begin_s["pods"] = int(said["pods"] or 0) * DAY_S
    most = None if said["full"] else SMALL_JOBS
    made = assemble(inputs, nodes=NODES, start_s=begin_s, days=days, max_job_nodes=most)
    before = assemble(
        inputs,
        nodes=NODES,
        rate_per_node=made.workload.rate_per_node,
        start_s={key: at_s - days * DAY_S for key, at_s in begin_s.items()},
        days=days,
        max_job_nodes=most,
    )
    span_s = made.window.span_s or 0
    return Window(name, made.workload, before.workload, NODES, span_s, int(said["handover"] or 0) * 60)


def twice(rates: Requests) -> Requests:
    """The rate, and after its end the same again."""
    again_s = rates.times_s - rates.times_s[0] + rates.end_s
    return Requests(np.concatenate([rates.times_s, again_s]), np.concatenate([rates.per_s, rates.per_s]))


def _trace(traces: Path, name: str) -> Path:
    path = traces / name
    if not path.is_file():
        raise BadInput(f"{name} is not in {traces}", remedy="give --traces, or leave such windows out with --only")
    return path


@cache
def _jobs(path: Path) -> SwfTrace:
    return read_jobs(path)


@cache
def _rates(path: Path) -> Requests:
    return read_rates(path).requests


@cache
def _pods(path: Path) -> tuple[Pod, ...]:
    return read_pods(path).pods
