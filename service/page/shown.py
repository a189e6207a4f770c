"""What is shown now: values that the service's loop replaces as a whole, and that requests only read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from models.errors import TidegateError
from models.leadership import Orders
from service.page.admin import AdminToken
from service.page.model import Charts, HandoverStatus, Status
from service.page.orders import OrderBook
from service.page.vitals import Vitals


@dataclass(frozen=True, slots=True)
class Document:
    """A value as JSON, and how often it has changed."""

    body: bytes
    version: int


@dataclass(slots=True)
class Shown:
    """``token`` says who may order, ``book`` is None where there is nothing to order; ``run`` names this process, so
    that versions of another one are not taken for its own."""

    run: str
    token: AdminToken
    book: OrderBook | None
    clock: Callable[[], int]
    vitals: Vitals
    status: Status | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    handovers: dict[str, HandoverStatus] = field(default_factory=dict)
    orders: Orders | None = None
    orders_trouble: str = ""
    closing: bool = False
    _compared: dict[str, Status | Charts] = field(default_factory=dict)

    def show(self, status: Status, charts: Charts, handovers: dict[str, HandoverStatus]) -> None:
        """Replace what is shown; a version rises only where more than the time has changed."""
        self.status, self.handovers = status, handovers
        self._replace("status", status, replace_time(status))
        self._replace("charts", charts, replace_time(charts))

    def read_orders(self) -> None:
        """See what persons have ordered; that it cannot be read is shown."""
        if self.book is None:
            return
        try:
            self.orders, self.orders_trouble = self.book.read(), ""
        except TidegateError as error:
            self.orders, self.orders_trouble = None, str(error)

    def versions(self) -> dict[str, int]:
        """How often each document has changed."""
        return {name: one.version for name, one in self.documents.items()}

    def _replace(self, name: str, value: Status | Charts, compared: Status | Charts) -> None:
        before = self.documents.get(name)
        if before is not None and self._compared.get(name) == compared:
            return
        self._compared[name] = compared
        self.documents[name] = Document(msgspec.json.encode(value), 1 if before is None else before.version + 1)


def replace_time(value: Status | Charts) -> Status | Charts:
    """The same without the time at which it was so."""
    return msgspec.structs.replace(value, now_s=0)
