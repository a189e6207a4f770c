"""What the page is made of besides what the bus tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.leadership import Orders
from models.policies import Policy
from service.part import Status


@dataclass(frozen=True, slots=True)
class Site:
    """What does not change while a process runs: the site's name, its policy, and whether orders are taken."""

    name: str
    policy: Policy
    writable: bool
    poll_s: int
    began_s: int


@dataclass(frozen=True, slots=True)
class Known:
    """What was read besides the bus: how the parts are, what was ordered, and why that is not known.

    ``left`` is how many messages of the bus are still unread.
    """

    parts: Sequence[Status]
    orders: Orders | None
    orders_trouble: str
    left: int
