"""What every place for a lease must do, sentence by sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.lease import Lease, Term
from models.acts import Outcome
from models.leadership import LeaseRecord, Ordered, Orders, Pause
from tests.conformance.benches import LeaseBench
from tests.conformance.implementations import LEASES

FIRST = LeaseRecord("a", 1, 0, 40.0, Orders(Pause.FINISH, 3), "what a saw")
DONE, REFUSED = Outcome.DONE, Outcome.REFUSED


@pytest.fixture(params=LEASES.values(), ids=LEASES.keys())
def bench(request: pytest.FixtureRequest) -> LeaseBench:
    return request.param()


def read(bench: LeaseBench) -> LeaseRecord:
    found = bench.port.read()
    assert found is not None
    return found


def test_at_first_there_is_none(bench: LeaseBench):
    assert bench.port.read() is None


def test_what_is_written_is_read_with_a_version(bench: LeaseBench):
    assert bench.port.write(FIRST) is DONE
    found = read(bench)
    assert replace(found, version="") == FIRST
    assert found.version


def test_orders_for_single_pools_are_kept_with_those_for_all(bench: LeaseBench):
    ordered = Ordered("ana@login1", 1000, "repairs")
    orders = Orders().pause(Pause.FINISH, ordered=ordered).pause(Pause.REVERT, "a100", ordered).resume("h100")
    assert bench.port.write(replace(FIRST, orders=orders)) is DONE
    assert read(bench).orders == orders


def test_each_write_gives_a_new_version(bench: LeaseBench):
    bench.port.write(FIRST)
    versions = [read(bench).version]
    for beat in range(1, 5):
        assert bench.port.write(replace(read(bench), beat=beat)) is DONE
        versions.append(read(bench).version)
    assert len(set(versions)) == 5
    assert read(bench).beat == 4


@pytest.mark.parametrize("version", ["", "no-such-version"])
def test_where_there_is_one_a_write_that_names_another_version_is_refused(bench: LeaseBench, version: str):
    bench.port.write(FIRST)
    before = read(bench)
    assert bench.port.write(replace(FIRST, holder="b", epoch=2, version=version)) is REFUSED
    assert read(bench) == before


def test_where_there_is_none_a_write_that_names_a_version_is_refused(bench: LeaseBench):
    assert bench.port.write(replace(FIRST, version="1")) is REFUSED
    assert bench.port.read() is None


def test_of_two_who_read_the_same_one_is_refused(bench: LeaseBench):
    bench.port.write(FIRST)
    seen = read(bench)
    assert bench.port.write(replace(seen, holder="b", epoch=2)) is DONE
    assert bench.port.write(replace(seen, holder="c", epoch=2)) is REFUSED
    assert read(bench).holder == "b"


def test_what_a_person_wrote_is_read_and_refuses_who_has_not_seen_it(bench: LeaseBench):
    bench.port.write(FIRST)
    seen = read(bench)
    bench.edit(replace(seen, orders=Orders(Pause.REVERT)))
    assert bench.port.write(replace(seen, beat=9)) is REFUSED
    assert read(bench).orders == Orders(Pause.REVERT)


def test_one_that_a_person_deleted_can_be_made_anew_by_who_saw_that(bench: LeaseBench):
    bench.port.write(FIRST)
    seen = read(bench)
    bench.edit(None)
    assert bench.port.read() is None
    assert bench.port.write(replace(seen, beat=9)) is REFUSED
    assert bench.port.write(replace(FIRST, epoch=2)) is DONE
    assert read(bench).version != seen.version


def test_two_candidates_share_it(bench: LeaseBench):
    now_s = 0.0
    term = Term(duration_s=40.0, renew_every_s=8.0, margin_s=12.0)
    candidates = {name: Lease(bench.port, name, lambda: now_s, term) for name in "ab"}
    leaders: list[tuple[str, int]] = []
    for second in range(400):
        now_s = float(second)
        for name, candidate in candidates.items():
            if second < 200 or name == "b":
                candidate.tick()
        able = [(name, one.epoch) for name, one in candidates.items() if one.may_act() and one.epoch is not None]
        assert len(able) <= 1
        leaders.extend(leader for leader in able if leader not in leaders)
    assert leaders == [("a", 1), ("b", 2)]
