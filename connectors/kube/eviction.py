"""Asking pods to leave a node, through the Eviction API: all that may go, or none. Nothing is ever deleted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from basics.text import count
from connectors.kube.access.api import Answer, Api, status_of
from connectors.kube.leaving import named, stays
from connectors.kube.resources import PODS
from connectors.kube.wire.pods import Pod
from models.acts import Outcome
from models.errors import Unreachable, clean
from models.policies import Evict

BUDGET = "DisruptionBudget"  # the cause in an API server's no
LONGEST_S = 10.0  # of one call of ``ask``, as of every write
KNOWN_S = 60.0  # so long it counts that a pod may go
TWO_BUDGETS = "more than one PodDisruptionBudget"  # in the message of its 500: nothing but a person mends that

log = logging.getLogger("tidegate.kubernetes")


class Evictions:
    """Asks pods to leave; ``refusal`` is why those of a node could not, in words, by node."""

    def __init__(self, api: Api, evict: Evict, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.refusal: dict[str, str] = {}
        self._api = api
        self._evict = evict
        self._monotonic = monotonic
        self._passed: dict[str, tuple[float, frozenset[str]]] = {}  # when time ran out, and the pods that may go

    def ask(self, node: str, pods: Sequence[Pod]) -> Outcome:
        """Ask every pod to leave, once it is known of each that it may. Refused while one of them must stay; unknown
        after LONGEST_S: nothing is asked for later, as another may lead by then, and the next call goes on."""
        going = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
        for pod in going:
            if why := stays(pod, self._evict):
                return self._refused(node, pod, why)
        until_s = self._monotonic() + LONGEST_S
        then_s, passed = self._passed.pop(node, (until_s, frozenset[str]()))
        if until_s - then_s > KNOWN_S:
            passed = frozenset()
        first = [(pod, True) for pod in going if pod.metadata.uid not in passed]
        for pod, dry_run in (*first, *((pod, False) for pod in going)):
            left_s = until_s - self._monotonic()
            if left_s <= 0:
                self._passed[node] = until_s, passed
                return Outcome.UNKNOWN
            outcome = self._ask(node, pod, left_s, dry_run=dry_run)
            if outcome is not Outcome.DONE:
                return outcome
            passed |= {pod.metadata.uid}
        if going:
            log.info("node %s: %s asked to leave", node, count(len(going), "pod"))
        self.refusal.pop(node, None)
        return Outcome.DONE

    def _ask(self, node: str, pod: Pod, longest_s: float, *, dry_run: bool) -> Outcome:
        meta = pod.metadata
        options: dict[str, object] = {"preconditions": {"uid": meta.uid}}
        if dry_run:
            options["dryRun"] = ["All"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": meta.name, "namespace": meta.namespace},
            "deleteOptions": options,
        }
        path = f"{PODS.path_of(meta.name, meta.namespace)}/eviction"
        try:
            answer = self._api.ask("POST", path, body=body, timeout_s=longest_s)
        except Unreachable:
            return Outcome.UNKNOWN
        if answer.ok or answer.status in (404, 409):  # it has gone, or is another pod by now
            return Outcome.DONE
        why = refusal_of(answer)
        return Outcome.UNKNOWN if why is None else self._refused(node, pod, why)

    def _refused(self, node: str, pod: Pod, why: str) -> Outcome:
        told = f"pod {clean(named(pod))} stays: {clean(why)}"
        if self.refusal.get(node) != told:
            self.refusal[node] = told
            log.warning("node %s cannot be emptied: %s", node, told)
        return Outcome.REFUSED


def refusal_of(answer: Answer) -> str | None:
    """Why the API server will not evict a pod, in its words; None for a no that may pass by itself soon."""
    status = status_of(answer)
    message = status.message or f"HTTP {answer.status}"
    causes = () if status.details is None else status.details.causes or ()
    if any(cause.reason == BUDGET for cause in causes):
        return "; ".join([message, *(cause.message for cause in causes if cause.reason == BUDGET)])
    if TWO_BUDGETS in message:
        return message
    return None if answer.status in (408, 429) or answer.status >= 500 else message
