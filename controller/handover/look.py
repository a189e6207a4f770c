"""What a look at a node in hand-over shows: the two sides and the clock as one word of the table. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.handover.table import Seen
from models.handovers import Direction, Handover, Stage, ours
from models.nodes import HpcNode, KubernetesNode, Node, Side

REFUSALS_MOST = 3  # times that opening may be refused, by a conflict or for good, before the hand-over turns back
_BOOKING_STAGES = (Stage.PLANNED, Stage.RESERVED)
LATE_STAGES = (Stage.OPENING, Stage.CANCELLING)  # each begins with a deadline of its own
_ENDS_NOW = (Seen.NEW_OPEN, Seen.FOREIGN, Seen.NEW_EARLY)
_JOINING = (Seen.NEW_OPEN, Seen.NEW_OPENING)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the policy and the schedulers say of every hand-over, times in seconds.

    ``settle_s`` between seeing a node empty and believing it, by the side that it leaves; ``deadline_s`` for emptying,
    and again for opening or turning back; ``lands_s`` after how long an opening that was given up has happened or never
    will; ``ready_s`` how long a Kubernetes node must have been Ready before it is opened; ``fit_s`` how long a node may
    take to be fit for its new side, the site's hook included. ``evict``: pods may be evicted. ``fence``: Kubernetes is
    fenced off before the HPC side is opened. ``hook``: the site has one. ``scope`` tells our marks and records from
    those of other sites and pools.
    """

    settle_s: Mapping[Side, int]
    deadline_s: int
    lands_s: int
    ready_s: int = 0
    fit_s: int = 900
    evict: bool = False
    fence: bool = False
    hook: bool = False
    scope: str = ""


def remember(handover: Handover, node: Node, now_s: int) -> Handover:
    """The hand-over with what this look adds to what was seen before.

    Emptiness counts from when it was first seen without a break, by one run of the HPC scheduler: one that crashed in
    between may have forgotten a drain, and forgets no longer once it has started again.
    """
    to_kubernetes = handover.direction is Direction.TO_KUBERNETES
    closed_by = node.hpc.drain_reason if to_kubernetes else node.kubernetes.closed_by
    closed = closed_by == handover.mark
    empty = closed and (node.hpc.drained if to_kubernetes else node.kubernetes.emptied)
    emptied_s, booted = handover.emptied_s, node.hpc.booted
    if not empty:
        emptied_s = None
    elif emptied_s is None or (to_kubernetes and booted != handover.booted):
        emptied_s = now_s
    was_closed = closed or (handover.was_closed and not (to_kubernetes and booted != handover.booted))
    if (emptied_s, booted, was_closed) == (handover.emptied_s, handover.booted, handover.was_closed):
        return handover
    return replace(handover, emptied_s=emptied_s, booted=booted, was_closed=was_closed)


def look(handover: Handover, node: Node, now_s: int, rules: Rules) -> Seen:
    """What the node and the clock show, the most important thing first."""
    if handover.direction is Direction.TO_KUBERNETES:
        seen = _to_kubernetes(handover, node, now_s, rules.scope)
    else:
        seen = _to_hpc(handover, node, rules.scope)
    if seen is Seen.BREACH:
        return seen
    if seen in _JOINING and handover.direction is Direction.TO_KUBERNETES:
        seen = _joining(handover, node.kubernetes, now_s, rules)
    if now_s >= handover.deadline_s and not _ends_now(handover, seen):
        return Seen.UNHEALTHY if _never_joined(handover, node.kubernetes) else Seen.LATE
    if seen in (Seen.FOREIGN, Seen.UNHEALTHY) or handover.stage in LATE_STAGES:
        return _while_opening(handover, node, seen, now_s, rules)
    if handover.why is not None and seen is not Seen.NEW_EARLY:
        return Seen.CANCEL
    if seen is Seen.OLD_EMPTY and _has_settled(handover, now_s, rules):
        return _fitness(handover, node, now_s, rules) if handover.stage is Stage.SETTLED else Seen.OLD_EMPTY_LONG
    return seen


def _has_settled(handover: Handover, now_s: int, rules: Rules) -> bool:
    settle_s = rules.settle_s[handover.direction.source]
    return handover.emptied_s is not None and now_s - handover.emptied_s >= settle_s


