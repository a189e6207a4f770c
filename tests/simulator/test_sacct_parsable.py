"""``sacct -P``: which rows are jobs, what is mended, what is left out and why, and which headers can be used."""

from __future__ import annotations

import gzip
import io

import pytest

from models.errors import BadInput
from simulator.traces.jobs import read_jobs
from simulator.traces.sacct import selection as why
from simulator.traces.sacct.accounting import Peak
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.parsable import COMPLAINED, CUT, FURTHER, NOISE
from simulator.traces.sacct.wanted import COMMAND, Unit, Wanted
from simulator.work import Job
from tests.simulator.sacct_text import COLUMNS, DAY_S, GOOD, document, parsable, record

GOOD_JOB = Job(id=100, submit_s=10, run_s=600, limit_s=3600, procs=2, user="1")


@pytest.fixture
def read(tmp_path):
    def read_text(content: str | bytes, wanted: Wanted | None = None, *, strict: bool = False):
        path = tmp_path / "sacct.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_sacct(path, wanted or Wanted(), strict=strict)

    return read_text


def job(**changes: object) -> Job:
    return Job(**{**{name: getattr(GOOD_JOB, name) for name in Job.__slots__}, **changes})


def test_a_job_is_read_on_a_clock_that_begins_at_midnight(read):
    accounting = read(parsable({}), strict=True)
    assert accounting.trace.jobs == (GOOD_JOB,)
    assert accounting.trace.header.unix_start_s == DAY_S
    assert accounting.waits_s.tolist() == [60]
    assert accounting.statuses.tolist() == [1]
    assert accounting.users == 1


# ---- rows ----

