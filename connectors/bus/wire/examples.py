"""One event of each type, for the reference and its tests: a small site on an ordinary morning."""

from __future__ import annotations

from connectors.bus.wire.payloads import TYPES
from connectors.bus.wire.receiver import dead_letter_event
from models.announced import Announced
from models.demand import Demand
from models.events import DeadLetter, Event, Payload, Planned, Topic
from models.forecasts import Forecast, Source
from models.handovers import Direction, Handover, Stage
from models.identity import CONNECTOR, CONTROLLER, FORECASTING, PoolId
from models.nodes import HpcNode, KubernetesNode, NodeShape, Side
from models.outlook import Outlook
from models.plans import Hold, Move, Plan, Reason, Rejection, Switch
from models.signals import Signal, Signals
from models.unserved import Unserved, UnservedReason
from models.work import WorkRecord, WorkState

NOW_S = 1_772_438_400  # 2 March 2026, 08:00 UTC
_AT_S = NOW_S + 0.25
_POOL = PoolId("campus", "a100")
_PARTS = {Topic.FORECASTS: FORECASTING, Topic.PLANS: CONTROLLER, Topic.HANDOVERS: CONTROLLER}
_MOVE = "moving 1 node to kubernetes: gain 1.42 of 6.10 weighted node-hours, cost 0.31"
_HANDOVER = Handover(
    id="gpu017-1772438400",
    batch="plan-1772438400",
    node="gpu017",
    direction=Direction.TO_KUBERNETES,
    stage=Stage.DRAINING,
    started_s=NOW_S,
    stage_since_s=NOW_S + 5,
    deadline_s=NOW_S + 4 * 3600,
    epoch=7,
    uid="5b1cbf0e-3c70-4c52-8a4e-1f6d4b0d9a55",
)
_PLAN = Plan(
    at_s=NOW_S,
    current=12,
    target=13,
    moves=(Move("gpu017", Direction.TO_KUBERNETES, Reason.DEMAND, _MOVE, 1.42, 0.31),),
    cancellations=(),
    rejections=(
        Rejection(("gpu001", "gpu002"), Reason.DWELL, "moved too recently; it stays at least 1800 s"),
        Rejection(("gpu063",), Reason.NOT_OURS, "closed by someone else, who alone may open it"),
    ),
    holds=(
        Hold(
            Switch.PAUSED,
            "paused by a person (open hand-overs: finish); then run: tidegate resume /var/lib/tidegate/lock",
        ),
    ),
    unserved=(Unserved(Side.KUBERNETES, UnservedReason.NODE, 41, 61.5, "96 cpus, a node has 64", 1.5),),
)
_FORECAST = Forecast(
    Side.HPC,
    NOW_S,
    54.5,
    (900, 3600),
    (0.1, 0.5, 0.9),
    ((50.0, 54.5, 59.0), (44.0, 52.0, 63.5)),
    Source.MODEL,
    Outlook(Side.HPC, NOW_S - 300, (43200, 86400), (0.5, 0.9), ((50.0, 62.0), (48.5, 64.0)), (0.25, 0.8), (0.0, 2.5)),
)
_OFFERS = NodeShape(64000, 515072, 8000)
_MARK = _HANDOVER.mark
_VALUES: tuple[tuple[str, Payload], ...] = (  # each with its key after the pool's
    (
        "/hpc/job/4711",
        WorkRecord("job/4711", Side.HPC, WorkState.RUNNING, 4.0, NOW_S - 5400, 14400, NOW_S, None, "ada"),
    ),
    ("/hpc/gpu017", HpcNode("gpu017", "a100", _MARK, busy=True, frees_at_s=NOW_S + 3600, offers=_OFFERS)),
    ("/kubernetes/gpu017", KubernetesNode("gpu017", None, discouraged=False, pods=0, uid=_HANDOVER.uid)),
    ("/hpc", Demand(Side.HPC, NOW_S, 48.0, 6.5, (Announced(NOW_S + 7200, Side.HPC, 12.0, "job 4712", 3600),))),
    ("", Signals(NOW_S, (Signal("jobs_held", 12.0, "jobs"), Signal("logged_in", 41.0, "users")))),
    ("/hpc", _FORECAST),
    ("", Planned(7, _PLAN)),
    ("/gpu017", _HANDOVER),
)


def examples() -> tuple[Event, ...]:
    """An event of each type that has a body, in the order of the types."""
    events = [_event(key, value) for key, value in _VALUES]
    letter = DeadLetter(Topic.WORK.value, 3, 1234, "header ce_type is missing", b"campus/a100/hpc/job/1", b"{}", (), 23)
    return (*events, dead_letter_event(letter, _AT_S))


def gone() -> Event:
    """An event that says that a key has no state any more."""
    return Event(Topic.WORK, f"{_POOL.key}/hpc/job/4712", None, 3, _POOL.source(CONNECTOR), _AT_S)


def _event(rest: str, value: Payload) -> Event:
    topic = TYPES[type(value)].topic
    return Event(topic, f"{_POOL.key}{rest}", value, 42, _POOL.source(_PARTS.get(topic, CONNECTOR)), _AT_S)
