"""Whatever is answered: it is series with numbers or None, or it is Unreachable in words that steer no terminal."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.prom.read import TEXT_MOST, Said, labels_text, said, series_of
from models.errors import Unreachable
from models.signals import VALUE_MOST

labels = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
numbers = st.sampled_from(["NaN", "+Inf", "-Inf", "0", "-0", "1e15", "1.1e15", "x", ""]) | st.floats().map(str)
points = st.tuples(st.floats(0, 1e10), numbers).map(list)
items = st.fixed_dictionaries({"metric": labels}, optional={"value": points, "values": st.lists(points, max_size=3)})
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["success", "error"]) | anything,
        "data": st.fixed_dictionaries(
            {}, optional={"resultType": st.sampled_from(["vector", "matrix", "scalar"]) | anything, "result": anything}
        ),
        "error": st.text() | anything,
        "errorType": st.text(max_size=10),
        "warnings": st.lists(st.text(), max_size=2) | anything,
    },
)


def check_words(error: Unreachable) -> None:
    assert str(error).isprintable()
    assert len(str(error)) <= TEXT_MOST + 200


@given(st.integers(100, 599), st.binary(max_size=60) | envelopes.map(lambda told: json.dumps(told).encode()))
@example(200, b"\xff\x1b[2J")
@example(503, b"<html>\x1b[2J")
def test_an_answer_says_what_it_is_or_is_none(status: int, body: bytes):
    try:
        found = said(status, body)
    except Unreachable as error:
        check_words(error)
    else:
        assert isinstance(found, Said)
        assert status == 200
        assert found.kind in ("vector", "matrix")
        assert all(text.isprintable() and len(text) <= TEXT_MOST for text in found.warnings)


@given(st.lists(items, max_size=4) | anything)
def test_series_have_numbers_or_none(result: Any):
    try:
        found = series_of(result)
    except Unreachable as error:
        check_words(error)
        return
    for one, values in found.items():
        assert labels_text(one).isprintable()
        assert all(value is None or (math.isfinite(value) and abs(value) <= VALUE_MOST) for value in values.values())
