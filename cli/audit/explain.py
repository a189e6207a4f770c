"""Why a hand-over was begun: the decision, its numbers, and whether it is taken again from what was written down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from shlex import quote

import numpy as np
from rich import box
from rich.table import Table

from basics.text import clean, some
from cli.audit.format import ABSENT, clock, span_text, wrapped
from cli.audit.timelines import HandoverTimeline, HandoverTimelines, decisions
from cli.report.numbers import ahead
from controller.decide.bounds import first_bounds
from controller.decide.decide import decide
from controller.decide.guards import begun_lately, under_way
from models.audit import Decided
from models.demand import Demand
from models.errors import BadInput
from models.fields import nodes_of, share_text
from models.forecasts import Forecast
from models.nodes import Side
from models.plans import Loan, Move, Plan, ServiceLevel
from models.snapshot import Snapshot

LEVELS_SHOWN = (0.1, 0.5, 0.9)
LAST_DIGITS = 1e-9  # relative; another processor or library may add numbers up in another order


def decision_of(timeline: HandoverTimeline, timelines: HandoverTimelines) -> Decided:
    """The decision that began a hand-over. Raises BadInput when there was none, or it is not in the file."""
    handover = timeline.handover
    if handover.repair:
        raise BadInput(
            f"no decision began hand-over {timeline.id}: it mends node {handover.node}, which was open to both sides or"
            " neither",
            where=str(timelines.path),
            remedy=f"tidegate handovers {quote(str(timelines.path))} --show {quote(timeline.id)} tells its story",
        )
    for entry in decisions(timelines.path):
        begun: tuple[Move | Loan, ...] = (*entry.plan.moves, *entry.plan.loans)
        wanted = any((one.node, one.direction) == (handover.node, handover.direction) for one in begun)
        if wanted and entry.snapshot.now_s == handover.started_s and not entry.plan.holds:
            return entry
    raise BadInput(
        f"the decision at {clock(handover.started_s)} that began hand-over {timeline.id} is not in this file",
        where=str(timelines.path),
        remedy="look in the file before it",
    )


def differences(recorded: Plan, again: Plan) -> list[str]:
    """What a decision that was taken again has otherwise, in words; nothing when it is the same.

    Holds are left out: they come from outside ``decide``. Numbers may differ in their last digits.
    """
    found = [
        f"{name} was {getattr(recorded, name)} and is now {getattr(again, name)}"
        for name in ("at_s", "current", "target", "cancellations", "loans")
        if getattr(recorded, name) != getattr(again, name)
    ]
    was, now = [_named(move) for move in recorded.moves], [_named(move) for move in again.moves]
    if was != now:
        found.append(f"the moves were {', '.join(was) or 'none'} and are now {', '.join(now) or 'none'}")
    else:
        found += [
            f"the move of {old.node} was worth {old.gain:.6g} for {old.cost:.6g} and is now worth {new.gain:.6g} for"
            f" {new.cost:.6g}"
            for old, new in zip(recorded.moves, again.moves, strict=True)
            if not (_close(old.gain, new.gain) and _close(old.cost, new.cost) and old.reason is new.reason)
        ]
    kept = {(rejection.nodes, rejection.reason) for rejection in recorded.rejections}
    if kept != {(rejection.nodes, rejection.reason) for rejection in again.rejections}:
        found.append("other nodes are left where they are, or for other reasons")
    return found


def taken_again(entry: Decided) -> Plan:
    """The plan that ``decide`` makes of the recorded inputs now, with the holds of then."""
    return replace(decide(entry.snapshot, entry.pool, entry.moves), holds=entry.plan.holds)


def _named(move: Move) -> str:
    return f"{move.node} to {move.direction.target}"


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=LAST_DIGITS, abs_tol=LAST_DIGITS)


def numbers(entry: Decided) -> Table:
    """What both sides used, wanted and were expected to want, in nodes."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("in nodes", no_wrap=True)
    for side in Side:
        table.add_column(side, justify="right", no_wrap=True)
    views = [entry.snapshot.sides[side] for side in Side]
    table.add_row("running", *(f"{view.demand.running:.1f}" for view in views))
    table.add_row("waiting", *(f"{view.demand.waiting:.1f}" for view in views))
    table.add_row("largest that waits", *(f"{max(view.waiting.sizes, default=0):g}" for view in views))
    if any(view.waiting.unserved for view in views):
        unserved = (sum(one.nodes for one in view.waiting.unserved) for view in views)
        table.add_row("nobody can serve", *(f"{nodes:.1f}" for nodes in unserved))
    if any(view.demand.announced for view in views):
        table.add_row("announced for later", *(_announced(view.demand) for view in views))
    horizons_s = sorted({horizon_s for view in views for horizon_s in view.forecast.horizons_s})
    for horizon_s in horizons_s:
        table.add_row(f"expected in {ahead(horizon_s)}", *(_expected(view.forecast, horizon_s) for view in views))
    table.add_row("expected by", *(str(view.forecast.source) for view in views))
    table.add_row("one unmet for 1 h costs", *(f"{entry.pool.unmet_cost.of(side):g}" for side in Side))
    return table


