"""``sacct --json``: the shapes of its data parsers, and documents that are too long to hold."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from simulator.traces.sacct import objects
from simulator.traces.sacct import selection as why
from simulator.traces.sacct.objects import Objects
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.wanted import Unit, Wanted
from simulator.work import Job
from tests.simulator.sacct_text import DAY_S, document, number, parsable, record

GOOD_JOB = Job(id=100, submit_s=10, run_s=600, limit_s=3600, procs=2, user="1")


@pytest.fixture
def read(tmp_path):
    def read_text(content: str | bytes, wanted: Wanted | None = None, *, strict: bool = False):
        path = tmp_path / "sacct.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_sacct(path, wanted or Wanted(), strict=strict)

    return read_text


def job(**changes: object) -> Job:
    return Job(**{**{name: getattr(GOOD_JOB, name) for name in Job.__slots__}, **changes})


DRESSES = {
    "indented": document(record()).encode(),
    "compact": document(record(), indent=None).encode(),
    "jobs last": document(record(), first=False).encode(),
    "gzip": gzip.compress(document(record()).encode()),
    "Windows line ends": document(record()).replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + document(record()).encode(),
    "blank before": b"\n \t" + document(record()).encode(),
    "two put together": (document(record()) + document(record(job_id=101, state__current=["PENDING"]))).encode(),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_a_document_is_read_as_the_lines_of_the_same_jobs_are(dress, read, tmp_path):
    accounting = read(DRESSES[dress], strict=True)
    assert accounting.trace.jobs == (GOOD_JOB,)
    (tmp_path / "sacct.txt").write_text(parsable({}))
    lines = read_sacct(tmp_path / "sacct.txt")
    assert lines.trace.jobs == accounting.trace.jobs
    assert lines.trace.header == accounting.trace.header
    assert (lines.peak, lines.mean, lines.cores_per_node) == (accounting.peak, accounting.mean, 96)
    assert accounting.trace.notes.unit == "records"


SHAPES = {
    "0.0.40 and later": ({}, {}),
    "0.0.37": ({"state__current": "COMPLETED", "time__limit": 60}, {}),
    "infinite limit": ({"time__limit": number(None, infinite=True)}, {"limit_s": 600}),
    "infinite limit, also set": ({"time__limit": {"set": True, "infinite": True, "number": 7}}, {"limit_s": 600}),
    "no limit of its own": ({"time__limit": number(None)}, {"limit_s": 600}),
    "a limit of no minutes": ({"time__limit": number(0)}, {"limit_s": 600}),
    "complex form, null": ({"time__limit": None}, {"limit_s": 600}),
    "complex form, infinite": ({"time__limit": "Infinity"}, {"limit_s": 600}),
    "not set, as its number": ({"time__limit": 4294967294}, {"limit_s": 600}),
    "times as objects": ({"time__submission": number(DAY_S + 10), "time__start": number(DAY_S + 70)}, {}),
    "a size as an object": ({"allocation_nodes": number(3)}, {"procs": 3}),
    "flags of a state": ({"state__current": ["RUNNING", "COMPLETING"], "time__end": 0}, {}),
    "requeued": ({"state__current": ["PENDING", "REQUEUED"]}, {}),
    "no state": ({"state__current": []}, {}),
    "no user": ({"user": None}, {"user": ""}),
    "no elapsed time": ({"time__elapsed": None}, {}),
    "no resources": ({"tres": None}, {}),
    "part of a heterogeneous job": ({"het": {"job_id": 99, "job_offset": number(1)}}, {}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shapes_of_the_data_parsers(shape, read):
    changes, expected = SHAPES[shape]
    assert read(document(record(**changes)), strict=True).trace.jobs == (job(**expected),)


BARE = ["NaN", "Infinity", "-Infinity", "nan", "inf", "-nan"]
BARE_IN = {
    "a field that is not read": ({"priority": "BARE"}, {}, {}),
    "a list that is not read": ({"steps": ["BARE", {"x": "BARE"}]}, {}, {}),
    "the limit": ({"time__limit": "BARE"}, {"limit_s": 600}, {why.NO_LIMIT: 1}),
    "the number of a limit": (
        {"time__limit": {"set": True, "infinite": True, "number": "BARE"}},
        {"limit_s": 600},
        {why.NO_LIMIT: 1},
    ),
    "the elapsed time": ({"time__elapsed": "BARE"}, {}, {why.END_USED: 1}),
    "the time since when it was eligible": ({"time__eligible": "BARE"}, {}, {}),
    "a field beside texts with such words": ({"name": 'a "NaN": Infinity, \\"-inf', "priority": "BARE"}, {}, {}),
}


@pytest.mark.parametrize("case", BARE_IN)
@pytest.mark.parametrize("bare", BARE)
@pytest.mark.parametrize("indent", [None, 1])
def test_a_bare_number_that_json_has_not_says_nothing(bare, case, indent, read):
    """Slurm before 25.05 writes them."""
    changes, expected, mended = BARE_IN[case]
    trace = read(document(record(**changes), indent=indent).replace('"BARE"', bare), strict=True).trace
    assert trace.jobs == (job(**expected),)
    assert trace.notes.mended == mended


def test_a_bare_number_beside_a_name_that_is_not_utf_8_costs_no_job(read):
    text = document(record(user="REN", priority="BARE", name="NaN")).encode().replace(b"REN", b"r\xe9n NaN")
    assert read(text.replace(b'"BARE"', b"NaN"), strict=True).trace.jobs == (GOOD_JOB,)


@pytest.mark.parametrize("field", ["job_id", "time", "allocation_nodes", "time__submission"])
def test_a_bare_number_where_one_is_needed_costs_its_job(field, read):
    text = document(record(), record(**{"job_id": 101} | {field: "BARE"})).replace('"BARE"', "NaN")
    trace = read(text).trace
    assert (trace.jobs, trace.notes.bad_lines) == ((GOOD_JOB,), 1)


@given(st.lists(st.sampled_from(['"', "\\", "NaN", "-Infinity", "a", " ", "\n", "é"]), max_size=12).map("".join))
@settings(derandomize=True, max_examples=200)
def test_texts_stay_as_they_are_beside_a_bare_number(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("bare") / "sacct.json"
    path.write_text(document(record(name=name, user=name, priority="BARE")).replace('"BARE"', "NaN"))
    accounting = read_sacct(path, strict=True)
    assert accounting.trace.jobs == (job(user="1" if name else ""),)


ELAPSED = {
    "a negative number without its sign": ({"time__elapsed": 4294967280}, 600, {why.ELAPSED_TOO_LONG: 1}),
    "far beyond its limit": ({"time__elapsed": 9_000_000, "time__end": 0}, 9_000_000, {why.RUNAWAY: 1}),
    "running far beyond its limit": (
        {"time__elapsed": 9_000_000, "time__end": 0, "state__current": ["RUNNING"]},
        9_000_000,
        {why.RUNAWAY: 1},
    ),
}


@pytest.mark.parametrize("case", ELAPSED)
def test_a_run_time_that_cannot_be_is_mended_or_told(case, read):
    changes, run_s, mended = ELAPSED[case]
    trace = read(document(record(**changes)), strict=True).trace
    assert trace.jobs == (job(run_s=run_s),)
    assert trace.notes.mended == mended


LEFT_OUT = {
    "pending": ({"state__current": ["PENDING"], "time__start": 0, "time__end": 0}, why.PENDING),
    "cancelled before it started": ({"state__current": ["CANCELLED"], "time__start": 0}, why.NEVER_STARTED),
    "started never, as its number": ({"state__current": ["CANCELLED"], "time__start": 4294967294}, why.NEVER_STARTED),
    "removed by a federation": ({"state__current": ["REVOKED"]}, why.ELSEWHERE),
    "told twice": ({"job_id": 100}, why.TOLD_TWICE),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_record_that_is_no_job_to_replay_is_counted(case, read):
    changes, reason = LEFT_OUT[case]
    notes = read(document(record(), record(**{"job_id": 101} | changes)), strict=True).trace.notes
    assert (notes.passed, notes.lines) == ({reason: 1}, 2)


BAD = {
    "no times": ({"time": None}, "not a job as sacct --json tells it"),
    "a number in words": ({"time__elapsed": ["x"]}, "not a job as sacct --json tells it"),
    "no number": ({"job_id": "x"}, "not a job number"),
    "a negative span": ({"time__elapsed": -1}, "time.elapsed: not a possible number"),
    "a time that cannot be": ({"time__start": 1e18}, "time.start: not a time"),
    "no submission": ({"time__submission": 0}, "no time of submission"),
    "ran on no nodes": ({"allocation_nodes": 0}, "no number of nodes"),
    "not an object within": ({"state": "COMPLETED"}, "not a job as sacct --json tells it"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_record_is_left_out_with_the_line_it_begins_at(case, read, tmp_path):
    changes, reason = BAD[case]
    text = document(record(), record(**{"job_id": 101} | changes), record(job_id=102))
    line = [number for number, told in enumerate(text.splitlines(), start=1) if told == "    {"][1]
    trace = read(text).trace
    assert [job.id for job in trace.jobs] == [100, 102]
    assert trace.notes.reasons == {reason: 1}
    assert trace.notes.bad[0].startswith(f"{tmp_path}/sacct.json:{line}: {reason}")
    with pytest.raises(BadInput) as caught:
        read(text, strict=True)
    assert caught.value.where == f"{tmp_path}/sacct.json:{line}"


def test_a_name_that_is_not_utf_8_costs_no_job(read):
    text = document(record(user="REN", name="JOB")).encode().replace(b"REN", b"ren\xe9").replace(b"JOB", b"\xff\xfe")
    assert read(text, strict=True).trace.jobs == (GOOD_JOB,)


def test_deep_nesting_costs_one_record(read):
    deep = document(record(), record(job_id=101, extra="DEEP")).replace('"DEEP"', "[" * 50_000 + "]" * 50_000)
    assert read(deep).trace.notes.bad_lines == 1


def test_cores_can_be_counted(read):
    assert read(document(record()), Wanted(unit=Unit.CORES)).trace.jobs == (job(procs=192),)
    assert read(document(record(), record(job_id=101, tres=None)), Wanted(unit=Unit.CORES)).trace.notes.reasons == {
        "no number of cores": 1
    }


@pytest.mark.parametrize(("end", "jobs"), [('"meta"', 2), ('"user"', 1), ("}", 2)])
def test_a_document_that_was_cut_is_read_as_far_as_it_goes_and_told(end, jobs, read):
    text = document(record(), record(job_id=101))
    trace = read(text[: text.rindex(end)]).trace
    assert len(trace.jobs) == jobs
    assert trace.notes.remarks == ["the document has no end: was the file copied whole?"]
    assert (trace.notes.bad_lines, trace.notes.lines) == (1, 3 if jobs == 2 else 2)


def test_what_sacct_says_of_its_own_errors_is_told(read):
    told = json.loads(document())
    told["errors"] = [{"description": "no connection to slurmdbd", "error_number": 6}]
    with pytest.raises(BadInput, match="sacct told an error: 'no connection to slurmdbd'"):
        read(json.dumps(told))


UNUSABLE = {
    "no job": (document(), "no job to replay"),
    "not JSON": ("{ this is none", "no job to replay"),
    "another document": ('{"pods": [{"name": "a"}]}', "no job to replay"),
    "NUL": (document(record()).replace("physics", "phy\0sics"), "not text"),
    "truncated gzip": (gzip.compress(document(record()).encode())[:-9], "ends early"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_document_without_a_job_is_refused(case, read):
    text, message = UNUSABLE[case]
    with pytest.raises(BadInput, match=message):
        read(text)


# ---- objects out of a long document ----

texts = st.text(st.sampled_from('{}[]",:\\ a\n'), max_size=5)
json_values = st.one_of(
    texts,
    st.lists(texts, max_size=2),
    st.dictionaries(
        texts, st.one_of(texts, st.lists(st.dictionaries(texts, texts, max_size=2), max_size=2)), max_size=2
    ),
)


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, whatever it is asked for."""

    few = 3

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.few)


