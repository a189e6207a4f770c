"""The metrics say what the controller says, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest

from controller.metrics import ControllerMetrics, UnseenMetrics
from models.acts import Unseen, Verb
from models.handovers import Direction, Handover, Stage, Why
from models.plans import DropReason, Hold, ServiceLevel, Switch


def handover(number: int, stage: Stage) -> Handover:
    return Handover(f"1.{number}", "1.p1", f"n{number}", Direction.TO_KUBERNETES, stage, 0, 0, 100)


def exposed(**controller: object) -> list[str]:
    """The lines of an exposition, comments left out."""
    nothing = {"open_handovers": (), "stuck_handovers": (), "holds": (), "unreadable": {}, "ended": Counter()}
    nothing |= {"dropped": Counter(), "fenced": 0, "breaches": 0, "price": SimpleNamespace(told=None)}
    known = {"leads": True, **nothing}
    registry = CollectorRegistry()
    registry.register(ControllerMetrics({"a100": SimpleNamespace(**{**known, **controller})}))
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_handovers_are_counted_by_direction_and_stage():
    lines = exposed(open_handovers=(handover(1, Stage.DRAINING), handover(2, Stage.DRAINING)))
    assert 'tidegate_handovers{direction="hpc->kubernetes",pool="a100",stage="draining"} 2.0' in lines


def test_loans_are_counted_with_their_earliest_date():
    assert 'tidegate_loans{pool="a100"} 0.0' in exposed()
    assert not any("earliest" in line for line in exposed())
    reserved = [replace(handover(n, Stage.RESERVED), loan=True, reserve_from_s=n * 100) for n in (5, 3)]
    lines = exposed(open_handovers=(*reserved, replace(reserved[0], stage=Stage.DRAINING, reserve_from_s=1)))
    assert 'tidegate_loans{pool="a100"} 2.0' in lines
    assert 'tidegate_loans_earliest_timestamp_seconds{pool="a100"} 300.0' in lines


def test_what_needs_a_person_is_a_number_that_is_always_there():
    assert 'tidegate_handovers_stuck{pool="a100"} 0.0' in exposed()
    assert 'tidegate_handovers_stuck{pool="a100"} 1.0' in exposed(stuck_handovers=(handover(1, Stage.STUCK),))


def test_nodes_that_were_open_to_both_sides_are_counted_from_none_on():
    assert 'tidegate_nodes_breached_total{pool="a100"} 0.0' in exposed()
    assert 'tidegate_nodes_breached_total{pool="a100"} 3.0' in exposed(breaches=3)


def test_every_switch_is_shown_whether_it_holds_or_not():
    lines = exposed(holds=(Hold(Switch.VANISHED, ""),))
    assert [line for line in lines if line.endswith(" 1.0") and "held" in line] == [
        'tidegate_moves_held{pool="a100",switch="vanished"} 1.0'
    ]
    assert sum("tidegate_moves_held" in line for line in lines) == len(Switch)


def test_ends_are_counted_by_how_and_why():
    ended = Counter({(Direction.TO_HPC, Stage.CANCELLED, Why.LATE): 3, (Direction.TO_HPC, Stage.DONE, None): 2})
    lines = exposed(ended=ended, leads=False)
    labels = 'direction="kubernetes->hpc",pool="a100"'
    assert f'tidegate_handovers_ended_total{{{labels},stage="cancelled",why="late"}} 3.0' in lines
    assert f'tidegate_handovers_ended_total{{{labels},stage="done",why=""}} 2.0' in lines
    assert 'tidegate_leads{pool="a100"} 0.0' in lines


def test_moves_that_were_dropped_are_counted_by_reason_those_that_never_happened_too():
    lines = exposed(dropped=Counter({DropReason.NODE_CHANGED: 2}))
    assert [line for line in lines if line.startswith("tidegate_moves_dropped_total")] == [
        'tidegate_moves_dropped_total{pool="a100",reason="node-changed"} 2.0',
        'tidegate_moves_dropped_total{pool="a100",reason="node-gone"} 0.0',
        'tidegate_moves_dropped_total{pool="a100",reason="unreachable"} 0.0',
    ]


def test_the_price_of_a_service_level_is_told_with_what_it_follows():
    def told(level: ServiceLevel | None) -> dict[str, float]:
        lines = exposed(price=SimpleNamespace(told=level))
        pairs = (line.split() for line in lines if line.startswith("tidegate_unmet"))
        return {name.removesuffix('{pool="a100"}'): float(value) for name, value in pairs}

    whole = {"tidegate_unmet_price": 4.5, "tidegate_unmet_at_most": 0.01, "tidegate_unmet_share": 0.023}
    assert told(ServiceLevel(4.5, 0.023, 0.01)) == whole
    assert told(ServiceLevel(4.5, None, 0.01)) == {key: whole[key] for key in whole if not key.endswith("share")}
    assert told(None) == {}


def test_changes_of_nodes_are_counted_with_how_long_nobody_looked():
    unseen = Unseen()
    unseen.add(Verb.UNDRAIN, 1, 0.25)
    unseen.add(Verb.UNDRAIN, 2, 0.5)
    registry = CollectorRegistry()
    registry.register(UnseenMetrics({"a100": unseen}))
    assert [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")] == [
        'tidegate_hpc_changes_total{change="drain",pool="a100"} 0.0',
        'tidegate_hpc_changes_total{change="undrain",pool="a100"} 3.0',
        'tidegate_hpc_changes_unseen_seconds_total{change="drain",pool="a100"} 0.0',
        'tidegate_hpc_changes_unseen_seconds_total{change="undrain",pool="a100"} 1.25',
    ]
