"""The frontier as a drawing that needs no script: what Kubernetes lacks against HPC's mean wait, a point a row."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10

from cli.report.numbers import duration_unit, number
from cli.sweeping.frontier import SHARE, UNMET, WAIT, Swept

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 20, 20, 55
TICKS = 5


def plot(swept: Sequence[Swept]) -> str:
    """An SVG: filled points that nothing dominates, joined by a line; rings for the others. Each has its row's number
    and tells its values to a pointer."""
    unit, size_s = duration_unit([one.figures[WAIT] for one in swept])
    unmet, scale, what = _unmet(swept)
    points = [(one.figures[unmet] * scale, one.figures[WAIT] / size_s) for one in swept]
    right, top = (_nice(max(values, default=0.0)) for values in zip(*points, strict=True))
    placed = [(_x(x, right), _y(y, top)) for x, y in points]
    best = sorted(place for place, one in zip(placed, swept, strict=True) if not one.is_dominated)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in best)
    marks = "\n".join(
        _mark(number_, one, place) for number_, (one, place) in enumerate(zip(swept, placed, strict=True), 1)
    )
    label = f"{what} against HPC's mean wait in {unit}, {len(swept)} combinations"
    return (
        f'<svg class="frontier" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(label)}">\n'
        f"{_axes(right, top, what, unit)}\n"
        f'<polyline points="{line}"/>\n{marks}\n</svg>'
    )


def _unmet(swept: Sequence[Swept]) -> tuple[str, float, str]:
    if SHARE in swept[0].figures:
        return SHARE, 100.0, "Requests unmet, %"
    return UNMET, 1.0, "Kubernetes' unmet demand, node-hours"


def _mark(number_: int, one: Swept, place: tuple[float, float]) -> str:
    kind = "dominated" if one.is_dominated else "best"
    x, y = place
    return (
        f'<g class="{kind}"><title>{number_}: {escape(one.combination.name)}</title>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6"/><text x="{x + 9:.1f}" y="{y - 7:.1f}">{number_}</text></g>'
    )


def _axes(right: float, top: float, what: str, unit: str) -> str:
    parts = []
    for step in range(TICKS + 1):
        share = step / TICKS
        x, y = _x(share * right, right), _y(share * top, top)
        parts += [
            f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text class="tick-y" x="{LEFT - 8}" y="{y + 4:.1f}">{_tick(share * top, top)}</text>',
            f'<text class="tick-x" x="{x:.1f}" y="{HIGH - BOTTOM + 20}">{_tick(share * right, right)}</text>',
        ]
    middle = (TOP + HIGH - BOTTOM) / 2
    parts += [
        f'<text class="title" x="{(LEFT + WIDE - RIGHT) / 2:.0f}" y="{HIGH - 10}">{escape(what)}</text>',
        f'<text class="title" transform="translate(16 {middle:.0f}) rotate(-90)">HPC\'s mean wait, {unit}</text>',
    ]
    return "\n".join(parts)


def _tick(value: float, most: float) -> str:
    return number(value, 0 if most >= 10 else 1 if most >= 1 else 3)


def _nice(most: float) -> float:
    """The end of an axis: the next of 1, 2, 2.5, 5 and 10 times a power of ten; 1 where all is nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next((step * power for step in (1, 2, 2.5, 5) if step * power >= most), 10 * power)


def _x(value: float, most: float) -> float:
    return LEFT + value / most * (WIDE - LEFT - RIGHT)


def _y(value: float, most: float) -> float:
    return HIGH - BOTTOM - value / most * (HIGH - TOP - BOTTOM)
