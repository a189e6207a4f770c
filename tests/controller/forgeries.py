"""Messages as somebody may forge them who can write to the bus: taken from real ones, and made wrong by a seed.

They go through the wire: what it refuses is a dead letter, and reaches nobody.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from connectors.bus.wire.codec import Message, Poison, UnknownType, decode, encode
from models.demand import Demand
from models.events import Event, Payload, Topic
from models.forecasts import Forecast, Source
from models.identity import PoolId
from models.nodes import HpcNode, KubernetesNode, Side
from models.work import WorkRecord, WorkState

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS_S = (900, 1800, 3600, 7200)
NASTY = (0, -1, 1, 0.5, 1e9, 1e300, 2**62, -(2**62), float("nan"), float("inf"), None, "", "hpc", [], [0], [900, 900])


def forged(dice: random.Random, pool: PoolId, now_s: int, nodes: int) -> Iterator[Event]:
    """One message, if the wire lets it through: of any topic, side and pool, and of any time."""
    side = dice.choice(tuple(Side))
    topic, payload, thing = dice.choice(
        (
            *[(Topic.FORECASTS, _forecast(dice, side, now_s, nodes), "")] * 4,
            *[(Topic.DEMAND, _demand(dice, side, now_s, nodes), "")] * 2,
            (Topic.WORK, _work(dice, side, now_s, nodes), "/job/1"),
            (Topic.NODES, HpcNode("n1", "", dice.choice((None, "x")), False, None), "/n1"),
            (Topic.NODES, KubernetesNode("n1", None, False, dice.choice((0, 9))), "/n1"),
        )
    )
    whose = dice.choice((*[pool] * 6, PoolId("campus", "other"), PoolId("island", pool.pool)))
    where = dice.choice((*[side] * 6, side.other, "nobody", ""))
    at_s = float(max(0, now_s + dice.choice((0, 0, 0, 1, 5, 6, 60, 10**8, -1, -600, -(10**8)))))
    version = dice.choice((1, now_s, 2**62, 2**63 - 1))
    message = encode(Event(topic, f"{whose.key}/{where}{thing}", payload, version, pool.source("forged"), at_s))
    if dice.random() < 0.4:
        message = _mutated(dice, message)
    try:
        yield decode(topic, message.key, message.value, message.headers)
    except (Poison, UnknownType):
        return


def _forecast(dice: random.Random, side: Side, now_s: int, nodes: int) -> Payload:
    scale = dice.choice((1.0, float(nodes), 20.0 * nodes, 1e9, 1e300))
    made_s = max(0, now_s + dice.choice((0, 0, 0, 1, 5, 6, 3600, -1, -600, -86_400)))
    rows = [sorted(dice.choice((0.0, dice.random() * scale)) for _ in LEVELS) for _ in HORIZONS_S]
    now = dice.choice((0.0, float(nodes), dice.random() * scale))
    return Forecast(side, made_s, now, HORIZONS_S, LEVELS, tuple(map(tuple, rows)), dice.choice(tuple(Source)))


def _demand(dice: random.Random, side: Side, now_s: int, nodes: int) -> Payload:
    running, waiting = (dice.choice((0.0, float(nodes), 1e3 * nodes, 1e9, 1e300)) for _ in range(2))
    return Demand(side, max(0, now_s + dice.choice((0, 0, 0, 5, 6, -60))), running, waiting)


def _work(dice: random.Random, side: Side, now_s: int, nodes: int) -> Payload:
    state = dice.choice(tuple(WorkState))
    return WorkRecord("job/1", side, state, dice.choice((1e-9, 1.0, 1e9 * nodes)), now_s, 60, now_s)


def _mutated(dice: random.Random, message: Message) -> Message:
    """One value of the body, wherever it stands, is another."""
    body = json.loads(message.value or b"{}")
    place, key = body, dice.choice(sorted(body))
    while isinstance(place[key], list) and place[key] and dice.random() < 0.8:
        place, key = place[key], dice.randrange(len(place[key]))
    place[key] = dice.choice(NASTY)
    return message._replace(value=json.dumps(body).encode())
