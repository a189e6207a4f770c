"""What a plan rests on that is old: whoever reads the log must not take a plan for healthy that was made blind."""

from __future__ import annotations

from models.nodes import Side
from service.parts import Parts


def rests_on_old(parts: Parts) -> str:
    """What of the last plan's input is from before the service went blind, with its age; empty where all is new."""
    if parts.control is None or parts.last is None or parts.last.decided is None:
        return ""
    snapshot = parts.last.decided.snapshot
    hpc, kubernetes = parts.sources
    unread = {side for side, source in ((Side.HPC, hpc), (Side.KUBERNETES, kubernetes)) if source.unread}
    old = [f"{side} read {age_s:.0f} s ago" for side, age_s in parts.control.ages_s.items() if side in unread]
    age_s = snapshot.now_s - min(view.forecast.made_at_s for view in snapshot.sides.values())
    if parts.control.deaf or parts.blind.lasts or age_s > parts.policy.spec.safety.stale_after:
        old.append(f"forecasts made {age_s} s ago")
    return ", ".join(old)
