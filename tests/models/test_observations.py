"""What a forecaster may be told: bounded, finite, and with nothing in it where nothing is known."""

from __future__ import annotations

import pytest

from models.observations import SIGNALS_MOST, Observation


def test_what_is_not_known_is_left_out():
    seen = Observation(300, {})
    assert (seen.records, seen.pool_nodes, seen.signals) == ((), None, {})


WRONG = {
    "a pool of less than nothing": ({"pool_nodes": -1}, "cannot have -1 nodes"),
    "a signal that is no number": ({"signals": {"queue": float("nan")}}, "finite"),
    "a signal without end": ({"signals": {"queue": float("inf")}}, "finite"),
    "too many signals": ({"signals": {f"s{n}": 1.0 for n in range(SIGNALS_MOST + 1)}}, "at most 64"),
}


@pytest.mark.parametrize(("facts", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_refused(facts: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        Observation(300, {}, **facts)


def test_as_much_as_is_allowed_is_taken():
    signals = {f"s{n}": float(n) for n in range(SIGNALS_MOST)}
    seen = Observation(300, {}, pool_nodes=0, signals=signals)
    assert len(seen.signals) == SIGNALS_MOST
