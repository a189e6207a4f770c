"""Which row of an accounting is a job to replay, and why another is not."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.traces.quantities import WHOLE_MAX, quoted
from simulator.traces.sacct.accounting import NO_LIMIT_S, NUMBER_LATER, Accounting, Of, Recorded, accounting
from simulator.traces.sacct.times import Clock
from simulator.traces.sacct.values import CANCELLED, Stage, Wrong
from simulator.traces.sacct.wanted import Unit, Wanted, zone
from simulator.traces.swf import NEVER_STARTED
from simulator.work import ReadNotes

PENDING = "pending, has not run"
ELSEWHERE = "started on another cluster of its federation"
OTHER_PARTITION = "in another partition"
OTHERS_MOST = 200  # partitions that are told where none of the file is wanted
BEFORE, AFTER = "arrived before --since", "arrived at --until or later"
STEP = "a step of a job"
TOLD_TWICE = "told before (same job, same submission), the row that says more kept"

STILL_RUNS = "still running, its time so far used as run time"
END_USED = "elapsed time missing, the time from start to end used"
NO_LIMIT = "no time limit, run time used"
LIMIT_GIVEN = "no time limit, the given one used"
RUNAWAY = (
    "no end, and more than a day beyond its limit: most likely a runaway record (see sacctmgr show runawayjobs), its"
    " elapsed time used as run time"
)
ELAPSED_TOO_LONG = "elapsed time longer than from start to end, the latter used"
ENDED_FIRST = "ended before it started, taken to have run for no time as its elapsed time says"
NUMBER_AGAIN = "the number of an earlier job given to another (the count of jobs began anew), each taken as a job"
RAN_AGAIN = "ran again under the same number (requeued or resized), each run taken as a job"
ELIGIBLE_USED = "eligible only after its submission (held, dependent, --begin), taken to arrive then"
LATE_S = 60
"""Slurm takes a moment to make a job eligible; only what is later than this is told as held."""

DAY_S = 86_400
SUMMER_S = 7200
"""What local times without a zone may be off by, and some more: between two of them summer time may begin or end."""
WRAPPED_S = 2**31
"""A span of 68 years and more is a negative one that was written without its sign."""

HET = "part of a heterogeneous job, taken as a job of its own"


class Row(msgspec.Struct, gc=False):
    """One row of an accounting; None is what it does not say. Times are seconds of the epoch."""

    key: int | bytes
    user: bytes
    partition: bytes
    cluster: bytes
    stage: Stage
    status: int
    submit_s: int | None
    eligible_s: int | None
    start_s: int | None
    end_s: int | None
    elapsed_s: int | None
    limit_s: int | None
    nodes: int | None
    cores: int | None
    het: bool = False


class Gathering:
    """Takes rows one by one, and gives the accounting at the end. Not one row is dropped without being counted."""

    def __init__(self, wanted: Wanted, notes: ReadNotes) -> None:
        self.clock = Clock(zone(wanted.timezone))
        self._wanted = wanted
        self._partitions = {name.encode() for name in wanted.partitions}
        self._notes = notes
        self._others: set[bytes] = set()
        self._recorded = Recorded()
        self._users: dict[bytes, int] = {b"": 0}
        self._clusters: dict[bytes, int] = {}
        self._newest: dict[int | bytes, int] = {}
        self._runs: dict[tuple[int | bytes, int], int] = {}  # by key and submission, of what ran more than once

    def __len__(self) -> int:
        return len(self._recorded)

    @property
    def others(self) -> list[str]:
        """The partitions of what was left out for its partition, OTHERS_MOST at most."""
        return sorted(quoted(name) for name in self._others if name)

    def add(self, row: Row) -> None:
        """Take a row, or count why not. Raises Wrong when there is something wrong with it."""
        why = self._no_work(row)
        if why is None:
            self._take(row)
        else:
            self._notes.add_passed(why)

    def finish(self) -> Accounting:
        """What was taken, sorted and on one clock; to be asked once. There must be at least one job."""
        self._newest.clear()  # of a large file, 100 MB that are not needed any more
        remarks, users = self._notes.remarks, len(self._users) - 1
        if self.clock.saw_no_zone:
            remarks.append(f"times without a zone are taken as {self._wanted.timezone}")
        if len(self._clusters) > 1:
            names = ", ".join(sorted(quoted(name) for name in self._clusters))
            remarks.append(f"jobs of {len(self._clusters)} clusters are taken together: {names}; sacct -M chooses one")
        return accounting(self._recorded, self._wanted, self._notes, users)

    def _no_work(self, row: Row) -> str | None:
        """Why the row is no work to replay, None for one that is."""
        wanted = self._wanted
        if self._partitions and row.partition not in self._partitions:
            if len(self._others) < OTHERS_MOST:
                self._others.add(row.partition)
            return OTHER_PARTITION
        if row.stage is Stage.WAITS:
            return PENDING
        if row.stage is Stage.ELSEWHERE:
            return ELSEWHERE
        if row.start_s is None or (not _lasted(row) and (row.status == CANCELLED or not self._size(row))):
            return NEVER_STARTED
        if row.submit_s is None:
            raise Wrong("no time of submission")
        if wanted.since_s is not None and _arrival_s(row, row.submit_s) < wanted.since_s:
            return BEFORE
        if wanted.until_s is not None and _arrival_s(row, row.submit_s) >= wanted.until_s:
            return AFTER
        return None

    def _size(self, row: Row) -> int:
        return (row.nodes if self._wanted.unit is Unit.NODES else row.cores) or 0

    def _take(self, row: Row) -> None:
        submit_s, start_s, size = row.submit_s or 0, row.start_s or 0, self._size(row)
        if size <= 0:
            raise Wrong(f"no number of {self._wanted.unit}")
        run_s, arrival_s = _run_s(row, start_s), _arrival_s(row, submit_s)
        if row.limit_s is not None:
            limit_s = row.limit_s
        else:
            limit_s = NO_LIMIT_S if self._wanted.limit_s is None else self._wanted.limit_s
        ended = int(row.stage is Stage.ENDED)
        key = self._key_in_cluster(row) if row.cluster else row.key
        index, number = self._place(key, row, (ended, run_s))
        if index is None:
            return
        user = self._users.setdefault(row.user, len(self._users))
        told = (row.status, ended, row.nodes or 0, row.cores or 0)
        self._recorded.put(index, (number, submit_s, arrival_s, start_s, run_s, limit_s, size, user, *told))
        self._mend(row, run_s, arrival_s > submit_s + LATE_S)

    def _place(self, key: int | bytes, row: Row, says: tuple[int, int]) -> tuple[int | None, int]:
        """Where the row belongs, None for nowhere, and the number of its job."""
        recorded, submit_s = self._recorded, row.submit_s or 0
        before = self._newest.get(key, -1)
        if self._runs:
            before = self._runs.get((key, submit_s), before)
        if before < 0:
            self._newest[key] = len(recorded)
            return len(recorded), key if isinstance(key, int) else NUMBER_LATER
        if recorded.cell(before, Of.SUBMIT) == submit_s:
            self._notes.add_passed(TOLD_TWICE)
            less = says < (recorded.cell(before, Of.ENDED), recorded.cell(before, Of.RUN))
            return (None if less else before), recorded.cell(before, Of.NUMBER)
        self.clock.marks.append(RAN_AGAIN if self._same_job(before, row, says[1]) else NUMBER_AGAIN)
        self._runs[key, recorded.cell(before, Of.SUBMIT)] = before
        self._runs[key, submit_s] = self._newest[key] = len(recorded)
        return len(recorded), NUMBER_LATER

    def _same_job(self, before: int, row: Row, run_s: int) -> bool:
        """Whether a row and one of the same number are runs of one job: it is submitted anew when it is requeued."""
        cell, submit_s, start_s = self._recorded.cell, row.submit_s or 0, row.start_s or 0
        later_s = submit_s - cell(before, Of.START) - cell(before, Of.RUN)
        if submit_s < cell(before, Of.SUBMIT):
            later_s = cell(before, Of.SUBMIT) - start_s - run_s
        return cell(before, Of.USER) == self._users.get(row.user, -1) and later_s <= DAY_S

    def _mend(self, row: Row, run_s: int, was_held: bool) -> None:
        mended = self._notes.add_mended
        if row.limit_s is None:
            mended(NO_LIMIT if self._wanted.limit_s is None else LIMIT_GIVEN)
        for mark in _run_marks(row, run_s):
            mended(mark)
        if was_held:
            mended(ELIGIBLE_USED)
        if row.het:
            mended(HET)
        if self.clock.marks:
            for mark in set(self.clock.marks):
                mended(mark)

    def _key_in_cluster(self, row: Row) -> int | bytes:
        """The job's key, made unlike that of other clusters; the first cluster's jobs keep their numbers."""
        number = self._clusters.setdefault(row.cluster, len(self._clusters))
        return row.key if number == 0 else b"%s@%d" % (str(row.key).encode(), number)


def _lasted(row: Row) -> bool:
    """Whether it ran for any time."""
    if row.elapsed_s is not None:
        return row.elapsed_s > 0
    return row.end_s is not None and row.end_s != row.start_s


def _run_s(row: Row, start_s: int) -> int:
    """How long it ran. Raises Wrong when that cannot be known."""
    if row.end_s is None:
        if row.elapsed_s is None:
            raise Wrong("no run time", "neither elapsed time nor end")
        if row.elapsed_s >= WRAPPED_S:
            raise Wrong("elapsed time is a negative number without its sign", str(row.elapsed_s))
        return row.elapsed_s
    span_s = row.end_s - start_s
    if row.elapsed_s is not None and (row.elapsed_s == 0 or row.elapsed_s <= span_s + SUMMER_S):
        return row.elapsed_s
    if span_s < 0:
        raise Wrong("ended before it started", f"by {-span_s} s")
    if span_s > WHOLE_MAX:
        raise Wrong("a run time that cannot be")
    return span_s


def _run_marks(row: Row, run_s: int) -> Iterator[str]:
    """What is to be told of a run time."""
    if row.elapsed_s is None:
        yield END_USED
    elif row.elapsed_s != run_s:
        yield ELAPSED_TOO_LONG
    elif run_s == 0 and row.end_s is not None and row.end_s < (row.start_s or 0):
        yield ENDED_FIRST
    if row.end_s is None and row.limit_s is not None and run_s > row.limit_s + DAY_S:
        yield RUNAWAY
    elif row.stage is Stage.RUNS:
        yield STILL_RUNS


def _arrival_s(row: Row, submit_s: int) -> int:
    """When the scheduler could first have started it."""
    eligible_s = row.eligible_s
    if eligible_s is None or not submit_s < eligible_s <= (row.start_s or 0):
        return submit_s
    return eligible_s
