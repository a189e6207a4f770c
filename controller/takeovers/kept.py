"""What a leader hands on of takeovers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.takeovers.automatic import NOTHING_BROUGHT, Brought
from models.takeovers import Phase


@dataclass(frozen=True, slots=True)
class Kept:
    """The phases of those around now by ident, the automatic one, and how many nodes the other side had before each."""

    phases: Mapping[str, Phase] = field(default_factory=dict)
    brought: Brought = NOTHING_BROUGHT
    had: Mapping[str, int] = field(default_factory=dict)


NOTHING_KEPT = Kept()
