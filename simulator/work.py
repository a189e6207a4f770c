"""Work as a trace or a generator gives it: with the run times that nobody but the twin may look at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Job:
    """One batch job. It asks for ``procs`` processors for at most ``limit_s`` and would run for ``run_s`` if let.

    ``kind`` names the kind of node it needs, empty for any. Times are whole seconds of the trace's own clock.
    """

    id: int
    submit_s: int
    run_s: int
    limit_s: int
    procs: int
    user: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. ``run_s`` is None for one that outlives the trace; pods of one ``gang`` start together or not at all."""

    id: str
    create_s: int
    run_s: int | None
    cpu_milli: int
    memory_mib: int
    gpu_milli: int
    gang: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """A request rate, piecewise constant: ``per_s[i]`` requests per second from ``times_s[i]`` until the next.

    Both have shape (n,), n >= 2; ``times_s`` rises; rates are finite and not negative. The last value holds for as
    long as the step before it did.
    """

    times_s: NDArray[np.int64]
    per_s: NDArray[np.float64]

    @property
    def end_s(self) -> int:
        """When the last value ends."""
        return int(2 * self.times_s[-1] - self.times_s[-2])


@dataclass(slots=True)
class ReadNotes:
    """What a reader left out or mended, so that nothing is dropped in silence.

    ``bad`` holds one text ``file:line: what is wrong`` for each of the first ``keep`` bad lines; ``bad_lines`` counts
    all. ``mended`` counts repairs by what was done, for example ``{"requested time missing, run time used": 12}``.
    ``passed`` counts, by why, records that are well and yet no work to replay, such as steps of jobs; ``reasons``
    counts bad lines by what is wrong, where the reader sorts them. ``remarks`` are about the whole file. ``unit`` is
    what ``lines`` counts.
    """

    lines: int = 0
    bad_lines: int = 0
    bad: list[str] = field(default_factory=list)
    mended: dict[str, int] = field(default_factory=dict)
    keep: int = 20
    passed: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    unit: str = "lines"

    def add_bad(self, text: str, reason: str = "") -> None:
        """Count a bad line and keep its text if there is room."""
        self.bad_lines += 1
        if reason:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.bad) < self.keep:
            self.bad.append(text)

    def add_passed(self, why: str) -> None:
        """Count one record that is no work to replay."""
        self.passed[why] = self.passed.get(why, 0) + 1

    def add_mended(self, what: str) -> None:
        """Count one repair."""
        self.mended[what] = self.mended.get(what, 0) + 1
