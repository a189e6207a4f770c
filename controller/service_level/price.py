"""The price follows the measured level: online dual ascent on the logarithm of the price.

Moving nodes so that HPC waits least, while of Kubernetes' demand at most a share stays unmet in the long run, is a
problem with a long-run constraint. Its multiplier is the price of unmet demand; it rises while the constraint is
violated and falls while there is slack, in proportion: dual ascent, as in Mahdavi, Jin, Yang, "Trading regret for
efficiency: online convex optimization with long term constraints" (JMLR 13, 2012). Taken on the logarithm it is dual
mirror descent with an entropy, Balseiro, Lu, Mirrokni, "The best of many worlds: dual mirror descent for online
allocation problems" (Operations Research 71, 2023): price <- price * exp(rate * (share / target - 1)).

The share is that of a window that fades, and the step is bounded: what one bad hour does to the price is small.
"""

from __future__ import annotations

from math import exp, log
from typing import Annotated

import msgspec

from models.plans import ServiceLevel
from models.pools import PoolPolicy

DAY_S = 86400
WINDOW_S = DAY_S  # what was measured counts 1/e of it after so long: a day and a night, and not much more
RATE = 0.2  # of the logarithm, a day and unit of share / target - 1; a price moves the share by about its third power
EXCESS_MOST = 5.0  # of share / target - 1 that counts: at most a factor e up in a day, and 0.82 down
NOTICED = 0.05  # of the price: a smaller change is not decided by
_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
_Price = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class Followed(msgspec.Struct, frozen=True):
    """Where the price is, and what it follows: a value that leaders hand on.

    ``price`` is exact, ``in_force`` what is decided by; ``unmet`` of ``asked`` node-seconds waited too long within the
    window. ``hpc``, ``begins`` and ``at_most`` are the policy's words that it goes by: HPC's cost, that of Kubernetes
    to begin with, and the share that may stay unmet.
    """

    hpc: _Price
    begins: _Price
    at_most: _Price
    price: _Price
    in_force: _Price
    unmet: _Amount = 0.0
    asked: _Amount = 0.0

    @property
    def share(self) -> float | None:
        """The share of the window that is unmet; None where nothing was asked for."""
        return self.unmet / self.asked if self.asked else None

    @property
    def level(self) -> ServiceLevel:
        """The price in force and what it follows, for people."""
        return ServiceLevel(self.in_force, self.share, self.at_most)


def beginning(pool: PoolPolicy) -> Followed | None:
    """Where a pool's price begins; None for a pool without a service level."""
    cost, at_most = pool.unmet_cost, pool.kubernetes.unmet_at_most
    if at_most is None:
        return None
    return Followed(cost.hpc, cost.kubernetes, at_most, cost.kubernetes, cost.kubernetes)


def went_on(followed: Followed, remembered: Followed | None, bounds: tuple[float, float]) -> Followed:
    """What an earlier leader handed on, as far as it went by the same words of the policy; else the beginning."""
    if remembered is None or _words(remembered) != _words(followed) or remembered.unmet > remembered.asked:
        return followed
    return msgspec.structs.replace(
        remembered, price=_within(remembered.price, bounds), in_force=_within(remembered.in_force, bounds)
    )


def followed_on(
    followed: Followed, unmet: float, asked: float, passed_s: float, bounds: tuple[float, float]
) -> Followed:
    """The price after ``passed_s`` in which ``unmet`` of ``asked`` node-seconds waited too long.

    It stays within ``bounds``; where nothing was asked for nothing is learned, and nothing changes.
    """
    if asked <= 0.0 or passed_s <= 0.0:
        return followed
    fading = exp(-passed_s / WINDOW_S)
    asked_now = fading * followed.asked + asked
    unmet_now = min(asked_now, fading * followed.unmet + min(unmet, asked))
    excess = min(EXCESS_MOST, unmet_now / asked_now / followed.at_most - 1.0)
    price = _within(followed.price * exp(RATE * excess * passed_s / DAY_S), bounds)
    noticed = abs(log(price / followed.in_force)) >= NOTICED
    return msgspec.structs.replace(
        followed, price=price, in_force=price if noticed else followed.in_force, unmet=unmet_now, asked=asked_now
    )


def _words(followed: Followed) -> tuple[float, float, float]:
    return followed.hpc, followed.begins, followed.at_most


def _within(price: float, bounds: tuple[float, float]) -> float:
    return min(max(price, bounds[0]), bounds[1])
