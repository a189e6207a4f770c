"""The status of a service that need not run: the last decision of each pool in its state folder, and orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.local import lock_state
from connectors.local.latest_decision import read_latest
from models.audit import Decided
from models.errors import BadInput
from models.events import Event, Payload, Planned, Topic
from models.freshness import Freshness
from models.identity import CONTROLLER, PoolId
from models.policies import Mode, Policy
from service.page import build
from service.page.heard import Heard
from service.page.known import Known, Site
from service.page.model import Status
from service.site import LOCK

POLL_S = 30


def from_state(folder: Path, now_s: int) -> Status:
    """What the folder has. Raises BadInput where nothing was decided there yet."""
    latest = list(read_latest(folder))
    if not latest:
        raise BadInput("nothing was decided here yet", where=str(folder), remedy="let tidegate run take a turn first")
    mode = Mode.AUTO if any(one.epoch for one in latest) else Mode.RECOMMEND
    spec = Policy().spec.model_copy(update={"mode": mode, "pools": tuple(one.pool for one in latest)})
    policy = Policy().model_copy(update={"spec": spec})
    name = next((one.snapshot.scope.partition("_")[0] for one in latest if one.snapshot.scope), "site")
    heard = Heard()
    for one in latest:
        for event in _events(PoolId(name, one.pool.name), one):
            heard.take(event)
    orders = lock_state.read_orders(folder / LOCK)
    pools = [PoolId(name, one.pool.name) for one in latest]
    return build.status(
        Site(name, policy, False, POLL_S, now_s),
        heard,
        Known((), orders, "", 0),
        Freshness(policy, POLL_S, pools, now_s),
        now_s,
    )


def _events(whose: PoolId, one: Decided) -> Iterator[Event]:
    """What the bus would have told of the decision."""

    def event(topic: Topic, key: str, payload: Payload) -> Event:
        return Event(topic, f"{whose.key}{key}", payload, 1, whose.source(CONTROLLER), float(one.plan.at_s))

    yield event(Topic.PLANS, "", Planned(one.epoch, one.plan))
    for node in one.snapshot.nodes:
        yield event(Topic.NODES, f"/hpc/{node.name}", node.hpc)
        yield event(Topic.NODES, f"/kubernetes/{node.name}", node.kubernetes)
    for side, view in one.snapshot.sides.items():
        yield event(Topic.FORECASTS, f"/{side}", view.forecast)
    for handover in one.snapshot.open_handovers:
        yield event(Topic.HANDOVERS, f"/{handover.node}", handover)
