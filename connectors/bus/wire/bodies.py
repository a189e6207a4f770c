"""The bodies of events on the wire: one schema for each type, apart from the values of ``models`` that it carries.

A schema only ever grows by optional fields, and its enumerations by values; readers ignore fields that they do not
know. Anything else is a new type, with the next number at its end. What is published of the schemas
(docs/reference/events) is generated from these structs, descriptions and all.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from models.announced import ANNOUNCED_MOST
from models.forecasts import Source
from models.handovers import Direction, Stage, Why
from models.nodes import Side
from models.plans import Reason, Switch
from models.signals import SIGNALS_MOST, VALUE_MOST
from models.unserved import UnservedReason
from models.work import WorkState

EXAMPLE_MOST = 256  # characters of what an example asks for: a plan has up to 18 of them
TEXT_MOST = 4096  # characters of a text that people or other programs wrote; a longer one is cut when it is sent

Name = Annotated[str, Meta(min_length=1, max_length=512)]
Text = Annotated[str, Meta(max_length=TEXT_MOST)]
Seconds = Annotated[int, Meta(ge=-(2**53), le=2**53)]  # since 1970, UTC; a replay's clock begins at 0
Span = Annotated[int, Meta(ge=0, le=2**53)]  # seconds
Count = Annotated[int, Meta(ge=0, le=2**53)]
Positive = Annotated[int, Meta(gt=0, le=2**53)]
Nodes = Annotated[float, Meta(ge=0)]
Level = Annotated[float, Meta(gt=0, lt=1)]


def means(description: str) -> Meta:
    """What a field means, with its unit."""
    return Meta(description=description)


class OfPool(Struct, frozen=True, kw_only=True):
    """What is told of a pool: whose it is, for those who see bodies only."""

    site: Annotated[Name | None, means("The site's name; null where the source names no pool.")] = None
    pool: Annotated[Name | None, means("The pool's name at its site; null where the source names none.")] = None


class Work(OfPool, frozen=True):
    """One job, gang of pods or service replica, as it stands now."""

    id: Annotated[Name, means("Its name, which no other work of this side has.")]
    side: Annotated[Side, means("Where it runs or waits.")]
    state: Annotated[
        WorkState, means("Where it stands; only what is eligible or running is demand. Running work has a start.")
    ]
    nodes: Annotated[float, Meta(gt=0), means("Its size in node-equivalents of the pool, all that it needs together.")]
    submitted_s: Annotated[Seconds, means("When it was submitted, in seconds since 1970.")]
    limit_s: Annotated[
        Span | None, means("Seconds of run time after which the scheduler ends it; null where nothing bounds it.")
    ] = None
    started_s: Annotated[Seconds | None, means("When it started, in seconds since 1970; null before.")] = None
    ended_s: Annotated[
        Seconds | None, means("When it was seen to have ended, in seconds since 1970; never a guess at the future.")
    ] = None
    user: Annotated[Text, means("Whose it is, by the scheduler's name; empty where that is not known.")] = ""


class Shape(Struct, frozen=True):
    """What a node registered with."""

    cpu_milli: Annotated[Positive, means("Thousandths of a processor.")]
    memory_mib: Annotated[Positive, means("Memory in MiB.")]
    gpu_milli: Annotated[Count, means("Thousandths of a GPU.")]


class NodeOfHpc(OfPool, frozen=True):
    """A node as the HPC scheduler shows it."""

    name: Annotated[Name, means("Its name, by which the pool knows it.")]
    kind: Annotated[Text, means("The kind of hardware, by the site's own word.")]
    drain_reason: Annotated[
        Text | None, means("Why no new work may start here; null while it may. Ours begin with `tidegate:`.")
    ]
    busy: Annotated[bool, means("Whether work is on it, until the last epilog has ended.")]
    frees_at_s: Annotated[
        Seconds | None,
        means(
            "When the last running job must have ended by its limit, in seconds since 1970; null while nothing runs."
        ),
    ] = None
    ready: Annotated[bool, means("False when it cannot start work although nobody drained it.")] = True
    booked_by: Annotated[Text | None, means("The mark of a reservation on the node; null without one.")] = None
    offers: Annotated[
        Shape | None, means("What it registered with; null where the scheduler does not tell, or before.")
    ] = None
    booted: Annotated[Text, means("Names the run of the scheduler that shows this: after a restart it differs.")] = ""


class NodeOfKubernetes(OfPool, frozen=True):
    """A node as Kubernetes shows it."""

    name: Annotated[Name, means("Its name, by which the pool knows it.")]
    closed_by: Annotated[Text | None, means("The owner mark of our taint; null without one.")]
    discouraged: Annotated[bool, means("Whether new pods are asked to prefer other nodes.")]
    pods: Annotated[Count, means("Pods that would have to leave, those of DaemonSets not among them.")]
    ready: Annotated[bool, means("Whether Kubernetes says that it is Ready.")] = True
    cordoned: Annotated[bool, means("Whether others have closed it to new pods.")] = False
    ready_since_s: Annotated[
        Seconds | None, means("When it last became Ready, in seconds since 1970; null where that is not known.")
    ] = None
    offers: Annotated[Shape | None, means("What it registered with; null where that is not known.")] = None
    version: Annotated[Text, means("The resourceVersion of the object.")] = ""
    uid: Annotated[Text, means("The uid of the object, which changes when it is made anew.")] = ""
    record: Annotated[Text | None, means("The durable record of a hand-over on the node; null without one.")] = None
    managed_by: Annotated[
        Text, means("Another autoscaler, or another Tidegate, that the node belongs to; empty without one.")
    ] = ""
    fenced: Annotated[bool, means("Whether our taint also ends pods that were bound before (NoExecute).")] = False
    bare: Annotated[Count, means("Of the pods, those that nothing makes again.")] = 0
    staying: Annotated[Count, means("Of the pods, those that must not be asked to leave.")] = 0
    cordoned_by: Annotated[str, means("What others have closed it with, where that can be told.")] = ""
    lacks: Annotated[str, means("What its like have and this one does not offer.")] = ""


class AnnouncedWork(Struct, frozen=True):
    """Work that is known to begin later, and is no demand until then."""

    at_s: Annotated[Seconds, means("When it begins, in seconds since 1970.")]
    nodes: Annotated[float, Meta(gt=0), means("Its size in node-equivalents.")]
    why: Annotated[Text, means("Why that is known: a begin time, a CronJob, a reservation.")]
    lasts_s: Annotated[Span | None, means("For how many seconds at most; null where nothing bounds it.")] = None


class DemandNow(OfPool, frozen=True):
    """One side's demand on the pool. Where it is not known there is no event: unknown is not zero."""

    side: Annotated[Side, means("Whose demand it is.")]
    at_s: Annotated[Seconds, means("When it was so, in seconds since 1970.")]
    running: Annotated[Nodes, means("In use now, in node-equivalents.")]
    waiting: Annotated[Nodes, means("Eligible and could use a node now, in node-equivalents.")]
    announced: Annotated[
        tuple[AnnouncedWork, ...],
        Meta(max_length=ANNOUNCED_MOST),
        means("What is known to begin within a day, the soonest first; in neither of the two."),
    ] = ()


