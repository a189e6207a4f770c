"""Pods and request rates: good, mended and bad lines, and the header row."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import BadInput
from simulator.traces.pods import CREATION_USED, FRACTION_CUT, NAME_NUMBERED, NEVER_RAN, PART_OF_A_GPU, read_pods
from simulator.traces.rates import read_rates
from simulator.work import Pod

PODS_HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
)
GOOD_POD = "web,500,1024,2,,,LS,Running,100,400,150"


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "trace") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


# ---- pods ----

BAD_PODS = {
    "deleted before scheduled": ("p,1,1,0,0,,LS,Running,100,140,150", "deleted 10 s before it was scheduled"),
    "deleted before created": ("p,1,1,0,0,,LS,Pending,100,90,", "deleted 10 s before it was created"),
    "no creation": ("p,1,1,0,0,,LS,Running,,400,150", "creation_time: '' is not a number"),
    "negative creation": ("p,1,1,0,0,,LS,Running,-3,400,150", "creation_time: '-3' is negative"),
    "no CPU": ("p,,1,0,0,,LS,Running,100,400,150", "cpu_milli: '' is not a number"),
    "negative memory": ("p,1,-1,0,0,,LS,Running,100,400,150", "memory_mib: '-1' is negative"),
    "half a word of GPUs": ("p,1,1,two,0,,LS,Running,100,400,150", "num_gpu: 'two' is not a number"),
    "half a GPU of which a part": (
        "p,1,1,0.5,300,,LS,Running,100,400,150",
        "'0.5' has a fraction, and gpu_milli tells",
    ),
    "two GPUs of nothing": ("p,1,1,2,0,,LS,Running,100,400,150", "2 GPUs of which gpu_milli takes nothing"),
    "a GPU in whole GPUs": ("p,1,1,1,0.5,,LS,Running,100,400,150", "gpu_milli: '0.5' is less than 1"),
    "half a core in cores": ("p,0.5,1,0,0,,LS,Running,100,400,150", "cpu_milli: '0.5' is less than 1"),
    "half a GiB in GiB": ("p,1,0.5,0,0,,LS,Running,100,400,150", "memory_mib: '0.5' is less than 1"),
    "more digits than there are": ("p,1e-999999999,1,0,0,,LS,Pending,100,90,", "deleted 10 s before"),
    "milliseconds": ("p,1,1,0,0,,LS,Running,1788220800000,1788220900000,", "creation_time: .* in milliseconds"),
    "a date": ("p,1,1,0,0,,LS,Running,2026-09-01T10:00:00Z,,", "creation_time: .* is not a number: if it is a date"),
    "thousands": ('p,"1,000",1,0,0,,LS,Running,100,400,150', "cpu_milli: '1,000' is not a number: write it without"),
    "no name": (" ,1,1,0,0,,LS,Running,100,400,150", "no name"),
    "name too long": ("x" * 254 + ",1,1,0,0,,LS,Running,100,400,150", "more than 253 characters"),
    "too few columns": ("p,1,1", "3 columns, the header has 11"),
    "too many columns": (GOOD_POD + ",x", "12 columns, the header has 11"),
    "quote left open": ('"p,1,1,0,0,,LS,Running,100,400,150', "not CSV"),
    "not finite": ("p,1,1,0,0,,LS,Running,nan,400,150", "not a finite number"),
}


@pytest.mark.parametrize("fault", BAD_PODS)
def test_a_bad_pod_is_left_out_with_file_and_line(fault, write):
    line, message = BAD_PODS[fault]
    path = write(f"{PODS_HEADER}\n{line}\n{GOOD_POD}\n")
    trace = read_pods(path)
    assert [pod.id for pod in trace.pods] == ["web"]
    assert trace.notes.bad_lines == 1
    assert trace.notes.mended == {}
    with pytest.raises(BadInput, match=message) as caught:
        read_pods(path, strict=True)
    assert caught.value.where == f"{path}:2"


WEB = {"id": "web", "create_s": 100, "run_s": 250, "cpu_milli": 500, "memory_mib": 1024, "gpu_milli": 2000}
GOOD_PODS = {
    "whole GPUs by default": (GOOD_POD, {}, {}),
    "parts of a GPU": ("web,500,1024,1,460,T4|V100,LS,Running,100,400,150", {"gpu_milli": 460}, {}),
    "no GPU": ("web,500,1024,,,,LS,Running,100,400,150", {"gpu_milli": 0}, {}),
    "still there at the end": ("web,500,1024,2,,,LS,Running,100,,150", {"run_s": None}, {}),
    "never ran": ("web,500,1024,2,,,LS,Pending,100,400,", {"run_s": 300}, {NEVER_RAN: 1}),
    "still waiting at the end": ("web,500,1024,2,,,LS,Pending,100,,", {"run_s": None}, {}),
    "scheduling not recorded": ("web,500,1024,2,,,LS,Succeeded,100,400,", {"run_s": 300}, {CREATION_USED: 1}),
    "scheduled before created, by another clock": (
        "web,500,1024,2,,,LS,Running,100,400,98",
        {"run_s": 302},
        {},
    ),
    "fractions": ("web,500,1024,2,,,LS,Running,100.7,400.2,150.9", {}, {FRACTION_CUT: 1}),
    "fractions that are none": ("web,500.0,1024,2.0,,,LS,Running,100.0,4e2,150.0", {}, {}),
    "half a GPU": ("web,500,1024,0.5,,,LS,Running,100,400,150", {"gpu_milli": 500}, {PART_OF_A_GPU: 1}),
    "half a whole GPU": ("web,500,1024,0.5,1000,,LS,Running,100,400,150", {"gpu_milli": 500}, {PART_OF_A_GPU: 1}),
    "two GPUs and a half": ("web,500,1024,2.5,,,LS,Running,100,400,150", {"gpu_milli": 2500}, {PART_OF_A_GPU: 1}),
    "seven hundredths of a GPU": ("web,500,1024,.07,,,LS,Running,100,400,150", {"gpu_milli": 70}, {PART_OF_A_GPU: 1}),
    "a third of a GPU, rounded up": (
        "web,500,1024,0.3333,,,LS,Running,100,400,150",
        {"gpu_milli": 334},
        {PART_OF_A_GPU: 1},
    ),
    "hardly a GPU": ("web,500,1024,1e-300,,,LS,Running,100,400,150", {"gpu_milli": 1}, {PART_OF_A_GPU: 1}),
    "a part of a GPU, their number blank": ("web,500,1024,,300,,LS,Running,100,400,150", {"gpu_milli": 300}, {}),
    "kubectl's word for nothing": ("web,500,1024,2,<none>,,LS,Running,100,<none>,150", {"run_s": None}, {}),
    "a quoted name with a comma": (
        '"a, b",500,1024,2,,,LS,Running,100,400,150',
        {"id": "a, b"},
        {},
    ),
}


@pytest.mark.parametrize("case", GOOD_PODS)
def test_a_pod_is_read(case, write):
    line, changes, mended = GOOD_PODS[case]
    trace = read_pods(write(f"{PODS_HEADER}\n{line}\n"), strict=True)
    assert trace.pods == (Pod(**{**WEB, **changes}),)
    assert trace.notes.mended == mended


def test_pods_with_quantities_and_gangs(write):
    text = "gang,name,cpu,memory,creation_time,deletion_time\nring,a,100m,512Mi,5,9\n,b,1e3,2G,5,\n"
    trace = read_pods(write(text), strict=True)
    assert trace.pods == (Pod("a", 5, 4, 100, 512, 0, "ring"), Pod("b", 5, None, 1_000_000, 1908, 0))
    bad = read_pods(write(text + ",c,lots,1Gi,5,9\n,d,1,134217728,5,9\n")).notes.bad
    assert "'lots' is not a quantity" in bad[0]
    assert "more than 4 TiB" in bad[1]


def test_gpu_parts_without_a_count_are_of_one_gpu(write):
    text = "name,cpu,memory,creation_time,deletion_time,gpu_milli\na,1,1,0,1,300\nb,1,1,0,1,\n"
    assert [pod.gpu_milli for pod in read_pods(write(text)).pods] == [300, 0]


def test_a_name_that_comes_again_is_numbered(write):
    rows = "\n".join(f"db-0,1,1,0,0,,LS,Running,{t},{t + 5},{t}" for t in (20, 10, 30))
    trace = read_pods(write(f"{PODS_HEADER}\n{rows}\n"))
    assert [(pod.create_s, pod.id) for pod in trace.pods] == [(10, "db-0#2"), (20, "db-0"), (30, "db-0#3")]
    assert trace.notes.mended == {NAME_NUMBERED: 2}


def test_missing_columns_are_named_with_those_found(write):
    with pytest.raises(BadInput, match=r"columns missing: cpu_milli or cpu, deletion_time; found: 'name', 'memory'"):
        read_pods(write("name,memory,creation_time\na,1,1\n"))
    with pytest.raises(BadInput, match="named twice: 'name'"):
        read_pods(write("name,name,cpu,memory,creation_time,deletion_time\n"))


@pytest.mark.parametrize("column", ["nvidia.com/gpu", "gpu", "GPUs", "gpu_model"])
def test_a_column_that_may_tell_of_gpus_and_is_not_read_is_told(column, write):
    text = f"name,cpu,memory,creation_time,deletion_time,gpu_spec,{column}\na,1,1Gi,0,1,,2\nb,1,1Gi,0,1,,2\n"
    assert read_pods(write(text)).notes.remarks == [
        f"the column '{column}' is not read; GPUs are counted by num_gpu and gpu_milli"
    ]


# ---- separators ----

SEPARATED = {
    "commas": "seconds,requests_per_second\n0,812.5\n300,790\n",
    "semicolons": "seconds;requests_per_second\n0;812.5\n300;790\n",
    "tabs": "seconds\trequests_per_second\n0\t812.5\n300\t790\n",
    "bars": "seconds|requests_per_second\n0|812.5\n300|790\n",
    "told, commas": "sep=,\nseconds,requests_per_second\n0,812.5\n300,790\n",
    "told, semicolons": "sep=;\r\nseconds;requests_per_second\r\n0;812.5\r\n300;790\r\n",
    "told, tabs": "sep=\t\nseconds\trequests_per_second\n0\t812.5\n300\t790\n",
    "told in quotes": '"sep=;"\nseconds;requests_per_second\n0;812.5\n300;790\n',
    "told, and a column more": "sep=,,\nseconds,requests_per_second,host\n0,812.5,a\n300,790,b\n",
    "told in capitals behind a mark and a blank line": "\ufeff\nSEP=;\nseconds;requests_per_second\n0;812.5\n300;790\n",
    "quotes": '"seconds";"requests_per_second"\n"0";"812.5"\n"300";"790"\n',
    "blanks around": "seconds , requests_per_second\n 0 , 812.5\n300, 790 \n",
    "a comma in another column's name": "seconds;requests_per_second;by host, rack\n0;812.5;a, b\n300;790;c\n",
}


@pytest.mark.parametrize("case", SEPARATED)
def test_columns_are_found_whatever_separates_them(case, write):
    requests = read_rates(write(SEPARATED[case]), strict=True).requests
    assert (requests.times_s.tolist(), requests.per_s.tolist()) == ([0, 300], [812.5, 790])


def test_a_separator_that_is_told_wrong_is_believed_and_shown(write):
    with pytest.raises(BadInput, match=r"columns missing: seconds, requests_per_second; found: 'seconds,requests_per"):
        read_rates(write("sep=;\nseconds,requests_per_second\n0,1\n300,2\n"))


# ---- rates ----

BAD_RATES = {
    "the same time": ("600,1", "does not rise"),
    "an earlier time": ("30,1", "does not rise"),
    "a negative time": ("-1,1", "negative"),
    "a negative rate": ("700,-0.1", "not between"),
    "not a number": ("700,nan", "not between"),
    "infinite": ("700,inf", "not between"),
    "a word": ("700,many", "'many' is not a number"),
    "blank": ("700,", "'' is not a number"),
    "one column": ("700", "1 columns"),
    "thousands": ('700,"1,200"', "requests_per_second: '1,200' is not a number: write it without separators"),
    "a point for a comma, and the reverse": ('700,"1.200,5"', "'1.200,5' is not a number: write it without separators"),
    "Swiss thousands": ("700,1'200", "is not a number: write it without separators"),
    "thousands in seconds": ("1 200,5", "seconds: '1 200' is not a number: write it without separators"),
    "milliseconds": ("1788220800000,1", "seconds: '1788220800000' is beyond the year 9999: .* milliseconds"),
    "a local time": ("2026-10-25 02:30:00,1", "seconds: .* is not a number: if it is a date, seconds are wanted"),
    "a time with its zone": ("2026-10-25T02:30:00+02:00,1", "if it is a date, seconds are wanted"),
    "a day": ("2026-10-25,1", "if it is a date, seconds are wanted"),
    "a German day": ("25.10.2026,1", "if it is a date, seconds are wanted"),
    "an American day": ("10/25/2026 2:30 AM,1", "if it is a date, seconds are wanted"),
    "a day in words": ("25 Oct 2026,1", "if it is a date, seconds are wanted"),
    "a time of day": ("02:30:00,1", "if it is a date, seconds are wanted"),
}


@pytest.mark.parametrize("fault", BAD_RATES)
def test_a_bad_rate_is_left_out_with_file_and_line(fault, write):
    line, message = BAD_RATES[fault]
    path = write(f"seconds,requests_per_second\n0,1.5\n600,2\n{line}\n9000,0\n")
    trace = read_rates(path)
    assert trace.requests.times_s.tolist() == [0, 600, 9000]
    assert trace.requests.per_s.tolist() == [1.5, 2, 0]
    assert trace.requests.end_s == 17_400
    assert trace.notes.bad_lines == 1
    with pytest.raises(BadInput, match=message) as caught:
        read_rates(path, strict=True)
    assert caught.value.where == f"{path}:4"


def test_a_decimal_comma_is_refused_and_said(write):
    path = write("seconds;requests_per_second\n0;812,5\n300;790,1\n")
    with pytest.raises(BadInput, match=r"no usable row .*:2: .*'812,5' is not a number: .* with a point, not a comma"):
        read_rates(path)


def test_one_row_is_not_a_rate(write):
    with pytest.raises(BadInput, match="no usable row"):
        read_rates(write("seconds,requests_per_second\n"))
    with pytest.raises(BadInput, match=r"only one usable row, and two are needed \(.* add the row 3600,1.5\)"):
        read_rates(write("seconds,requests_per_second\n0,1.5\n"))
    with pytest.raises(BadInput, match=r"are needed; the first bad line: .*:3: .*add the row 3660,2"):
        read_rates(write("seconds,requests_per_second\n60,2\n0,1\n"))
    with pytest.raises(BadInput, match="columns missing: requests_per_second"):
        read_rates(write("seconds,rate\n0,1\n"))
