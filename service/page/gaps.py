"""What is not known yet, and when it will be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from basics.text import count
from models.forecasts import Source
from models.nodes import Side
from models.policies import Mode
from service.page.heard import Heard
from service.page.history import SAID_S
from service.page.known import Known, Site
from service.page.model import PoolStatus, Unknown
from service.page.words import NAMES, moment

FIRST_FIT_S = 86_400  # of history, and the longest horizon, before a model is fitted


def unknown(site: Site, heard: Heard, known: Known, pools: Sequence[PoolStatus], now_s: int) -> Iterator[Unknown]:
    """Each thing that the page has a place for and nothing to put there."""
    if known.left:
        yield Unknown("All that was told before this start", f"{count(known.left, 'message')} of the bus to be read")
    if known.orders is None and site.policy.spec.mode is Mode.AUTO:
        yield Unknown("Whether moves are paused", known.orders_trouble or "with the first look, in a few seconds")
    for pool in pools:
        yield from _of_pool(site, pool)
    yield from _not_compared(heard, now_s)


def _of_pool(site: Site, pool: PoolStatus) -> Iterator[Unknown]:
    spec = site.policy.spec
    read = f"with the first reading of both sides, every {site.poll_s} s; see whether role connect runs"
    if not pool.owners:
        yield Unknown(f"Who owns the nodes of pool {pool.name}", read)
    lacking = [NAMES[side] for side in Side if all(one.side is not side for one in pool.sides)]
    if lacking:
        until = "with the first forecast, a minute after the first reading; see whether role forecast runs"
        yield Unknown(f"What {' and '.join(lacking)} could use of pool {pool.name}", until)
    if pool.plan is None:
        never = "never in mode observe; mode recommend plans and moves nothing"
        due = f"with the first decision, every {spec.moves.every} s; see whether role control runs"
        yield Unknown(f"The plan of pool {pool.name}", never if spec.mode is Mode.OBSERVE else due)
    for side in pool.sides:
        if side.source == Source.PERSISTENCE:
            span_h = (FIRST_FIT_S + max((one.at_s for one in side.ahead), default=0) - side.made_at_s) // 3600
            until = f"the forecast is persistence until a model is better: at the earliest after {span_h} h of history"
            yield Unknown(f"Whether {NAMES[side.side]}'s demand on pool {pool.name} follows a pattern", until)


def _not_compared(heard: Heard, now_s: int) -> Iterator[Unknown]:
    """No forecast's hour has come yet."""
    firsts = [line.at_s[0] for one in heard.sides.values() if (line := one.said.line(now_s)).at_s]
    if firsts and min(firsts) > now_s:
        yield Unknown("How good the forecasts are", f"the first one's hour comes at {moment(min(firsts))}")
    elif heard.sides and not firsts:
        yield Unknown("How good the forecasts are", f"none looks about {SAID_S // 60} min ahead, which is compared")
