"""The columns of ``sacct -P`` that are read, those that may hold any text, and lines that are no accounting."""

from __future__ import annotations

import re
from collections.abc import Sequence

from basics.text import count
from simulator.traces.quantities import quoted

KEY, STATE, SUBMIT, START = ("JobIDRaw", "JobID"), ("State",), ("Submit",), ("Start",)
END, ELAPSED, PARTITION = ("End",), ("ElapsedRaw", "Elapsed"), ("Partition",)
NODES, CORES = ("AllocNodes", "NNodes"), ("AllocCPUS", "NCPUS")
READ = (  # of several names the first that is there counts
    *(KEY, ("User",), PARTITION, ("Cluster",), STATE, SUBMIT, ("Eligible",), START, END, ELAPSED),
    *(("TimelimitRaw", "Timelimit"), NODES, CORES, ("JobID",)),
)

NOISE_LINES_MAX = 50
"""Lines that may stand before an accounting: what a login greets with, and what sacct complained."""

BLANK = b"\xef\xbb\xbf \t\r\n"
_SHOWN_CHARACTERS = 120
KEYS = frozenset(name.lower() for name in KEY)
_KEYS = {name.encode() for name in KEYS}
_NAMES = {name.lower().encode() for names in READ for name in names}
_FREE_TEXT = frozenset(
    {
        *("admincomment", "comment", "constraints", "container", "extra", "jobname", "licenses", "mcslabel"),
        *("reservation", "stderr", "stdin", "stdout", "submitline", "systemcomment", "wckey", "workdir"),
    }
)
_LISTS = re.compile(r"(alloc|req)?(tres|gres).*|nodelist|failednode|flags|qosreq|reason")
_COMPLAINT = re.compile(
    rb"\s*(?:(?:sacct|slurm\w*(?: error)?|sudo|-?(?:ba|z|k|tc|c)?sh): \S|slurm accounting storage is disabled)",
    re.IGNORECASE,
)


def free_places(names: Sequence[str], delimiter: bytes) -> list[int]:
    """Where the delimiter and line ends can stand in what a column tells; a comma also in lists of nodes and TRES."""
    lists = delimiter.strip() == b","
    return [place for place, name in enumerate(names) if name in _FREE_TEXT or (lists and _LISTS.fullmatch(name))]


def names_columns(line: bytes) -> bool:
    """Whether a line names at least two of the columns, a job's number or a delimiter among them."""
    words = set(re.split(rb"[^a-z]+", line.lower()))
    return len(words & _NAMES) > 1 and (bool(words & _KEYS) or b"|" in line) and not line.startswith(b";")


def is_complaint(line: bytes) -> bool:
    """Whether sacct, or the shell that should have started it, says here what went wrong."""
    return _COMPLAINT.match(line) is not None


def said(line: bytes) -> str:
    """A line as it can be shown, longer than other foreign texts."""
    return quoted(line.strip(BLANK), _SHOWN_CHARACTERS)


def passed_over(noise: Sequence[bytes], what: str) -> str:
    """The remark on lines that stand before ``what``."""
    return f"before {what} {count(len(noise), 'line')} passed over, no part of it, the first: {said(noise[0])}"


def begins_document(beginning: bytes) -> bool:
    """Whether a file that begins so may come from ``sacct --json``, lines of noise before it."""
    for line in _first_lines(beginning):
        if line.startswith(b"{"):
            return True
        if names_columns(line):
            return False
    return False


def begins_parsable(beginning: bytes) -> bool:
    """Whether a file that begins so may come from ``sacct -P``, lines of noise before it, or is its complaint."""
    lines = _first_lines(beginning)
    return any(map(names_columns, lines)) or bool(lines and is_complaint(lines[0]))


def _first_lines(beginning: bytes) -> list[bytes]:
    stripped = (line.strip(BLANK) for line in beginning.split(b"\n", NOISE_LINES_MAX + 1)[: NOISE_LINES_MAX + 1])
    return [line for line in stripped if line]
