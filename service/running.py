"""Running the parts: one turn, or turn after turn until someone ends it."""

from __future__ import annotations

import logging
import time

from basics.log_once import Trouble
from basics.text import count, some
from connectors.local.lock_file import LockFile
from controller.pool_loop import PoolLoop
from models.audit import Decided
from models.handovers import Direction
from models.plans import Plan
from service.parts import Parts
from service.staleness import rests_on_old
from service.stepper import Step, Stepper

WATCH_S = 2.0  # between two looks at what is under way
WATCH_SHARE = 0.25  # the part of the time that these looks may take

log = logging.getLogger("tidegate.service")


def run_on(parts: Parts) -> None:
    """Take every part's steps at its pace until SIGTERM or Ctrl-C."""
    spec = parts.policy.spec
    log.info("mode %s; a decision every %d s", spec.mode, spec.moves.every)
    clockwork = Stepper()
    clockwork.add("read", lambda: read(parts))
    if parts.lock is not None:
        clockwork.add("watch", lambda: _watch(parts))
    if parts.control is not None:
        clockwork.add("turn", turns(parts, parts.control), after_s=0.1)  # the first reading comes first
    clockwork.run()


def run_once(parts: Parts) -> Decided | None:
    """Read, forecast, and take one turn; what was decided, None when nothing was, and the log says why."""
    read(parts)
    if parts.control is None or parts.last is None:
        return None
    _watch(parts)  # takes the lead
    return parts.last.decided if parts.control.turn() is not None else None


def read(parts: Parts) -> float:
    """Read both sides, tell the bus, and forecast; seconds until the next reading."""
    after_s = parts.connecting.step()
    parts.follow()
    return after_s


def _watch(parts: Parts) -> float:
    """Keep the lead, and tend what is under way; the more there is, the less often."""
    began_s = time.monotonic()
    if parts.lock is not None:
        keep_lead(parts.lock, parts.unled)
    if parts.control is not None:
        parts.control.watch()
    if parts.lock is not None and parts.lock.epoch is not None and not parts.lock.kept:
        keep_lead(parts.lock, parts.unled)  # what a new leader found is written down: only then may moves begin
    return max(WATCH_S, (time.monotonic() - began_s) / WATCH_SHARE)


def keep_lead(lock: LockFile, trouble: Trouble) -> None:
    """Lead, or try to; what is wrong with that is told when it comes, and that it has gone."""
    lock.tick()
    if lock.trouble is None:
        trouble.over()
    else:
        trouble.met(lock.trouble)


def turns(parts: Parts, control: PoolLoop) -> Step:
    """The step that decides, and tells the log what was decided."""
    every_s = parts.policy.spec.moves.every
    trouble = Trouble(log, "plans rest on what is old")

    def turn() -> float:
        plan = control.turn()
        if plan is None:
            return every_s
        if old := rests_on_old(parts):
            trouble.met(old)
        else:
            trouble.over()
        log.info("%s", in_a_line(plan, old))
        return every_s

    return turn


def in_a_line(plan: Plan, old: str = "") -> str:
    """A plan for the log; ``old`` is what it rests on that is not new."""
    moves: dict[Direction, list[str]] = {}
    for move in plan.moves:
        moves.setdefault(move.direction, []).append(move.node)
    parts = [f"{direction}: {some(nodes)}" for direction, nodes in moves.items()]
    if plan.cancellations:
        parts.append(f"turned back: {some(plan.cancellations)}")
    wanted = f"Kubernetes has {count(plan.current, 'node')} and should have {plan.target}"
    held = ", held back" if plan.holds and plan.moves else ""
    blind = f" (blind: {old})" if old else ""
    return f"{wanted}; {'; '.join(parts) or 'nothing moves'}{held}{blind}"
