"""A lease that is kept in a thread of its own: one that acts may be busy for longer than a lease lasts.

The thread reads, takes and renews the lease. Whoever acts leads in a term from its own ``tick`` on, and only in that
one: a lease that is lost and taken again meanwhile is another term, in which nothing of the earlier one may go on. So
what the thread does is seen between two steps only, but for one thing: that the term is over is seen at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from controller.lease import Lease, Term
from models.acts import Outcome
from models.errors import BadInput, TidegateError, Unreachable
from models.leadership import LeaseRecord, LeaseStore, Orders

LOOK_S = 0.25  # between two ticks of the lease, which says itself when it has something to do
PATIENCE_S = 300.0  # how long whoever acts may not come round before its lease is let run out
END_S = 10.0  # for a call that is under way when the service ends
TAKE_S = 5.0  # beyond a lease's duration, for the calls to take one

log = logging.getLogger("tidegate.service")


class LeaseKeeper:
    """One candidate for leadership, as the port ``Leadership``; ``tick`` must be called about once a second.

    ``trouble`` says why this process does not lead, and what a person can do; None when all is well. ``place`` is what
    the lease is called.
    """

    def __init__(
        self,
        store: LeaseStore,
        identity: str,
        term: Term,
        *,
        place: str,
        resume: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.remembered = ""
        self.resume = resume
        self._place = place
        self._identity = identity
        self._term = term
        self._monotonic = monotonic
        self._heard = _Heard(store)
        self._lease = Lease(self._heard, identity, monotonic, term)
        self._epoch: int | None = None  # of the term in which whoever acts leads
        self._led: int | None = None  # the latest of them
        self._above = 0  # epochs up to this one are over for us
        self._came_s = monotonic()
        self._ended = threading.Event()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to keep the lease."""
        self._thread = threading.Thread(target=self._keep_on, name="lease", daemon=True)
        self._thread.start()

    @property
    def epoch(self) -> int | None:
        """The epoch in which whoever acts leads; None while it does not."""
        return self._epoch if self._epoch is not None and self._lease.epoch == self._epoch else None

    @property
    def orders(self) -> Orders:
        """What persons have set, as last read."""
        return self._lease.orders

    @property
    def kept(self) -> bool:
        """Whether ``remembered`` is safe in the lease. What the thread has of it is looked at first: it changes that
        before it writes it, and never the other way round."""
        return self._lease.remembered == self.remembered and self._lease.kept and self.epoch is not None

    @property
    def trouble(self) -> TidegateError | None:
        """What is wrong now."""
        if self._heard.error is not None:
            return self._heard.error
        holder = self._heard.holder
        if self._epoch is None and holder and holder != self._identity:
            return BadInput(f"{holder} leads", where=self._place, remedy="end it, or let this one wait for its end")
        return None

    def may_act(self) -> bool:
        """Whether a write that starts now ends, time-outs included, before anyone else may lead. That it may is asked
        before in which term: terms only rise."""
        return self._lease.may_act() and self.epoch is not None

    def rise_above(self, epoch: int) -> None:
        """Stop leading; lead again, if at all, in an epoch after this one."""
        self._above = max(self._above, epoch)
        if self._epoch is not None and self._epoch <= epoch:
            self._epoch = None

    def tick(self) -> None:
        """Begin a term, or see that one is over; have what is new written down. Waits for nothing."""
        self._came_s = self._monotonic()
        epoch = self._lease.epoch
        if epoch is not None and epoch <= self._above:
            epoch = None
        if epoch is not None and epoch != self._led:
            self.remembered = self._lease.remembered
            self._led = epoch
        self._epoch = epoch
        if epoch is not None and not self.kept:
            self._wanted.set()

    def wait_for_lead(self) -> None:
        """For one that takes a single turn: wait until this process leads, no longer than a lease lasts."""
        self._wait(self._term.duration_s + TAKE_S, lambda: self.epoch is not None)

    def wait_until_kept(self) -> None:
        """And until what it remembers is safe, no longer than a call or two take."""
        self._wait(TAKE_S, lambda: self.kept or self.epoch is None)

    def release(self) -> None:
        """Let another lead at once: for an orderly end."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(END_S)
            if self._thread.is_alive():
                return  # it hangs in a call: the lease runs out by itself
        if self.epoch is not None and not self.kept:
            self.keep()
        self._epoch = None
        self._lease.release()

    def keep(self) -> None:
        """What the thread does at each look: hand on what is to be written, and tick. Nothing where whoever acts has
        not come round for long: then another had better lead."""
        if self._monotonic() - self._came_s > PATIENCE_S:
            return
        if self._above:
            self._lease.rise_above(self._above)
        if self._epoch is not None and self._lease.epoch == self._epoch:
            self._lease.remembered = self.remembered
        self._lease.tick()

    def _keep_on(self) -> None:
        while not self._ended.is_set():
            try:
                self.keep()
            except Exception:  # else nobody would see why this process never leads again
                log.exception("a bug in Tidegate, please report it: the lease could not be kept this time")
            self._wanted.wait(LOOK_S)
            self._wanted.clear()

    def _wait(self, seconds: float, condition: Callable[[], bool]) -> None:
        until_s = self._monotonic() + seconds
        self.tick()
        while not condition() and self._monotonic() < until_s:
            time.sleep(LOOK_S / 4)
            self.tick()


class _Heard:
    """A store of which the latest error, and who held the lease, stay at hand."""

    def __init__(self, store: LeaseStore) -> None:
        self.error: Unreachable | None = None
        self.holder = ""
        self._store = store

    def read(self) -> LeaseRecord | None:
        """See the port."""
        try:
            found = self._store.read()
        except Unreachable as error:
            self.error = error
            raise
        self.error = None
        self.holder = "" if found is None else found.holder
        return found

    def write(self, lease: LeaseRecord) -> Outcome:
        """See the port."""
        return self._store.write(lease)