def _ends_now(handover: Handover, seen: Seen) -> bool:
    """Whether what was seen ends or turns back the hand-over anyway, so that its deadline no longer matters."""
    home = handover.stage is Stage.CANCELLING and seen is Seen.OLD_OPEN
    back = handover.direction is Direction.TO_KUBERNETES and handover.stage is Stage.CANCELLING
    return home or (seen in _ENDS_NOW and not (back and seen is Seen.NEW_EARLY))


def _never_joined(handover: Handover, kubernetes: KubernetesNode) -> bool:
    """Whether Kubernetes was opened, by nobody but us, and the node is not ready there: nothing is lost by closing it
    again, and the HPC side may be able to use it."""
    opened = handover.direction is Direction.TO_KUBERNETES and handover.stage is Stage.OPENING
    return opened and kubernetes.closed_by is None and not (kubernetes.ready or kubernetes.cordoned)


def _while_opening(handover: Handover, node: Node, seen: Seen, now_s: int, rules: Rules) -> Seen:
    """Opening is asked for again only while the node is still fit: much may have happened since it was asked first."""
    if handover.stage is not Stage.OPENING or seen is not Seen.OLD_EMPTY:
        return seen
    if handover.refusals >= REFUSALS_MOST and handover.unsure_s is None:
        return Seen.NEW_REFUSED
    return seen if fit(handover, node, now_s, rules.ready_s) else Seen.UNFIT


def _to_kubernetes(handover: Handover, node: Node, now_s: int, scope: str) -> Seen:
    hpc, kubernetes, stage = node.hpc, node.kubernetes, handover.stage
    if node.breached:
        return Seen.BREACH
    if kubernetes.closed_by is None:
        if stage is not Stage.OPENING:
            return Seen.NEW_EARLY
        return Seen.NEW_OPEN if kubernetes.open else Seen.NEW_OPENING
    if stage is not Stage.CANCELLING and not ours(kubernetes.closed_by, scope):
        return Seen.FOREIGN
    if stage not in LATE_STAGES and hpc.booked_by is not None and not ours(hpc.booked_by, scope):
        return Seen.FOREIGN
    if hpc.drain_reason is None:
        return _hpc_open(handover, hpc, kubernetes, now_s)
    if hpc.drain_reason != handover.mark or (stage not in LATE_STAGES and _touched(handover, kubernetes)):
        return Seen.FOREIGN
    if stage is Stage.CANCELLING and kubernetes.pods:
        return Seen.NEW_BUSY
    return Seen.OLD_EMPTY if hpc.drained else Seen.OLD_BUSY


def _hpc_open(handover: Handover, hpc: HpcNode, kubernetes: KubernetesNode, now_s: int) -> Seen:
    """The HPC side is still open: as it should be at first, or because someone else opened it again."""
    if handover.stage is Stage.CANCELLING:
        return Seen.BOOKED if hpc.booked_by == handover.mark else Seen.OLD_OPEN
    if handover.was_closed or _touched(handover, kubernetes):
        return Seen.OLD_OPEN if handover.stage is Stage.OPENING else Seen.FOREIGN
    to_be_booked = handover.reserve_from_s is not None and now_s < handover.reserve_from_s
    if not to_be_booked or handover.stage not in _BOOKING_STAGES:
        return Seen.OLD_OPEN
    return Seen.BOOKED if hpc.booked_by == handover.mark else Seen.TO_BOOK


def _touched(handover: Handover, kubernetes: KubernetesNode) -> bool:
    """Whether someone cordoned the Kubernetes node, or made it anew, since the hand-over began."""
    return kubernetes.cordoned or (bool(handover.uid) and kubernetes.uid != handover.uid)


def _to_hpc(handover: Handover, node: Node, scope: str) -> Seen:
    hpc, kubernetes, stage = node.hpc, node.kubernetes, handover.stage
    if node.breached:
        return Seen.BREACH
    if hpc.drain_reason is None:
        if stage is not Stage.OPENING:
            return Seen.NEW_EARLY
        return Seen.NEW_OPEN if hpc.ready else Seen.NEW_OPENING
    if stage is not Stage.CANCELLING and not ours(hpc.drain_reason, scope):
        return Seen.FOREIGN
    if stage not in LATE_STAGES and _touched(handover, kubernetes):
        return Seen.FOREIGN
    if kubernetes.closed_by is None:
        if handover.was_closed and stage not in LATE_STAGES:
            return Seen.FOREIGN
        return Seen.DISCOURAGED if kubernetes.discouraged else Seen.OLD_OPEN
    if kubernetes.closed_by != handover.mark:
        return Seen.FOREIGN
    if stage is Stage.CANCELLING and hpc.busy:
        return Seen.NEW_BUSY
    return Seen.OLD_EMPTY if kubernetes.emptied else Seen.OLD_BUSY


