"""From release 0.1.0 and back, in the middle of every hand-over: what one release began, one of them ends.

Release 0.1.0 wrote ids and marks without site and pool, records of version 1, and a lock's state of version 1.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.local import lock_state
from connectors.local.lock_file import LockFile
from controller.controller import Controller
from controller.handover import record
from controller.handover.record import decode, encode
from controller.site_leadership import SiteLeadership
from models.acts import Act, Verb
from models.audit import Entered
from models.forecasts import Source, flat
from models.handovers import Direction, Stage
from models.nodes import Side
from models.plans import Plan, Reason
from models.policies import MovesPolicy, PoolPolicy, Spec
from tests.controller.fleet import IDENTITY, SCOPE, Fleet, Leader, Machine
from tests.controller.play import DEADLINE_S, MARK, READY_S, SETTLE_S, STAGES, UP, at

OLD, OLDER = "tidegate:1.p3", "tidegate:1.p2"
MEMORY = '{"begun":{"0":1},"at_s":0,"failures":0,"resumes":2,"under_way":["1.9"]}'
STATE = {"v": 1, "epoch": 1, "paused": None, "resumes": 2, "remembered": MEMORY}
MARKING = (Verb.DRAIN, Verb.RESERVE, Verb.CLOSE)
MOVES = MovesPolicy(
    at_once="100%", per_hour="100%", dwell="0s", settle=f"{SETTLE_S}s", ready_for=f"{READY_S}s", drain_deadline="20m"
)
RENAMED = {MARK: OLD, "tidegate:before": OLDER, None: None}


def left(direction: Direction, stage: Stage) -> Fleet:
    """A node as a process of release 0.1.0 leaves it, in the middle of hand-over 1.9."""
    play = at(direction, stage)
    machine = play.machine
    machine.drain, machine.closed, machine.booked = (
        RENAMED[mark] for mark in (machine.drain, machine.closed, machine.booked)
    )
    handover = replace(play.handover, id="1.9", batch="1.p3", epoch=1)
    machine.record = json.dumps({**json.loads(encode(handover)), "v": 1})
    return play.fleet


def begun_here(fleet: Fleet, path: Path) -> Fleet:
    """The same, taken up by this release as far as its own record."""
    path.write_text(json.dumps(STATE))
    process = Process(fleet, path)
    process.watch(20)
    process.end()
    assert json.loads(fleet.machines["n1"].record or "")["v"] == 2
    return fleet


class Process:
    """One process of this release, that leads by a lock file."""

    def __init__(self, fleet: Fleet, path: Path) -> None:
        self.fleet = fleet
        self.lock = LockFile(path)
        led = SiteLeadership(self.lock, [IDENTITY.pool])
        ports = replace(fleet.ports(), leadership=led.pool(IDENTITY.pool))
        pool, spec = PoolPolicy(name=IDENTITY.pool), Spec(moves=MOVES)
        self.controller = Controller(ports, IDENTITY, pool, spec, fleet.clock, fleet.audit, led.budget)
        self.lock.tick()

    def end(self) -> None:
        self.lock.release()

    def watch(self, *seconds: int) -> None:
        """Look after what is under way; never is the node open to both sides."""
        for now_s in seconds:
            self.fleet.clock.now_s = now_s
            self.lock.tick()
            self.controller.watch()
            assert not self.fleet.node().breached

    def turn(self, now_s: int, wants: Side) -> Plan | None:
        self.fleet.clock.now_s = now_s
        self.lock.tick()
        need = {side: 1.0 if side is wants else 0.0 for side in Side}
        self.fleet.sizes = {side: (need[side],) if need[side] else () for side in Side}
        return self.controller.turn({side: flat(side, now_s, need[side], (900, 7200), Source.NOW) for side in Side})


def let_go(machine: Machine) -> None:
    """Whatever kept the hand-over from going on is over."""
    machine.busy, machine.pods, machine.frees_at_s = False, 0, None
    machine.opens_slowly, machine.hpc_ready, machine.kubernetes_ready = False, True, True


def marked(acts: list[Act]) -> set[str]:
    return {act.mark for act in acts if act.verb in MARKING}


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_what_release_0_1_0_left_is_gone_on_with_and_ended_under_its_mark(
    direction: Direction, stage: Stage, tmp_path: Path
):
    path, fleet = tmp_path / "lock", left(direction, stage)
    machine = fleet.machines["n1"]
    path.write_text(json.dumps(STATE))
    process = Process(fleet, path)
    assert (process.lock.epoch, json.loads(path.read_text())["v"]) == (2, 2)
    process.watch(20)
    assert json.loads(machine.record or "")["v"] == 2, "the first write replaces the record"
    let_go(machine)
    process.watch(*range(21, 2 * DEADLINE_S + 200, 10))
    (ended,) = process.controller.finished
    assert ended.id == f"{SCOPE}.1.9"
    assert ended.stage in (Stage.DONE, Stage.CANCELLED)
    assert fleet.node().owner is (direction.target if ended.stage is Stage.DONE else direction.source)
    assert machine.booked is None
    assert marked(fleet.asked) <= {OLD}
    assert decode(machine.record or "", SCOPE).stage is ended.stage
    assert {entry.handover.id for entry in fleet.audit.of(Entered)} == {f"{SCOPE}.1.9"}  # type: ignore[union-attr]


def test_moves_that_release_0_1_0_began_are_counted_once(tmp_path: Path):
    path, fleet = tmp_path / "lock", left(UP, Stage.DRAINED)
    path.write_text(json.dumps(STATE))
    process = Process(fleet, path)
    process.turn(20, Side.KUBERNETES)
    process.turn(30, Side.KUBERNETES)
    assert process.controller._ledger.recent_s(30) == (0,)
    assert not process.controller._ledger.hear(2), "what a person ordered then was heard then"


@pytest.mark.parametrize("direction", Direction)
def test_a_node_that_release_0_1_0_moved_is_moved_back_under_our_mark(direction: Direction, tmp_path: Path):
    fleet = left(direction, Stage.SETTLED)
    machine = fleet.machines["n1"]
    let_go(machine)
    (tmp_path / "lock").write_text(json.dumps(STATE))
    first = Process(fleet, tmp_path / "lock")
    first.watch(20, 40, 60, 80)
    assert fleet.node().owner is direction.target
    fleet.asked.clear()
    first.turn(4000, direction.source)
    plan = first.turn(4300, direction.source)
    assert plan is not None
    first.watch(4320, 4340, 4360)
    assert fleet.node().owner is direction.source
    assert marked(fleet.asked) == {f"tidegate:{SCOPE}.2.p1"}
    assert decode(machine.record or "", SCOPE).id.startswith(f"{SCOPE}.2.")


@pytest.mark.parametrize(("direction", "stage"), STAGES)
def test_release_0_1_0_leaves_alone_what_this_one_has_in_hand_and_this_one_ends_it(
    direction: Direction, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "lock"
    fleet = begun_here(left(direction, stage), path)
    machine = fleet.machines["n1"]
    before = (machine.drain, machine.closed, machine.booked, machine.record)
    fleet.asked.clear()
    with monkeypatch.context() as old:
        old.setattr(record, "VERSION", 1)
        old.setattr(lock_state, "VERSION", 1)
        back = Process(fleet, path)
        back.watch(40, 50)
        assert back.lock.epoch is None, "it does not lead by a state of a later version"
        back.end()
        fleet.leader = Leader(epoch=9)  # nor touches what a later release has in hand, should it lead
        pool = PoolPolicy(name=IDENTITY.pool)
        alone = Controller(fleet.ports(), IDENTITY, pool, Spec(moves=MOVES), fleet.clock, fleet.audit)
        plan = alone.turn({side: flat(side, 60, 1.0, (900, 7200), Source.NOW) for side in Side})
        assert plan is not None
        assert {rejection.reason for rejection in plan.rejections} <= {Reason.MANAGED, Reason.UNREADY}
        assert alone.open_handovers == ()
    assert fleet.asked == []
    assert (machine.drain, machine.closed, machine.booked, machine.record) == before
    let_go(machine)
    again = Process(fleet, path)
    assert again.lock.epoch == 3
    again.watch(*range(70, 2 * DEADLINE_S + 200, 10))
    assert [ended.id for ended in again.controller.finished] == [f"{SCOPE}.1.9"]
    assert fleet.node().owner is not None
    assert marked(fleet.asked) <= {OLD}
