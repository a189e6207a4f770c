"""What HPC jobs wait at the service that Kubernetes gets, against the fixed split that serves as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.report.numbers import decimals_for, duration_unit, number
from simulator.frontier import UNMET, WAIT, Point, curve, point, wait_at
from simulator.outcome import Outcome

_WORDS = {"s": "seconds", "min": "minutes", "h": "hours", "days": "days"}
_SAME = 0.005  # of the longer wait: less is noise of the replay


def frontier(outcomes: Sequence[Outcome]) -> Mapping[str, tuple[Point, ...]]:
    """By policy the points that no other of it beats: of the fixed splits all along, of others one. Empty without
    requests or without fixed splits."""
    fixed = [one for outcome in outcomes for one in outcome.splits]
    if not fixed:
        return {}
    own = {
        outcome.policy: (point(outcome.figures, 0),)
        for outcome in outcomes
        if not outcome.splits and outcome.value(UNMET) is not None and outcome.value(WAIT) is not None
    }
    return {"static": curve(fixed), **own}


def service_sentence(outcomes: Sequence[Outcome]) -> str:
    """The waits under the predictive policy against those of the fixed split of equal service; empty where there is no
    such thing."""
    curves = frontier(outcomes)
    ours = next((points[0] for name, points in curves.items() if name.lower().startswith("predictive")), None)
    if ours is None:
        return ""
    theirs_s = wait_at(curves["static"], ours.unmet_share)
    unit, size_s = duration_unit([ours.wait_s, theirs_s])
    waits = [ours.wait_s / size_s, *([] if theirs_s is None else [theirs_s / size_s])]
    texts = [number(wait, decimals_for(waits)) for wait in waits]
    first = f"At {service(ours.unmet_share)} of requests unmet"
    wait = f"HPC jobs wait {texts[0]} {_WORDS[unit]} on average"
    if theirs_s is None:
        return f"{first}, which no fixed split reaches, {wait}."
    if abs(ours.wait_s - theirs_s) <= _SAME * max(ours.wait_s, theirs_s):
        return f"{first}, {wait}, about as long as with a fixed split that serves as well."
    if ours.wait_s < theirs_s:
        return f"{first}, {wait} instead of the {texts[1]} of a fixed split that serves as well."
    return f"{first}, {wait}, longer than the {texts[1]} of a fixed split that serves as well."


def of_fixed_split(outcomes: Sequence[Outcome], policy: str) -> float | None:
    """A policy's mean wait of that of the fixed split that serves as well; None where there is no such thing."""
    curves = frontier(outcomes)
    if policy not in curves:
        return None
    ours = curves[policy][0]
    theirs_s = wait_at(curves["static"], ours.unmet_share)
    return ours.wait_s / theirs_s if theirs_s else None


def service(unmet_share: float) -> str:
    """A share of requests unmet, with two digits: ``1.7 %``, ``0.04 %``."""
    return f"{100 * unmet_share:.2g} %" if unmet_share < 0.995 else "100 %"
