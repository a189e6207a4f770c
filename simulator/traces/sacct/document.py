"""``sacct --json``, data parsers 0.0.37 to 0.0.46: one document with a list ``jobs``, read job by job.

Times are seconds of the epoch, 0 for unknown. A number may stand alone, as ``{"set": true, "infinite": false,
"number": 60}``, or as null or ``"Infinity"`` where the complex form was asked for; a state as a text or as a list.
Slurm before 25.05 also writes bare ``NaN`` and ``Infinity``, which are no JSON: they say nothing, as null.
"""

from __future__ import annotations

import re
from io import BufferedReader

import msgspec

from models.errors import BadInput
from simulator.traces.quantities import WHOLE_MAX, quoted
from simulator.traces.sacct.columns import BLANK, passed_over, said
from simulator.traces.sacct.objects import Objects
from simulator.traces.sacct.selection import Gathering, Row
from simulator.traces.sacct.times import epoch_s
from simulator.traces.sacct.values import NO_VALUE_MIN, Stage, Wrong, job_key, state
from simulator.traces.text import Lines

JOBS_MAX = 20_000_000
"""Jobs of one file, as many as lines of any other trace."""


class _Set(msgspec.Struct):
    set: bool = True
    infinite: bool = False
    number: float | int | None = None


_Number = _Set | float | int | str | None


class _Times(msgspec.Struct):
    submission: _Number = None
    eligible: _Number = None
    start: _Number = None
    end: _Number = None
    elapsed: _Number = None
    limit: _Number = None


class _State(msgspec.Struct):
    current: list[str] | str = ""


class _Count(msgspec.Struct):
    type: str = ""
    count: _Number = None


class _Resources(msgspec.Struct):
    allocated: list[_Count] = []


class _Het(msgspec.Struct):
    job_id: _Number = None


class _Job(msgspec.Struct):
    job_id: int | str
    time: _Times
    state: _State
    user: str | None = None
    partition: str | None = None
    cluster: str | None = None
    allocation_nodes: _Number = None
    tres: _Resources | None = None
    het: _Het | None = None


class _Error(msgspec.Struct):
    description: str = ""
    error: str = ""


_ENDS_A_RUN = frozenset({"REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESIZING"})
_BARE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?\b(?:nan|inf|infinity)\b', re.DOTALL | re.IGNORECASE)
_jobs = msgspec.json.Decoder(_Job)
_errors = msgspec.json.Decoder(_Error)


def read_document(stream: BufferedReader, lines: Lines, jobs: Gathering) -> None:
    """Give every job to ``jobs``; ``lines`` counts and names places, it is not iterated. Raises BadInput."""
    notes = lines.notes
    notes.unit = "records"
    complained = False
    noise = _noise(stream)
    told = [line for line in noise if line.strip(BLANK)]
    notes.remarks += [passed_over(told, "the document")] if told else []
    objects = Objects(stream, str(lines.path), len(noise) + 1)
    for key, text in objects:
        if key == b"errors" and not complained:
            complained = True
            notes.remarks.append(f"sacct told an error: {_error(text)}")
        if key != b"jobs":
            continue
        notes.lines += 1
        lines.line = objects.line
        if notes.lines > JOBS_MAX:
            raise BadInput(f"more than {JOBS_MAX} jobs", where=str(lines.path), remedy="ask sacct for fewer days")
        jobs.clock.marks.clear()
        try:
            jobs.add(_row(text))
        except Wrong as wrong:
            lines.bad(str(wrong), wrong.reason)
    if not objects.whole:
        notes.lines, lines.line = notes.lines + 1, objects.line
        lines.bad("the file ends in the middle of the document")
        notes.remarks.append("the document has no end: was the file copied whole?")
    if objects.behind:
        notes.remarks.append(f"what stands behind the document is passed over: {said(objects.behind)}")


def _noise(stream: BufferedReader) -> list[bytes]:
    """The lines before the one on which the document begins, read away."""
    lines = stream.peek().split(b"\n")
    begins = next((place for place, line in enumerate(lines) if line.strip(BLANK).startswith(b"{")), 0)
    noise = lines[:begins]
    stream.read(sum(len(line) + 1 for line in noise))
    return noise


def _row(text: bytes) -> Row:
    """The row of one job. Raises Wrong."""
    try:
        job = _decoded(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Wrong("not a job as sacct --json tells it", quoted(str(error))) from None
    time = job.time
    limit_min = _whole(time.limit, "time.limit")
    return Row(
        job_key(str(job.job_id).encode()),
        _bytes(job.user),
        _bytes(job.partition),
        _bytes(job.cluster),
        *_state(job.state.current),
        _epoch_s(time.submission, "time.submission"),
        _epoch_s(time.eligible, "time.eligible"),
        _epoch_s(time.start, "time.start"),
        _epoch_s(time.end, "time.end"),
        _whole(time.elapsed, "time.elapsed"),
        60 * limit_min if limit_min else None,
        _whole(job.allocation_nodes, "allocation_nodes"),
        _cores(job),
        het=bool(job.het and _whole(job.het.job_id, "het.job_id")),
    )


def _state(current: list[str] | str) -> tuple[Stage, int]:
    """``["PENDING", "REQUEUED"]`` is a run that has ended, whatever becomes of its job: sacct -P says REQUEUED."""
    words = [current] if isinstance(current, str) else current or [""]
    stage, status = state(words[0].encode())
    return (stage if _ENDS_A_RUN.isdisjoint(words) else Stage.ENDED), status


def _decoded(text: bytes) -> _Job:
    try:
        return _jobs.decode(text)
    except (UnicodeError, msgspec.DecodeError):  # what is not UTF-8, or a bare NaN, costs itself, not the job
        readable = text.decode("utf-8", "replace").encode()
        return _jobs.decode(_BARE.sub(lambda match: match[0] if match[0].startswith(b'"') else b"null", readable))


def _error(text: bytes) -> str:
    try:
        told = _errors.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return quoted(text)
    return quoted(told.description or told.error)


def _cores(job: _Job) -> int | None:
    allocated = job.tres.allocated if job.tres else []
    return next((_whole(part.count, "tres.allocated") for part in allocated if part.type == "cpu"), None)


def _epoch_s(number: _Number, name: str) -> int | None:
    """A time, None for unknown. Raises Wrong."""
    whole = _finite(number)
    try:
        return None if whole is None else epoch_s(whole)
    except Wrong as wrong:
        raise Wrong(f"{name}: {wrong.reason}", wrong.detail) from None


def _whole(number: _Number, name: str) -> int | None:
    """A number, None for one that is not set or infinite. Raises Wrong."""
    whole = _finite(number)
    if whole is None or whole in (NO_VALUE_MIN, NO_VALUE_MIN + 1):
        return None
    if not 0 <= whole <= min(WHOLE_MAX, NO_VALUE_MIN):
        raise Wrong(f"{name}: not a possible number", quoted(str(whole)))
    return whole


def _finite(number: _Number) -> int | None:
    if isinstance(number, _Set):
        number = number.number if number.set and not number.infinite else None
    return None if number is None or isinstance(number, str) else int(number)


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "replace")