class SignalNow(Struct, frozen=True):
    """One signal's value."""

    name: Annotated[Name, means("What the pool's policy calls it.")]
    value: Annotated[float, Meta(ge=-VALUE_MOST, le=VALUE_MOST), means("Its value, in that unit.")]
    unit: Annotated[Text, means("The unit, as the policy has it.")]


class SignalsNow(OfPool, frozen=True):
    """What was known of a pool's signals at the instant of its demand. Unknown is not zero: such a one is left out."""

    at_s: Annotated[Seconds, means("The instant of the demand that it goes with, in seconds since 1970.")]
    signals: Annotated[tuple[SignalNow, ...], Meta(max_length=SIGNALS_MOST), means("Those that were known.")]


class OutlookMade(Struct, frozen=True, kw_only=True):
    """What is known of one side's demand beyond its forecast."""

    made_at_s: Annotated[Seconds, means("When it was made, in seconds since 1970.")]
    horizons_s: Annotated[tuple[Span, ...], means("How far ahead each row of `values` looks, a day at most, rising.")]
    levels: Annotated[tuple[Level, ...], means("The quantile of each column of `values`, rising.")]
    values: Annotated[tuple[tuple[Nodes, ...], ...], means("Node-equivalents of demand: a row for each horizon.")]
    run_over_limit: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...],
        means("How long work ran that has ended, as a share of its limit: samples."),
    ]
    arrivals: Annotated[
        tuple[Nodes, ...],
        means(
            "Node-equivalents of the work that came in each 5 minutes of the last 7 days; the last end at made_at_s."
        ),
    ]


class ForecastMade(OfPool, frozen=True):
    """Quantiles of one side's demand at some times ahead."""

    side: Annotated[Side, means("Whose demand is forecast.")]
    made_at_s: Annotated[Seconds, means("When it was made, in seconds since 1970.")]
    now: Annotated[Nodes, means("The demand when it was made, in node-equivalents.")]
    horizons_s: Annotated[tuple[Span, ...], means("How far ahead each row of `values` looks, in seconds, rising.")]
    levels: Annotated[tuple[Level, ...], means("The quantile of each column of `values`, rising.")]
    values: Annotated[
        tuple[tuple[Nodes, ...], ...],
        means("Node-equivalents: a row for each horizon, a column for each level. No row falls from left to right."),
    ]
    source: Annotated[
        Source,
        means("What made it: the model, persistence, `now` (what is there now stays), or the perfect one of a replay."),
    ]
    outlook: Annotated[OutlookMade | None, means("The side's outlook; null where nobody makes one.")] = None


class MoveMade(Struct, frozen=True):
    """One node to go from one side to the other, and what that is expected to be worth."""

    node: Annotated[Name, means("The node's name.")]
    direction: Annotated[Direction, means("From which side to which.")]
    reason: Annotated[Reason, means("Why.")]
    text: Annotated[Text, means("Why, in words and numbers.")]
    gain: Annotated[float, means("What it saves, in weighted node-hours of unmet demand over the horizon.")]
    cost: Annotated[float, means("What it costs, in the same unit.")]


