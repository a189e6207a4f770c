"""A replay whose data path goes through a real broker: the same figures, and no topic stays behind."""

from __future__ import annotations

from cli.bus_path import path_through
from simulator.compare import compare
from tests.real.kafka.broker import Broker
from tests.simulator.small_worlds import small_world


def test_the_figures_are_the_same_through_a_broker(broker: Broker):
    world, names = small_world(4, nodes=12, days=1.3), ("reactive", "persistence", "predictive", "oracle")
    through = compare(world, names, open_path=path_through(f"kafka:{broker.address()}", "pool"))
    assert [outcome.figures for outcome in through] == [outcome.figures for outcome in compare(world, names)]
    with broker.admin() as admin:
        assert [name for name in admin.list_topics() if name.startswith("replay-")] == []
