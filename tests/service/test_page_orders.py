"""Where the page writes orders: beside the lock that is led by here, or in the Lease, as the commands do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.local import lock_state
from connectors.local.lock_file import LockFile
from models.errors import BadInput
from models.leadership import LeaseRecord, Orders, Pause
from service.page.orders import LeaseOrders, LockOrders


class Store:
    """A Lease in memory."""

    def __init__(self, lease: LeaseRecord | None) -> None:
        self.lease = lease

    def read(self) -> LeaseRecord | None:
        return self.lease

    def order(self, new: Callable[[Orders], Orders]) -> LeaseRecord:
        found = self.lease or LeaseRecord("", 0, 0, 0.0)
        self.lease = replace(found, orders=new(found.orders))
        return self.lease


def test_a_lock_that_nobody_led_by_here_may_be_on_another_machine(tmp_path: Path):
    book = LockOrders(tmp_path / "lock")
    assert book.read() == Orders()
    with pytest.raises(BadInput, match="nobody has led by this lock yet"):
        book.order(lambda orders: orders.pause(Pause.FINISH))
    assert not (tmp_path / "lock").exists()


def test_what_is_ordered_beside_a_lock_is_what_the_commands_see(tmp_path: Path):
    LockFile(tmp_path / "lock").tick()
    book = LockOrders(tmp_path / "lock")
    made = book.order(lambda orders: orders.pause(Pause.REVERT, "a"))
    assert made == book.read() == lock_state.read_orders(tmp_path / "lock")


@pytest.mark.parametrize("lease", [None, LeaseRecord("host", 3, 7, 16.0, Orders(Pause.FINISH, 2))], ids=["none", "one"])
def test_what_is_ordered_in_a_lease_changes_nothing_else(lease: LeaseRecord | None):
    store = Store(lease)
    book = LeaseOrders(store)  # type: ignore[arg-type]
    before = book.read()
    made = book.order(lambda orders: orders.turn_back("h1"))
    assert made == book.read() == replace(before, turned_back=("h1",))
    assert store.lease is not None
    assert (store.lease.epoch, store.lease.holder) == ((3, "host") if lease else (0, ""))
