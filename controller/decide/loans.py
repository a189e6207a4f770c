"""Loans: nodes of the HPC side that bear a date from which only Kubernetes may use them.

A node that is wanted in an hour and frees in half of one is lost to the next long job. So each node that Kubernetes is
foreseen to lack, at the level of its buffer, is reserved from when its hand-over has to begin: the one whose work ends
last by its limit, but in time, so that the least is lost. Until then the HPC scheduler starts on it what ends before.
Dates are found anew from each snapshot. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.decide.bounds import first_bounds, given_by_step, hpc_floor
from controller.decide.buffer import buffer_level, foreseen_nodes
from controller.decide.guards import NEVER_S, why_kept
from models.fields import nodes_of
from models.handovers import Direction, Handover
from models.nodes import Node, Side
from models.plans import Loan
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot

SLOT_S = 900  # the need is looked at every so often, by the clock: dates stay where they are as time passes
GAP_S = 3600  # the longest that a node may be free before its date
MOVED_S = 900  # a date is written again only where it is to move by more
WRITES_MOST = 10  # loans that begin or lapse in one turn


@dataclass(frozen=True, slots=True)
class LoanPlan:
    """``begun`` are new ones, ``lapsed`` the ids of those that turn back, ``stay`` those that go on as they are."""

    begun: tuple[Loan, ...] = ()
    lapsed: tuple[str, ...] = ()
    stay: tuple[Handover, ...] = ()


def plan_loans(
    snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, kubernetes_nodes: int, moved: frozenset[str], budget: int
) -> LoanPlan:
    """The loans beside a decision that gives Kubernetes ``kubernetes_nodes`` and moves the nodes ``moved``.

    ``budget`` more hand-overs may begin. Loans hold no more than half of ``moves.atOnce``, so that the other half is
    there for what is wanted now.
    """
    open_ones = [loan for loan in snapshot.loans if loan.node not in moved]
    if moves.loans == "never" and not open_ones:
        return LoanPlan()
    givers = {node.name: node for node in _givers(snapshot, moved)}
    room = _room(snapshot, pool, moves, kubernetes_nodes, len(givers))
    dates_s = due_dates(snapshot, pool, moves, kubernetes_nodes)[:room]
    stay, missing_s = _matched(open_ones, dates_s, givers, snapshot, moves)
    unwanted = [loan for loan in open_ones if loan not in stay]
    lapse = unwanted[: max(WRITES_MOST, len(open_ones) - room)]
    stay += unwanted[len(lapse) :]
    most = max(0, min(budget, WRITES_MOST - len(lapse), room - len(stay)))
    free = {name: node for name, node in givers.items() if all(name != loan.node for loan in open_ones)}
    begun = _chosen(missing_s, free, snapshot, moves)[:most]
    return LoanPlan(tuple(begun), tuple(loan.id for loan in lapse), tuple(stay))


def due_dates(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, kubernetes_nodes: int) -> list[int]:
    """When the hand-over of each node has to begin that Kubernetes is foreseen to lack beyond what it has, rising.

    What had to begin by now is no loan any more; while a takeover has the pool, or nodes are not worth holding,
    there are none.
    """
    jobs_wait = bool(snapshot.sides[Side.HPC].waiting.sizes)
    level = buffer_level(pool.unmet_cost, jobs_wait=jobs_wait)
    taken_over = snapshot.due is not None or any(map(any, given_by_step(snapshot, pool)))
    if moves.loans == "never" or level is None or taken_over:
        return []
    view, now_s = snapshot.sides[Side.KUBERNETES], snapshot.now_s
    lead_s = snapshot.lead[Direction.TO_KUBERNETES].planned_s
    first_s = -(-now_s // SLOT_S) * SLOT_S
    slots_s = np.arange(first_s, now_s + view.forecast.horizons_s[-1] + 1, SLOT_S)
    foreseen = np.rint(foreseen_nodes(view, level, np.asarray(slots_s - now_s, dtype=np.float64)))
    dates_s: list[int] = []
    most = kubernetes_nodes
    for slot_s, nodes in zip(slots_s.tolist(), foreseen.astype(int).tolist(), strict=True):
        if slot_s - lead_s > now_s:
            dates_s += [slot_s - lead_s] * (nodes - most)
        most = max(most, nodes)
    return dates_s


def _givers(snapshot: Snapshot, moved: frozenset[str]) -> list[Node]:
    """The nodes that the HPC side has and keeps for now, those with a loan among them."""
    leaving = {one.node for one in snapshot.open_handovers if not one.awaits_date(snapshot.now_s)} | moved
    return [node for node in snapshot.nodes if node.owner is Side.HPC and node.name not in leaving]


def _room(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy, kubernetes_nodes: int, givers: int) -> int:
    """How many loans there may be: within Kubernetes' ceiling, above the HPC side's floor, and half of atOnce."""
    ceiling = first_bounds(snapshot, pool)[1] - kubernetes_nodes
    floor = givers - hpc_floor(snapshot, pool)
    return max(0, min(ceiling, floor, nodes_of(moves.at_once, len(snapshot.nodes)) // 2))


def _matched(
    open_ones: list[Handover], dates_s: list[int], givers: dict[str, Node], snapshot: Snapshot, moves: MovesPolicy
) -> tuple[list[Handover], list[int]]:
    """The loans that serve one of the dates as they are, and the dates that none serves."""
    stay: list[Handover] = []
    missing_s = []
    left = [one for one in open_ones if one.node in givers]
    left = [one for one in left if _serves(givers[one.node], one.reserve_from_s or 0, snapshot, moves)]
    for date_s in dates_s:
        loan = next((one for one in left if abs((one.reserve_from_s or 0) - date_s) <= MOVED_S), None)
        if loan is None:
            missing_s.append(date_s)
        else:
            left.remove(loan)
            stay.append(loan)
    return stay, missing_s


def _chosen(dates_s: list[int], free: dict[str, Node], snapshot: Snapshot, moves: MovesPolicy) -> list[Loan]:
    """A node for each of the dates, the earliest first, as far as there are any."""
    begun = []
    latest = sorted(free.values(), key=lambda node: (-_frees_s(node, snapshot), node.name))
    for date_s in dates_s:
        node = next((one for one in latest if _serves(one, date_s, snapshot, moves)), None)
        if node is not None:
            latest.remove(node)
            begun.append(Loan(node.name, date_s))
    return begun


def _serves(node: Node, date_s: int, snapshot: Snapshot, moves: MovesPolicy) -> bool:
    """Whether the node's work ends by its limit in time for the date, and no longer before it than may be."""
    rested_s = snapshot.moved_s.get(node.name, date_s - moves.dwell) + moves.dwell
    in_time = date_s - GAP_S <= _frees_s(node, snapshot) <= date_s and rested_s <= date_s
    return in_time and why_kept(node, Side.HPC, NEVER_S, snapshot, moves) is None


def _frees_s(node: Node, snapshot: Snapshot) -> int:
    return max(snapshot.now_s, node.hpc.frees_at_s or 0)
