"""Announced takeovers beside a lock or in a Lease: what is forged is refused and stops nobody."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.local import lock_state
from connectors.local.lock_file import LockFile
from connectors.sources.announced import read_requests, write_requests
from models.errors import BadInput
from models.leadership import Orders, Pause
from models.nodes import Side
from models.takeovers import ALL, REQUESTS_MOST, Request

ONE = Request("1", "pool", Side.HPC, ALL, 5000, 3600, "a person", 1000)
PLAIN = json.loads(json.dumps(write_requests([ONE])))[0]
FORGED = {
    "no list": 7,
    "nothing": None,
    "a list of what is none": [7],
    "no hour": [{key: value for key, value in PLAIN.items() if key != "at_s"}],
    "an hour that is text": [{**PLAIN, "at_s": "soon"}],
    "an hour in a million years": [{**PLAIN, "at_s": 10**15}],
    "nodes below none": [{**PLAIN, "nodes": -1}],
    "a side that is none": [{**PLAIN, "side": "both"}],
    "for ever": [{**PLAIN, "for_s": 10**9}],
    "who steers a terminal": [{**PLAIN, "by": "\x1b[2J"}],
    "a long name": [{**PLAIN, "by": "x" * 65}],
    "an id that is none": [{**PLAIN, "ident": "../1"}],
    "two of one id": [PLAIN, PLAIN],
    "too many": [{**PLAIN, "ident": str(number)} for number in range(REQUESTS_MOST + 1)],
}


@pytest.mark.parametrize("found", FORGED.values(), ids=FORGED.keys())
def test_what_is_forged_is_refused_and_the_rest_is_read(found: object, caplog: pytest.LogCaptureFixture):
    read_requests([PLAIN])
    with caplog.at_level(logging.WARNING):
        read = read_requests(found)
    assert len(read) <= REQUESTS_MOST
    assert all(one.by == "a person" and one.at_s == 5000 for one in read)
    assert [line for line in caplog.messages if line.startswith("an announced takeover is refused: ")]


@pytest.mark.parametrize("found", FORGED.values(), ids=FORGED.keys())
def test_whoever_leads_goes_on_whatever_stands_beside_the_lock(tmp_path: Path, found: object):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    state = json.loads((tmp_path / "lead").read_text())
    (tmp_path / "lead").write_text(json.dumps({**state, "paused": "finish", "takeovers": found}))
    leader.tick()
    assert leader.epoch == 1
    assert leader.trouble is None
    assert leader.orders.paused is Pause.FINISH
    leader.release()


PLAIN_VALUES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(PLAIN_VALUES, lambda value: st.lists(value) | st.dictionaries(st.text(), value)))
def test_anything_is_read_as_some_requests(found: object):
    assert len(read_requests(found)) <= REQUESTS_MOST


def test_what_was_announced_is_read_again_and_a_pause_keeps_it(tmp_path: Path):
    lock = tmp_path / "lead"
    lock_state.order(lock, lambda orders: orders.announce(ONE, 1000))
    lock_state.pause(lock, Pause.FINISH)
    lock_state.resume(lock)
    assert lock_state.read_orders(lock) == Orders(None, 1, {}, (ONE,))
    assert lock_state.order(lock, lambda orders: orders.cancel("1")).takeovers == ()
    assert "takeovers" not in json.loads(lock.read_text()), "as the release before has it"


def test_they_are_bounded_and_what_is_over_makes_room():
    orders = Orders()
    for number in range(REQUESTS_MOST):
        orders = orders.announce(Request(orders.next_ident(), "pool", Side.HPC, 3, 5000 + number, 60, "x", 0), 0)
    with pytest.raises(BadInput, match="8 announced takeovers already"):
        orders.announce(ONE, 0)
    later = orders.announce(Request(orders.next_ident(), "pool", Side.HPC, 3, 9000, 60, "x", 5100), 5061)
    assert [one.ident for one in later.takeovers] == ["3", "4", "5", "6", "7", "8", "9"]
    with pytest.raises(BadInput, match="no announced takeover has the id 1; there are: 3, 4"):
        later.cancel("1")


def test_a_pool_hears_its_own_only():
    orders = Orders(takeovers=(ONE, Request("2", "other", Side.HPC, 3, 5000, 60, "x", 0)))
    assert orders.of("pool").takeovers == (ONE,)
