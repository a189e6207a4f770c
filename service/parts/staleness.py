"""What a plan rests on that is old: whoever reads the log must not take a plan for healthy that was made blind."""

from __future__ import annotations

from collections.abc import Collection

from controller.pool_loop import PoolLoop
from models.audit import Decided
from models.nodes import Side
from service.parts.forecasting import ForecastingPart
from service.process import Process


def rests_on_old(loop: PoolLoop, decided: Decided | None, unread: Collection[Side], process: Process) -> str:
    """What of the last plan's input is from before the service went blind, with its age; empty where all is new."""
    if decided is None:
        return ""
    snapshot = decided.snapshot
    old = [f"{side} read {age_s:.0f} s ago" for side, age_s in loop.ages_s.items() if side in unread]
    age_s = snapshot.now_s - min(view.forecast.made_at_s for view in snapshot.sides.values())
    blind = any(isinstance(part, ForecastingPart) and part.blind for part in process.parts)
    if loop.deaf or blind or age_s > process.policy.spec.safety.stale_after:
        old.append(f"forecasts made {age_s} s ago")
    return ", ".join(old)
