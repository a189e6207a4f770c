"""The safety switches: why no move may begin now. Pure; each switch is one rule, and each hold says what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from models.handovers import Handover, Stage
from models.leadership import Orders
from models.nodes import Node, Side
from models.plans import Hold, Switch
from models.policies import SafetyPolicy

WAITING_ENOUGH = 5  # jobs that wait do not all end between two readings; replicas that are missing may all be given up


@dataclass(frozen=True, slots=True)
class SideSeen:
    """One side at one reading: nodes shown, running and waiting work in nodes, entries that wait, and its boot."""

    nodes: int
    demand: float
    waiting: int
    busy: int
    booted: str


def vanished(side: Side, before: SideSeen, now: SideSeen) -> str | None:
    """What vanished from one reading to the next, None when nothing did.

    A scheduler that restarted empty, or that shows only a part, is not a side without demand.
    """
    if now.nodes * 2 < before.nodes:
        return f"{side} showed {before.nodes} nodes and now shows {now.nodes}"
    if now.booted != before.booted and now.demand * 2 < before.demand:
        return f"{side} restarted, and of {before.demand:.0f} nodes of work {now.demand:.0f} are left"
    if side is Side.HPC and before.waiting >= WAITING_ENOUGH and now.demand == 0:
        return f"{side} had {before.waiting} waiting and now has no work at all"
    if before.demand > 0 and now.demand == 0 and now.busy:
        return f"{side} tells of no work, and shows {now.busy} busy nodes"
    return None


@dataclass(slots=True)
class Vanishing:
    """Since when a side's work or nodes have been missing, what there was before, what there is by the latest reading,
    and a text that says so."""

    before: dict[Side, SideSeen] = field(default_factory=dict)
    latest: dict[Side, SideSeen] = field(default_factory=dict)
    since_s: dict[Side, int] = field(default_factory=dict)
    text: dict[Side, str] = field(default_factory=dict)

    def read(self, side: Side, seen: SideSeen, now_s: int, hold_s: int) -> None:
        """Take in a reading: while something is missing, what was there before stays the measure."""
        before = self.before.get(side, seen)
        if side in self.since_s:
            back = seen.nodes * 2 >= before.nodes and seen.demand * 2 >= before.demand
            if not back and seen.booted != before.booted:  # again: what little had come back may be gone too
                self.since_s[side], self.before[side] = now_s, replace(before, booted=seen.booted)
            elif back or now_s - self.since_s[side] >= hold_s:
                del self.since_s[side], self.text[side], self.latest[side]
                self.before[side] = seen
            if side in self.since_s:
                self.latest[side] = seen
            return
        what = vanished(side, before, seen)
        if what is None:
            self.before[side] = seen
        else:
            self.since_s[side], self.text[side] = now_s, what
            self.before[side], self.latest[side] = replace(before, booted=seen.booted), seen

    def begin_again(self, now_s: int) -> None:
        """Hold as long as if it had vanished now: since when it has is by the clock of another process."""
        self.since_s = dict.fromkeys(self.since_s, now_s)

    def believe(self) -> None:
        """A person says that what is missing is gone indeed: the latest reading is the new measure.

        Not the next one: what vanished after that reading is not what the person spoke of.
        """
        self.before |= self.latest
        self.latest.clear()
        self.since_s.clear()
        self.text.clear()

    def holds(self, resume: str = "") -> list[Hold]:
        """One hold for each side from which something is missing; ``resume`` is the command to go on, if any."""
        advice = f"see whether its scheduler lost its state{_then(resume)}"
        return [Hold(Switch.VANISHED, f"{text}; {advice}") for text in self.text.values()]


def pause_holds(orders: Orders, resume: str) -> list[Hold]:
    """A person has paused moves."""
    if orders.paused is None:
        return []
    who = "by a person" if orders.ordered is None else str(orders.ordered)
    return [Hold(Switch.PAUSED, f"paused {who} (open hand-overs: {orders.paused}){_then(resume)}")]


def breaker_holds(failures: int, safety: SafetyPolicy, resume: str) -> list[Hold]:
    """So many of the latest hand-overs failed one after another."""
    if failures < safety.failures_to_pause:
        return []
    text = f"{failures} hand-overs failed in a row; mend what made them fail{_then(resume)}"
    return [Hold(Switch.BREAKER, text)]


def failed(handover: Handover) -> bool:
    """Whether something went wrong that the next hand-over is likely to meet as well."""
    return handover.stage is Stage.STUCK or (handover.why is not None and handover.why.failed)


def stale_holds(ages_s: Mapping[Side, float], safety: SafetyPolicy) -> list[Hold]:
    """A side was last read too long ago."""
    return [
        Hold(Switch.STALE, f"{side} was last read {age_s:.0f} s ago, longer than staleAfter of {safety.stale_after} s")
        for side, age_s in ages_s.items()
        if age_s > safety.stale_after
    ]


def unready_holds(nodes: Iterable[Node], moving: Collection[str], safety: SafetyPolicy) -> list[Hold]:
    """Too many nodes are not ready on the side that has them."""
    unready = [node.name for node in nodes if not is_ready(node) and node.name not in moving]
    if len(unready) <= safety.unready_max:
        return []
    shown = ", ".join(unready[:5]) + (", ..." if len(unready) > 5 else "")
    return [Hold(Switch.UNREADY, f"{len(unready)} nodes are not ready ({shown}), more than {safety.unready_max}")]


def is_ready(node: Node) -> bool:
    """Whether a side to which the node is open can use it; a node that is open to neither counts as ready here."""
    if node.hpc.drain_reason is None:
        return node.hpc.ready
    return node.kubernetes.closed_by is not None or node.kubernetes.ready


def _then(resume: str) -> str:
    return f"; then run: {resume}" if resume else ""
