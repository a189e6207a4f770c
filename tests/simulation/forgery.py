"""Forged records: any field as it may be, as it cannot be, or as another node has it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from controller.handover.record import VERSION
from models.handovers import MARK_PREFIX, Direction, Stage, Why
from tests.simulation.process import IDENTITY

if TYPE_CHECKING:
    from tests.simulation.world import World

FAR_S = 2**53


def forged(world: World, node: int, dice: random.Random) -> str:
    """The text of a record that nobody of ours wrote; the observer is told whose id it bears."""
    machine, now_s, scope = world.machine, world.machine.now_s, IDENTITY.scope
    shown = [world.twin_kubernetes.refresh()[name].record for name in machine.names]
    present = [json.loads(text) for text in shown if text and text.startswith("{")]
    epoch = 0 if world.store.lease is None else world.store.lease.epoch
    marks = [mark for mark in (machine.hpc.drained_by[node], machine.kube.closed_by[node]) if mark]
    batches = [mark.removeprefix(MARK_PREFIX) for mark in marks] or [f"{scope}.{epoch}.p1"]
    times = (0, now_s - 3600, now_s, now_s + 60, now_s + 10**6, FAR_S, -FAR_S, 10**30)
    record = {
        "v": dice.choice((1, VERSION, VERSION, VERSION, VERSION + 1)),
        "id": f"{scope}.{epoch}.{dice.choice('mp')}{dice.randrange(10**6)}",
        "batch": dice.choice(batches),
        "node": dice.choice((machine.names[node], machine.names[node], dice.choice(machine.names))),
        "direction": dice.choice(list(Direction)),
        "stage": dice.choice(list(Stage)),
        "epoch": dice.choice(
            (0, epoch, epoch, epoch, epoch + 1, epoch + 100_000, epoch + 100_001, 2**31 - 1, 2**31, -1, 10**30)
        ),
        "started": dice.choice(times),
        "since": dice.choice(times),
        "deadline": dice.choice(times),
        "reserve": dice.choice((None, None, *times)),
        "why": dice.choice((None, None, *Why)),
        "repair": dice.random() < 0.3,
    }
    if present and dice.random() < 0.4:  # a true record with a field or two made up
        true = dice.choice(present)
        record = {**true, **{key: record[key] for key in dice.sample(sorted(record), dice.choice((0, 1, 2)))}}
    world.observer.forged.add(record["id"])
    return json.dumps(record)
