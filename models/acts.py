"""Acts: what can be asked of the two sides for one node, and what is known afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """Three outcomes, not two: a write that timed out may have happened."""

    DONE = "done"
    REFUSED = "refused"  # it did not happen, and the scheduler said so
    UNKNOWN = "unknown"  # it may have happened: read before retrying or undoing


class Verb(StrEnum):
    """What can be asked: the verbs of the ports."""

    NOTE = "note"
    RESERVE = "reserve"
    DRAIN = "drain"
    RELEASE = "release"
    UNDRAIN = "undrain"
    DISCOURAGE = "discourage"
    CLOSE = "close"
    EVICT = "evict"
    FENCE = "fence"
    OPEN = "open"
    PREPARE = "prepare"  # the site's hook, before
    TELL = "tell"  # the site's hook, after


ON_HPC = frozenset({Verb.RESERVE, Verb.DRAIN, Verb.RELEASE, Verb.UNDRAIN})  # the others are of Kubernetes, or hooks


@dataclass(frozen=True, slots=True)
class Act:
    """One act on one node, with the mark of ownership that it sets or must find."""

    verb: Verb
    node: str
    mark: str


@dataclass(slots=True)
class Unseen:
    """Changes of nodes that a scheduler cannot make on a condition: how many there were, and for how long together.

    Each counts from before the look that allowed it until it was answered. What a person did to the node within that
    time may have been undone by it, and nothing shows that.
    """

    changes: Counter[Verb] = field(default_factory=Counter)
    seconds: dict[Verb, float] = field(default_factory=dict)

    def add(self, verb: Verb, changes: int, seconds: float) -> None:
        """Some changes that were asked for together."""
        self.changes[verb] += changes
        self.seconds[verb] = self.seconds.get(verb, 0.0) + changes * seconds
