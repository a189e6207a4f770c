"""The status page as HTML and as JSON. Pure; whatever comes from outside is escaped on its way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TypeVar

import msgspec

from models.events import Event, Planned
from models.forecasts import Forecast
from models.handovers import Handover
from service.part import Status
from service.plan_text import in_a_line

Told = TypeVar("Told")
Ages = Mapping[str, int]  # in seconds, by the ids of events
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24}"
    "h2{margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "td{padding:.3rem .8rem .3rem 0;border-top:1px solid #d8dee4;vertical-align:top;overflow-wrap:anywhere}"
    "td:first-child{white-space:nowrap}.bad{color:#a40e26;font-weight:600}"
)


def page_html(site: str, now_s: int, status: Sequence[Status], events: Sequence[Event], old: Ages) -> bytes:
    """The page, which loads nothing; it draws itself anew every few seconds. ``old`` is what is too old."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1"><meta http-equiv=refresh content=5>',
        f"<title>Tidegate · {escape(site)}</title><style>{_STYLE}</style>",
        f"<h1>Tidegate · {escape(site)}</h1><p>{_moment(now_s)}</p>",
        "<h2>This process</h2>",
        _table((one.part, one.text or "runs", one.well) for one in status),
        "<h2>Plans</h2>",
        _table(_aged(event, in_a_line(one.plan), old, not one.plan.holds) for event, one in _told(events, Planned)),
        *_unserved(events),
        "<h2>Forecasts</h2>",
        _table(_aged(event, _forecast(one), old) for event, one in _told(events, Forecast)),
        "<h2>Hand-overs under way, or in need of a person</h2>",
        _table((one.node, f"{one.id}: {one.direction}, {one.stage}", one.stage != "stuck") for one in _open(events)),
    ]
    return "".join(parts).encode()


def page_json(site: str, now_s: int, status: Sequence[Status], events: Sequence[Event], old: Ages) -> bytes:
    """The same for machines."""
    return msgspec.json.encode(
        {
            "site": site,
            "now_s": now_s,
            "parts": status,
            "plans": {event.key: one.plan for event, one in _told(events, Planned)},
            "forecasts": {event.key: _forecast(one) for event, one in _told(events, Forecast)},
            "old": {event.key: old[event.id] for event in events if event.id in old},
            "handovers": [{"id": one.id, "node": one.node, "stage": one.stage} for one in _open(events)],
        }
    )


def _table(rows: Iterable[tuple[str, str, bool]]) -> str:
    drawn = "".join(
        f"<tr><td>{escape(name)}<td{'' if well else ' class=bad'}>{escape(text)}" for name, text, well in rows
    )
    return f"<table>{drawn}</table>" if drawn else "<p>none</p>"


def _told(events: Sequence[Event], kind: type[Told]) -> Iterator[tuple[Event, Told]]:
    ordered = sorted(events, key=lambda event: event.key)
    return ((event, event.payload) for event in ordered if isinstance(event.payload, kind))


def _open(events: Sequence[Event]) -> list[Handover]:
    return [one for _, one in _told(events, Handover) if not one.stage.finished or one.stage == "stuck"]


def _unserved(events: Sequence[Event]) -> Iterator[str]:
    """A part of its own, where there is such work."""
    rows = [
        (event.key.partition("/")[2], found.text, not found.why.for_good)
        for event, one in _told(events, Planned)
        for found in one.plan.unserved
    ]
    if rows:
        yield from ("<h2>Work that nobody can serve</h2>", _table(rows))


def _aged(event: Event, text: str, old: Ages, well: bool = True) -> tuple[str, str, bool]:
    """A row, within its site, that says how old it is where it is too old."""
    age_s = old.get(event.id)
    told = text if age_s is None else f"{text}; old: of {age_s} s ago"
    return event.key.partition("/")[2], told, well and age_s is None


def _forecast(forecast: Forecast) -> str:
    middle = len(forecast.levels) // 2
    ahead = ", ".join(
        f"{row[middle]:.1f} in {horizon_s // 60} min"
        for horizon_s, row in zip(forecast.horizons_s, forecast.values, strict=True)
    )
    return f"{forecast.now:.1f} nodes now; {ahead} ({forecast.source}, made {_moment(forecast.made_at_s)})"


def _moment(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
