"""What the status page shows and the API answers: one value, of which the OpenAPI document is made."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from models.handovers import Direction, Stage, Why
from models.leadership import Pause
from models.nodes import Side
from models.plans import Reason, Switch
from models.takeovers import Origin
from models.unserved import UnservedReason


def means(description: str) -> Meta:
    """What a field means, with its unit."""
    return Meta(description=description)


Seconds = Annotated[int, means("Seconds since 1970, UTC.")]
Nodes = Annotated[float, means("Nodes, or node-equivalents.")]


class PartStatus(Struct, frozen=True):
    """How a part of the process is that answers."""

    part: Annotated[str, means("Its name.")]
    well: Annotated[bool, means("False while something keeps it from its work.")]
    text: Annotated[str, means("How it is, in words.")]


class Unknown(Struct, frozen=True):
    """Something that is not known yet."""

    what: Annotated[str, means("What is not known, and of what.")]
    until: Annotated[str, means("When it will be, or what has to happen first.")]


class Owned(Struct, frozen=True):
    """The nodes of a pool that one side has, or that none has."""

    owner: Annotated[str, means("`hpc`, `kubernetes`, `moving` (in a hand-over), `nobody` or `both`.")]
    count: Annotated[int, means("How many.")]
    nodes: Annotated[str, means("Their names, as a hostlist.")]


class Group(Struct, frozen=True):
    """Nodes that stay, or that move, for one reason."""

    reason: Annotated[Reason, means("Why.")]
    text: Annotated[str, means("Why, in words and numbers.")]
    count: Annotated[int, means("How many nodes.")]
    nodes: Annotated[str, means("Their names, as a hostlist.")]
    direction: Annotated[Direction | None, means("From which side to which; null for nodes that stay.")] = None
    gain: Annotated[float | None, means("What the moves save, in weighted node-hours; null for nodes that stay.")] = (
        None
    )
    cost: Annotated[float | None, means("What they cost, in the same unit.")] = None


class HoldStatus(Struct, frozen=True):
    """Why no move may begin now."""

    switch: Annotated[Switch, means("What stops all moves.")]
    text: Annotated[str, means("Why, and what a person can do about it.")]


class UnservedStatus(Struct, frozen=True):
    """Work that no plan can serve."""

    side: Annotated[Side, means("Whose work it is.")]
    why: Annotated[UnservedReason, means("Why nodes would not help.")]
    text: Annotated[str, means("The same in words.")]
    for_good: Annotated[bool, means("Whether it will never start as it is.")]


class PlanStatus(Struct, frozen=True):
    """The last plan of a pool: every node is in a group."""

    at_s: Annotated[int, means("When it was decided, in seconds since 1970.")]
    old: Annotated[bool, means("Whether it is too old to be taken for how things are.")]
    current: Annotated[int, means("Nodes that Kubernetes has, those on their way to it included, before.")]
    target: Annotated[int, means("The same, once the plan is carried out.")]
    moves: Annotated[tuple[Group, ...], means("The nodes that move.")]
    stays: Annotated[tuple[Group, ...], means("The nodes that stay.")]
    turned_back: Annotated[tuple[str, ...], means("The ids of hand-overs to turn back.")]
    holds: Annotated[tuple[HoldStatus, ...], means("While there are any, nothing of the plan is done.")]
    unserved: Annotated[tuple[UnservedStatus, ...], means("Work that no plan can serve.")]
    left_out: Annotated[int, means("Nodes for which the bus had no room.")]


class Ahead(Struct, frozen=True):
    """What is expected at one time."""

    at_s: Annotated[int, means("The time, in seconds since 1970.")]
    low: Nodes
    middle: Nodes
    high: Nodes


class SideStatus(Struct, frozen=True):
    """One side's demand on a pool, and what is expected of it."""

    side: Annotated[Side, means("Whose demand it is.")]
    made_at_s: Annotated[int, means("From which reading the forecast was made, in seconds since 1970.")]
    old: Annotated[bool, means("Whether it is too old to be taken for how things are.")]
    now: Annotated[float, means("The demand then, in node-equivalents.")]
    source: Annotated[str, means("What made the forecast: `model`, `persistence` or `now`.")]
    levels: Annotated[tuple[float, float], means("The quantiles of `low` and `high`.")]
    ahead: Annotated[tuple[Ahead, ...], means("What is expected, the soonest first.")]


class HandoverStatus(Struct, frozen=True):
    """One node on its way from one side to the other, or the last such way of a node that needs a person."""

    id: Annotated[str, means("Its name, which no other hand-over has.")]
    pool: Annotated[str, means("Of which pool.")]
    node: Annotated[str, means("The node's name.")]
    direction: Annotated[Direction, means("From which side to which.")]
    stage: Annotated[Stage, means("Where it stands.")]
    started_s: Annotated[int, means("When it began, in seconds since 1970.")]
    stage_since_s: Annotated[int, means("When its stage began, in seconds since 1970.")]
    deadline_s: Annotated[int, means("When it gives up and turns back, in seconds since 1970.")]
    why: Annotated[Why | None, means("Why it turned back or needs a person; null while neither.")] = None
    loan: Annotated[bool, means("Whether it was begun for a date on which Kubernetes will lack the node.")] = False
    reserved_from_s: Annotated[
        int | None, means("From when on its node is booked, in seconds since 1970; null where it was closed at once.")
    ] = None


