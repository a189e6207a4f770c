"""From the entries of an audit to hand-overs: what became of each, when, and what was asked for on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from connectors.local.audit_file import read_audit
from models.audit import Answered, Asked, Decided, Dropped, Entered, Entry, Fenced, LeftAlone
from models.errors import BadInput
from models.handovers import Handover, Stage
from models.identity import split_name

ALL_BUT_DECISIONS = frozenset(("asked", "answered", "entered", "dropped", "left-alone", "fenced", "repriced"))


@dataclass(slots=True)
class Acted:
    """One act: how it was asked for, and what is known of it; None while nothing is, which is an unknown outcome."""

    asked: Asked
    answered: Answered | None = None


@dataclass(slots=True)
class HandoverTimeline:
    """Everything that the audit has of one hand-over, in its order."""

    id: str
    events: list[Entered | Acted] = field(default_factory=list)

    @property
    def stages(self) -> list[Entered]:
        """The stages that it entered."""
        return [event for event in self.events if isinstance(event, Entered)]

    @property
    def acts(self) -> list[Acted]:
        """What was asked for."""
        return [event for event in self.events if isinstance(event, Acted)]

    @property
    def handover(self) -> Handover:
        """The hand-over as it last was."""
        return self.stages[-1].handover

    @property
    def ended_s(self) -> int | None:
        """When it ended; None while it is under way, as far as this file goes."""
        last = self.stages[-1]
        return last.at_s if last.handover.stage.finished else None

    @property
    def emptied_s(self) -> int | None:
        """When its node was empty, for good if it was opened; None when it never was."""
        seen = [entered.handover.emptied_s for entered in self.stages]
        return next((at_s for at_s in reversed(seen) if at_s is not None), None)

    @property
    def back_from_s(self) -> int | None:
        """When it turned back; None when it never did."""
        return next((entered.at_s for entered in self.stages if entered.handover.stage is Stage.CANCELLING), None)

    @property
    def emptying_s(self) -> int | None:
        """How long its node took to be empty."""
        return None if self.emptied_s is None else self.emptied_s - self.handover.started_s

    @property
    def opening_s(self) -> int | None:
        """How long it took from empty to open."""
        opened = self.handover.stage is Stage.DONE and self.back_from_s is None
        if not opened or self.ended_s is None or self.emptied_s is None:
            return None
        return self.ended_s - self.emptied_s

    @property
    def back_s(self) -> int | None:
        """How long it took to turn back."""
        return None if self.ended_s is None or self.back_from_s is None else self.ended_s - self.back_from_s


@dataclass(slots=True)
class HandoverTimelines:
    """The hand-overs of an audit by id, in the order in which they begin there; acts that belong to none; moves that
    were dropped before they became hand-overs; and the nodes that are left alone, by name."""

    path: Path
    by_id: dict[str, HandoverTimeline] = field(default_factory=dict)
    strays: list[Acted] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    left_alone: dict[str, LeftAlone] = field(default_factory=dict)
    fenced: list[Fenced] = field(default_factory=list)
    headless: int = 0

    @property
    def shared(self) -> str:
        """What all ids begin with: the site and the pool, or the site where there are more pools, or nothing."""
        scopes = {split_name(ident)[0] for ident in self.by_id} - {""}
        sites = {scope.partition("_")[0] for scope in scopes}
        return f"{scopes.pop()}." if len(scopes) == 1 else f"{sites.pop()}_" if len(sites) == 1 else ""

    def of(self, ident: str) -> HandoverTimeline:
        """One hand-over, by its id or by how only its own ends. Raises BadInput that names those with an id like it."""
        if ident in self.by_id:
            return self.by_id[ident]
        ending = [known for known in self.by_id if known.endswith((f".{ident}", f"_{ident}"))]
        if len(ending) == 1:
            return self.by_id[ending[0]]
        short = {known.removeprefix(self.shared): known for known in self.by_id}
        close = ending[:5] or [short[one] for one in get_close_matches(ident, short, n=5, cutoff=0.5)]
        listing = f"list them with: tidegate handovers {quote(str(self.path))}"
        remedy = f"close to it: {', '.join(close)}" if close else listing
        what = f"{len(ending)} hand-overs have an id that ends in" if ending else "no hand-over has the id"
        raise BadInput(f"{what} {ident!r}", where=str(self.path), remedy=remedy)

    def timeline(self, ident: str, node: str) -> HandoverTimeline:
        """That of the hand-over, which may be new. One of release 0.1.0 goes on under the name that it began with."""
        before = self.by_id.get(split_name(ident)[1])
        if before is not None and before.stages and before.handover.node == node and before.ended_s is None:
            return before
        return self.by_id.setdefault(ident, HandoverTimeline(ident))

    def on(self, node: str) -> list[HandoverTimeline]:
        """The hand-overs of one node. Raises BadInput that names nodes with a name like it."""
        found = [timeline for timeline in self.by_id.values() if timeline.handover.node == node]
        if not found and node not in self.left_alone and not any(one.node == node for one in self.dropped):
            names = {timeline.handover.node for timeline in self.by_id.values()}
            close = get_close_matches(node, names, n=5, cutoff=0.5)
            remedy = f"close to it: {', '.join(close)}" if close else "give the name that the HPC scheduler has for it"
            raise BadInput(f"no hand-over is of a node {node!r}", where=str(self.path), remedy=remedy)
        return found


Unanswered = dict[tuple[str, int, object], list[Acted]]


def read_timelines(path: Path) -> HandoverTimelines:
    """Every hand-over of the audit. Raises BadInput when there is no entry, or the file cannot be read."""
    timelines = HandoverTimelines(path)
    unanswered: Unanswered = {}
    is_empty = True
    for entry in read_audit(path, ALL_BUT_DECISIONS):
        is_empty = False
        _take(entry, timelines, unanswered)
    if is_empty and not any(True for _ in read_audit(path, ("decided",))):
        raise BadInput(
            "is empty: nothing was ever recorded in it",
            where=str(path),
            remedy="give the file of an audit, such as tidegate replay --audit FILE writes",
        )
    headless = [ident for ident, timeline in timelines.by_id.items() if not timeline.stages]
    for ident in headless:  # it began and ended in an earlier file, but for an act or two
        timelines.strays.extend(timelines.by_id.pop(ident).acts)
    timelines.headless = len(headless)
    return timelines


def _take(entry: Entry, timelines: HandoverTimelines, unanswered: Unanswered) -> None:
    if isinstance(entry, Entered):
        timelines.timeline(entry.handover.id, entry.handover.node).events.append(entry)
    elif isinstance(entry, Asked):
        acted = Acted(entry)
        unanswered.setdefault((entry.handover, entry.epoch, entry.act), []).append(acted)
        if entry.handover:
            timelines.timeline(entry.handover, entry.act.node).events.append(acted)
        else:
            timelines.strays.append(acted)
    elif isinstance(entry, Answered):
        if waiting := unanswered.get((entry.handover, entry.epoch, entry.act)):
            waiting.pop(0).answered = entry
    elif isinstance(entry, Dropped):
        timelines.dropped.append(entry)
    elif isinstance(entry, LeftAlone):
        timelines.left_alone.pop(entry.node, None)
        if entry.error:
            timelines.left_alone[entry.node] = entry
    elif isinstance(entry, Fenced):
        timelines.fenced.append(entry)


def decisions(path: Path, *, last: int | None = None) -> Iterator[Decided]:
    """Every decision of the audit, or of its ``last`` bytes, with all that it was made from. Raises BadInput."""
    for entry in read_audit(path, ("decided",), last=last):
        if isinstance(entry, Decided):
            yield entry
