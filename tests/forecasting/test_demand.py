"""The ledger: any order and any repetition of state-carrying records gives the same state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.demand import QUEUE_FEATURES, WorkLedger
from models.nodes import Side
from models.work import WorkRecord, WorkState
from tests.values import replace

NOW = 100_000
WAITS = WorkRecord("a", Side.HPC, WorkState.ELIGIBLE, 4.0, NOW - 1000, limit_s=3600)
RUNS = replace(WAITS, state=WorkState.RUNNING, started_s=NOW - 600)
ENDED = replace(RUNS, state=WorkState.ENDED, ended_s=NOW - 60)
HELD = replace(WAITS, state=WorkState.HELD)
REQUEUED = replace(WAITS, submitted_s=NOW - 30)


def state(*records: WorkRecord, now_s: int = NOW) -> dict[str, float]:
    ledger = WorkLedger()
    ledger.apply(records, now_s)
    return dict(zip(QUEUE_FEATURES, ledger.queue_state(Side.HPC, now_s).tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "records", "running", "waiting", "count"),
    [
        ("waits", (WAITS,), 0, 4, 1),
        ("runs", (WAITS, RUNS), 4, 0, 0),
        ("ended", (WAITS, RUNS, ENDED), 0, 0, 0),
        ("ended, records late", (ENDED, RUNS, WAITS), 0, 0, 0),
        ("repeated", (RUNS, RUNS, RUNS), 4, 0, 0),
        ("held is no demand", (HELD,), 0, 0, 0),
        ("released", (HELD, WAITS), 0, 4, 1),
        ("held again", (WAITS, HELD), 0, 0, 0),
        ("running is not undone by a late wait", (RUNS, WAITS), 4, 0, 0),
        ("submitted again", (RUNS, REQUEUED), 0, 4, 1),
        ("submitted again after its end", (ENDED, REQUEUED), 0, 4, 1),
        ("a late record of the first run", (REQUEUED, RUNS), 0, 4, 1),
        ("resized", (RUNS, replace(RUNS, nodes=2.5)), 2.5, 0, 0),
        ("two", (RUNS, replace(WAITS, id="b", nodes=8.0)), 4, 8, 1),
    ],
)
def test_demand_after(name: str, records: tuple[WorkRecord, ...], running: float, waiting: float, count: float):
    seen = state(*records)
    assert (seen["running"], seen["waiting"], seen["waiting_count"]) == (running, waiting, count)


@pytest.mark.parametrize(
    ("limit_s", "half", "one", "three"),
    [(1800, 4, 4, 4), (4000, 0, 4, 4), (9000, 0, 0, 4), (20_000, 0, 0, 0), (None, 0, 0, 0)],
)
def test_expiring_work_is_counted_by_when_its_limit_ends(limit_s: int | None, half: float, one: float, three: float):
    seen = state(replace(RUNS, limit_s=limit_s))
    assert (seen["expiring_30min"], seen["expiring_1h"], seen["expiring_3h"]) == (half, one, three)


def test_arrivals_and_ends_count_for_an_hour():
    seen = state(WAITS, ENDED, replace(WAITS, id="old", submitted_s=NOW - 7000))
    assert (seen["arrived_1h"], seen["ended_1h"]) == (4, 4)
    assert state(WAITS, ENDED, now_s=NOW + 5000)["arrived_1h"] == 0


def test_unknown_is_not_zero():
    ledger = WorkLedger()
    assert ledger.demand(Side.HPC, NOW) is None
    assert np.isnan(ledger.queue_state(Side.HPC, NOW)).all()
    ledger.apply((ENDED,), NOW)
    known = ledger.demand(Side.HPC, NOW)
    assert known is not None
    assert known.nodes == 0
    assert ledger.demand(Side.KUBERNETES, NOW) is None


lives = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["wait", "run", "end"]), st.integers(0, 2)),
    max_size=25,
)


def record(of: tuple[int, str, int]) -> WorkRecord:
    """A record of work ``of[0]``: its size, limit and times follow from its id and run, as a scheduler's would."""
    number, stage, run = of
    submitted_s = NOW - 4000 + 900 * run + number
    work = WorkRecord(str(number), Side.HPC, WorkState.ELIGIBLE, (number + 1) / 3, submitted_s, limit_s=3000)
    if stage == "run":
        return replace(work, state=WorkState.RUNNING, started_s=submitted_s + 100)
    if stage == "end":
        return replace(work, state=WorkState.ENDED, started_s=submitted_s + 100, ended_s=submitted_s + 500)
    return work


@given(lives, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(of: list[tuple[int, str, int]], chance):
    records = [record(each) for each in of]
    mixed = records + records[: len(records) // 2]
    chance.shuffle(mixed)
    for key in ("running", "waiting", "waiting_count", "expiring_1h"):
        np.testing.assert_equal(state(*records)[key], state(*mixed)[key])


@given(lives)
def test_the_sums_are_those_of_the_last_records(of: list[tuple[int, str, int]]):
    records = [record(each) for each in of]
    last: dict[str, WorkRecord] = {}
    for each in sorted(records, key=lambda r: (r.submitted_s, r.started_s or 0, r.ended_s or 0)):
        last[each.id] = each
    seen = state(*records)
    if records:
        running = sum(each.nodes for each in last.values() if each.state is WorkState.RUNNING)
        waiting = sum(each.nodes for each in last.values() if each.state is WorkState.ELIGIBLE)
        assert seen["running"] == pytest.approx(running, abs=1e-4)
        assert seen["waiting"] == pytest.approx(waiting, abs=1e-4)


def test_memory_of_arrivals_stays_bounded():
    ledger = WorkLedger()
    for hour in range(200):
        at_s = NOW + hour * 3600
        work = replace(WAITS, id=str(hour), submitted_s=at_s, started_s=at_s, ended_s=at_s, state=WorkState.ENDED)
        ledger.apply((work,), at_s)
    assert len(ledger._sums[Side.HPC].arrived) < 60
