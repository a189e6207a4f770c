"""The metrics of the bus say what its counts say."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest

from connectors.bus.metrics import HELP, BusMetrics
from models.bus import BusCounts


def exposed(counts: BusCounts) -> list[str]:
    registry = CollectorRegistry()
    registry.register(BusMetrics(SimpleNamespace(counts=counts), "connect", {"page": 12}))  # type: ignore[arg-type]
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_everything_that_is_counted_is_a_metric():
    assert set(HELP) == {field.name for field in fields(BusCounts)}
    lines = exposed(BusCounts(published=9, delivered=5, spooled=3, dropped=1, dead_letters=2, unknown=7, gaps=4))
    assert 'tidegate_bus_dropped_total{role="connect"} 1.0' in lines
    assert 'tidegate_bus_dead_letters_total{role="connect"} 2.0' in lines
    assert 'tidegate_bus_unknown_total{role="connect"} 7.0' in lines
    assert 'tidegate_bus_gaps_total{role="connect"} 4.0' in lines
    assert 'tidegate_bus_lag_messages{reader="page",role="connect"} 12.0' in lines
