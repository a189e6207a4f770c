"""Who owns what: the way from an object to the one at the top, by the owner that controls each."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kube.wire.meta import Metadata

DEPTH_MOST = 16  # objects of one way; a CronJob's, Kueue's and Ray's together have six


class Owners:
    """Ownership among the objects that are known, by uid.

    An owner in another namespace is none, as Kubernetes has it: anybody may write the uid of somebody else's Job on a
    pod of his own. A way that is longer than any that controllers make ends on the way, for the same reason.
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
        passed, here = [metadata.uid], metadata
        while (owner := here.controller) is not None and len(passed) < DEPTH_MOST:
            if owner.uid in passed:
                ring = passed.index(owner.uid)
                return tuple(dict.fromkeys((*passed[: max(ring, 1)], min(passed[ring:]))))
            known = self._known.get(owner.uid)
            if known is not None and known.namespace not in ("", here.namespace):
                break
            passed.append(owner.uid)
            if known is None:
                break
            here = known
        return tuple(passed)
