"""Accounting that is made up or damaged at random: read back as it was, or refused, and never lost in silence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.jobs import read_jobs
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.parsable import FURTHER
from simulator.traces.sacct.wanted import Unit, Wanted
from simulator.traces.swf_writer import swf_lines
from simulator.work import Job
from tests.simulator.sacct_text import COLUMNS, DAY_S, document, number, parsable, record

jobs = st.lists(
    st.tuples(
        st.integers(1, 10**6),  # number
        st.integers(0, 5 * 10**6),  # arrived, seconds after DAY_S
        st.integers(0, 10**6),  # waited
        st.integers(1, 10**6),  # ran
        st.none() | st.integers(1, 10**5),  # limit in minutes
        st.integers(1, 10**4),  # nodes
        st.sampled_from(["alice", "bob", "Björn", "x y"]),
        st.text(st.sampled_from("a|.b \\'\";"), max_size=6),  # name
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda job: job[0],
)


def rows_of(made) -> list[dict[str, str]]:
    return [
        {
            "JobIDRaw": str(key),
            "JobName": name,
            "User": user,
            "Submit": str(DAY_S + submit_s),
            "Eligible": str(DAY_S + submit_s),
            "Start": str(DAY_S + submit_s + wait_s),
            "End": str(DAY_S + submit_s + wait_s + run_s),
            "ElapsedRaw": str(run_s),
            "TimelimitRaw": "UNLIMITED" if limit is None else str(limit),
            "NNodes": str(nodes),
            "AllocCPUS": str(96 * nodes),
        }
        for key, submit_s, wait_s, run_s, limit, nodes, user, name in made
    ]


def records_of(made) -> list[dict[str, object]]:
    return [
        record(
            job_id=key,
            name=name,
            user=user,
            time__submission=DAY_S + submit_s,
            time__eligible=DAY_S + submit_s,
            time__start=DAY_S + submit_s + wait_s,
            time__end=DAY_S + submit_s + wait_s + run_s,
            time__elapsed=run_s,
            time__limit=number(limit, infinite=limit is None),
            allocation_nodes=nodes,
        )
        for key, submit_s, wait_s, run_s, limit, nodes, user, name in made
    ]


def expected(made) -> list[Job]:
    users: dict[str, str] = {}
    base_s = min(job[1] for job in made) // 86_400 * 86_400
    found = [
        Job(
            key,
            submit_s - base_s,
            run_s,
            60 * limit if limit else run_s,
            nodes,
            users.setdefault(user, str(len(users) + 1)),
        )
        for key, submit_s, _, run_s, limit, nodes, user, _ in made
    ]
    return sorted(found, key=lambda job: (job.submit_s, job.id))


@given(jobs, st.permutations([*COLUMNS, "JobName"]), st.sampled_from(["\n", "\r\n"]))
@settings(derandomize=True, max_examples=100)
def test_what_sacct_tells_is_read(tmp_path_factory, made, columns, end):
    """In lines of any order of columns, in a document, and written and read as a trace."""
    folder = tmp_path_factory.mktemp("sacct")
    (folder / "lines").write_bytes(parsable(*rows_of(made), columns=columns, end=end).encode())
    (folder / "document").write_text(document(*records_of(made)))
    accounting = read_sacct(folder / "lines", strict=True)
    assert list(accounting.trace.jobs) == expected(made)
    assert list(read_jobs(folder / "document", strict=True).jobs) == expected(made)
    (folder / "trace").write_text("".join(swf_lines(accounting)), encoding="ascii")
    again = read_jobs(folder / "trace", strict=True)
    assert (again.jobs, again.header) == (accounting.trace.jobs, accounting.trace.header)
    assert accounting.peak.size <= sum(job.procs for job in again.jobs)


@given(
    jobs,
    st.lists(st.text(st.sampled_from("a|.b \\'\";\n\t"), max_size=12), min_size=20, max_size=20),
    st.permutations([*COLUMNS[1:], "JobName"]),
    st.sampled_from(["|", ";", "@@"]),
)
@settings(derandomize=True, max_examples=150)
def test_a_name_may_hold_the_delimiter_and_line_ends_anywhere(tmp_path_factory, made, names, columns, delimiter):
    """Every line is a job or a further line of one, if the number of a job stands before its name."""
    named = [(*job[:7], name.replace("|", delimiter)) for job, name in zip(made, names, strict=False)]
    path = tmp_path_factory.mktemp("sacct") / "lines"
    path.write_text(parsable(*rows_of(named), columns=["JobIDRaw", *columns], delimiter=delimiter))
    trace = read_sacct(path, strict=True).trace
    assert list(trace.jobs) == expected(named)
    blank = sum(not line for line in path.read_text().split("\n")) - 1
    assert trace.notes.lines - 1 - blank == len(named) + trace.notes.passed.get(FURTHER, 0)


MADE = [
    (1, 10, 5, 60, 30, 2, "alice", "a"),
    (2, 20, 0, 600, None, 1, "bob", "b|c"),
    (3, 30, 7, 6000, 1440, 64, "alice", ""),
]
TEXTS = {
    "lines": parsable(*rows_of(MADE), columns=[*COLUMNS[:4], "JobName", *COLUMNS[4:]]).encode(),
    "document": document(*records_of(MADE)).encode(),
    "compact document": document(*records_of(MADE), indent=None).encode(),
}
PIECES = [
    b"",
    b"|",
    b"\n",
    b"\r",
    b'"',
    b"{",
    b"}",
    b"\\",
    b"-",
    b"9" * 30,
    b"\xff",
    b"Unknown",
    b"INVALID",
    b"2026-10-25T02:30:00",
]


@pytest.mark.parametrize("form", TEXTS)
@given(
    damage=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=4)),
        min_size=1,
        max_size=6,
    ),
    unit=st.sampled_from(Unit),
)
@settings(derandomize=True, max_examples=400)
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, form, damage, unit):
    """Pieces replaced, left out or put in anywhere: every line is a job, or counted, or the file is refused."""
    text = TEXTS[form]
    for place, length, piece in damage:
        begin = int(place * len(text))
        text = text[:begin] + piece + text[begin + length :]
    path = tmp_path_factory.mktemp("damaged") / "sacct"
    path.write_bytes(text)
    with suppress(BadInput):
        accounting = read_sacct(path, Wanted(unit=unit, timezone="Europe/Berlin"))
        trace, notes = accounting.trace, accounting.trace.notes
        counted = len(trace.jobs) + sum(notes.passed.values()) + notes.bad_lines
        headers = text.count(b"JobIDRaw|") + sum(not line.strip(b"\r\n") for line in text.split(b"\n"))
        assert notes.lines - headers <= counted <= notes.lines
        (path.parent / "trace").write_text("".join(swf_lines(accounting)), encoding="ascii")
        again = read_jobs(path.parent / "trace", strict=True)
        assert (again.jobs, again.header) == (trace.jobs, trace.header)


@given(st.binary(max_size=300), st.sampled_from([b"", *TEXTS.values()]))
@settings(derandomize=True, max_examples=200)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, before):
    path = tmp_path_factory.mktemp("any") / "sacct"
    path.write_bytes(before + content)
    for read in (read_sacct, read_jobs):
        with suppress(BadInput):
            read(path)