def _fitness(handover: Handover, node: Node, now_s: int, rules: Rules) -> Seen:
    """The health gate: the site has prepared the node, and the new side sees it whole and awake."""
    if (not rules.hook or handover.prepared) and fit(handover, node, now_s, rules.ready_s):
        return Seen.FIT
    if now_s - handover.stage_since_s >= rules.fit_s:
        return Seen.UNHEALTHY
    return Seen.UNFIT if handover.prepared or not rules.hook else Seen.OLD_EMPTY_LONG


def fit(handover: Handover, node: Node, now_s: int, ready_s: int) -> bool:
    """Whether the new side registered the resources that it once had there, and has the node ready and empty."""
    hpc, kubernetes = node.hpc, node.kubernetes
    if hpc.booked_by == handover.mark or not (new_side_empty(handover, node) or _had_it(handover)):
        return False
    if handover.direction is Direction.TO_HPC:
        return hpc.ready and handover.expects in (None, hpc.offers)
    return _awake(kubernetes, now_s, ready_s) and _has_room(handover, kubernetes)


def _awake(kubernetes: KubernetesNode, now_s: int, ready_s: int) -> bool:
    since_s = kubernetes.ready_since_s
    return kubernetes.ready and (since_s is None or now_s - since_s >= ready_s)


def _has_room(handover: Handover, kubernetes: KubernetesNode) -> bool:
    """Whether Kubernetes sees the processors and the memory that it once saw. Devices may come only once the node is
    open: what tells of them may be a DaemonSet that does not tolerate our taint."""
    expects, offers = handover.expects, kubernetes.offers
    return expects is None or (offers is not None and offers.fits(expects.cpu_milli, expects.memory_mib, 0))


def _joining(handover: Handover, kubernetes: KubernetesNode, now_s: int, rules: Rules) -> Seen:
    """Kubernetes was opened: it has the node once that has been Ready long enough and offers all that it should."""
    expects, offers = handover.expects, kubernetes.offers
    whole = not kubernetes.lacks if expects is None else offers is not None and offers.covers(expects)
    if not kubernetes.open:
        return Seen.NEW_OPENING
    if whole and _awake(kubernetes, now_s, rules.ready_s):
        return Seen.NEW_OPEN
    since_s = max(handover.stage_since_s, kubernetes.ready_since_s or 0)
    return Seen.UNHEALTHY if not whole and now_s - since_s >= rules.fit_s else Seen.NEW_OPENING


def _had_it(handover: Handover) -> bool:
    """Whether the HPC side had the node until pods came late: its jobs were there first, and go on."""
    return handover.repair and handover.direction is Direction.TO_HPC


def new_side_empty(handover: Handover, node: Node) -> bool:
    """Whether nothing runs on the side that gets the node, as nothing should; a hook that re-images would end it."""
    return not (node.kubernetes.pods if handover.direction is Direction.TO_KUBERNETES else node.hpc.busy)


def may_yet_land(handover: Handover, now_s: int, rules: Rules) -> bool:
    """Whether an opening that was never answered may still take effect.

    Until it cannot, the hand-over does not end: a late undrain would also undo the drain of the next one.
    """
    return handover.unsure_s is not None and now_s - handover.unsure_s < rules.lands_s


def due_s(handover: Handover, node: Node, now_s: int, rules: Rules) -> int | None:
    """When something changes although the node does not, later than ``now_s``; None when nothing will."""
    times = [handover.deadline_s]
    if handover.emptied_s is not None:
        times.append(handover.emptied_s + rules.settle_s[handover.direction.source])
    if handover.reserve_from_s is not None:
        times.append(handover.reserve_from_s)
    if handover.unsure_s is not None:
        times.append(handover.unsure_s + rules.lands_s)
    if handover.stage in (Stage.SETTLED, Stage.OPENING):
        times.append(handover.stage_since_s + rules.fit_s)
        if node.kubernetes.ready_since_s is not None:
            times += [node.kubernetes.ready_since_s + rules.ready_s, node.kubernetes.ready_since_s + rules.fit_s]
    return min((at_s for at_s in times if at_s > now_s), default=None)