LEFT_OUT = {
    "a batch step": ({"JobIDRaw": "100.batch"}, why.STEP),
    "the extern step": ({"JobIDRaw": "100.extern"}, why.STEP),
    "a numbered step": ({"JobIDRaw": "100.0"}, why.STEP),
    "an interactive step": ({"JobIDRaw": "100.interactive"}, why.STEP),
    "pending": ({"Start": "Unknown", "End": "Unknown", "State": "PENDING", "ElapsedRaw": "0"}, why.PENDING),
    "pending, asked with an estimate": ({"State": "PENDING"}, why.PENDING),
    "cancelled before it started": ({"Start": "None", "State": "CANCELLED by 1000"}, why.NEVER_STARTED),
    "cancelled, older": ({"Start": GOOD["End"], "ElapsedRaw": "0", "State": "CANCELLED"}, why.NEVER_STARTED),
    "failed with no node": ({"NNodes": "0", "ElapsedRaw": "0", "State": "FAILED"}, why.NEVER_STARTED),
    "removed by a federation": ({"State": "REVOKED"}, why.ELSEWHERE),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_row_that_is_no_job_to_replay_is_counted_with_its_reason_even_when_strict(case, read):
    changes, reason = LEFT_OUT[case]
    notes = read(parsable({}, {"JobIDRaw": "101"} | changes), strict=True).trace.notes
    assert notes.passed == {reason: 1}
    assert (notes.bad_lines, notes.lines) == (0, 3)


TAKEN = {
    "elapsed in words": (
        {"ElapsedRaw": "1-02:03:04", "End": str(DAY_S + 70 + 93_784)},
        {"run_s": 93_784},
        {},
    ),
    "suspended for most of its time": ({"End": str(DAY_S + 90_000)}, {}, {}),
    "elapsed longer than from start to end": (
        {"ElapsedRaw": "93784"},
        {"run_s": 600},
        {why.ELAPSED_TOO_LONG: 1},
    ),
    "elapsed without its sign": ({"ElapsedRaw": "4294967280"}, {"run_s": 600}, {why.ELAPSED_TOO_LONG: 1}),
    "ended before it started, for no time": (
        {"ElapsedRaw": "0", "End": str(DAY_S + 69)},
        {"run_s": 0},
        {why.ENDED_FIRST: 1},
    ),
    "an hour that came twice": ({"ElapsedRaw": "4200"}, {"run_s": 4200}, {}),
    "running for a day beyond its limit": (
        {"End": "Unknown", "State": "RUNNING", "ElapsedRaw": "90000"},
        {"run_s": 90_000},
        {why.STILL_RUNS: 1},
    ),
    "running for far more than its limit": (
        {"End": "Unknown", "State": "RUNNING", "ElapsedRaw": "31536000"},
        {"run_s": 31_536_000},
        {why.RUNAWAY: 1},
    ),
    "completed at no time, far beyond its limit": (
        {"End": "Unknown", "ElapsedRaw": "9000000"},
        {"run_s": 9_000_000},
        {why.RUNAWAY: 1},
    ),
    "completing for ever": (
        {"End": "None", "State": "COMPLETING", "ElapsedRaw": "9000000"},
        {"run_s": 9_000_000},
        {why.RUNAWAY: 1},
    ),
    "running for long without a limit": (
        {"End": "Unknown", "State": "RUNNING", "ElapsedRaw": "9000000", "TimelimitRaw": "UNLIMITED"},
        {"run_s": 9_000_000, "limit_s": 9_000_000},
        {why.STILL_RUNS: 1, why.NO_LIMIT: 1},
    ),
    "no end, still running": ({"End": "Unknown", "State": "RUNNING"}, {}, {why.STILL_RUNS: 1}),
    "suspended": ({"End": "Unknown", "State": "SUSPENDED"}, {}, {why.STILL_RUNS: 1}),
    "no elapsed time": ({"ElapsedRaw": ""}, {}, {why.END_USED: 1}),
    "unlimited": ({"TimelimitRaw": "UNLIMITED"}, {"limit_s": 600}, {why.NO_LIMIT: 1}),
    "the partition's limit": ({"TimelimitRaw": "Partition_Limit"}, {"limit_s": 600}, {why.NO_LIMIT: 1}),
    "ran over its limit": ({"TimelimitRaw": "1"}, {"limit_s": 60}, {}),
    "many nodes": ({"NNodes": "1.50K"}, {"procs": 1536}, {}),
    "held after its submission": (
        {"Submit": str(DAY_S + 1), "Eligible": str(DAY_S + 65)},
        {"submit_s": 65},
        {why.ELIGIBLE_USED: 1},
    ),
    "eligible a moment later": ({"Eligible": str(DAY_S + 12)}, {"submit_s": 12}, {}),
    "never eligible in words": ({"Eligible": "Unknown"}, {}, {}),
    "eligible after it started": ({"Eligible": str(DAY_S + 9000)}, {}, {}),
    "ended at once": ({"ElapsedRaw": "0", "End": GOOD["Start"], "State": "FAILED"}, {"run_s": 0}, {}),
    "nobody's": ({"User": ""}, {"user": ""}, {}),
    "a name that is not UTF-8": ({"User": "ren\udce9"}, {}, {}),
    "a state of a later release": ({"State": "TELEPORTED"}, {}, {}),
    "requeued": ({"State": "REQUEUED"}, {}, {}),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_job_is_taken_and_what_was_done_to_it_counted(case, read):
    changes, expected, mended = TAKEN[case]
    trace = read(parsable(changes).encode("utf-8", "surrogateescape"), strict=True).trace
    assert trace.jobs == (job(**expected),)
    assert (trace.notes.mended, trace.notes.passed) == (mended, {})


BAD = {
    "a time in words": ({"Submit": "gestern"}, "Submit: not a time", "'gestern'"),
    "an end in words": ({"End": "bald"}, "End: not a time", "'bald'"),
    "no submission": ({"Submit": "Unknown"}, "no time of submission", ""),
    "INVALID": ({"ElapsedRaw": "INVALID"}, "ElapsedRaw: not a span of time", "'INVALID'"),
    "ended before it started": ({"ElapsedRaw": "", "End": str(DAY_S + 69)}, "ended before it started", "by 1 s"),
    "ended long before it started": ({"End": str(DAY_S - 9000)}, "ended before it started", "by 9070 s"),
    "ended before it started, without the sign": (
        {"ElapsedRaw": "4294967280", "End": str(DAY_S + 54)},
        "ended before it started",
        "by 16 s",
    ),
    "running, without the sign": (
        {"ElapsedRaw": "4294967280", "End": "Unknown", "State": "RUNNING"},
        "elapsed time is a negative number without its sign",
        "4294967280",
    ),
    "a negative span": ({"ElapsedRaw": "-0:00:16"}, "ElapsedRaw: not a span of time", "'-0:00:16'"),
    "running, elapsed missing": ({"ElapsedRaw": "", "End": "Unknown", "State": "RUNNING"}, "no run time", "neither"),
    "ran on no nodes": ({"NNodes": ""}, "no number of nodes", ""),
    "a size in words": ({"NNodes": "two"}, "AllocNodes: not a number", "'two'"),
    "no number": ({"JobIDRaw": "x"}, "JobIDRaw: not a job number", "'x'"),
    "a limit in words": ({"TimelimitRaw": "lang"}, "TimelimitRaw: not a span of time", "'lang'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_left_out_with_file_and_line_and_refused_when_strict(case, read, tmp_path):
    changes, reason, detail = BAD[case]
    text = parsable({}, {"JobIDRaw": "101"} | changes, {"JobIDRaw": "102"})
    trace = read(text).trace
    assert [job.id for job in trace.jobs] == [100, 102]
    assert (trace.notes.bad_lines, trace.notes.reasons) == (1, {reason: 1})
    assert trace.notes.bad[0].startswith(f"{tmp_path}/sacct.txt:3: {reason}")
    assert detail in trace.notes.bad[0]
    with pytest.raises(BadInput) as caught:
        read(text, strict=True)
    assert caught.value.where == f"{tmp_path}/sacct.txt:3"


def test_a_bad_row_leaves_no_mark_on_the_next_one(read):
    wanted = Wanted(timezone="Europe/Berlin")
    twice = {"JobIDRaw": "101", "Submit": "2026-10-25T02:30:00", "NNodes": "two"}
    assert read(parsable({}, twice, {"JobIDRaw": "102"}), wanted).trace.notes.mended == {}


# ---- times of a zone ----


def test_times_without_a_zone_are_taken_in_the_one_given_and_told(read):
    local = {"Submit": "2026-09-01T02:00:10", "Eligible": "2026-09-01T02:00:10", "Start": "2026-09-01T02:01:10"}
    trace = read(parsable(local), Wanted(timezone="Europe/Berlin")).trace
    assert trace.header.unix_start_s == DAY_S - 7200
    assert trace.header.utc_offset_s == 7200
    assert trace.jobs[0].submit_s == 7200 + 10
    assert trace.notes.remarks == ["times without a zone are taken as Europe/Berlin"]


def test_an_hour_that_comes_twice_or_never_is_counted(read):
    twice = {"Submit": "2026-10-25T02:30:00", "Eligible": "2026-10-25T02:30:00", "Start": "2026-10-25T02:40:00"}
    never = {"JobIDRaw": "101", "Submit": "2026-03-29T02:30:00", "Eligible": "", "Start": "2026-03-29T03:40:00"}
    ends = [{"End": row["Start"].replace(":40:", ":50:")} for row in (twice, never)]
    notes = read(parsable(twice | ends[0], never | ends[1]), Wanted(timezone="Europe/Berlin")).trace.notes
    assert sorted((what[:35], count) for what, count in notes.mended.items()) == [
        ("a local time that comes twice when ", 1),
        ("a local time that its zone skips wh", 1),
    ]


# ---- the same job more than once ----


def test_a_job_that_is_told_twice_is_taken_once_as_it_ended(read):
    """As when two months are put together and a job ran across their border."""
    runs = {"End": "Unknown", "ElapsedRaw": "60", "State": "RUNNING"}
    for rows in ([runs, {}], [{}, runs]):
        trace = read(parsable(*rows)).trace
        assert trace.jobs == (GOOD_JOB,)
        assert trace.notes.passed == {why.TOLD_TWICE: 1}


def test_a_requeued_job_is_a_job_for_each_of_its_runs(read):
    again = {"Submit": str(DAY_S + 700), "Eligible": str(DAY_S + 700), "Start": str(DAY_S + 800), "ElapsedRaw": "50"}
    rows = [{"State": "NODE_FAIL"}, again, {"JobIDRaw": "103"}, {"State": "NODE_FAIL"}, again]
    trace = read(parsable(*rows)).trace
    assert trace.jobs == (GOOD_JOB, job(id=103), job(id=104, submit_s=700, run_s=50))
    assert trace.notes.mended == {why.RAN_AGAIN: 1}
    assert trace.notes.passed == {why.TOLD_TWICE: 2}


AGAIN = {
    "another user's": ({"User": "ben"}, why.NUMBER_AGAIN),
    "nobody's": ({"User": ""}, why.NUMBER_AGAIN),
    "years later": ({"Submit": str(DAY_S + 9 * 31_536_000), "Eligible": ""}, why.NUMBER_AGAIN),
    "years earlier": ({"Submit": str(DAY_S - 9 * 31_536_000), "Eligible": ""}, why.NUMBER_AGAIN),
    "its own, requeued": ({}, why.RAN_AGAIN),
    "its own, requeued and held": ({"Eligible": str(DAY_S + 40_000)}, why.RAN_AGAIN),
}


@pytest.mark.parametrize("case", AGAIN)
def test_a_number_that_comes_again_is_told_as_a_run_of_its_job_or_as_another_job(case, read):
    changes, mark = AGAIN[case]
    row = {"Submit": str(DAY_S + 700), "Start": str(DAY_S + 50_000), "End": str(DAY_S + 50_050), "ElapsedRaw": "50"}
    if "years" in case:
        row |= {name: str(int(changes["Submit"]) + after_s) for name, after_s in (("Start", 60), ("End", 110))}
    trace = read(parsable({}, row | {"Eligible": row["Submit"]} | changes)).trace
    assert len(trace.jobs) == 2
    assert trace.notes.mended[mark] == 1
    assert {why.RAN_AGAIN, why.NUMBER_AGAIN} & set(trace.notes.mended) == {mark}


def test_the_same_number_on_two_clusters_is_two_jobs_and_told(read):
    trace = read(parsable({}, {"Cluster": "beta", "User": "bob"}, {})).trace
    assert trace.jobs == (GOOD_JOB, job(id=101, user="2"))
    assert trace.notes.remarks == ["jobs of 2 clusters are taken together: 'alpha', 'beta'; sacct -M chooses one"]


def test_tasks_and_parts_without_raw_numbers_get_numbers_of_their_own(read):
    columns = ["JobID", *COLUMNS[1:]]
    rows = [{"JobID": key} for key in ("7_1", "7_2", "9+0", "9+1", "8", "7_1")]
    rows += [{"JobID": "7_[3-5%2]", "State": "PENDING", "Start": "Unknown"}, {"JobID": "9+0.batch"}]
    trace = read(parsable(*rows, columns=columns)).trace
    assert [job.id for job in trace.jobs] == [8, 9, 10, 11, 12]
    assert trace.notes.mended == {why.HET: 2}
    assert trace.notes.passed == {why.TOLD_TWICE: 1, why.PENDING: 1, why.STEP: 1}


def test_numbers_are_given_in_the_order_of_arrival(read):
    columns = ["JobID", *COLUMNS[1:]]
    late = {"JobID": "7_1", "Submit": str(DAY_S + 60), "Eligible": ""}
    trace = read(parsable(late, {"JobID": "7_2"}, {"JobID": "50"}, columns=columns)).trace
    assert [(job.id, job.submit_s) for job in trace.jobs] == [(50, 10), (51, 10), (52, 60)]


# ---- the delimiter in a name ----

NAMES = ["plain", "a|b", "|", "a||b|", "x|COMPLETED|1|2|3"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0, 4, 13])
def test_a_job_name_may_hold_the_delimiter(name, place, read):
    columns = [*COLUMNS[:place], "JobName", *COLUMNS[place:]]
    assert read(parsable({"JobName": name}, columns=columns), strict=True).trace.jobs == (GOOD_JOB,)


def test_two_names_may_hold_it_if_nothing_needed_is_between(read):
    columns = ["JobName", "WorkDir", *COLUMNS]
    row = {"JobName": "a|b", "WorkDir": "/c|d"}
    assert read(parsable(row, columns=columns), strict=True).trace.jobs == (GOOD_JOB,)
    trace = read(parsable(row, {"JobName": "a"}, columns=["JobName", *COLUMNS, "WorkDir"])).trace
    assert trace.jobs == (GOOD_JOB,)
    assert "columns between two of those" in trace.notes.bad[0]


def test_lists_may_hold_a_comma_that_separates_columns(read):
    columns = [*COLUMNS, "AllocTRES", "NodeList"]
    row = {"AllocTRES": "billing=2,cpu=192,gres/gpu=8,node=2", "NodeList": "n[1,3]"}
    trace = read(parsable(row, columns=columns, delimiter=","), strict=True).trace
    assert trace.jobs == (GOOD_JOB,)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_spreadsheet_quoted_is_read(delimiter, read):
    columns = ["JobName", *COLUMNS, "SubmitLine"]
    row = {"JobName": f'"a{delimiter}b"', "SubmitLine": f'"srun ""x{delimiter}y"""'}
    text = parsable(row, columns=columns, delimiter=delimiter)
    assert read(text, strict=True).trace.jobs == (GOOD_JOB,)
    quoted_header = delimiter.join(f'"{name}"' for name in columns) + text[text.index("\n") :]
    assert read(quoted_header, strict=True).trace.jobs == (GOOD_JOB,)


@pytest.mark.parametrize("name", ['"', '",', ',"', ',,,,,"', '"a","', ',"a', '","', ',",a', '",\n"', ',\n"'])
def test_quotes_of_a_name_are_no_quotes_of_a_spreadsheet(name, read):
    for place in (1, 4, 13):
        columns = [*COLUMNS[:place], "JobName", *COLUMNS[place:]]
        text = parsable({"JobName": name}, {"JobIDRaw": "101"}, columns=columns, delimiter=",")
        assert read(text, strict=True).trace.jobs == (GOOD_JOB, job(id=101)), place


# ---- line ends in a name ----

LINES = [
    "a\nb",
    "a\n\nb",
    "srun -c x &&\ngoodbye",
    "x\n./a\n./b",
    "a|b\nc",
    "a\n1\n2",
    "#!/bin/sh\n\n7 | sort",
    "a|\nb|c\n|d",
]


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("place", [1, 4, 12, 13])
def test_a_name_may_hold_line_ends(name, place, read):
    columns = [*COLUMNS[:place], "SubmitLine", *COLUMNS[place:]]
    rows = [{"SubmitLine": name}, {"JobIDRaw": "101", "SubmitLine": "plain"}, {"JobIDRaw": "102", "SubmitLine": name}]
    trace = read(parsable(*rows, columns=columns), strict=True).trace
    assert trace.jobs == (GOOD_JOB, job(id=101), job(id=102))
    assert trace.notes.passed == {FURTHER: 2 * sum(1 for part in name.split("\n")[1:] if part)}
    assert trace.notes.bad_lines == 0


def test_a_name_with_line_ends_may_come_first(read):
    rows = [{"JobName": "a\nb"}, {"JobIDRaw": "101", "JobName": "plain"}]
    trace = read(parsable(*rows, columns=["JobName", *COLUMNS]), strict=True).trace
    assert trace.jobs == (GOOD_JOB, job(id=101))
    assert trace.notes.passed == {FURTHER: 1}


def test_where_no_number_stands_before_the_names_lines_are_not_joined(read):
    """Which of the lines a record begins with could not be told, and one job would get the columns of another."""
    columns = ["User", "JobName", *(name for name in COLUMNS if name != "User")]
    rows = [{}, {"JobIDRaw": "101", "JobName": "a\nb"}, {"JobIDRaw": "102"}]
    trace = read(parsable(*rows, columns=columns)).trace
    assert trace.jobs == (GOOD_JOB, job(id=102))
    assert trace.notes.reasons == {"too few columns": 2}


def test_a_row_that_was_cut_swallows_none_behind_it(read, tmp_path):
    columns = [*COLUMNS[:4], "SubmitLine", *COLUMNS[4:]]
    good = parsable({"SubmitLine": "a"}, {"JobIDRaw": "101", "SubmitLine": "b\nc"}, columns=columns)
    header, first, rest = good.split("\n", 2)
    for cut in (len("100|alice|gpu|alpha|a"), len("100|alice|gpu|alpha|a|1788220810|17882"), 20, 7):
        text = "\n".join([header, first, first[:cut], rest])
        trace = read(text).trace
        assert [job.id for job in trace.jobs] == [100, 101]
        assert trace.notes.reasons == {"too few columns": 1}
        assert trace.notes.bad[0].startswith(f"{tmp_path}/sacct.txt:3: too few columns")
        with pytest.raises(BadInput) as caught:
            read(text, strict=True)
        assert caught.value.where == f"{tmp_path}/sacct.txt:3"


def test_a_record_that_never_ends_is_left_out_and_bounded(read):
    columns = [*COLUMNS[:4], "SubmitLine", *COLUMNS[4:]]
    endless = "102|alice|gpu|alpha|x\n" + "y" * 70 + "\n" + ("z" * 70 + "\n") * 2000
    trace = read(parsable({}, columns=columns) + endless + parsable({"JobIDRaw": "101"}, columns=columns)).trace
    assert [job.id for job in trace.jobs] == [100, 101]
    assert sum(trace.notes.passed.values()) + trace.notes.bad_lines + 2 + 2 == trace.notes.lines


def test_a_record_over_several_lines_that_was_cut_at_the_end_is_left_out(read):
    columns = [*COLUMNS[:4], "SubmitLine", *COLUMNS[4:]]
    text = parsable({}, {"JobIDRaw": "101", "SubmitLine": "b\nc"}, columns=columns)
    for cut in range(1, 60):
        trace = read(text[:-cut]).trace
        assert [job.id for job in trace.jobs] == [100]
        assert trace.notes.reasons == {CUT: 1}


# ---- lines that are no accounting ----

NOISES = {
    "what sacct complained": ["sacct: error: slurmdbd: Too wide of a date range in query"],
    "a banner": ["Welcome to cluster one. Unauthorised use is forbidden."],
    "a banner with some of the words": ["Welcome, user of the cluster: state your partition and start."],
    "a frame": ["*" * 60, "*  cluster one  *", "", "*" * 60],
    "a brace": ["set of {gpu, cpu} nodes", "} end"],
    "a quote": ['say "hello'],
    "as many as may be": ["motd"] * 50,
}


@pytest.mark.parametrize("case", NOISES)
@pytest.mark.parametrize("form", ["lines", "document"])
def test_noise_before_an_accounting_is_passed_over_and_shown(case, form, tmp_path):
    noise = NOISES[case]
    text = parsable({}, {"JobIDRaw": "101", "State": "x", "NNodes": "two"}) if form == "lines" else document(record())
    path = tmp_path / "month.txt"
    path.write_text("\n".join([*noise, text]))
    trace = read_sacct(path).trace
    assert trace.jobs == read_jobs(path).jobs == (GOOD_JOB,)
    count = sum(1 for line in noise if line)
    assert trace.notes.remarks[0].startswith(
        f"before the {'names of the columns' if form == 'lines' else 'document'} {count} "
    )
    assert noise[0][:30] in trace.notes.remarks[0]
    if form == "lines":
        assert trace.notes.passed == {NOISE: count}
        assert trace.notes.bad[0].startswith(f"{path}:{len(noise) + 3}: ")


def test_lines_of_a_document_are_counted_from_the_beginning_of_the_file(tmp_path):
    path = tmp_path / "month.json"
    path.write_text("Welcome\n\n" + document(record(), record(job_id="x")))
    where = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if '"job_id": "x"' in line)
    number = int(read_sacct(path).trace.notes.bad[0].removeprefix(f"{path}:").partition(":")[0])
    assert where - 60 < number < where


@pytest.mark.parametrize("noise", ["sacct: error: slurmdbd is away", "Connection to one closed."])
def test_noise_behind_a_document_is_shown_and_is_no_cut(noise, tmp_path):
    path = tmp_path / "month.json"
    path.write_text(document(record()) + noise + "\n")
    trace = read_sacct(path, strict=True).trace
    assert trace.jobs == (GOOD_JOB,)
    assert trace.notes.remarks == [f"what stands behind the document is passed over: {noise!r}"]


@pytest.mark.parametrize("columns", [COLUMNS, [*COLUMNS, "JobName"], ["JobName", *COLUMNS]], ids=["", "last", "first"])
def test_what_sacct_complains_among_the_rows_is_told_as_that(columns, read):
    first, second = parsable({}, columns=columns), parsable({"JobIDRaw": "101"}, columns=columns)
    trace = read(first + "sacct: error: slurm_persist_conn_open: failed\n" + second).trace
    assert [job.id for job in trace.jobs] == [100, 101]
    assert trace.notes.reasons == {COMPLAINED: 1}
    assert "slurm_persist_conn_open" in trace.notes.bad[0]


COMPLAINTS = [
    "Slurm accounting storage is disabled",
    "sacct: error: slurmdbd: Too wide of a date range in query",
    "sacct: fatal: Bad MaxTime specification: x",
    "bash: sacct: command not found",
    "-bash: sacct: command not found",
    "sh: 1: sacct: not found",
    "slurm_load_jobs error: Unable to contact slurm controller",
    "sacct: error: Problem talking to the database: Connection refused\nsacct: error: again",
]


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_file_with_nothing_but_what_sacct_complained_says_so(text, read, tmp_path):
    with pytest.raises(BadInput, match="this is what sacct complained: ") as caught:
        read(text + "\n")
    assert text.partition("\n")[0] in caught.value.what
    assert caught.value.where == f"{tmp_path}/sacct.txt:1"
    with pytest.raises(BadInput, match="this is what sacct complained: "):
        read_jobs(tmp_path / "sacct.txt")


def test_too_much_noise_is_no_accounting(read):
    with pytest.raises(BadInput, match="columns missing"):
        read("motd\n" * 51 + parsable({}))


def test_too_many_columns_without_a_name_among_them_are_bad(read):
    trace = read(parsable({}, {"User": "a|b"})).trace
    assert trace.notes.reasons == {"too many columns": 1}


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "\x1f", "@@", " | "])
def test_another_delimiter_is_found_by_looking(delimiter, read):
    columns = [*COLUMNS, "JobName"]
    assert read(parsable({"JobName": "a|b"}, columns=columns, delimiter=delimiter)).trace.jobs == (GOOD_JOB,)


