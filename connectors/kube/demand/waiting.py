"""Pods that wait become needs: those of one piece of work together, and apart what each waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from connectors.kube.demand.known import Known, KnownNeeds, same
from connectors.kube.demand.need import Held, Need, Part
from connectors.kube.demand.pods import Group, GroupOf, PodFacts, Rules, held_now
from models.work import WorkState

SOURCE = "pods"


def needs_of(facts: Iterable[PodFacts], group_of: GroupOf, rules: Rules, now_s: int, known: Known) -> list[Need]:
    """The needs of pods that have no node, of each piece of work one for all that could start and one for each reason
    why the rest cannot."""
    groups: dict[str, tuple[Group, list[PodFacts]]] = {}
    for one in facts:
        group = group_of(one.pod)
        if not group.told:
            groups.setdefault(group.id, (group, []))[1].append(one)
    before, after = known.needs, dict[str, KnownNeeds]()
    found: list[Need] = []
    for ident, (group, pods) in groups.items():
        kept = before.get(ident)
        if kept is None or kept.group != group or not same(kept.pods, pods):
            lasting = all(one.looked for one in pods)
            kept = KnownNeeds(group, pods, tuple(_needs(group, pods, rules, now_s)), lasting)
        if kept.lasting:
            after[ident] = kept
        found += kept.needs
    known.needs = after
    return found


def _needs(group: Group, pods: list[PodFacts], rules: Rules, now_s: int) -> Iterator[Need]:
    apart: _Apart = {}
    for one in sorted(pods, key=_order) if len(pods) > 1 else pods:
        held, why = (group.held, group.why) if group.held is not None else held_now(one, rules, now_s)
        apart.setdefault(held, []).append((one, why))
    if group.together:
        apart = _as_one(apart)
    for held, those in apart.items():
        first, why = those[0]
        meta = first.pod.metadata
        limits = [one.limit_s for one, _ in those]
        yield Need(
            id=group.id,
            source=SOURCE,
            parts=tuple(_parts(one for one, _ in those)),
            submitted_s=min(one.created_s for one, _ in those),
            together=group.together,
            priority=max(one.priority for one, _ in those),
            user=meta.namespace,
            queue=group.queue,
            limit_s=None if None in limits else max(limit for limit in limits if limit is not None),
            held=held,
            why=why,
            state=WorkState.ELIGIBLE if held is None else WorkState.HELD,
            name=f"{meta.namespace}/{meta.name}",
        )


_Apart = dict[Held | None, list[tuple[PodFacts, str]]]


def _as_one(apart: _Apart) -> _Apart:
    """Pods that start together: none can while one of them cannot."""
    for held in (Held.IMPOSSIBLE, Held.BY_GATE):
        if held in apart and None in apart:
            rest: _Apart = {other: those for other, those in apart.items() if other not in (None, held)}
            return rest | {held: apart[held] + apart[None]}
    return apart


def _order(one: PodFacts) -> tuple[int, int, str]:
    return -one.priority, one.created_s, one.pod.metadata.uid


def _parts(pods: Iterable[PodFacts]) -> Iterator[Part]:
    """Pods alike as one part."""
    alike: dict[tuple[int, int], list[PodFacts]] = {}
    for one in pods:
        alike.setdefault((id(one.request), id(one.place)), []).append(one)
    for those in alike.values():
        yield Part(len(those), those[0].request, those[0].place)


def together(needs: Iterable[Need]) -> list[Need]:
    """Needs of which each is its own piece: what several sources tell of one gang is one gang."""
    every = list(needs)
    gangs: dict[str, list[Need]] = {need.id: [] for need in every if need.together}
    found: list[Need] = []
    for need in every:
        gangs.get(need.id, found).append(need)
    for those in gangs.values():
        found += _joined(those)
    return found


def _joined(those: list[Need]) -> list[Need]:
    """One gang: all of it starts together, or none while a part of it is impossible."""
    stuck = next((need for need in those if need.held is Held.IMPOSSIBLE), None)
    if stuck is not None:
        gone = {"held": stuck.held, "why": stuck.why, "state": WorkState.HELD}
        return [need if need.held is not None else replace(need, **gone) for need in those]
    ready = [need for need in those if need.held is None and need.begins_s is None]
    rest = [need for need in those if need.held is not None or need.begins_s is not None]
    if len(ready) < 2:
        return those
    first = min(ready, key=lambda need: (need.submitted_s, need.source))
    parts = tuple(part for need in ready for part in need.parts)
    priority = max(need.priority for need in ready)
    return [replace(first, parts=parts, priority=priority, together=True), *rest]
