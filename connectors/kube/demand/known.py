"""What a cluster came to when its demand was last worked out: what is the same is not worked out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import Any

import msgspec

from connectors.kube.demand.claims import IMPLICIT, NO_DEVICES, Devices, devices_of
from connectors.kube.demand.need import Need, Place, Request
from connectors.kube.demand.place import Room
from connectors.kube.demand.pods import Group, PodFacts, Rules, facts_of
from connectors.kube.demand.pools import KnownNodes
from connectors.kube.wire.pods import Pod
from models.work import WorkRecord

PLACES_MOST = 20_000  # of which it is remembered which pools have a node for them
_KINDS = ("deviceclasses", "resourceclaims", "resourceslices", "resourceclaimtemplates")


class KnownNeeds(msgspec.Struct, frozen=True, gc=False):
    """What the pods of one piece of work that wait came to; ``lasting`` is whether time changes nothing in it."""

    group: Group
    pods: list[PodFacts]
    needs: tuple[Need, ...]
    lasting: bool


class KnownRecord(msgspec.Struct, frozen=True, gc=False):
    """The record of one piece of work that runs in a pool."""

    pods: list[PodFacts]
    shape: Request
    record: WorkRecord | None


class KnownWait(msgspec.Struct, frozen=True, gc=False):
    """The record of one piece of work that waits for a pool, or is held."""

    need: Need
    record: WorkRecord


@dataclass(slots=True)
class Known:
    """All that is kept between two workings out. It saves work and changes nothing."""

    rules: Rules | None = None
    devices: Devices = NO_DEVICES
    objects: tuple[list[Any], ...] = ()
    facts: dict[str, PodFacts] = field(default_factory=dict)
    nodes: KnownNodes = field(default_factory=KnownNodes)
    needs: dict[str, KnownNeeds] = field(default_factory=dict)
    running: dict[tuple[str, str], KnownRecord] = field(default_factory=dict)
    waiting: dict[tuple[str, str], KnownWait] = field(default_factory=dict)
    rooms: dict[Place, Room] = field(default_factory=dict)
    rooms_of: object = None

    def devices_in(self, others: Mapping[str, Mapping[str, Any]]) -> Devices:
        """The devices of the cluster; where they are others than before, pods with claims are worked out anew."""
        now = tuple(list(others.get(f"{kind}.resource.k8s.io", {}).values()) for kind in _KINDS)
        if len(now) != len(self.objects) or not all(map(same, now, self.objects)):
            classes, claims, slices, templates = now
            self.devices = devices_of(classes, claims, slices, templates)
            self.facts = {uid: facts for uid, facts in self.facts.items() if not _claims(facts)}
        self.objects = now
        return self.devices

    def facts_in(self, pods: Mapping[str, Pod], rules: Rules) -> Iterable[PodFacts]:
        """Every pod."""
        if rules != self.rules:
            self.facts, self.rules = {}, rules
        before, after = self.facts, dict[str, PodFacts]()
        for uid, pod in pods.items():
            facts = before.get(uid)
            if facts is None or facts.pod is not pod:
                facts = facts_of(pod, rules, self.devices)
            after[uid] = facts
        self.facts = after
        return after.values()

    def rooms_in(self, pools: object) -> dict[Place, Room]:
        """What was looked up of places, as long as the pools are the same in all that decides."""
        if self.rooms_of != pools or len(self.rooms) > PLACES_MOST:
            self.rooms, self.rooms_of = {}, pools
        return self.rooms


def same(now: list[Any], before: list[Any]) -> bool:
    """Whether these are the very objects that there were."""
    return len(now) == len(before) and all(map(is_, now, before))


def _claims(facts: PodFacts) -> bool:
    return bool(facts.pod.spec.resource_claims) or any(name.startswith(IMPLICIT) for name in facts.request)