def _announced(demand: Demand) -> str:
    """How many nodes begin when at the earliest."""
    if not demand.announced:
        return ABSENT
    nodes, first = sum(one.nodes for one in demand.announced), demand.announced[0]
    return f"{nodes:.1f} from {span_text(first.at_s - demand.at_s)} on"


def _expected(forecast: Forecast, horizon_s: int) -> str:
    """The median, and the 10 and 90 % quantiles where there is a spread."""
    if horizon_s not in forecast.horizons_s:
        return ABSENT
    row = forecast.values[forecast.horizons_s.index(horizon_s)]
    low, mid, high = np.interp(LEVELS_SHOWN, forecast.levels, row)
    return f"{mid:.1f}" if len(forecast.levels) == 1 else f"{mid:.1f} ({low:.1f} to {high:.1f})"


def limits(entry: Decided) -> list[str]:
    """The bounds that the policy and the last hour set, and the lead times."""
    snapshot, moves = entry.snapshot, entry.moves
    pool_nodes = len(snapshot.nodes)
    low, high = first_bounds(snapshot, entry.pool)
    leads = "; ".join(
        f"to {direction.target} median {span_text(lead.median_s)}, p90 {span_text(lead.p90_s)}"
        for direction, lead in snapshot.lead.items()
    )
    return [
        f"limits: Kubernetes has {low} to {high} of {pool_nodes} nodes; at most"
        f" {nodes_of(moves.at_once, pool_nodes)} in hand-over at once, of which {under_way(snapshot, moves)} were;"
        f" at most {nodes_of(moves.per_hour, pool_nodes)} begun in an hour, of which {begun_lately(snapshot, moves)}"
        f" were; a move must gain {moves.min_gain:g} times its cost",
        *([] if moves.node_hours_per_day is None else [_taken(snapshot, moves.node_hours_per_day)]),
        f"lead time: {leads}",
        *([] if entry.plan.service_level is None else [_price(entry.plan.service_level)]),
    ]


def _taken(snapshot: Snapshot, node_hours: float) -> str:
    """What hand-overs have taken from service in the last 24 hours, of what they may."""
    elsewhere_s = sum(one.node_s for one in snapshot.taken_elsewhere)
    elsewhere = f", those of {len(snapshot.taken_elsewhere)} other pools {elsewhere_s / 3600:.1f}"
    return (
        f"node-hours: hand-overs of all pools may take {node_hours:g} from service in 24 hours; those of this pool have"
        f" taken {snapshot.taken_s / 3600:.1f}{elsewhere if snapshot.taken_elsewhere else ''}"
    )


def _price(level: ServiceLevel) -> str:
    """What one unmet node of Kubernetes counts, and why so much."""
    share = (
        "nothing has been measured yet" if level.unmet is None else f"{share_text(level.unmet)} waited too long lately"
    )
    return (
        f"service level: one node unmet for one hour counts {level.price:.3g} for Kubernetes; of its demand {share},"
        f" and {share_text(level.at_most)} may"
    )


def reasons(entry: Decided, width: int) -> Iterator[str]:
    """The limits, the lead times, and for every node why it moves or stays."""
    snapshot, plan, lines = entry.snapshot, entry.plan, limits(entry)
    for text in dict.fromkeys(move.text for move in plan.moves):
        these = [move for move in plan.moves if move.text == text]
        gain, cost = these[0].gain, these[0].cost
        names = some(move.node for move in these)
        lines.append(f"moves: {names}: {text}; each gains {gain:.3f} and costs {cost:.3f}")
    if plan.cancellations:
        lines.append(f"turned back: {some(plan.cancellations)}")
    lines += [
        f"stays ({rejection.reason}): {some(rejection.nodes)}: {clean(rejection.text)}" for rejection in plan.rejections
    ]
    lines += [f"nobody can serve: {one.text}" for view in snapshot.sides.values() for one in view.waiting.unserved]
    for line in lines:
        yield from wrapped(line, width)
