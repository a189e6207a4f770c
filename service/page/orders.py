"""The orders of persons, beside the lock or in the Lease, written by the same code as the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from basics.file_lock import real
from connectors.local import lock_state
from models.errors import BadInput
from models.leadership import Orders

if TYPE_CHECKING:
    from connectors.kube.lease import KubeLeaseStore


class OrderBook(Protocol):
    """Where orders are read and written."""

    def read(self) -> Orders:
        """What persons have set. Raises BadInput or Unreachable."""
        ...

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """Replace the orders by ``new`` of them; nothing is known to have changed where it raises BadInput or
        Unreachable."""
        ...


class LockOrders:
    """Beside a lock file. One that nobody has led by may be on another machine: nothing is written there."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Orders:
        """See the base."""
        return lock_state.read_orders(self._file)

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """See the base."""
        if lock_state.read_state(real(self._file)) is None:
            remedy = "the page has to run beside the controller, or both by a Lease"
            raise BadInput("nobody has led by this lock yet", where=str(self._file), remedy=remedy)
        return lock_state.order(self._file, new)


class LeaseOrders:
    """In a Lease."""

    def __init__(self, store: KubeLeaseStore) -> None:
        self._store = store

    def read(self) -> Orders:
        """See the base."""
        found = self._store.read()
        return Orders() if found is None else found.orders

    def order(self, new: Callable[[Orders], Orders]) -> Orders:
        """See the base."""
        return self._store.order(new).orders
