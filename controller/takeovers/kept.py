"""What a leader hands on of takeovers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.takeovers.automatic import NOTHING_BROUGHT, Brought
from models.takeovers import Phase


@dataclass(frozen=True, slots=True)
class Kept:
    """The phases of those around now by ident, and the automatic one."""

    phases: Mapping[str, Phase] = field(default_factory=dict)
    brought: Brought = NOTHING_BROUGHT


NOTHING_KEPT = Kept()