class TakeoverStatus(Struct, frozen=True):
    """A takeover that is, or that comes."""

    id: Annotated[str, means("The id to cancel it by; empty for one that the policy schedules.")]
    pool: Annotated[str, means("Of which pool.")]
    name: Annotated[str, means("What it is called.")]
    origin: Annotated[Origin, means("Whence it comes.")]
    side: Annotated[Side, means("The side that gets the nodes.")]
    nodes: Annotated[int, means("How many nodes; 0 for all.")]
    prepare_s: Annotated[int, means("When its preparation may begin, in seconds since 1970.")]
    from_s: Annotated[int, means("When it begins, in seconds since 1970.")]
    to_s: Annotated[int, means("When it is over, in seconds since 1970.")]
    by: Annotated[str, means("Who asked for it; empty for the policy.")] = ""


class OrdersStatus(Struct, frozen=True):
    """What persons have ordered."""

    paused: Annotated[Pause | None, means("How all moves are paused; null while they are not.")] = None
    pools: Annotated[dict[str, Pause], means("The pools that are paused on their own, and how.")] = {}
    ordered: Annotated[dict[str, str], means("By whom each pause was, when and why, by pool; '' for all.")] = {}


class PoolStatus(Struct, frozen=True):
    """One pool: who owns what and why."""

    name: Annotated[str, means("Its name; of another site, with the site's and a slash before it.")]
    sentence: Annotated[str, means("Who owns what, and why, in one sentence.")]
    nodes: Annotated[int | None, means("How many nodes it has; null while nobody has told.")]
    owners: Annotated[tuple[Owned, ...], means("Who may start work on which nodes; empty while nobody has told.")]
    sides: Annotated[tuple[SideStatus, ...], means("The demand of each side.")]
    plan: Annotated[PlanStatus | None, means("The last plan; null while there is none.")] = None
    paused: Annotated[Pause | None, means("Whether its moves are paused, and how.")] = None


class Status(Struct, frozen=True):
    """All that is known of a site now."""

    site: Annotated[str, means("The site's name.")]
    now_s: Annotated[int, means("When this was so, in seconds since 1970.")]
    mode: Annotated[str, means("The policy's mode: observe, recommend or auto.")]
    writable: Annotated[bool, means("Whether an admin token is configured, so that orders are taken.")]
    parts: Annotated[tuple[PartStatus, ...], means("How the parts of this process are.")]
    pools: Annotated[tuple[PoolStatus, ...], means("The pools, by name.")]
    handovers: Annotated[tuple[HandoverStatus, ...], means("Those under way, or in need of a person.")]
    takeovers: Annotated[tuple[TakeoverStatus, ...], means("Those that are, and those to come within a week.")]
    orders: Annotated[OrdersStatus | None, means("What persons have ordered; null while that is not known.")]
    unknown: Annotated[tuple[Unknown, ...], means("What is not known yet, and when it will be.")]


class Line(Struct, frozen=True):
    """Values over time."""

    at_s: Annotated[tuple[int, ...], means("Times, in seconds since 1970, rising.")]
    values: Annotated[tuple[tuple[float, ...], ...], means("A row of nodes for each time.")]


class SideCharts(Struct, frozen=True):
    """One side's demand: as it came, as it had been forecast, and as it is forecast."""

    side: Annotated[Side, means("Whose demand it is.")]
    came: Annotated[Line, means("What came: rows of one value.")]
    said: Annotated[Line, means("What had been forecast for then an hour before: low, middle, high.")]
    ahead: Annotated[Line, means("What is forecast: a value for each level.")]
    levels: Annotated[tuple[float, ...], means("The quantiles of `ahead`.")]


class PoolCharts(Struct, frozen=True):
    """What is drawn of one pool."""

    name: Annotated[str, means("Its name.")]
    sides: Annotated[tuple[SideCharts, ...], means("The demand of each side.")]
    owned: Annotated[Line, means("Who had how many nodes: HPC, Kubernetes, and what was in hand-overs or nobody's.")]


class Charts(Struct, frozen=True):
    """What is drawn of a site: the last two days, and as far ahead as is forecast."""

    now_s: Annotated[int, means("When this was so, in seconds since 1970.")]
    pools: Annotated[tuple[PoolCharts, ...], means("The pools, by name.")]


class Problem(Struct, frozen=True):
    """Why a request was not done."""

    error: Annotated[str, means("What is wrong, in words.")]


class Done(Struct, frozen=True):
    """What an order has come to."""

    done: Annotated[str, means("What was ordered, in words.")]