@given(
    st.dictionaries(
        st.sampled_from(["jobs", "meta", "errors"]),
        st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=3),
    ),
    st.sampled_from([None, 1]),
    st.integers(1, 40),
)
@settings(derandomize=True, max_examples=200)
def test_objects_are_what_they_are_in_the_whole_document(content, indent, few):
    stream = Trickle(json.dumps(content, indent=indent).encode())
    stream.few = few
    told = Objects(stream, "trace")
    found: dict[str, list[object]] = {}
    for key, text in told:
        found.setdefault(key.decode(), []).append(json.loads(text))
    assert found == {key: values for key, values in content.items() if values}
    assert told.whole


def test_the_line_of_an_object_is_told_however_the_document_comes_in_pieces(monkeypatch):
    monkeypatch.setattr(objects, "_CHUNK_BYTES", 10)
    text = document(*(record(job_id=number) for number in range(5)))
    told = Objects(io.BytesIO(text.encode()), "trace")
    lines = [told.line for key, _ in told if key == b"jobs"]
    assert lines == [number for number, line in enumerate(text.splitlines(), start=1) if line == "    {"]


def test_what_closes_more_than_was_opened_hides_nothing_behind_it(read):
    assert read("{} }" + document(record())).trace.jobs == (GOOD_JOB,)


def test_an_object_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(objects, "OBJECT_BYTES_MAX", 100)
    monkeypatch.setattr(objects, "_CHUNK_BYTES", 10)
    long = document(record(extra="x" * 500)).encode()
    with pytest.raises(BadInput, match="more than") as caught:
        list(Objects(io.BytesIO(long), "trace"))
    assert "-X" in caught.value.remedy


@pytest.mark.parametrize(
    "text", [b"", b"}", b"}}}{", b'{"a', b'{"a": {"b', b"{{{{", b'{"\\', b"[]", b"{}{}", b'{"a":{}}}']
)
def test_what_is_no_document_gives_what_objects_there_are(text):
    assert all(isinstance(item, bytes) for pair in Objects(io.BytesIO(text), "trace") for item in pair)
