"""Slurm as the port ``HpcScheduler``: read as a whole from time to time, looked at and acted on node by node."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from connectors.slurm import acts, flags, wire
from connectors.slurm.acts import Said
from connectors.slurm.cluster import SlurmCluster
from connectors.slurm.facts import FACTS
from connectors.slurm.jobs import pieces
from connectors.slurm.names import booking_name, given_reason, is_mark, is_node
from connectors.slurm.nodes import bookings, node_of
from connectors.slurm.pool import Pool
from connectors.slurm.read import Answers, Known, PoolReading, pool_reading, present
from connectors.slurm.read import clock as slurmctlds_clock
from connectors.slurm.transport import Booking, Transport
from models.acts import Outcome, Unseen, Verb
from models.errors import Unreachable
from models.hostlists import hosts
from models.nodes import HpcNode, Side
from models.pieces import NEVER_S, Piece, ends_of
from models.reading import Picture

BOOKED_S = 7 * 86_400  # a reservation of ours ends by itself if nobody is left to drop it
JOBS_FRESH_S = 5.0  # looks at several nodes share one reading of the jobs
ONE_BY_ONE_S = 2.0  # how long a drain that Slurm refuses for several nodes at once is asked for node by node
LOOK_S, LOOK_AGAIN_S = 0.5, 3.0  # a look at a node that took longer than the one is repeated once, up to the other

log = logging.getLogger("tidegate.slurm")

Verdict = Callable[[wire.Node | None, str, Said], Outcome]
Ask = Callable[[Sequence[str]], Said | None]


class SlurmScheduler:
    """The nodes of ``hostlist``, every node without one.

    ``nodes_max`` is the most nodes that the policy can ever give this side. ``read`` shows what ``answers`` gives,
    which pools of one ``cluster`` share, and asks Slurm each time without it; ``look`` and the acts ask at once. When
    a node frees, from when it is reserved, and when announced work begins is by our ``clock``, whatever slurmctld's
    says; times of work are slurmctld's, and so is the order of what was read.
    """

    def __init__(
        self,
        cluster: SlurmCluster | Transport,
        hostlist: str | None = None,
        *,
        nodes_max: int | None = None,
        answers: Callable[[], Answers] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(cluster, SlurmCluster):
            cluster = SlurmCluster(cluster, monotonic=monotonic, clock=clock)
        self.facts = FACTS
        self.unseen = Unseen()
        self._slurm = cluster.slurm
        self._breaker = cluster.breaker
        self._answers = answers or cluster.read
        self._names = None if hostlist is None else frozenset(hosts(hostlist))
        self._nodes_max = nodes_max
        self._monotonic = monotonic
        self._clock = clock
        self._shown: tuple[Answers, PoolReading, Picture[HpcNode]] | None = None
        self._known = Known()
        self._work: tuple[float, list[Piece]] | None = None

    # ---- reading ----

    def read(self) -> Picture[HpcNode]:
        """See the port. Raises Unreachable, and then the last reading stands for ``look``."""
        return self._newest()[1]

    @property
    def pool(self) -> Pool:
        """What the pool is, as last read."""
        return self._last().pool

    def look(self, node: str) -> HpcNode | None:
        """See the port. When Slurm was away only now, it is not asked again."""
        self._breaker.check()
        shown = self._node(node)
        if shown is None:
            return None
        booked = self._bookings(node)
        at_s, booted = slurmctlds_clock(self._slurm.diagnosis())
        ahead_s = self._ahead_s(at_s)
        end_s = None if self._stays_empty(shown) else self._ends(shown, at_s).get(shown.name)
        return _by_our_clock(node_of(shown, end_s, booked, booted), ahead_s)

    # ---- acting ----

    def drain(self, nodes: Collection[str], *, mark: str) -> dict[str, Outcome]:
        """See the port: in one request, or node by node where Slurm refuses the lot."""
        if not is_mark(mark):
            log.error("%r is no mark that a node can be drained with", mark)
            return dict.fromkeys(nodes, Outcome.REFUSED)
        ask = partial(self._slurm.drain, reason=mark)
        return self._change(f"drain with {mark}", ask, nodes, mark, acts.before_drain, acts.after_drain)

    def undrain(self, node: str, *, mark: str) -> Outcome:
        """See the port. Nothing but the drain is taken from the node: whoever's it is when Slurm comes to it."""
        ask, what = self._slurm.undrain, f"undrain from {mark}"
        return self._change(what, ask, (node,), mark, acts.before_undrain, acts.after_undrain)[node]

    def reserve(self, node: str, *, start_s: int, mark: str) -> Outcome:
        """See the port. The reservation ends by itself after a week; running work is not touched."""
        if not is_mark(mark) or not is_node(node):
            log.error("no reservation can be named for node %r and mark %r", node, mark)
            return Outcome.REFUSED
        try:
            if self._node(node) is None:
                return Outcome.REFUSED
            if (outcome := self._booked(node, mark)) is not None:
                return outcome
            now_s, _ = slurmctlds_clock(self._slurm.diagnosis())
        except Unreachable as error:
            return _unknown("reserve", node, error)
        booking = Booking(booking_name(node, mark), node, max(start_s + self._ahead_s(now_s), now_s), BOOKED_S)
        answer = self._slurm.reserve(booking)
        return self._confirmed("reserve", node, answer, lambda: self._booked(node, mark))

    def release(self, node: str, *, mark: str) -> Outcome:
        """See the port."""
        try:
            booked = self._bookings(node)
            if mark not in booked:
                return Outcome.REFUSED if booked else Outcome.DONE
        except Unreachable as error:
            return _unknown("release", node, error)
        answer = self._slurm.release(booking_name(node, mark))
        return self._confirmed("release", node, answer, lambda: None if mark in self._bookings(node) else Outcome.DONE)

    # ---- within ----

    def _ahead_s(self, at_s: int) -> int:
        """How far slurmctld's clock is ahead of ours, in whole minutes: what two polls show alike stays the same."""
        return round((at_s - self._clock()) / 60) * 60

    def _understood(self, answers: Answers) -> tuple[PoolReading, Picture[HpcNode]]:
        reading = pool_reading(answers, self._names, self._nodes_max, self._known)
        nodes = reading.nodes
        if ahead_s := self._ahead_s(reading.at_s):
            nodes = {name: _by_our_clock(node, ahead_s) for name, node in nodes.items()}
            announced = tuple(replace(one, at_s=one.at_s - ahead_s) for one in reading.demand.announced)
            reading = replace(reading, nodes=nodes, demand=replace(reading.demand, announced=announced))
        picture = Picture(
            Side.HPC, answers.asked_s, reading.at_s, nodes, reading.records, reading.demand, reading.waiting
        )
        return reading, picture

    def _newest(self) -> tuple[PoolReading, Picture[HpcNode]]:
        answers = self._answers()
        if self._shown is None or answers is not self._shown[0]:
            self._shown = answers, *self._understood(answers)
        return self._shown[1:]

    def _last(self) -> PoolReading:
        return self._newest()[0] if self._shown is None else self._shown[1]

    def _node(self, name: str) -> wire.Node | None:
        """One node as Slurm shows it now; None when there is none, or it is not of the pool."""
        if not is_node(name) or (self._names is not None and name not in self._names):
            return None
        with self._breaker.asking():
            return self._slurm.node(name)

    def _looked(self, names: Collection[str]) -> tuple[float, dict[str, wire.Node | None]]:
        """The nodes, and when they were asked for; one whose answer took long may be another by now, and is asked for
        again."""
        began_s = self._monotonic()
        nodes = self._some(names)
        if len(names) == 1 and LOOK_S < self._monotonic() - began_s <= LOOK_AGAIN_S:
            began_s, nodes = self._monotonic(), self._some(names)
        return began_s, nodes

    def _some(self, names: Collection[str]) -> dict[str, wire.Node | None]:
        if len(names) == 1:
            return {name: self._node(name) for name in names}
        nodes = present(self._slurm.nodes().nodes, "nodes")
        known = {node.name: node for node in nodes if self._names is None or node.name in self._names}
        return {name: known.get(name) for name in names}

    def _stays_empty(self, shown: wire.Node) -> bool:
        """Whether it was drained already, as it is now, when the last poll saw no work on it: none has started since.

        Its flags alone do not tell: a node whose job is suspended looks idle where Slurm does not count memory.
        """
        before = None if self._shown is None else self._shown[1].nodes.get(shown.name)
        if before is None or before.drain_reason is None or before.busy:
            return False
        now = flags.flags_of(shown.state)
        return flags.is_drained(now) and not flags.is_busy(now) and given_reason(shown.reason) == before.drain_reason

    def _ends(self, shown: wire.Node, at_s: int) -> Mapping[str, int]:
        now_s = self._monotonic()
        if self._work is not None and now_s - self._work[0] <= JOBS_FRESH_S:
            ends = ends_of(self._work[1])
            if (shown.name in ends) is flags.is_busy(flags.flags_of(shown.state)):  # else one is older than the other
                return ends
        pool = self._last().pool
        jobs = present(self._slurm.jobs().jobs, "jobs")
        self._work = (now_s, pieces(jobs, replace(pool, nodes=pool.nodes | {shown.name}), at_s))
        return ends_of(self._work[1])

    def _bookings(self, node: str) -> Collection[str]:
        reservations = present(self._slurm.reservations().reservations, "reservations")
        return bookings(reservations, {node}).get(node, set())

    def _booked(self, node: str, mark: str) -> Outcome | None:
        """Done when it bears our mark, refused when another; None when it is free."""
        booked = self._bookings(node)
        if not booked:
            return None
        return Outcome.DONE if mark in booked else Outcome.REFUSED

    def _change(
        self,
        what: str,
        ask: Ask,
        names: Collection[str],
        mark: str,
        before: Callable[[wire.Node | None, str], Outcome | None],
        after: Verdict,
    ) -> dict[str, Outcome]:
        """Ask for what is not so already, then read back what has become of it."""
        try:
            began_s, nodes = self._looked(names)
            known = {name: before(node, mark) for name, node in nodes.items()}
        except Unreachable as error:
            return {name: _unknown(what, name, error) for name in names}
        outcomes = {name: outcome for name, outcome in known.items() if outcome is not None}
        asked = [name for name, outcome in known.items() if outcome is None]
        if not asked:
            return outcomes
        answers = self._ask_all(ask, asked)
        self.unseen.add(Verb(what.split(maxsplit=1)[0]), len(asked), self._monotonic() - began_s)
        self._work = None  # until then a job could start
        try:
            shown = self._some(asked)
        except Unreachable as error:
            return outcomes | {name: _unknown(what, name, error) for name in asked}
        return outcomes | {name: after(shown[name], mark, answers[name]) for name in asked}

    def _ask_all(self, ask: Ask, names: Sequence[str]) -> dict[str, Said]:
        """In one request, or one by one where Slurm cannot, or refuses the lot.

        One by one, not all may be asked for: not after one that got no answer, nor for long, since whoever leads has
        reckoned with one write. What is left out is asked for again by whoever sees that it is not done.
        """
        began_s = self._monotonic()
        if len(names) > 1 and (answer := ask(names)) in (Said.YES, Said.UNSURE):
            return dict.fromkeys(names, answer)
        answers = dict.fromkeys(names, Said.UNSURE)
        for name in names:
            answers[name] = ask([name]) or Said.NO
            if answers[name] is Said.UNSURE or self._monotonic() - began_s >= ONE_BY_ONE_S:
                break
        return answers

    def _confirmed(self, verb: str, node: str, answer: Said | None, shown: Callable[[], Outcome | None]) -> Outcome:
        if answer is None:
            return Outcome.REFUSED
        try:
            return shown() or acts.by(answer)
        except Unreachable as error:
            return _unknown(verb, node, error)


def _by_our_clock(node: HpcNode, ahead_s: int) -> HpcNode:
    if node.frees_at_s is None or node.frees_at_s == NEVER_S or not ahead_s:
        return node
    return replace(node, frees_at_s=node.frees_at_s - ahead_s)


def _unknown(what: str, node: str, error: Unreachable) -> Outcome:
    log.warning("%s: what became of node %s is not known: %s", what, node, error)
    return Outcome.UNKNOWN
