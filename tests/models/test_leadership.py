"""What persons order of single hand-overs: bounded, and each once."""

from __future__ import annotations

import pytest

from models.errors import BadInput
from models.leadership import ID_LONGEST, TURNED_BACK_MOST, Orders


def test_as_many_of_the_newest_are_kept_as_there_may_be_and_each_once():
    orders = Orders()
    for number in range(TURNED_BACK_MOST + 5):
        orders = orders.turn_back(f"h{number}")
    orders = orders.turn_back("h7")
    assert len(orders.turned_back) == TURNED_BACK_MOST
    assert (orders.turned_back[0], orders.turned_back[-1]) == ("h5", "h7")
    assert orders.of("a100").turned_back == orders.turned_back


@pytest.mark.parametrize("ident", ["", "h\n1", "h" * (ID_LONGEST + 1)], ids=["none", "two lines", "too long"])
def test_what_no_id_can_be_is_refused(ident: str):
    with pytest.raises(BadInput, match="no hand-over has an id"):
        Orders().turn_back(ident)
