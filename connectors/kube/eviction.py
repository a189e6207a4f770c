"""Asking pods to leave a node, through the Eviction API: all that may go, or none. Nothing is ever deleted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from basics.text import count
from connectors.kube.access.api import Answer, Api, status_of
from connectors.kube.leaving import named, stays
from connectors.kube.resources import PODS
from connectors.kube.wire.pods import Pod
from models.acts import Outcome
from models.errors import Unreachable, clean
from models.policies import Evict

BUDGET = "DisruptionBudget"  # the cause in an API server's no
TWO_BUDGETS = "more than one PodDisruptionBudget"  # in the message of its 500: nothing but a person mends that

log = logging.getLogger("tidegate.kubernetes")


class Evictions:
    """Asks pods to leave; ``refusal`` is why those of a node could not, in words, by node."""

    def __init__(self, api: Api, evict: Evict) -> None:
        self.refusal: dict[str, str] = {}
        self._api = api
        self._evict = evict

    def ask(self, node: str, pods: Sequence[Pod]) -> Outcome:
        """Ask every pod to leave, once it is known of each that it may. Refused while one of them must stay."""
        going = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
        for pod in going:
            if why := stays(pod, self._evict):
                return self._refused(node, pod, why)
        for dry_run in (True, False):
            for pod in going:
                outcome = self._ask(node, pod, dry_run=dry_run)
                if outcome is not Outcome.DONE:
                    return outcome
        if going:
            log.info("node %s: %s asked to leave", node, count(len(going), "pod"))
        self.refusal.pop(node, None)
        return Outcome.DONE

    def _ask(self, node: str, pod: Pod, *, dry_run: bool) -> Outcome:
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
            answer = self._api.ask("POST", path, body=body)
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
