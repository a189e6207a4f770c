"""What a file of jobs is, found out by looking at its beginning; and an accounting written as a trace."""

from __future__ import annotations

import gzip

import pytest

from models.errors import BadInput
from simulator.traces.jobs import read_jobs
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.wanted import Unit, Wanted
from simulator.traces.swf_writer import swf_lines
from simulator.work import Job
from tests.simulator.sacct_text import DAY_S, document, parsable, record

SWF = "1 10 5 60 4 -1 -1 8 120 -1 1 7 1 -1 -1 -1 -1 -1\n"
SWF_JOB = Job(id=1, submit_s=10, run_s=60, limit_s=120, procs=8, user="7")
SACCT_JOB = Job(id=100, submit_s=10, run_s=600, limit_s=3600, procs=2, user="1")

LOOKS = {
    "a trace": (SWF, SWF_JOB),
    "a trace with a header": ("; MaxNodes: 4\n" + SWF, SWF_JOB),
    "a trace with a blank before": (" \n " + SWF, SWF_JOB),
    "sacct -P": (parsable({}), SACCT_JOB),
    "sacct -P, other delimiter": (parsable({}, delimiter=";"), SACCT_JOB),
    "sacct -P, blank line first": ("\n" + parsable({}), SACCT_JOB),
    "sacct --json": (document(record()), SACCT_JOB),
    "sacct --json on one line": (document(record(), indent=None), SACCT_JOB),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
@pytest.mark.parametrize("case", LOOKS)
def test_a_file_is_read_as_what_it_looks_like(case, mark, packed, tmp_path):
    text, job = LOOKS[case]
    content = (mark + text).encode()
    (tmp_path / "month.dat").write_bytes(gzip.compress(content) if packed else content)
    assert read_jobs(tmp_path / "month.dat", strict=True).jobs == (job,)


@pytest.mark.parametrize("text", ["", "\n", "hello world\nthis is no trace\n", "name,cpu\na,1\n", "[1, 2]", "<html>"])
def test_what_looks_like_nothing_known_is_read_as_a_trace(text, tmp_path):
    (tmp_path / "month.dat").write_text(text)
    with pytest.raises(BadInput, match=r"no usable job|the file is empty"):
        read_jobs(tmp_path / "month.dat")


def test_a_trace_is_written_with_what_was_left_out_and_names_nobody(tmp_path):
    (tmp_path / "sacct.txt").write_text(
        parsable(
            {"TimelimitRaw": "UNLIMITED"},
            {"JobIDRaw": "101", "User": "bob", "Start": str(DAY_S + 5), "State": "CANCELLED by 1000"},
            {"JobIDRaw": "102", "State": "PENDING"},
            {"JobIDRaw": "103", "Submit": "gestern"},
        )
    )
    lines = list(swf_lines(read_sacct(tmp_path / "sacct.txt", Wanted(partitions=frozenset({"gpu"})))))
    assert "".join(lines) == (
        "; Version: 2.2\n"
        "; Conversion: tidegate import sacct\n"
        "; MaxJobs: 2\n"
        "; MaxRecords: 2\n"
        "; UnixStartTime: 1788220800\n"
        "; TimeZone: 0\n"
        "; TimeZoneString: UTC\n"
        "; Note: processors are whole nodes, as they were allocated\n"
        "; Note: the accounting does not tell how many there are: MaxNodes and MaxProcs are missing\n"
        "; Note: only partition 'gpu'\n"
        "; Note: 1 of 5 lines left out: pending, has not run\n"
        "; Note: 1 of 5 lines left out: Submit: not a time\n"
        "; Note: 1 of 5 lines mended: no time limit, run time used\n"
        "100 10 60 600 2 -1 -1 2 -1 -1 1 1 -1 -1 -1 -1 -1 -1\n"
        "101 10 -1 600 2 -1 -1 2 3600 -1 5 2 -1 -1 -1 -1 -1 -1\n"
    )


def test_a_trace_says_that_it_counts_cores_and_which_zone(tmp_path):
    (tmp_path / "sacct.txt").write_text(parsable({}))
    wanted = Wanted(unit=Unit.CORES, timezone="Asia/Kathmandu", partitions=frozenset({"a\n; MaxProcs: 1"}))
    with pytest.raises(BadInput, match="in another partition"):
        read_sacct(tmp_path / "sacct.txt", wanted)
    (tmp_path / "sacct.txt").write_text(parsable({}))
    text = "".join(swf_lines(read_sacct(tmp_path / "sacct.txt", Wanted(unit=Unit.CORES, timezone="Asia/Kathmandu"))))
    assert "; Note: processors are cores, as they were allocated\n" in text
    assert "; TimeZone: 20700\n; TimeZoneString: Asia/Kathmandu\n" in text
    (tmp_path / "trace").write_text(text)
    assert read_jobs(tmp_path / "trace").header.utc_offset_s == 20_700