class RejectionMade(Struct, frozen=True):
    """Nodes that are not moved, and why."""

    nodes: Annotated[tuple[Name, ...], means("The nodes' names.")]
    reason: Annotated[Reason, means("Why not.")]
    text: Annotated[Text, means("Why not, in words and numbers.")]


class HoldNow(Struct, frozen=True):
    """Why no move may begin now."""

    switch: Annotated[Switch, means("What stops all moves.")]
    text: Annotated[Text, means("Why, and what a person can do about it.")]


class UnservedNow(Struct, frozen=True):
    """Work of one side that no plan can serve, and why."""

    side: Annotated[Side, means("Whose work it is.")]
    why: Annotated[UnservedReason, means("Why nodes would not help.")]
    count: Annotated[Count, means("How many jobs or pods; a gang counts with all its pods.")]
    nodes: Annotated[Nodes, means("What they ask for together, in node-equivalents.")]
    example: Annotated[
        str, Meta(max_length=EXAMPLE_MOST), means("What the largest asks for and what there is; empty without words.")
    ] = ""
    largest: Annotated[Nodes, means("The size of the largest, in node-equivalents.")] = 0.0


class PlanMade(OfPool, frozen=True):
    """What one decision of the leader chose, and what it did not choose, with reasons.

    One that would be too large for a message is sent with as many moves, cancellations and nodes of rejections as fit,
    the first ones of each, and counts the others in ``left_out``.
    """

    epoch: Annotated[Count, means("The epoch of the leader: a greater one is a later leader.")]
    at_s: Annotated[Seconds, means("When it was decided, in seconds since 1970.")]
    current: Annotated[Count, means("Nodes that Kubernetes has, those on their way to it included, before.")]
    target: Annotated[Count, means("The same, once the plan is carried out.")]
    moves: Annotated[tuple[MoveMade, ...], means("The moves to begin.")] = ()
    cancellations: Annotated[tuple[Name, ...], means("The ids of hand-overs to turn back.")] = ()
    rejections: Annotated[tuple[RejectionMade, ...], means("The nodes that are not moved, by reason.")] = ()
    holds: Annotated[tuple[HoldNow, ...], means("While there are any, nothing of the plan is done.")] = ()
    left_out: Annotated[Count, means("Moves, cancellations and nodes of rejections for which there was no room.")] = 0
    unserved: Annotated[
        tuple[UnservedNow, ...], means("Work that no plan can serve, by side and reason; it is in no demand.")
    ] = ()


class HandoverNow(OfPool, frozen=True):
    """One node on its way from one side to the other, as it stands now.

    What only the controller needs to go on with it is not told.
    """

    id: Annotated[Name, means("Its name, which no other hand-over has.")]
    batch: Annotated[Name, means("The plan that began it; what it closes bears the mark `tidegate:` and this.")]
    node: Annotated[Name, means("The node's name.")]
    direction: Annotated[Direction, means("From which side to which.")]
    stage: Annotated[Stage, means("Where it stands.")]
    started_s: Annotated[Seconds, means("When it began, in seconds since 1970.")]
    stage_since_s: Annotated[Seconds, means("When its stage began, in seconds since 1970.")]
    deadline_s: Annotated[Seconds, means("When it gives up and turns back, in seconds since 1970.")]
    emptied_s: Annotated[
        Seconds | None, means("When the node was first seen empty, in seconds since 1970; null before.")
    ] = None
    why: Annotated[Why | None, means("Why it turned back or needs a person; null while neither.")] = None
    epoch: Annotated[Count, means("The epoch of the leader who last wrote it down.")] = 0
    reserve_from_s: Annotated[
        Seconds | None, means("From when on the node is booked, in seconds since 1970; null to close it at once.")
    ] = None
    uid: Annotated[Text, means("The uid of the Kubernetes node.")] = ""
    repair: Annotated[bool, means("Whether it mends a node that was found open to both sides, or to neither.")] = False
    loan: Annotated[bool, means("Whether it was begun for a date on which Kubernetes will lack the node.")] = False


class Header(Struct, frozen=True):
    """One header of a message."""

    name: Annotated[str, means("Its name.")]
    value: Annotated[bytes, means("Its value, in base64.")]


class Dead(Struct, frozen=True):
    """A message that could not be used, as it was, with where it came from and what is wrong with it.

    Of one that is too large, only the beginnings of its key, its value and its headers are here.
    """

    topic: Annotated[Name, means("The topic that it is from, or was meant for.")]
    partition: Annotated[int, Meta(ge=-1, le=2**31 - 1), means("The partition, -1 for one that was never sent.")]
    offset: Annotated[Count | None, means("Its offset; null for one that was refused before it was sent.")]
    reason: Annotated[Text, means("What is wrong with it.")]
    key: Annotated[bytes | None, means("Its key, in base64; null without one.")]
    value: Annotated[bytes | None, means("Its value, in base64; null without one.")]
    headers: Annotated[list[Header], means("Its headers, in their order.")]
    size: Annotated[Count, means("Bytes of key, value and headers together.")]
