"""What a metric's name says of its unit."""

from __future__ import annotations

import pytest

from connectors.prom.units import unlikely_unit


@pytest.mark.parametrize(
    ("query", "unit", "why"),
    [
        pytest.param("sum(slurm_jobs_pending)", "jobs", None, id="no unit in the name"),
        pytest.param("sum(http_requests_total)", "requests", "only rises", id="a counter"),
        pytest.param("sum(rate(http_requests_total[5m]))", "1/s", None, id="its rate"),
        pytest.param("max(wait_seconds)", "s", None, id="seconds in s"),
        pytest.param("max(wait_seconds)", "min", "is in seconds, and the unit is min", id="seconds in minutes"),
        pytest.param("max(wait_seconds) / 60", "min", None, id="seconds made minutes"),
        pytest.param("sum(node_memory_free_bytes)", "GiB", "is in bytes", id="bytes in GiB"),
        pytest.param("count(wait_seconds > 60)", "jobs", None, id="how many there are"),
        pytest.param('sum(up{job="a_total"})', "targets", None, id="a label's value is no name"),
        pytest.param("max(inlet_celsius)", "°C", None, id="degrees"),
    ],
)
def test_a_unit_that_is_unlikely(query: str, unit: str, why: str | None):
    found = unlikely_unit(query, unit)
    assert (found is None) if why is None else (found is not None and why in found)
