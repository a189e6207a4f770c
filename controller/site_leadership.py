"""One lease or lock for all pools of a policy: each pool's controller leads by its own view of it.

What is remembered has a part for each pool, by name. The text of release 0.1.0 has no parts: it is of the policy's
first pool, the only one that release looked after. To give it to every pool would count its moves several times. Parts
of pools that the policy no longer names are handed on as they are, and count for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import msgspec

from controller.leader_memory import decode_leader_memory
from controller.site_budget import SiteBudget
from models.leadership import Leadership, Orders

VERSION = 2


class _Whole(msgspec.Struct, frozen=True):
    v: int = 1
    pools: dict[str, msgspec.Raw] = {}


class SiteLeadership:
    """Leads ``pools``, named in the policy's order, by one ``leadership``, in one epoch and in one process.

    ``budget`` is what the pools use together: each controller is given it beside its view.
    """

    def __init__(self, leadership: Leadership, pools: Sequence[str]) -> None:
        self.budget = SiteBudget()
        self.leadership = leadership
        self._names = tuple(pools)
        self._text = ""
        self._parts: dict[str, str] = {}
        self._safe: dict[str, str] = {}  # the parts that the lease or lock is known to have
        self._views = {name: PoolLeadership(self, name) for name in pools}
        for name in pools:
            self.budget.of(name)

    def pool(self, name: str) -> PoolLeadership:
        """The view of one pool."""
        return self._views[name]

    def part(self, pool: str) -> str:
        """What an earlier leader, or this one, remembers of one pool; empty where there is nothing."""
        self._hear()
        return self._parts.get(pool, "")

    def keep(self, pool: str, text: str) -> None:
        """Let one pool's part be ``text``, which is JSON; the others stay as they are."""
        self._look_whether_safe()
        self._parts[pool] = text
        self._text = self.leadership.remembered = _encode(self._parts)

    def is_kept(self, pool: str) -> bool:
        """Whether the lease or lock has this pool's part as it is now: other pools' turns do not make it less safe."""
        self._look_whether_safe()
        return self.leadership.epoch is not None and self._safe.get(pool, "") == self._parts.get(pool, "")

    def _look_whether_safe(self) -> None:
        self._hear()
        if self.leadership.kept:
            self._safe = dict(self._parts)

    def _hear(self) -> None:
        """Another term has begun when the text is not the one that was last kept here: all of it is taken anew."""
        if self.leadership.remembered == self._text:
            return
        self._text, self._safe = self.leadership.remembered, {}
        self._parts = _decode(self._text, self._names[0])
        for name in self._names:
            memory = decode_leader_memory(self._parts.get(name, ""))
            self.budget.hand_on(
                name,
                len(memory.under_way) + memory.stuck,
                memory.begun_s(),
                memory.failures,
                memory.nodes,
                memory.taken.items(),
            )


class PoolLeadership:
    """The leadership of one pool, as the port ``Leadership``."""

    def __init__(self, site: SiteLeadership, pool: str) -> None:
        self._site = site
        self._pool = pool

    @property
    def remembered(self) -> str:
        """This pool's part."""
        return self._site.part(self._pool)

    @remembered.setter
    def remembered(self, text: str) -> None:
        self._site.keep(self._pool, text)

    @property
    def kept(self) -> bool:
        """Whether this pool's part is safe in the lease or lock."""
        return self._site.is_kept(self._pool)

    @property
    def resume(self) -> str:
        """The command to go on, for this pool alone where it alone is paused."""
        whole, orders = self._site.leadership.resume, self._site.leadership.orders
        alone = orders.paused is None and orders.of(self._pool).paused is not None
        return f"{whole} --pool {quote(self._pool)}" if whole and alone else whole

    @property
    def epoch(self) -> int | None:
        """The epoch in which this process leads all pools; None while it does not."""
        return self._site.leadership.epoch

    @property
    def orders(self) -> Orders:
        """What persons have set for this pool, or for all."""
        return self._site.leadership.orders.of(self._pool)

    def may_act(self) -> bool:
        """See the port."""
        return self._site.leadership.may_act()

    def rise_above(self, epoch: int) -> None:
        """Lead all pools in a later epoch."""
        self._site.leadership.rise_above(epoch)


def pools_in(remembered: str) -> list[str]:
    """The pools that have been led, by what is remembered of them; none where that does not name any."""
    return [name for name in _decode(remembered, "") if name]


def _encode(parts: dict[str, str]) -> str:
    whole = _Whole(VERSION, {name: msgspec.Raw(text.encode()) for name, text in parts.items() if text})
    return msgspec.json.encode(whole).decode()


def _decode(text: str, first: str) -> dict[str, str]:
    """The parts by pool; none when the text cannot be read."""
    try:
        whole = msgspec.json.decode(text, type=_Whole) if text else _Whole(VERSION)
    except msgspec.DecodeError:
        return {}
    if whole.v == 1:
        return {first: text}
    return {name: bytes(part).decode() for name, part in whole.pools.items()} if whole.v == VERSION else {}
