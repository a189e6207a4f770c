"""The frontier as a drawing: requests unmet across, HPC's mean wait up; nearer to the corner is better. No script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from cli.report.labels import Labels
from cli.report.numbers import duration_unit
from simulator.frontier import Point, curve

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 320, 64, 48, 14, 16
ROOM = 1.25  # beyond the farthest point of a policy
SHARE_LEAST = 0.02  # how far the drawing goes at least
TICKS = 4
ALONE = (
    "<style>svg{font:13px system-ui,sans-serif;background:#fff;color:#16191c}.grid{stroke:#d5d9d6}"
    "polyline{fill:none;stroke-width:2}text,.others{fill:currentColor}.others{stroke:currentColor}"
    "polyline.fixed{stroke:#5b6770}circle.fixed{fill:#5b6770}.ours{stroke:#0072b2;fill:#0072b2}polyline{fill:none}"
    "text.ours,text.fixed,text.others{stroke:none}</style>"
)


def frontier_chart(curves: Mapping[str, Sequence[Point]], *, alone: bool = False) -> str:
    """An SVG of all curves, what lies outside cut off; with ``alone`` it brings its own colours. Empty without a point
    of a policy that moves nodes."""
    moving = [one for name, points in curves.items() if name != "static" for one in points]
    if not moving:
        return ""
    share_most = min(1.0, up(max(SHARE_LEAST, ROOM * max(one.unmet_share for one in moving))))
    fixed = [one.wait_s for one in curves.get("static", ()) if one.unmet_share <= share_most]
    wait_s = ROOM * max([*(one.wait_s for one in moving), min(fixed, default=0.0), 1.0])
    unit, size_s = duration_unit([wait_s])
    wait_most = up(wait_s / size_s) * size_s
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(one: Point) -> tuple[float, float]:
        return wide * one.unmet_share / share_most, high * (1 - one.wait_s / wait_most)

    labels = Labels(wide, high)
    drawn = "".join(_curve(name, [place(one) for one in curve(points)], labels) for name, points in curves.items())
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    return (
        f'<svg{space} class="frontier" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="Requests unmet against HPC\'s mean wait">{ALONE if alone else ""}'
        f"{_axes(share_most, wait_most / size_s, unit)}"
        f'<svg x="{LEFT}" y="{TOP}" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">{drawn}</svg></svg>'
    )


def _curve(name: str, places: Sequence[tuple[float, float]], labels: Labels) -> str:
    """One policy: a line through its points, the points, and its name beside one of them."""
    kind = "fixed" if name == "static" else "ours" if name == "predictive" else "others"
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    text = f'<polyline class="{kind}" points="{line}"/>' if len(places) > 1 else ""
    if kind != "fixed":
        text += "".join(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places)
    seen = [(x, y) for x, y in places if 0 <= x <= labels.wide and y >= 0]
    if not seen:
        return text
    x, y = seen[-1 if kind == "others" else 0]
    label = labels.beside(x, y, "fixed splits" if kind == "fixed" else name, first=12 if kind == "fixed" else -6)
    anchor = ' text-anchor="end"' if label.ends else ""
    return f'{text}<text class="{kind}" x="{label.x:.1f}" y="{label.y:.1f}"{anchor}>{escape(label.text)}</text>'


def up(least: float) -> float:
    """The next round number at or above: one that four equal steps lead to, each of one or two digits."""
    size = 10.0 ** math.floor(math.log10(least))
    return next(size * part for part in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if size * part >= least * (1 - 1e-9))


def _axes(share_most: float, wait_most: float, unit: str) -> str:
    """Lines, numbers and titles of both axes; waits in the unit."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = []
    for number in range(TICKS + 1):
        part = number / TICKS
        x, y = LEFT + wide * part, TOP + high * (1 - part)
        share, wait = 100 * share_most * part, wait_most * part
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{LEFT + wide}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{wait:.3g}</text>'
            f'<text x="{x:.1f}" y="{TOP + high + 18}" text-anchor="middle">{share:.3g}</text>'
        )
    middle = TOP + high / 2
    parts.append(
        f'<text x="{LEFT + wide / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">requests unmet, %</text>'
        f'<text x="14" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 14 {middle:.1f})">'
        f"HPC jobs' mean wait, {unit}</text>"
    )
    return "".join(parts)
