"""One process of the service: what it was started with, and the parts that it has opened so far."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from connectors.bus.settings import BusSettings
from models.identity import PoolId
from models.policies import Policy, PoolPolicy
from service.part import Part, Status, Step
from service.roles import Role
from service.site import Site

P = TypeVar("P", bound=Part)


@dataclass(slots=True)
class Process:
    """``at_end`` lets go of what was opened, the last first. ``site_file`` is for commands that a person types. ``run``
    is different at each start: groups on the bus that are named with it read all that there is. ``wake`` has a step
    taken in so many seconds, if it is not due earlier."""

    role: Role
    site: Site
    policy: Policy
    bus_settings: BusSettings | None
    clock: Callable[[], int]
    at_end: ExitStack
    site_file: Path | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    parts: list[Part] = field(default_factory=list)
    wake: Callable[[str, float], None] = lambda name, in_s: None

    def part(self, kind: type[P]) -> P:
        """The part of that kind, which was opened before."""
        return next(part for part in self.parts if isinstance(part, kind))

    def pools(self) -> list[tuple[PoolId, PoolPolicy]]:
        """Every pool of the policy, and who it is."""
        return [(PoolId(self.site.metadata.name, pool.name), pool) for pool in self.policy.spec.pools]

    def steps(self) -> list[Step]:
        """What all parts do."""
        return [step for part in self.parts for step in part.steps()]

    def status(self) -> list[Status]:
        """How all parts are."""
        return [part.status() for part in self.parts]
