"""Running a process of the service: turn after turn until someone ends it, or one turn."""

from __future__ import annotations

import logging

from models.audit import Decided
from service.parts.control import ControlPart
from service.parts.forecasting import ForecastingPart
from service.parts.publishing import PublishingPart
from service.process import Process
from service.stepper import Stepper

log = logging.getLogger("tidegate.service")


def run_on(process: Process) -> None:
    """Take every part's steps at its pace until SIGTERM or Ctrl-C."""
    spec = process.policy.spec
    log.info(
        "role %s, mode %s; a decision every %d s, %d s after the last at the soonest",
        process.role,
        spec.mode,
        spec.moves.every,
        min(spec.moves.soonest, spec.moves.every),
    )
    stepper = Stepper()
    process.wake = stepper.wake
    for step in process.steps():
        stepper.add(step)
    stepper.run()


def run_once(process: Process) -> list[Decided]:
    """Read, forecast, and take one turn for each pool; what was decided, and the log says why nothing was."""
    read_once(process)
    decided = []
    for control in (part for part in process.parts if isinstance(part, ControlPart)):
        if control.leadership.lock is not None:
            control.leadership.wait_for_lead()
            control.tend()
            control.leadership.wait_until_kept()
        for name, pool in control.pools.items():
            before = pool.last.decided
            control.turn(name)
            if pool.last.decided is not None and pool.last.decided is not before:
                decided.append(pool.last.decided)
    return decided


def read_once(process: Process) -> None:
    """Read both sides, tell the bus, and forecast."""
    for part in process.parts:
        if isinstance(part, PublishingPart | ForecastingPart):
            for step in part.steps():
                step.take()
