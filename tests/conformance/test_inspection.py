"""What looking into a bus must do, by the one in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.bus.inspection import Inspection
from connectors.bus.open_bus import open_inspection
from tests.conformance.bus_benches import FileBench
from tests.conformance.inspection_suite import InspectingSuite


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FileBench]:
    with closing(FileBench(tmp_path)) as made:
        yield made


@pytest.fixture
def look(bench: FileBench) -> Iterator[Inspection]:
    with closing(open_inspection(f"sqlite:{bench.path}")) as opened:
        yield opened


class TestInspecting(InspectingSuite):
    """The suite."""