# ---- the file ----

DRESSES = {
    "Windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
    "sacct -p": lambda text: text.replace("\n", "|\n").encode(),
    "names in small letters": lambda text: text.replace("|".join(COLUMNS), "|".join(COLUMNS).lower()).encode(),
    "put together": lambda text: (text + text).encode(),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_the_same_content_in_another_dress(dress, read):
    trace = read(DRESSES[dress](parsable({})), strict=True).trace
    assert trace.jobs == (GOOD_JOB,)


def test_columns_come_in_any_order_and_number(read):
    columns = ["State", "NCPUS", "Submit", "Start", "Elapsed", "NNodes", "JobID", "Timelimit"]
    row = {"JobID": "100", "Elapsed": "00:10:00", "Timelimit": "01:00:00", "NCPUS": "192"}
    assert read(parsable(row, columns=columns), strict=True).trace.jobs == (job(user=""),)


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_cut_last_line_is_left_out_and_told(cut, read):
    """Even where all columns are there: 60 of 600 seconds would look as well as 600."""
    text = parsable({}, {"JobIDRaw": "101"}, columns=[*COLUMNS, "ElapsedRaw"])
    trace = read(text[:-cut]).trace
    assert [job.id for job in trace.jobs] == [100]
    assert trace.notes.reasons == {CUT: 1}
    assert trace.notes.remarks == ["the last line has no end: was the file copied whole?"]


HEADERS = {
    "no state": ([name for name in COLUMNS if name != "State"], "columns missing: State; found"),
    "several": (["JobID", "User"], "State, Submit, Start, ElapsedRaw or Elapsed or End, AllocNodes or NNodes; found"),
    "a row, as with -n": (["100", "alice", "COMPLETED"], "columns missing: JobIDRaw or JobID"),
    "a table": (["JobID           JobName  Partition      State ExitCode "], "this is sacct's table"),
    "a table of right-aligned columns": (["     JobID      State "], "this is sacct's table"),
    "something else": (["# Notes on the Submit host"], "columns missing"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_cannot_be_used_names_what_is_missing_and_the_command(case, read, tmp_path):
    columns, message = HEADERS[case]
    with pytest.raises(BadInput, match=message) as caught:
        read(parsable({}, columns=columns))
    assert COMMAND in caught.value.remedy
    assert caught.value.where == f"{tmp_path}/sacct.txt:1"


def test_the_command_that_helps_asks_for_what_is_read(read):
    columns = COMMAND.rpartition(" ")[2].split(",")
    assert read(parsable({}, columns=columns), strict=True).trace.jobs == (GOOD_JOB,)


UNUSABLE = {
    "empty": ("", "the file is empty"),
    "only a header": (parsable(), "no job to replay"),
    "only pending jobs": (parsable({"State": "PENDING"}), r"no job to replay \(lines read: 2; 1 pending"),
    "all bad": (parsable({"Submit": "gestern"}), r"no job .*; 1 Submit: not a time; the first bad one: .*:2: Sub"),
    "NUL": (parsable({}) + "\0\n", "not text"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_without_a_job_says_what_is_in_it(case, read):
    text, message = UNUSABLE[case]
    with pytest.raises(BadInput, match=message):
        read(text)


def test_it_is_read_from_a_stream_and_the_stream_stays_open():
    stream = io.BytesIO(gzip.compress(parsable({}).encode()))
    assert read_sacct("<stdin>", raw=stream).trace.jobs == (GOOD_JOB,)
    assert not stream.closed


# ---- what is asked for ----


def test_cores_can_be_counted(read):
    accounting = read(parsable({}), Wanted(unit=Unit.CORES))
    assert accounting.trace.jobs == (job(procs=192),)
    assert accounting.peak == Peak(192, 70)
    with pytest.raises(BadInput, match="columns missing: AllocCPUS or NCPUS"):
        read(parsable({}, columns=[name for name in COLUMNS if name != "AllocCPUS"]), Wanted(unit=Unit.CORES))


def test_partitions_can_be_chosen(read):
    wanted = Wanted(partitions=frozenset({"gpu", "cpü"}))
    rows = [{}, {"JobIDRaw": "101", "Partition": "cpü"}, {"JobIDRaw": "102", "Partition": "debug"}]
    trace = read(parsable(*rows), wanted).trace
    assert [job.id for job in trace.jobs] == [100, 101]
    assert trace.notes.passed == {why.OTHER_PARTITION: 1}
    with pytest.raises(BadInput, match=r"2 in another partition; partitions here: 'cpü', 'debug'\)"):
        read(parsable(*rows[1:]), Wanted(partitions=frozenset({"gpus"})))
    many = [{"JobIDRaw": str(number), "Partition": f"p{number:03}"} for number in range(100, 300)]
    with pytest.raises(BadInput, match=r"partitions here: 'p100', 'p101', .*, 'p119' and 180 more\)"):
        read(parsable(*many), Wanted(partitions=frozenset({"gpus"})))
    with pytest.raises(BadInput, match="columns missing: Partition"):
        read(parsable({}, columns=[name for name in COLUMNS if name != "Partition"]), wanted)


def test_days_can_be_chosen_by_when_a_job_arrived(read):
    wanted = Wanted(since_s=DAY_S, until_s=DAY_S + 86_400)
    late = {"Start": str(DAY_S + 90_000), "End": str(DAY_S + 90_600)}
    rows = [
        {"JobIDRaw": str(number), "Submit": str(at_s), "Eligible": str(at_s), **late}
        for number, at_s in enumerate((DAY_S - 1, DAY_S, DAY_S + 86_399, DAY_S + 86_400), start=1)
    ]
    trace = read(parsable(*rows), wanted).trace
    assert [(job.id, job.submit_s) for job in trace.jobs] == [(2, 0), (3, 86_399)]
    assert trace.notes.passed == {why.BEFORE: 1, why.AFTER: 1}


def test_the_clock_begins_at_the_first_day_asked_for(read):
    trace = read(parsable({}), Wanted(since_s=DAY_S - 86_400)).trace
    assert (trace.header.unix_start_s, trace.jobs[0].submit_s) == (DAY_S - 86_400, 86_410)


def test_jobs_without_a_limit_can_be_given_one(read):
    trace = read(parsable({"TimelimitRaw": "UNLIMITED"}), Wanted(limit_s=86_400)).trace
    assert trace.jobs == (job(limit_s=86_400),)
    assert trace.notes.mended == {why.LIMIT_GIVEN: 1}


# ---- what they really had ----


def test_the_peak_is_what_jobs_had_at_the_same_time(read):
    """2 nodes for 600 s; 3 more from when 500 of these have gone; at their end the next 4 begin."""
    rows = [{}]
    for number, (start_s, run_s, nodes) in enumerate(((570, 100, 3), (670, 200, 4)), start=101):
        times = {"Start": str(DAY_S + start_s), "End": str(DAY_S + start_s + run_s), "ElapsedRaw": str(run_s)}
        rows.append({"JobIDRaw": str(number), "NNodes": str(nodes), **times})
    accounting = read(parsable(*rows))
    assert accounting.peak == Peak(5, 570)
    assert accounting.mean == pytest.approx((2 * 600 + 3 * 100 + 4 * 200) / 800)


def test_jobs_that_share_nodes_are_noticed(read):
    assert read(parsable({})).trace.notes.remarks == []
    accounting = read(parsable({}, {"JobIDRaw": "101", "AllocCPUS": "4"}))
    assert accounting.cores_per_node == 96
    assert accounting.cores_used == pytest.approx(196 / 384)
    assert accounting.trace.notes.remarks == [
        "jobs had 51% of the cores of their nodes, if each has 96; if jobs share nodes, import with --unit cores and"
        " replay with --procs-per-node 96 --shared-cores"
    ]
