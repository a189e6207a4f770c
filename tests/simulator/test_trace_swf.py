"""Jobs of the Standard Workload Format: good, mended and bad lines, and the header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.swf import (
    ADDED_UP,
    ALLOCATED_USED,
    FRACTION_CUT,
    NEVER_STARTED,
    NO_SUBMIT,
    PARTIAL,
    RUN_TIME_USED,
    SORTED,
    TOO_MANY_COLUMNS,
    HeaderFacts,
    first_full_day_s,
    read_swf,
)
from simulator.work import Job

GOOD = "1 10 5 60 4 -1 -1 8 120 -1 1 7 1 -1 -1 -1 -1 -1"
GOOD_JOB = Job(id=1, submit_s=10, run_s=60, limit_s=120, procs=8, user="7")


def swf_line(**columns: object) -> str:
    """GOOD with columns, counted from 1 as in the format, replaced: ``c9=-1``."""
    fields: list[object] = list(GOOD.split())
    for name, value in columns.items():
        fields[int(name[1:]) - 1] = value
    return " ".join(map(str, fields))


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "trace") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


BAD_JOBS = {
    "no run time": (swf_line(c4=-1), "no run time"),
    "no size": (swf_line(c5=-1, c8=-1), "no number of processors"),
    "size 0": (swf_line(c5=0, c8=0), "no number of processors"),
    "negative submit": (swf_line(c2=-5), "submit time is negative"),
    "negative id": (swf_line(c1=-1), "job number is negative"),
    "17 columns": (GOOD.rsplit(" ", 1)[0], "17 columns"),
    "a word": (swf_line(c4="long"), "'long' is not a number"),
    "not a number": (swf_line(c4="nan"), "not a finite number"),
    "infinite": (swf_line(c2="inf"), "not a finite number"),
    "milliseconds": (swf_line(c2=899283600000), "submit time is beyond the year 9999: .* milliseconds"),
    "huge": (swf_line(c2=10**16), "above"),
    "huge fraction": (swf_line(c2="1e300"), "beyond"),
    "ten thousand digits": (swf_line(c2="9" * 10_000), "not a finite number"),
    "19 columns, one a word": (swf_line(c6="word") + " 1", "'word' is not a number"),
    "an escape sequence": (swf_line(c2="\x1b[2J"), r"'\\x1b\[2J' is not a number"),
    "seen before": (GOOD, "job 1 was there before"),
}


@pytest.mark.parametrize("fault", BAD_JOBS)
def test_a_bad_job_is_left_out_with_file_and_line(fault, write):
    line, message = BAD_JOBS[fault]
    path = write(f"{GOOD}\n{line}\n{swf_line(c1=3)}\n")
    trace = read_swf(path)
    assert [job.id for job in trace.jobs] == [1, 3]
    assert trace.notes.bad_lines == 1
    assert trace.notes.bad[0].startswith(f"{path}:2: ")
    assert trace.notes.mended == {}
    with pytest.raises(BadInput, match=message) as caught:
        read_swf(path, strict=True)
    assert caught.value.where == f"{path}:2"


MENDED_JOBS = {
    "requested processors missing": (swf_line(c8=-1), {"procs": 4}, ALLOCATED_USED),
    "requested time missing": (swf_line(c9=-1), {"limit_s": 60}, RUN_TIME_USED),
    "requested time 0": (swf_line(c9=0), {"limit_s": 60}, RUN_TIME_USED),
    "fractions": (swf_line(c2="10.9", c4="60.2"), {}, FRACTION_CUT),
    "19 columns": (GOOD + " 5", {}, TOO_MANY_COLUMNS),
}


@pytest.mark.parametrize("repair", MENDED_JOBS)
def test_a_job_is_mended_and_the_repair_counted(repair, write):
    line, changes, what = MENDED_JOBS[repair]
    trace = read_swf(write(line))
    assert trace.jobs == (Job(**{**{s: getattr(GOOD_JOB, s) for s in Job.__slots__}, **changes}),)
    assert trace.notes.mended == {what: 1}


ACCEPTED_JOBS = {
    "run time 0": (swf_line(c4=0), {"run_s": 0}),
    "run time above the limit": (swf_line(c4=500), {"run_s": 500}),
    "cancelled while it ran": (swf_line(c11=5), {}),
    "run time 0, processors unknown": (swf_line(c4=0, c5=-1), {"run_s": 0}),
    "failed at once": (swf_line(c4=0, c11=0), {"run_s": 0}),
    "a status in words": (swf_line(c11="done"), {}),
    "a status with a fraction": (swf_line(c11="1.5"), {}),
    "user unknown": (swf_line(c12=-1), {"user": ""}),
    "comment behind": (GOOD + " ; why not", {}),
    "tabs and blanks": ("  " + GOOD.replace(" ", " \t"), {}),
    "a comment in Latin-1": (b"; Universit\xe9\n" + GOOD.encode(), {}),
}


@pytest.mark.parametrize("case", ACCEPTED_JOBS)
def test_a_job_is_taken_as_it_is(case, write):
    line, changes = ACCEPTED_JOBS[case]
    trace = read_swf(write(line))
    assert trace.jobs == (Job(**{**{s: getattr(GOOD_JOB, s) for s in Job.__slots__}, **changes}),)
    assert (trace.notes.bad_lines, trace.notes.mended) == (0, {})


NEVER_RAN = {
    "cancelled, nothing known": swf_line(c4=-1, c5=-1, c11=5),
    "cancelled, no time, no processors": swf_line(c4=0, c5=0, c11=5),
    "cancelled, no time, processors unknown": swf_line(c3=-1, c4=0, c5=-1, c11=5),
    "cancelled at once": swf_line(c4=0, c11=5),
    "cancelled, with fractions": swf_line(c4="0.0", c5="-1.0", c11="5.0"),
    "cancelled, in 19 columns": swf_line(c4=0, c5=0, c11=5) + " 7",
    "failed on no processors": swf_line(c4=0, c5=0, c11=0),
    "status unknown, on no processors": swf_line(c4=-1, c5=0, c11=-1),
}


@pytest.mark.parametrize("case", NEVER_RAN)
def test_a_job_that_never_ran_is_passed_over_and_counted_even_when_strict(case, write):
    trace = read_swf(write(f"{swf_line(c1=9)}\n{NEVER_RAN[case]}\n"), strict=True)
    assert [job.id for job in trace.jobs] == [9]
    assert (trace.notes.passed, trace.notes.bad_lines, trace.notes.mended) == ({NEVER_STARTED: 1}, 0, {})


def part(job: int, submit_s: int, run_s: int, status: int, **columns: object) -> str:
    return swf_line(c1=job, c2=submit_s, c4=run_s, c11=status, **columns)


PARTS = {
    "summary first": ([part(1, 10, 60, 1), part(1, 10, 20, 2), part(1, -1, 40, 3)], 60, {PARTIAL: 2}, {}),
    "summary last": ([part(1, 10, 20, 2), part(1, -1, 40, 4), part(1, 10, 60, 0)], 60, {PARTIAL: 2}, {}),
    "submit time in none but the summary": ([part(1, 10, 60, 1), part(1, -1, 60, 4)], 60, {PARTIAL: 1}, {}),
    "no summary": ([part(1, 10, 20, 2), part(1, -1, 15, 2), part(1, -1, 25, 3)], 60, {}, {ADDED_UP: 1}),
    "no summary, the last first": ([part(1, -1, 40, 3), part(1, 10, 20, 2)], 60, {}, {ADDED_UP: 1}),
    "one part alone": ([part(1, 10, 60, 3)], 60, {}, {ADDED_UP: 1}),
}


@pytest.mark.parametrize("case", PARTS)
def test_partial_executions_are_one_job_even_when_strict(case, write):
    lines, run_s, passed, mended = PARTS[case]
    trace = read_swf(write("\n".join(lines)), strict=True)
    assert trace.jobs == (replace(GOOD_JOB, run_s=run_s),)
    assert (trace.notes.passed, trace.notes.mended, trace.notes.bad_lines) == (passed, mended, 0)


def test_parts_without_a_requested_time_have_their_whole_run_time_as_limit(write):
    trace = read_swf(write("\n".join([part(1, 10, 20, 2, c9=-1), part(1, -1, 40, 3, c9=-1)])))
    assert trace.jobs == (replace(GOOD_JOB, limit_s=60),)
    assert trace.notes.mended == {ADDED_UP: 1, RUN_TIME_USED: 1}


def test_parts_without_a_submit_time_are_counted(write):
    trace = read_swf(write("\n".join([GOOD, part(2, -1, 20, 2), part(2, -1, 40, 3)])), strict=True)
    assert trace.jobs == (GOOD_JOB,)
    assert trace.notes.passed == {NO_SUBMIT: 2}


def test_a_part_that_cannot_be_read_is_a_bad_line(write):
    trace = read_swf(write("\n".join([GOOD, part(1, -1, -1, 3)])))
    assert trace.notes.bad[0].endswith(":2: no run time")


def test_jobs_are_sorted_by_submit_time_then_id(write):
    trace = read_swf(write("\n".join(swf_line(c1=i, c2=s) for i, s in [(5, 30), (9, 10), (2, 10), (7, 20)])))
    assert [(job.submit_s, job.id) for job in trace.jobs] == [(10, 2), (10, 9), (20, 7), (30, 5)]
    assert trace.notes.mended == {SORTED: 1}


def test_a_trace_without_a_usable_job_names_the_first_bad_line(write):
    path = write("; MaxProcs: 4\nword\n")
    with pytest.raises(BadInput, match=r"no usable job .*:2: 1 columns"):
        read_swf(path)


HEADERS = {
    "none": ("", HeaderFacts()),
    "all": (
        "; UnixStartTime: 843480031\n; TimeZone: 3600\n; TimeZoneString: Europe/Stockholm\n;MaxNodes: 100 (of 110)\n"
        ";  MaxProcs:\t400\r\n",
        HeaderFacts(843480031, 7200, 100, 400),
    ),
    "zone unknown": ("; UnixStartTime: 1\n; TimeZone: -18000\n; TimeZoneString: Mars/Base", HeaderFacts(1, -18000)),
    "zone hostile": ("; UnixStartTime: 1\n; TimeZoneString: ../../etc/passwd", HeaderFacts(1)),
    "zone a folder": ("; UnixStartTime: 1\n; TimeZoneString: Europe", HeaderFacts(1)),
    "zone without start": ("; TimeZoneString: Europe/Stockholm\n; TimeZone: 3600", HeaderFacts(None, 3600)),
    "start beyond all dates": ("; UnixStartTime: 999999999999999\n; TimeZoneString: Asia/Tokyo", HeaderFacts()),
    "start in milliseconds": ("; UnixStartTime: 899283600000", HeaderFacts()),
    "start with its date behind": ("; UnixStartTime:\t899283600  (Tue Jul  1 1998)", HeaderFacts(899283600)),
    "thousands": ("; MaxNodes: 1,152 (128 interactive)\n; MaxProcs: 1'036,", HeaderFacts(None, None, 1152, 1036)),
    "Swiss thousands": ("; MaxNodes: 1'152\n; MaxProcs: 12'345'678.", HeaderFacts(None, None, 1152, 12_345_678)),
    "a sentence": ("; MaxNodes: 128, all alike\n; MaxProcs: 1024.", HeaderFacts(None, None, 128, 1024)),
    "start unknown": ("; UnixStartTime: -1\n; MaxNodes: 0", HeaderFacts()),
    "words for numbers": ("; UnixStartTime: soon\n; MaxNodes: many\n; TimeZone: CET\n; MaxProcs:", HeaderFacts()),
    "offset beyond a day": ("; TimeZone: 90000", HeaderFacts()),
    "told twice": ("; MaxProcs: 8\n; MaxProcs: 9", HeaderFacts(max_procs=8)),
}


UNCLEAR = {
    "a date": "UnixStartTime: 1998-07-01",
    "a date in words": "UnixStartTime: Tue Jul  1 09:00:00 PDT 1998",
    "a German date": "UnixStartTime: 01.07.1998",
    "an American date": "UnixStartTime: 7/1/1998",
    "a date without marks": "UnixStartTime: 19980701T000000",
    "milliseconds": "UnixStartTime: 899283600000",
    "hours and minutes": "TimeZone: +01:00",
    "hours": "TimeZone: -5",
    "the name of a zone": "TimeZone: CET",
    "blanks between thousands": "MaxNodes: 1 152",
    "points between thousands": "MaxProcs: 9.216",
    "thousands that are none": "MaxProcs: 1,15",
    "a product": "MaxNodes: 32x2 + 25x4",
    "a range": "MaxNodes: 100-128",
    "an exponent": "MaxProcs: 9e3",
    "a word": "MaxNodes: many",
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_a_fact_that_cannot_be_understood_is_unknown_and_told(case, write):
    trace = read_swf(write(f"; {UNCLEAR[case]}\n{GOOD}\n"), strict=True)
    name, _, text = UNCLEAR[case].partition(": ")
    assert trace.header == HeaderFacts()
    assert trace.notes.remarks == [f"the header's {name} is not understood, and taken as unknown: {text!r}"]


@pytest.mark.parametrize(
    "fact", ["UnixStartTime: -1", "MaxNodes: 0", "MaxProcs: -1 (unknown)", "MaxNodes: 128", "Note: 1,5"]
)
def test_a_fact_that_says_that_it_is_unknown_is_not_told(fact, write):
    assert read_swf(write(f"; {fact}\n{GOOD}\n")).notes.remarks == []


@pytest.mark.parametrize("case", HEADERS)
def test_header_facts(case, write):
    text, expected = HEADERS[case]
    assert read_swf(write(f"{text}\n{GOOD}\n")).header == expected


@pytest.mark.parametrize(
    ("first", "facts", "expected"),
    [
        (0, (), 0),
        (1, (), 86_400),
        (86_400, (), 86_400),
        (0, (843480031, 7200), 35_969),  # 14:00:31 local time
        (35_969, (843480031, 7200), 35_969),
        (10, (86_400, None), 86_400),
        (0, (86_400, -3600), 3600),
    ],
    ids=["midnight", "just after", "next midnight", "afternoon", "at midnight", "offset unknown", "west"],
)
def test_the_first_full_day(first, facts, expected):
    assert first_full_day_s(first, *facts) == expected


@given(st.integers(0, 10**9), st.integers(0, 2 * 10**9), st.integers(-50_000, 50_000))
@settings(derandomize=True)
def test_the_first_full_day_is_the_next_local_midnight(first_s, start_s, offset_s):
    day_s = first_full_day_s(first_s, start_s, offset_s)
    assert first_s <= day_s < first_s + 86_400
    assert (day_s + start_s + offset_s) % 86_400 == 0


jobs = st.lists(
    st.builds(
        Job,
        id=st.integers(0, 10**6),
        submit_s=st.integers(0, 10**9),
        run_s=st.integers(0, 10**6),
        limit_s=st.integers(1, 10**6),
        procs=st.integers(1, 10**5),
        user=st.integers(0, 500).map(str),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda job: job.id,
)


@given(jobs)
@settings(derandomize=True, max_examples=50)
def test_what_is_written_is_read(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("swf") / "trace"
    path.write_text(
        "\n".join(
            swf_line(c1=j.id, c2=j.submit_s, c4=j.run_s, c5=-1, c8=j.procs, c9=j.limit_s, c12=j.user) for j in written
        )
    )
    trace = read_swf(path, strict=True)
    assert list(trace.jobs) == sorted(written, key=lambda job: (job.submit_s, job.id))
