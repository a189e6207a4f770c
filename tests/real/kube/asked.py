"""What a controller asks of its ports: noted, audited, and a moment at which something else can happen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from models.acts import Outcome, Verb
from models.audit import Answered, Asked, Decided, Entered, Entry
from models.handovers import Handover
from tests.real.scripted_controller import Audit as Stages

WAYS = {verb.value: verb for verb in Verb}


class Interrupted:
    """A port at which something can happen just before, or just after, an act on a node: it is done then, by whoever
    acts. ``acts`` are those that were asked for, in order, with what was known of each."""

    def __init__(self, port: Any, then: Callable[[], object] = lambda: None) -> None:
        self.before: dict[tuple[Verb, str], Callable[[], object]] = {}
        self.after: dict[tuple[Verb, str], Callable[[], object]] = {}
        self.acts: list[tuple[Verb, str, Outcome]] = []
        self._port = port
        self._then = then

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._port, name)
        return self._interrupted(WAYS[name], asked) if name in WAYS else asked

    def count(self, verb: Verb, node: str) -> int:
        return sum((verb, node) == act[:2] for act in self.acts)

    def _interrupted(self, verb: Verb, ask: Callable[..., Any]) -> Callable[..., Any]:
        def act(which: str | Collection[str], **more: Any) -> Any:
            those = (which,) if isinstance(which, str) else tuple(which)
            for node in those:
                if happens := self.before.pop((verb, node), None):
                    happens()
            outcomes = ask(which, **more)
            self.acts += [(verb, node, outcomes if isinstance(which, str) else outcomes[node]) for node in those]
            self._then()
            for node in those:
                if happens := self.after.pop((verb, node), None):
                    happens()
            return outcomes

        return act


class Audit(Stages):
    """The same, handed on to whoever tells of it on nodes; and what of it is about acts."""

    def __init__(self, hear: Callable[[Entry], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, entry: Entry) -> None:
        super().append(entry)
        self._hear(entry)

    def asked(self, verb: Verb, node: str) -> list[Asked]:
        return [e for e in self.entries if isinstance(e, Asked) and (e.act.verb, e.act.node) == (verb, node)]

    def answered(self, verb: Verb, node: str) -> list[Outcome]:
        return [e.outcome for e in self.entries if isinstance(e, Answered) and (e.act.verb, e.act.node) == (verb, node)]

    def entered(self) -> list[Handover]:
        return [e.handover for e in self.entries if isinstance(e, Entered)]

    def decided(self) -> list[Decided]:
        return [e for e in self.entries if isinstance(e, Decided)]
