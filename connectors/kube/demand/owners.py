"""Who owns what: the way from an object to the one at the top, by the owner that controls each."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kube.wire.meta import Metadata


class Owners:
    """Ownership among the objects that are known, by uid.

    An owner that is not known ends the way: a pod of a ReplicaSet, which nobody reads, has the ReplicaSet on top. A
    ring of owners, which no server should have, has its smallest uid on top.
    """

    def __init__(self, known: Mapping[str, Metadata]) -> None:
        self._known = known
        self._chains: dict[str, tuple[str, ...]] = {}

    def chain(self, metadata: Metadata) -> tuple[str, ...]:
        """The uids from the object itself to the one at the top."""
        found = self._chains.get(metadata.uid)
        if found is None:
            found = self._chains[metadata.uid] = self._walked(metadata)
        return found

    def top(self, metadata: Metadata) -> str:
        """The uid of the top owner, which is its own where nobody owns it."""
        return self.chain(metadata)[-1]

    def piece(self, metadata: Metadata) -> str:
        """What the piece of work is called that this is: the uid of the top owner, and its own if it differs."""
        top = self.top(metadata)
        return top if top == metadata.uid else f"{top}/{metadata.uid}"

    def _walked(self, metadata: Metadata) -> tuple[str, ...]:
        passed = [metadata.uid]
        owner = metadata.controller
        while owner is not None:
            if owner.uid in passed:
                ring = passed.index(owner.uid)
                return tuple(dict.fromkeys((*passed[: max(ring, 1)], min(passed[ring:]))))
            passed.append(owner.uid)
            known = self._known.get(owner.uid)
            owner = known.controller if known is not None else None
        return tuple(passed)
