"""What was read of a cluster besides its nodes, with who owns what: what every source of demand looks at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from connectors.kube.demand.listed import PRIORITY_CLASSES
from connectors.kube.demand.owners import Owners
from connectors.kube.resource import Described, Resource
from connectors.kube.wire.pods import Pod, PodSpec

T = TypeVar("T", bound=Described)


class State(Protocol):
    """What lists and watches told: pods by uid, all else by its resource's name ("jobs.batch") and by uid.

    A resource that is not served is not in ``others``, or empty; ``denied`` names those that we may not read.
    """

    @property
    def pods(self) -> Mapping[str, Pod]:
        """All pods."""
        ...

    @property
    def others(self) -> Mapping[str, Mapping[str, Described]]:
        """All else that is read."""
        ...

    @property
    def denied(self) -> Collection[str]:
        """Names of resources that a 403 keeps from us."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A state, looked through once.

    ``below`` has the pods that have not ended by the uid of each object above them; ``succeeded`` is how many that
    ended well are still to be seen, by the uid of what controls them.
    """

    state: State
    owners: Owners
    below: Mapping[str, tuple[Pod, ...]]
    succeeded: Mapping[str, int]
    priorities: Mapping[str, int]
    priority_default: int = 0

    def every(self, resource: Resource[T]) -> Mapping[str, T]:
        """All objects of a resource by uid; none where it is not served."""
        return _every(self.state, resource)

    def priority(self, spec: PodSpec) -> int:
        """The priority that a pod of this template would have."""
        return spec.priority if spec.priority is not None else self.named_priority(spec.priority_class_name)

    def named_priority(self, name: str | None) -> int:
        """What a priority class is worth; the default's where none is named or the name is not known."""
        return self.priorities.get(name or "", self.priority_default)


def seen_of(state: State) -> Seen:
    """The state with ownership worked out."""
    known = {uid: pod.metadata for uid, pod in state.pods.items()}
    for objects in state.others.values():
        known.update((uid, one.metadata) for uid, one in objects.items())
    owners = Owners(known)
    below: defaultdict[str, list[Pod]] = defaultdict(list)
    succeeded: Counter[str] = Counter()
    for pod in state.pods.values():
        above = owners.chain(pod.metadata)[1:]
        if pod.status.phase == "Succeeded":
            succeeded.update(above[:1])
        if not pod.ended:
            for uid in above:
                below[uid].append(pod)
    classes = _every(state, PRIORITY_CLASSES).values()
    return Seen(
        state,
        owners,
        {uid: tuple(pods) for uid, pods in below.items()},
        succeeded,
        {one.metadata.name: one.value for one in classes},
        next((one.value for one in classes if one.global_default), 0),
    )


def _every(state: State, resource: Resource[T]) -> Mapping[str, T]:
    return cast("Mapping[str, T]", state.others.get(resource.name, {}))
