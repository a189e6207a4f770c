"""What a decision weighed: the cost of staying and of every other split, and the bound that kept a cheaper one away."""

from __future__ import annotations

from dataclasses import dataclass

from controller.decide.choice import choose
from controller.decide.guards import move_budgets, sort_nodes
from controller.decide.situation import situation_of
from models.plans import Reason
from models.policies import MovesPolicy, PoolPolicy
from models.snapshot import Snapshot

SAME = 1e-9  # weighted node-hours: costs nearer than that are told apart by the number of moves


@dataclass(frozen=True, slots=True)
class Alternative:
    """``offset`` nodes more for Kubernetes (fewer when negative), with the weighted node-hours that stay unmet over the
    horizon and the friction of the moves. ``forbidden`` is the bound that does not allow it now."""

    offset: int
    unmet: float
    friction: float
    forbidden: Reason | None

    @property
    def cost(self) -> float:
        """Both together."""
        return self.unmet + self.friction


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was chosen, from the nodes that Kubernetes has; ``others`` are all other splits within reach, staying among
    them, the nearest to the chosen one first. None where nothing had to be weighed: nothing could be gained, or no
    node may move. ``most`` are the bounds of the moment, to HPC and to Kubernetes. ``ahead`` says that nodes go
    ahead of demand, for what that is expected to avoid."""

    current: int
    chosen: Alternative
    others: tuple[Alternative, ...]
    most: tuple[tuple[int, Reason], tuple[int, Reason]]
    ahead: bool

    @property
    def staying(self) -> Alternative:
        """The split that stays."""
        return next(one for one in (self.chosen, *self.others) if one.offset == 0)

    @property
    def held(self) -> Alternative | None:
        """The cheapest split that a bound of the moment forbids, if it is cheaper than what was chosen."""
        forbidden = [one for one in self.others if one.forbidden is not None]
        best = min(forbidden, key=lambda one: (one.cost, abs(one.offset)), default=None)
        return best if best is not None and best.cost < self.chosen.cost - SAME else None


def weigh(snapshot: Snapshot, pool: PoolPolicy, moves: MovesPolicy) -> Weighed:
    """The costs from which ``decide`` makes its plan of the same values. Pure."""
    found = sort_nodes(snapshot, moves)
    choice = choose(situation_of(snapshot, pool, found, move_budgets(snapshot, moves)), pool, moves)
    (fall, why_not_fall), (rise, why_not_rise) = choice.limits
    rows = [(float(choice.offset), choice.stay, choice.cost)] if choice.weighed is None else choice.weighed.tolist()
    splits = []
    for number, unmet, friction in rows:
        offset = int(number)
        forbidden = why_not_rise if offset > rise else why_not_fall if offset < -fall else None
        if offset == choice.offset:
            forbidden = None
        splits.append(Alternative(offset, unmet, friction, forbidden))
    chosen = next(one for one in splits if one.offset == choice.offset)
    others = (one for one in splits if one is not chosen)
    nearest = sorted(others, key=lambda one: (abs(one.offset - choice.offset), one.cost, one.offset))
    return Weighed(choice.current, chosen, tuple(nearest), choice.limits, choice.ahead)
