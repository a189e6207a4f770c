"""Slurm's own stream: jobs that start and end, as its plug-in ``jobcomp/kafka`` tells them, beside the polls.

The plug-in tells of nothing that waits, and loses what it cannot deliver in time. So the polls tell all that there is,
and the stream what they cannot see: work that starts and ends between two of them, and when exactly.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from basics.log_once import Trouble
from connectors.kafka_client.security import Security
from connectors.slurm.completions_merge import happened_s, merged
from connectors.slurm.completions_message import AGAIN, read_message
from connectors.slurm.jobs import RUNNING, KnownJobs, pieces
from connectors.slurm.pool import Pool
from connectors.slurm.settings import CompletionSettings
from connectors.slurm.wire import Job
from models.errors import BadInput, BusRefused, BusUnavailable
from models.nodes import HpcNode
from models.reading import Picture
from models.work import WorkRecord, WorkState

if TYPE_CHECKING:
    from connectors.slurm.completions_topic import Topics

TOLD_MOST = 100_000  # jobs that are remembered until a poll has shown what became of them
NODES_MOST = 400_000  # that they are on, taken together
TURN_NODES = 50_000  # and of those that are taken up in one turn, so that nothing waits long for what one turn took
TURN_S = 0.5  # the longest that messages are taken up in one turn, but for the last of them
OLD_S = 3600  # what ended earlier than this before a poll that does not show it is no news to anybody
AGAIN_S = 30.0  # until a stream that cannot be read is opened again, doubled each time
LONGEST_S = 300.0

log = logging.getLogger("tidegate.slurm")


class Completions:
    """What was told since a pool was last read. ``opened`` makes where it comes from, and raises as its ``read`` does.

    A source that fails is opened again after a while; until then the polls tell all.
    """

    def __init__(self, opened: Callable[[], Topics], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.nonsense = 0  # messages that no plug-in would write: passed over
        self.received = 0
        self._opened = opened
        self._monotonic = monotonic
        self._source: Topics | None = None
        self._open_at_s = 0.0
        self._failures = 0
        self._trouble = Trouble(log, "what Slurm tells of jobs by itself cannot be read, polls go on")
        self._waiting: deque[bytes] = deque()
        self._told: dict[int, Job] = {}
        self._nodes = 0
        self._known = KnownJobs()
        self._picture: Picture[HpcNode] | None = None
        self._polled: Mapping[str, WorkRecord] = {}
        self._whole: tuple[WorkRecord, ...] = ()
        self._changed: Mapping[str, WorkRecord] = {}
        self._at_s = 0

    def merged(self, picture: Picture[HpcNode], pool: Pool) -> tuple[WorkRecord, ...]:
        """The work of the picture with what was told besides; the same value while nothing is new. Never raises.

        What there is no time for is taken up the next time, and until then nothing more is read. A job on more nodes
        than the pool has is left to the polls.
        """
        self._take_up(len(pool.nodes))
        fresh = picture is not self._picture
        if fresh:
            self._picture, self._at_s = picture, picture.order
            self._polled = {record.id: record for record in picture.records}
            self._whole, self._changed = picture.records, {}
        told = {record.id: record for record in self._records(pool)}
        changed = {ident: one for ident, record in told.items() if (one := self._merged(record)) is not None}
        if changed and changed != self._changed:
            self._changed = dict(changed)
            records = tuple(changed.pop(record.id, record) for record in self._whole)
            self._whole = records + tuple(changed.values())
        if fresh:
            self._forget()
        return self._whole

    def close(self) -> None:
        """Let go of the source."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _read(self) -> list[bytes]:
        if self._source is None and self._monotonic() < self._open_at_s:
            return []
        try:
            if self._source is None:
                self._source = self._opened()
            found = self._source.read()
        except (BusUnavailable, BusRefused) as error:
            self.close()
            self._open_at_s = self._monotonic() + min(LONGEST_S, AGAIN_S * 2**self._failures)
            if not self._failures or isinstance(error, BusRefused):  # a broker that is away says so in many ways
                self._trouble.met(error)
            self._failures = min(self._failures + 1, 8)
            return []
        self._failures = 0
        self._trouble.over()
        self.received += len(found)
        return found

    def _take_up(self, nodes_most: int) -> None:
        if not self._waiting:
            self._waiting.extend(self._read())
        until_s, nodes = self._monotonic() + TURN_S, 0
        while self._waiting and nodes < TURN_NODES and self._monotonic() < until_s:
            try:
                job = read_message(self._waiting.popleft(), nodes_most)
            except BadInput as error:
                self.nonsense += 1
                log.debug("a message of the plug-in is passed over: %s", error)
                continue
            if job is not None:
                nodes += _nodes(job)
                self._take(job)

    def _take(self, job: Job) -> None:
        known = self._told.get(job.job_id)
        if AGAIN in job.job_state:
            if known is not None and _rank(known) <= (False, job.end_time.value or 0):
                self._drop(job.job_id)
        elif known is None or _rank(job) > _rank(known):
            self._drop(job.job_id)
            self._told[job.job_id] = job
            self._nodes += _nodes(job)
            while len(self._told) > TOLD_MOST or self._nodes > NODES_MOST:
                self._drop(next(iter(self._told)))

    def _drop(self, ident: int) -> None:
        if (job := self._told.pop(ident, None)) is not None:
            self._nodes -= _nodes(job)

    def _records(self, pool: Pool) -> list[WorkRecord]:
        """What was told, as a poll would show it; what is larger than the pool cannot be true."""
        found = pieces(self._told.values(), pool, self._at_s, self._known)
        return [piece.record for piece in found if piece.size <= len(pool.nodes)]

    def _merged(self, told: WorkRecord) -> WorkRecord | None:
        polled = self._polled.get(told.id)
        if polled is None and told.state is WorkState.ENDED and happened_s(told) < self._at_s - OLD_S:
            return None
        return merged(polled, self._at_s, told)

    def _forget(self) -> None:
        """Drop what a poll of a later time has been merged with, the components of one job together."""
        last_s: dict[int, int] = {}
        for job in self._told.values():
            last_s[_whole(job)] = max(_rank(job)[1], last_s.get(_whole(job), 0))
        for number in [number for number, job in self._told.items() if last_s[_whole(job)] < self._at_s]:
            self._drop(number)


def completions(settings: CompletionSettings, security: Security) -> Completions:
    """The stream of a site; nothing is opened before it is read."""

    def opened() -> Topics:
        from connectors.slurm.completions_topic import Topics  # noqa: PLC0415 - the client takes a while to import

        names = {settings.topic, settings.start_topic or settings.topic}
        return Topics(settings.servers.split(","), names, security)

    return Completions(opened)


def _whole(job: Job) -> int:
    """The number of the job that it is, or that it is a component of."""
    return job.het_job_id.value or job.job_id


def _nodes(job: Job) -> int:
    return job.node_count.value or 0 if job.nodes else 0


def _rank(job: Job) -> tuple[bool, int]:
    """Of two messages about one job the higher counts: an end before a start, then the later one."""
    has_ended = RUNNING.isdisjoint(job.job_state)
    return has_ended, (job.end_time.value if has_ended else job.start_time.value) or 0
