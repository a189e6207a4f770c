"""What a controller holds of a pool's service level: what it sees of Kubernetes' demand moves the price."""

from __future__ import annotations

from controller.service_level.long_waits import LongWaits
from controller.service_level.price import Followed, beginning, followed_on, went_on
from models.audit import AuditLog, Repriced
from models.demand import Demand
from models.plans import ServiceLevel
from models.policies import MovesPolicy
from models.pools import PoolPolicy

SEEN_FOR_S = 600  # at least so long what a turn saw is taken to have lasted, where turns follow closely


class PriceFollower:
    """The price of one pool, turn by turn; an ``audit`` is told of every change of what is decided by.

    Of a pool without a service level the policy is as it was written, always.
    """

    def __init__(self, pool: PoolPolicy, moves: MovesPolicy, audit: AuditLog | None = None) -> None:
        self.followed = self._begins = beginning(pool)
        self._pool = pool
        self._told_price = pool.unmet_cost.kubernetes  # that the audit knows of
        self._audit = audit
        self._gap_s = max(SEEN_FOR_S, 2 * moves.every)
        self._waits: LongWaits | None = None
        self._asked = 0.0

    @property
    def told(self) -> ServiceLevel | None:
        """The price in force and what it follows, for people; None for a pool without a service level."""
        return None if self.followed is None else self.followed.level

    def recall(self, remembered: Followed | None) -> None:
        """Go on where an earlier leader was. What it saw last is not known, so nothing counts until the next turn."""
        self._waits = None
        if self._begins is not None:
            self.followed = went_on(self._begins, remembered, self._pool.price_bounds)
            self._told_price = self.followed.in_force

    def turn(self, now_s: int, demand: Demand, most: int, *, counts: bool, epoch: int = 0) -> PoolPolicy:
        """The pool's policy at the price that its service level asks for by now. Raises Unrecorded.

        ``demand`` is that of Kubernetes, which may have ``most`` nodes: what is beyond them no price could serve.
        Where it does not count (what is shown is not believed, or nothing that is decided is done), the time since the
        last turn and until the next one moves nothing.
        """
        if self.followed is None:
            return self._pool
        if counts:
            self.followed = self._seen(self.followed, demand, most, now_s)
        else:
            self._waits = None
        price = self.followed.in_force
        if price != self._told_price:
            if self._audit is not None:
                self._audit.append(Repriced(now_s, epoch, self._pool.name, self._told_price, self.followed.level))
            self._told_price = price
        return self._pool.at_price(price)

    def _seen(self, followed: Followed, demand: Demand, most: int, now_s: int) -> Followed:
        """The price after this turn."""
        waiting = min(demand.waiting, max(0.0, most - demand.running))
        waits, asked, self._asked = self._waits, self._asked, demand.running + waiting
        if waits is None or not 0 <= now_s - waits.at_s <= self._gap_s:
            self._waits = LongWaits(self._pool.kubernetes.waits_at_most, now_s, waiting)
            return followed
        passed_s = now_s - waits.at_s
        unmet = waits.look(now_s, waiting)
        return followed_on(followed, unmet, asked * passed_s, passed_s, self._pool.price_bounds)
