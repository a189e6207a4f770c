"""The bus: whether it can be reached with the site's settings, and how much demand is on it to learn from."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterable, Iterator
from contextlib import closing

from basics.text import count
from cli.doctor.files import mistakes
from connectors.bus.inspection import Found, Inspection, everything
from connectors.bus.open_bus import open_inspection
from forecasting.forecast_publisher import AHEAD_MOST_S, demand_of
from models.errors import BadInput, BusRefused, BusUnavailable
from models.events import Topic
from models.findings import Finding, warning, well, wrong
from models.identity import PoolId
from service.bus_settings_file import read_bus_settings
from service.site import BusPlace

CHECK, HISTORY = "bus", "bus.history"
DAY_H = 24


def bus_findings(place: BusPlace, pools: Iterable[PoolId]) -> Iterator[Finding]:
    """What is found about the bus. It is looked into only: no group is joined, nothing is made."""
    try:
        settings = None if place.settings is None else read_bus_settings(place.settings)
    except BadInput as error:
        yield from mistakes(CHECK, error, "docs/reference/bus-settings.md has every key of bus settings.")
        return
    for path in settings.secure().exposed() if settings is not None else ():
        yield warning(
            CHECK,
            f"everybody on this machine can read the secret in {path}",
            "",
            f"chmod o-rwx {shlex.quote(str(path))}",
        )
    address = place.address or ""
    try:
        with closing(open_inspection(address, settings=settings)) as inspection:
            yield from _into(inspection, address, pools)
    except BadInput as error:
        yield _none_yet(address, error)
    except (BusUnavailable, BusRefused) as error:
        yield wrong(CHECK, f"{address}: {error}", "Mend spec.bus in the site file, or the bus.")


def _into(inspection: Inspection, address: str, pools: Iterable[PoolId]) -> Iterator[Finding]:
    extents = inspection.extents()
    hidden = [one.topic.value for one in extents if one.messages is None]
    if hidden:
        yield wrong(
            CHECK,
            f"{address}: no right to see {', '.join(hidden)}",
            "Give this user the rights that docs/reference/bus-settings.md lists.",
        )
    else:
        yield well(CHECK, f"{address} answers, and has {count(len(extents), 'topic')} of ours")
    for pool in pools:
        yield _history(inspection, pool)


def _none_yet(address: str, error: BadInput) -> Finding:
    """A bus on which nobody has published yet is one that is about to be made."""
    if address.startswith("sqlite:") and error.what.startswith("there is no such file"):
        return well(CHECK, f"{address} is not there yet: the first process that publishes makes it")
    if error.what.startswith("there is no topic") and error.remedy.startswith("there is"):
        return warning(CHECK, f"{address}: {error.what}", f"On this bus {error.remedy}, if those are ours.")
    if error.what.startswith("there is no topic"):
        return well(CHECK, f"{address} answers, and has no topic of ours yet: the first who publishes makes them")
    return wrong(CHECK, str(error), "Mend spec.bus in the site file.")


def _history(inspection: Inspection, pool: PoolId) -> Finding:
    """How far back the demand reaches that a forecaster of the pool would read: the first model needs a day of it."""
    first_s, last_s, latest_s = math.inf, -math.inf, time.time() + AHEAD_MOST_S
    try:
        with inspection.reading(Topic.DEMAND, lambda _: None) as reading:
            for found in everything(reading):
                at_s = _told_of_s(found, pool)
                if at_s is not None and at_s <= latest_s:
                    first_s, last_s = min(first_s, at_s), max(last_s, at_s)
    except (BadInput, BusUnavailable, BusRefused) as error:
        return warning(HISTORY, f"the demand on it cannot be read: {error}", "Mend that, and look again.")
    if last_s < first_s:
        what = f"no demand of pool {pool.key} is on it yet"
        return well(HISTORY, f"{what}; the first model comes after a day, until then persistence holds")
    hours = (last_s - first_s) / 3600
    enough = "" if hours >= DAY_H else f"; the first model comes after {DAY_H} h, until then persistence holds"
    return well(HISTORY, f"{hours:,.1f} h of demand of pool {pool.key} are on it{enough}")


def _told_of_s(found: Found, pool: PoolId) -> float | None:
    """The time that the demand is of, not that at which it came; None for what a forecaster of the pool leaves out."""
    event = found.event
    return None if isinstance(event, str) or demand_of(event, pool) is None else event.at_s
