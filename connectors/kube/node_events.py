"""Events on nodes: each stage of a hand-over, for whoever asks ``kubectl describe node``. Told when there is time; the
audit is the record."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from basics.log_once import Trouble
from basics.text import count
from connectors.kube.access.api import Api, ApiRefused, body_of
from connectors.kube.names import PoolNames
from models.audit import Entered, Entry, Fenced
from models.errors import Refused, Unreachable, clean
from models.handovers import Direction, Handover, Stage

KEPT = 1000  # events that wait; of more the oldest are left out
AT_ONCE = 50  # told in one go
EVERY_S = 1.0
LATER_S = 30.0  # after a no, or no answer
SOME_S = 3.0
LONGEST_S = 3.0  # of one go: whoever tells has more to do than that, and goes on a second later
NEVER = (400, 413, 422)  # what an API server says of an event that it will not take at any time
NAMESPACE = "default"  # where events of what has no namespace are
_WHERE = {Direction.TO_KUBERNETES: "to Kubernetes", Direction.TO_HPC: "to HPC"}
_WARNINGS = (Stage.STUCK, Stage.CANCELLED)

log = logging.getLogger("tidegate.kubernetes")


class NodeEvents:
    """Takes entries of the audit of one pool, and tells the API server those that are of a node."""

    def __init__(self, api: Api, names: PoolNames, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._names = names
        self._monotonic = monotonic
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=KEPT)
        self._uids: dict[str, str] = {}
        self._trouble = Trouble(log, "events on nodes are not told")

    def hear(self, entry: Entry) -> None:
        """Take what is to be told of an entry, if anything."""
        if isinstance(entry, Entered):
            self._uids[entry.handover.node] = entry.handover.uid
            self._waiting.append(self._stage(entry.at_s, entry.handover))
        elif isinstance(entry, Fenced):
            bare = f", {entry.bare} of them made again by nothing" if entry.bare else ""
            text = f"{count(entry.pods, 'pod')} came late to a node that HPC has, and were refused or ended{bare}"
            self._waiting.append(self._event(entry.at_s, entry.node, "LatePods", text, warns=True))

    def tell(self) -> float:
        """Tell what waits; after how many seconds to do so again."""
        until_s = self._monotonic() + LONGEST_S
        for _ in range(min(AT_ONCE, len(self._waiting))):
            try:
                path = f"/api/v1/namespaces/{NAMESPACE}/events"
                body_of(self._api.ask("POST", path, body=self._waiting[0], timeout_s=SOME_S), "an event on a node")
            except (Unreachable, Refused) as error:
                self._trouble.met(error)
                if not isinstance(error, ApiRefused) or error.status not in NEVER:
                    return LATER_S
            else:
                self._trouble.over()
            self._waiting.popleft()
            if self._monotonic() >= until_s:
                break
        return EVERY_S

    def _stage(self, at_s: int, handover: Handover) -> Mapping[str, Any]:
        why = f" ({handover.why.value})" if handover.why is not None else ""
        text = f"Hand-over {handover.id} {_WHERE[handover.direction]}: {handover.stage.value}{why}"
        reason = f"HandOver{handover.stage.value.capitalize()}"
        return self._event(at_s, handover.node, reason, text, warns=handover.stage in _WARNINGS)

    def _event(self, at_s: int, node: str, reason: str, text: str, *, warns: bool) -> Mapping[str, Any]:
        there = self._names.kubernetes.get(node, node)
        at = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{there[:200]}.", "namespace": NAMESPACE},
            "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": there, "uid": self._uids.get(node, "")},
            "type": "Warning" if warns else "Normal",
            "reason": reason,
            "message": clean(text),
            "source": {"component": "tidegate"},
            "reportingComponent": "tidegate.dev/controller",
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
