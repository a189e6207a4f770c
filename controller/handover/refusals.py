"""What is refused alike again and again is asked for more and more seldom. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.acts import Act, Outcome, Verb
from models.nodes import Node

AT_ONCE = 3  # refusals after which it is asked again with the next look, as another may just have written
PAUSE_MOST_S = 30  # the longest pause: what was in the way may go at any time

Key = tuple[str, Verb, str]


@dataclass(slots=True)
class _Refused:
    """An act that was refused so often, and until when it rests, for as long as its node stays as it was."""

    seen: Node
    times: int = 0
    at_s: int = 0
    until_s: int = 0


class Refusals:
    """The acts that were refused when they were last asked for, by hand-over, verb and node."""

    def __init__(self) -> None:
        self._refused: dict[Key, _Refused] = {}
        self._asked: dict[Key, Node] = {}

    def may_ask(self, ident: str, act: Act, seen: Node, now_s: int) -> bool:
        """Whether an act of a hand-over may be asked for now, on the strength of what was seen. Not while it rests: its
        node is as it was when it was refused."""
        key, shown = (ident, act.verb, act.node), _all_but_version(seen)
        known = self._refused.get(key)
        if known is not None and known.seen == shown and known.at_s <= now_s < known.until_s:
            return False
        self._asked[key] = shown
        return True

    def heard(self, ident: str, act: Act, outcome: Outcome, now_s: int) -> None:
        """Take in what became of an act that was asked for."""
        key = ident, act.verb, act.node
        shown = self._asked.pop(key, None)
        if outcome is not Outcome.REFUSED or shown is None:
            self._refused.pop(key, None)
            return
        known = self._refused.get(key)
        if known is None or known.seen != shown:
            known = self._refused[key] = _Refused(shown)
        known.times += 1
        known.at_s, known.until_s = now_s, now_s + _pause_s(known.times)

    def forget(self, ident: str) -> None:
        """The hand-over has ended."""
        for memory in (self._refused, self._asked):
            for key in [key for key in memory if key[0] == ident]:
                del memory[key]

    def clear(self) -> None:
        """Nothing is known."""
        self._refused.clear()
        self._asked.clear()

    def due_s(self, now_s: int) -> int | None:
        """When the next act of a hand-over may be asked for again; None when none rests."""
        return min((one.until_s for key, one in self._refused.items() if key[0] and one.until_s > now_s), default=None)


def _pause_s(times: int) -> int:
    return min(2 ** min(times - AT_ONCE, 10), PAUSE_MOST_S) if times >= AT_ONCE else 0


def _all_but_version(node: Node) -> Node:
    """The node without what changes although nothing of it does."""
    return replace(node, kubernetes=replace(node.kubernetes, version="", ready_since_s=None))
