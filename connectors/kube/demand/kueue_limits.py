"""The most that a ClusterQueue of Kueue could ever use of a flavour, its own quota and what it may borrow together.

Source: ``potentialAvailable`` and ``updateCohortResourceNode`` of kueue/pkg/cache/scheduler (0.17).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from connectors.kube.demand.listed import CLUSTER_QUEUES, COHORTS
from connectors.kube.demand.need import Request
from connectors.kube.demand.quantities import milli, whole
from connectors.kube.demand.seen import Seen
from connectors.kube.wire.kueue_queues import Quantity, ResourceGroup

Key = tuple[str, str]  # flavour and resource
Growth = Mapping[tuple[str, str], Request]
"""By ClusterQueue and flavour what its nominal quota may grow by, as nodes come."""


@dataclass(frozen=True, slots=True)
class _Quota:
    nominal: int
    borrowing: int | None = None
    lending: int | None = None


_NONE = _Quota(0)


@dataclass(frozen=True, slots=True)
class _Place:
    """A ClusterQueue or a cohort in the tree: its quotas, the place above it, "" at the top."""

    quotas: Mapping[Key, _Quota]
    above: str = ""


class Limits:
    """How much each ClusterQueue could use at most if nobody else used any."""

    def __init__(self, places: Mapping[str, _Place]) -> None:
        self._places = places
        self._below: defaultdict[str, list[str]] = defaultdict(list)
        for name, place in places.items():
            if place.above:
                self._below[place.above].append(name)
        self._subtree = cache(self._of_subtree)

    def most(self, queue: str, flavor: str, resource: str) -> int:
        """What a queue could use of a flavour's resource, in the unit of a Request; 0 where it has no quota."""
        name, key = _queue(queue), (flavor, resource)
        place = self._places.get(name)
        return self._most(name, key) if place is not None and key in place.quotas else 0

    def _most(self, name: str, key: Key) -> int:
        place = self._places[name]
        quota, subtree = place.quotas.get(key, _NONE), self._subtree(name, key)
        if not place.above:
            return subtree
        available = self._kept(name, key) + self._most(place.above, key)
        return available if quota.borrowing is None else min(available, subtree + quota.borrowing)

    def _of_subtree(self, name: str, key: Key) -> int:
        """Its own nominal quota and all that those below it lend."""
        lent = (self._subtree(below, key) - self._kept(below, key) for below in self._below.get(name, ()))
        return self._places[name].quotas.get(key, _NONE).nominal + sum(lent)

    def _kept(self, name: str, key: Key) -> int:
        """What it lends to nobody."""
        lending = self._places[name].quotas.get(key, _NONE).lending
        return 0 if lending is None else max(0, self._subtree(name, key) - lending)


def limits_of(seen: Seen, growth: Growth) -> Limits:
    """The limits of all ClusterQueues, with what quotas may grow by. Raises ValueError for a quota that is none."""
    places: dict[str, _Place] = {}
    for cohort in seen.every(COHORTS).values():
        spec = cohort.spec
        above = spec.parent_name or spec.parent
        places[_cohort(cohort.metadata.name)] = _Place(_quotas(spec.resource_groups, "", growth), _cohort(above))
    for queue in seen.every(CLUSTER_QUEUES).values():
        name = queue.metadata.name
        above = queue.spec.cohort_name or queue.spec.cohort
        places[_queue(name)] = _Place(_quotas(queue.spec.resource_groups, name, growth), _cohort(above))
    for above in {place.above for place in places.values() if place.above}:
        places.setdefault(above, _Place({}))
    return Limits({name: replace(place, above=_straight(places, name)) for name, place in places.items()})


def amount(resource: str, quantity: Quantity) -> int:
    """A quota in the unit of a Request. Raises ValueError for one that is none."""
    return milli(quantity) if resource == "cpu" else whole(quantity)


def _queue(name: str) -> str:
    return f"queue {name}"


def _cohort(name: str | None) -> str:
    return f"cohort {name}" if name else ""


def _straight(places: Mapping[str, _Place], name: str) -> str:
    """The place above, or none where the way up comes back: Kueue lets nothing be borrowed in a ring of cohorts."""
    passed = [name]
    above = places[name].above
    while above:
        if above in passed:
            return ""
        passed.append(above)
        above = places[above].above
    return places[name].above


def _quotas(groups: tuple[ResourceGroup, ...] | None, queue: str, growth: Growth) -> dict[Key, _Quota]:
    return dict(_read(groups, queue, growth))


def _read(groups: tuple[ResourceGroup, ...] | None, queue: str, growth: Growth) -> Iterator[tuple[Key, _Quota]]:
    for group in groups or ():
        for flavor in group.flavors or ():
            grows = growth.get((queue, flavor.name), {})
            for quota in flavor.resources or ():
                nominal = amount(quota.name, quota.nominal_quota) + grows.get(quota.name, 0)
                bounds = (
                    None if limit is None else amount(quota.name, limit)
                    for limit in (quota.borrowing_limit, quota.lending_limit)
                )
                yield (flavor.name, quota.name), _Quota(nominal, *bounds)
