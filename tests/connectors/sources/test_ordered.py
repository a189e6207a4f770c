"""Who gave an order, as it stands beside a lock: written and read again, and what nobody can have meant."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from connectors.sources.ordered import read_ordered, write_ordered
from models.leadership import WHY_LONGEST, Ordered
from models.takeovers import BY_LONGEST

PRINTABLE = st.characters(exclude_categories=("C", "Z"))
ORDERED = st.builds(
    Ordered, st.text(PRINTABLE, max_size=BY_LONGEST), st.integers(0, 1 << 36), st.text(PRINTABLE, max_size=WHY_LONGEST)
)


@given(ORDERED)
def test_what_is_written_is_read_again(ordered: Ordered):
    assert read_ordered(msgspec.json.decode(msgspec.json.encode(write_ordered(ordered)))) == ordered


def test_where_nothing_is_noted_nothing_is_written():
    assert (write_ordered(None), read_ordered(UNSET)) == (UNSET, None)


@pytest.mark.parametrize(
    "found",
    [
        None,
        "ana",
        [],
        {},
        {"by": "ana", "at_s": "now"},
        {"by": "ana", "at_s": -1},
        {"by": "ana", "at_s": 1 << 60},
        {"by": "a" * 65, "at_s": 1},
        {"by": "a\x1b[2J", "at_s": 1},
        {"by": "ana", "at_s": 1, "why": "x" * 201},
    ],
)
def test_what_cannot_be_meant_counts_as_not_noted_and_stops_nobody(found: object):
    assert read_ordered(found) is None
