"""Leadership by a lease, renewed and judged on the monotonic clock.

The rules of client-go's leader election, with two more: an epoch that rises at each taking, and a margin before the
end of the lease in which no write starts any more, so that one that is under way has ended, its time-out included,
when somebody else may lead. Clocks of two hosts are never compared: a candidate waits until it has itself watched the
lease stand still for its whole duration.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from basics.log_once import Trouble
from models.acts import Outcome
from models.errors import Unreachable
from models.leadership import EPOCH_MOST, LeaseRecord, LeaseStore, Orders
from models.scheduler_facts import SchedulerFacts

log = logging.getLogger("tidegate.lease")

GRACE_S = 2.0  # beyond what the schedulers say of their longest write
SOON_S = 4.0  # in which writes may start after a renewal, where another has to lead soon
SOON_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Term:
    """How long a lease lasts, how often it is renewed, and how long before its end no write starts; in seconds."""

    duration_s: float = 40.0
    renew_every_s: float = 8.0
    margin_s: float = field(kw_only=True)

    def __post_init__(self) -> None:
        if not 0 < self.renew_every_s < self.duration_s - self.margin_s:
            raise ValueError(f"a lease must be renewed well before its margin begins: {self}")

    @staticmethod
    def around(schedulers: Iterable[SchedulerFacts]) -> Term:
        """The usual term, with a margin in which the longest write to any of them ends."""
        return Term(margin_s=max(facts.write_longest_s for facts in schedulers) + GRACE_S)

    @staticmethod
    def short(schedulers: Iterable[SchedulerFacts]) -> Term:
        """One after which another leads as soon as the longest write allows: renewed twice as often as it must be for
        writes to start at any time."""
        margin_s = max(facts.write_longest_s for facts in schedulers) + GRACE_S
        return Term(margin_s + SOON_S, SOON_EVERY_S, margin_s=margin_s)


class Lease:
    """One candidate for leadership, as the port ``Leadership``; ``tick`` must be called about once a second."""

    def __init__(self, store: LeaseStore, identity: str, monotonic: Callable[[], float], term: Term) -> None:
        self._store = store
        self._identity = identity
        self._monotonic = monotonic
        self._term = term
        self._held: LeaseRecord | None = None
        self._ends_s = 0.0
        self._next_s = 0.0
        self._watched: tuple[str, int, int] | None = ("", -1, -1)  # nothing yet, not even that there is none
        self._watched_since_s = 0.0
        self._tried: tuple[LeaseRecord, float] | None = None
        self._beat = -1  # no two tries of ours share one: else an old try that landed could be taken for a later one
        self._least_epoch = 0
        self._orders = Orders()
        self._last = Trouble(log, "nobody can lead by this lease")
        self.remembered = ""
        self.resume = ""  # there is no command yet

    @property
    def epoch(self) -> int | None:
        """The epoch in which this process leads; None while it does not."""
        held = self._held  # another thread may keep the lease
        return held.epoch if held is not None and self._monotonic() < self._ends_s else None

    @property
    def orders(self) -> Orders:
        """What persons have set, as last read."""
        return self._orders

    @property
    def kept(self) -> bool:
        """Whether ``remembered`` is safe in the lease."""
        held = self._held
        return held is not None and held.remembered == self.remembered

    def may_act(self) -> bool:
        """Whether a write that starts now ends, time-outs included, before anyone else may lead."""
        return self._held is not None and self._monotonic() < self._ends_s - self._term.margin_s

    def rise_above(self, epoch: int) -> None:
        """Stop leading; lead again, if at all, in an epoch after this one."""
        self._least_epoch = max(self._least_epoch, epoch + 1)
        if self._held is not None and self._held.epoch <= epoch:
            self._held = None
            self._next_s = 0.0

    def tick(self) -> None:
        """Renew the lease when that is due, or take it when it is free. Never raises: without an answer the lease just
        runs out."""
        now_s = self._monotonic()
        if now_s < self._next_s and (self.kept or self._held is None):
            return
        try:
            found = _as_it_can_be(self._store.read())
            read_s = self._monotonic()
            self._orders = found.orders if found is not None else self._orders
            self._take_stock(found, read_s)
            if self._free(found, read_s):
                self._write(found, now_s)
        except Unreachable:
            pass
        leads = self._held is not None
        self._next_s = now_s + (self._term.renew_every_s if leads else self._term.renew_every_s / 4)

    def release(self) -> None:
        """Let another lead at once: for an orderly end."""
        if self._held is None:
            return
        held, self._held = self._held, None
        with suppress(Unreachable):
            found = self._store.read()
            if found is not None and (found.holder, found.epoch) == (held.holder, held.epoch):
                self._store.write(replace(found, holder="", beat=found.beat + 1, duration_s=0.0))

    def _take_stock(self, found: LeaseRecord | None, now_s: float) -> None:
        """What the lease says of earlier tries of our own, and of others."""
        if self._tried is not None and found is not None:
            tried, since_s = self._tried
            if (found.holder, found.epoch, found.beat) == (tried.holder, tried.epoch, tried.beat):
                self._hold(found, since_s)
        self._tried = None
        if self._held is not None and (
            found is None or (found.holder, found.epoch) != (self._identity, self._held.epoch)
        ):
            self._held = None
        if found is not None and self._held is None:
            self._least_epoch = max(self._least_epoch, found.epoch + 1)
            self.remembered = found.remembered
        key = None if found is None else (found.holder, found.epoch, found.beat)
        if key != self._watched:
            self._watched, self._watched_since_s = key, now_s

    def _free(self, found: LeaseRecord | None, now_s: float) -> bool:
        if self._held is not None or (found is not None and not found.holder and not found.duration_s):
            return True
        if found is None and now_s < self._ends_s:
            return True  # someone deleted our lease: everybody else waits longer than this
        duration_s = 0.0 if found is None else found.duration_s
        return now_s - self._watched_since_s >= max(duration_s, self._term.duration_s)

    def _write(self, found: LeaseRecord | None, now_s: float) -> None:
        """Renew or take. What the lease allows is counted from before the write was sent."""
        epoch = 0 if found is None else found.epoch
        if self._held is None:
            epoch = max(1, self._least_epoch)
        if epoch > EPOCH_MOST:
            self._last.met(f"it has epoch {EPOCH_MOST}, the last that there is; delete it, and nodes' records")
            return
        self._beat = max(self._beat, -1 if found is None else found.beat) + 1
        wanted = LeaseRecord(
            holder=self._identity,
            epoch=epoch,
            beat=self._beat,
            duration_s=self._term.duration_s,
            orders=self._orders,
            remembered=self.remembered,
            version="" if found is None else found.version,
        )
        outcome = self._store.write(wanted)
        if outcome is Outcome.DONE:
            self._hold(wanted, now_s)
        elif outcome is Outcome.UNKNOWN:
            self._tried = (wanted, now_s)

    def _hold(self, lease: LeaseRecord, since_s: float) -> None:
        self._held = lease
        self._least_epoch = max(self._least_epoch, lease.epoch + 1)
        self._ends_s = since_s + self._term.duration_s
        self._watched = (lease.holder, lease.epoch, lease.beat)
        self._watched_since_s = since_s


def _as_it_can_be(found: LeaseRecord | None) -> LeaseRecord | None:
    """The lease with an epoch that a leader can have had; a forged one counts as that of a lease that was never led."""
    return found if found is None or 0 <= found.epoch <= EPOCH_MOST else replace(found, epoch=0)


class Alone:
    """Leadership of a process that has no rival: a replay's."""

    def __init__(self) -> None:
        self.epoch = 1
        self.kept = True
        self.orders = Orders()
        self.remembered = ""
        self.resume = ""

    def may_act(self) -> bool:
        """Always."""
        return True

    def rise_above(self, epoch: int) -> None:
        """Go on in the next epoch."""
        self.epoch = max(self.epoch, epoch + 1)
