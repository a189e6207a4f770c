"""Spans of time, counts, job numbers and states as sacct writes them; and what is wrong with a row."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from simulator.traces.quantities import WHOLE_MAX, quoted

NO_VALUE_MIN = 2**32 - 2
"""Slurm's own numbers for "not set" and "infinite" begin here; no count or span is so large."""

_WORDS_FOR_NONE = frozenset({b"", b"Unknown", b"None", b"N/A", b"UNLIMITED", b"Partition_Limit", b"infinite"})
_SPAN = re.compile(rb"(?:([0-9]{1,9})-)?(?:([0-9]{1,9}):)?([0-9]{1,9}):([0-9]{1,9})(?:\.[0-9]*)?")
_COUNT = re.compile(rb"([0-9]{1,12}(?:\.[0-9]{1,4})?)([KMG]?)")
_DIGITS_MAX = 10  # of 2**32, which bounds the number of a job
_JOB = re.compile(rb"[0-9]{1,10}(?:_[0-9]{1,10}|\+[0-9]{1,10}|_\[[^\]]*\])")
_FACTORS = {b"": 1, b"K": 1024, b"M": 1024**2, b"G": 1024**3}
_remembered = lru_cache(maxsize=10_000)  # the same few texts come again and again


class Wrong(ValueError):
    """What is wrong with a row; ``reason`` is the same for every row of its kind, ``detail`` is not."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Stage(Enum):
    """How far a job has got."""

    WAITS = 0
    RUNS = 1
    ENDED = 2
    ELSEWHERE = 3  # a federation has started it on another cluster


_STAGES = {
    b"PENDING": Stage.WAITS,
    b"REVOKED": Stage.ELSEWHERE,
    **dict.fromkeys(
        (b"RUNNING", b"SUSPENDED", b"COMPLETING", b"CONFIGURING", b"SIGNALING", b"STAGE_OUT", b"STOPPED"), Stage.RUNS
    ),
}
COMPLETED, FAILED, CANCELLED, NOT_KNOWN = 1, 0, 5, -1  # as the Standard Workload Format numbers them
_STATUSES = {
    b"COMPLETED": COMPLETED,
    b"CANCELLED": CANCELLED,
    **dict.fromkeys(
        (b"FAILED", b"TIMEOUT", b"NODE_FAIL", b"OUT_OF_MEMORY", b"PREEMPTED", b"BOOT_FAIL", b"DEADLINE"), FAILED
    ),
}


@_remembered
def state(text: bytes) -> tuple[Stage, int]:
    """How far, and the status; ``CANCELLED by 1000`` is cancelled, a state that is not known here has ended."""
    word = text.split(b" ", 1)[0].rstrip(b"+").upper()
    return _STAGES.get(word, Stage.ENDED), _STATUSES.get(word, NOT_KNOWN)


def seconds(text: bytes) -> int | None:
    """``ElapsedRaw`` or ``Elapsed``; None when it does not say. Raises Wrong for anything else."""
    if text.isdigit():
        return _bounded(int(text[:21]), text)
    return None if text in _WORDS_FOR_NONE else _span_s(text)


@_remembered
def limit_s(text: bytes) -> int | None:
    """``TimelimitRaw``, in minutes, or ``Timelimit``; None without a limit. Raises Wrong for anything else."""
    if text.isdigit():
        minutes = _bounded(int(text[:21]), text)
        return None if minutes is None else 60 * minutes or None
    return None if text in _WORDS_FOR_NONE else _span_s(text) or None


@_remembered
def count(text: bytes) -> int | None:
    """A number of nodes or cores, ``1.50K`` is 1536; None when it does not say. Raises Wrong for anything else."""
    if text in _WORDS_FOR_NONE:
        return None
    match = _COUNT.fullmatch(text)
    if match is None:
        raise Wrong("not a number", quoted(text))
    return _bounded(int(float(match[1]) * _FACTORS[match[2]]), text)


def job_key(text: bytes) -> int | bytes:
    """What tells jobs apart: the number of one, or a text such as ``123_4`` or ``123+0``. Raises Wrong."""
    if text.isdigit() and len(text) <= _DIGITS_MAX:
        return int(text)
    if not _JOB.fullmatch(text):
        raise Wrong("not a job number", quoted(text))
    return text


def _span_s(text: bytes) -> int:
    """``1-02:03:04``, ``02:03:04`` or ``03:04.567`` in whole seconds."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise Wrong("not a span of time", quoted(text))
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((24 * days + hours) * 60 + minutes) * 60 + rest


def _bounded(number: int, text: bytes) -> int | None:
    if number in (NO_VALUE_MIN, NO_VALUE_MIN + 1):
        return None
    if number > min(WHOLE_MAX, NO_VALUE_MIN):
        raise Wrong("not a possible number", quoted(text))
    return number
