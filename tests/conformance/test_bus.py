"""What every event bus must do, by the embedded ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.bus_benches import BUSES, BusBench

pytest.register_assert_rewrite("tests.conformance.bus_suite")

from tests.conformance.bus_suite import BusSuite  # noqa: E402 - its assertions tell more once they are rewritten


@pytest.fixture(params=BUSES.values(), ids=BUSES.keys())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BusBench]:
    made: BusBench = request.param(tmp_path)
    yield made
    made.close()


class TestBus(BusSuite):
    """The suite."""
