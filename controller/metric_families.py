"""The metric families of whoever decides and hands over, as they are declared."""

from __future__ import annotations

from models.acts import Verb
from models.handovers import Stage, Why
from models.metrics import DIRECTION, POOL, SIDE, Family, Kind, Label, Unit
from models.plans import DropReason, Reason, Switch
from models.takeovers import Phase
from models.unserved import UnservedReason

IN_HANDOVER, NEITHER, BOTH = "in-handover", "neither", "both"
OWNER = Label("owner", (*SIDE.values, IN_HANDOVER, NEITHER, BOTH))
STAGE = Label("stage", tuple(Stage))
CHANGES = (Verb.DRAIN, Verb.UNDRAIN)
ENDED_STAGE = Label("stage", tuple(stage for stage in Stage if stage.finished))
CURRENT, TARGET = "current", "target"
MEDIAN, P90 = "0.5", "0.9"
STAGE_BOUNDS_S = (10, 30, 60, 300, 900, 3600, 14_400, 43_200)
ONLY_AUTO = "unless the policy's mode is auto"
NO_PLAN = "before the first plan"
NO_LEVEL = "without a service level in the policy"


def _gauge(name: str, unit: Unit, text: str, *labels: Label, lacks: str = "") -> Family:
    return Family(f"tidegate_{name}", Kind.GAUGE, unit, text, (POOL, *labels), lacks)


def _counter(name: str, text: str, *labels: Label, unit: Unit = Unit.COUNT, lacks: str = "") -> Family:
    return Family(f"tidegate_{name}", Kind.COUNTER, unit, text, (POOL, *labels), lacks)


LEADS = _gauge("leads", Unit.TRUTH, "Whether this process leads.", lacks=ONLY_AUTO)
HANDOVERS = _gauge(
    "handovers", Unit.COUNT, "Hand-overs under way.", DIRECTION, STAGE, lacks="of a stage in which there is none"
)
STUCK = _gauge(
    "handovers_stuck", Unit.COUNT, "Hand-overs that need a person: stuck, or past their deadline.", lacks=ONLY_AUTO
)
UNREADABLE = _gauge(
    "nodes_unreadable", Unit.NODES, "Nodes left alone because their record cannot be read.", lacks=ONLY_AUTO
)
FENCED = _counter(
    "pods_fenced",
    "Pods that came late to a node that was fenced off for the HPC side, and were refused or ended there.",
    lacks=ONLY_AUTO,
)
BREACHED = _counter(
    "nodes_breached",
    "Nodes that were found open to both sides, and closed to one.",
    unit=Unit.NODES,
    lacks=ONLY_AUTO,
)
HELD = _gauge(
    "moves_held",
    Unit.TRUTH,
    "Whether a switch holds moves back.",
    Label("switch", tuple(Switch)),
    lacks=ONLY_AUTO,
)
ENDED = _counter(
    "handovers_ended",
    "Hand-overs that have ended, by how and why.",
    DIRECTION,
    ENDED_STAGE,
    Label("why", ("", *Why)),
    lacks=ONLY_AUTO,
)
DROPPED = _counter(
    "moves_dropped",
    "Moves of plans that were not begun, since the node was no longer as planned.",
    Label("reason", tuple(DropReason)),
    lacks=ONLY_AUTO,
)
LOANS = _gauge("loans", Unit.NODES, "Nodes reserved for Kubernetes from a date on.", lacks=ONLY_AUTO)
LOANS_EARLIEST = _gauge(
    "loans_earliest_timestamp_seconds", Unit.TIME, "The earliest of these dates.", lacks="where no node bears a date"
)
PRICE = _gauge(
    "unmet_price", Unit.PRICE, "What one node of Kubernetes' unmet demand counts for an hour.", lacks=NO_LEVEL
)
AT_MOST = _gauge("unmet_at_most", Unit.SHARE, "The share of Kubernetes' demand that may wait too long.", lacks=NO_LEVEL)
SHARE = _gauge(
    "unmet_share",
    Unit.SHARE,
    "The share of Kubernetes' demand that waited too long lately.",
    lacks=f"{NO_LEVEL}, and until something was measured",
)
TAKEOVERS = _gauge(
    "takeovers", Unit.COUNT, "Takeovers around now, by phase.", Label("phase", tuple(Phase)), lacks=ONLY_AUTO
)
_UNSERVED = SIDE, Label("reason", tuple(UnservedReason))
UNSERVED_NODES = _gauge(
    "unserved_nodes", Unit.NODES, "What work that no move can serve asks for, in node-equivalents.", *_UNSERVED
)
UNSERVED_WORK = _gauge("unserved_work", Unit.COUNT, "Jobs or pods that no move can serve.", *_UNSERVED)
NODES = _gauge(
    "nodes",
    Unit.NODES,
    "Nodes of the pool by who may start work on them: a side, none while a hand-over has them, neither side although "
    "none has, or both, which must not be. The sum is the pool.",
    OWNER,
    lacks="before both sides were first read",
)
PLANS = _counter("plans", "Decisions that were taken.")
PLANNED_AT = _gauge("plan_made_timestamp_seconds", Unit.TIME, "When the last decision was taken.", lacks=NO_PLAN)
PLAN_NODES = _gauge(
    "plan_kubernetes_nodes",
    Unit.NODES,
    "Nodes of Kubernetes, those on their way to it included: as the last plan found them, and as it wants them.",
    Label("which", (CURRENT, TARGET)),
    lacks=NO_PLAN,
)
PLAN_MOVES = _gauge(
    "plan_moves", Unit.NODES, "Moves that the last plan wants, done or only recommended.", DIRECTION, lacks=NO_PLAN
)
REJECTED = _gauge(
    "plan_rejected_nodes",
    Unit.NODES,
    "Nodes that the last plan leaves where they are, by reason.",
    Label("reason", tuple(Reason)),
    lacks=NO_PLAN,
)
LEAD_TIME = _gauge(
    "lead_time_seconds",
    Unit.SECONDS,
    "How long a node takes from empty on one side to open on the other, as the last plan reckoned.",
    DIRECTION,
    Label("level", (MEDIAN, P90)),
    lacks=NO_PLAN,
)
BEGUN = _counter("handovers_begun", "Hand-overs that were begun, repairs included.", DIRECTION)
STAGE_S = Family(
    "tidegate_handover_stage_seconds",
    Kind.HISTOGRAM,
    Unit.SECONDS,
    "How long hand-overs stayed in a stage that they have left, as far as this process saw both its ends.",
    (POOL, DIRECTION, STAGE),
)
CONTROL = (
    *(LEADS, NODES, HANDOVERS, STUCK, UNREADABLE, FENCED, BREACHED, HELD, BEGUN, ENDED, STAGE_S, DROPPED),
    *(LOANS, LOANS_EARLIEST),
    *(PLANS, PLANNED_AT, PLAN_NODES, PLAN_MOVES, REJECTED, LEAD_TIME, PRICE, AT_MOST, SHARE, TAKEOVERS),
    *(UNSERVED_NODES, UNSERVED_WORK),
)

_CHANGE = Label("change", CHANGES)
HPC_CHANGES = _counter("hpc_changes", "Drains and undrains that were asked for.", _CHANGE)
HPC_UNSEEN = _counter(
    "hpc_changes_unseen_seconds",
    "How long they took from the look before to the answer: what a person did within it may be undone.",
    _CHANGE,
    unit=Unit.SECONDS,
)
HPC = (HPC_CHANGES, HPC_UNSEEN)
