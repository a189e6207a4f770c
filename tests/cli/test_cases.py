"""Inputs as real sites have them, from a folder of cases that is no part of the project; skipped where it is absent.

Each row is a file of a case with what is made of it. The values themselves are rows of the tables beside the readers.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import main as command
from models.errors import BadInput
from simulator.traces.pods import read_pods
from simulator.traces.rates import read_rates
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.wanted import Wanted
from simulator.traces.swf import read_swf

CASES = Path(os.environ.get("TIDEGATE_CASES") or Path(__file__).resolve().parents[2].parent / "shared" / "cases")
pytestmark = pytest.mark.shared


def case(name: str) -> Path:
    """The file of a case, given as ``number/file``."""
    number, _, file = name.partition("/")
    folders = sorted(CASES.glob(f"{number}-*"))
    if not folders:
        pytest.skip(f"there is no case {number} in {CASES}; TIDEGATE_CASES names another folder")
    return folders[0] / file


SACCT = {  # per file: number, size and run time of each job; what is passed over, mended, bad
    "01/in.txt": ([(101, 2, 3600), (102, 1, 600), (103, 1, 1800)], 0, 0, 0),
    "02/in.txt": ([(201, 8, 3600), (202, 1, 600), (203, 4, 3600)], 3, 0, 0),
    "03/in.txt": ([(304, 1, 3600)], 3, 1, 0),
    "05/in.txt": ([(501, 2, 3600)], 1, 0, 0),
    "05/json.txt": ([(1, 2, 3600)], 0, 0, 0),
    "07/in.txt": ([(702, 2, 3600), (703, 2, 0)], 0, 1, 1),
    "07/raw.txt": ([(702, 2, 3600)], 0, 0, 2),
    "08/in.txt": ([(801, 1, 3600), (802, 1, 3889), (803, 2, 3600), (804, 1, 4513), (805, 1, 6102)], 0, 5, 0),
    "11/in.txt": ([(1102, 1024, 3600), (1103, 1536, 3600)], 0, 0, 1),
    "14/in.json": ([(1, 2, 3600), (2, 2, 3600)], 0, 1, 0),
    "17/in.json": ([(5, 2, 3600)], 0, 1, 0),
    "46/local.txt": ([(1, 2, 3600), (2, 2, 3900), (3, 2, 0)], 0, 3, 0),
    "46/offset.txt": ([(1, 2, 3600), (2, 2, 1800)], 0, 0, 0),
    "47/in.txt": ([(1, 4, 31_536_000), (2, 2, 3600), (3, 2, 9_000_000), (4, 2, 3600)], 0, 2, 0),
}


@pytest.mark.parametrize("name", SACCT)
def test_an_accounting_is_read(name):
    jobs, passed, mended, bad = SACCT[name]
    trace = read_sacct(case(name), Wanted(timezone="Europe/Berlin")).trace
    assert sorted((job.id, job.procs, job.run_s) for job in trace.jobs) == jobs
    notes = trace.notes
    assert (sum(notes.passed.values()), sum(notes.mended.values()), notes.bad_lines) == (passed, mended, bad)


REFUSED = {
    "05/only-error.txt": "this is what sacct complained: .*Too wide of a date range in query",
    "09/in.txt": "columns missing: JobIDRaw or JobID, State",
    "12/in.txt": "no job to replay",
    "12/empty.txt": "the file is empty",
    "15/in.json": "missing required field `time`",
    "45/in.txt": "this is what sacct complained: 'Slurm accounting storage is disabled'",
    "46/relative.txt": "Submit: not a time: 'Ystday 14:21'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_accounting_is_refused_with_its_true_cause(name):
    with pytest.raises(BadInput, match=REFUSED[name]) as caught:
        read_sacct(case(name), Wanted(timezone="Europe/Berlin"))
    assert "table" not in str(caught.value)


SWF = {
    "18/summary-first.swf": ([(1, 16, 900), (2, 8, 900)], 2, 0, 0),
    "18/bursts-only.swf": ([(1, 16, 900), (2, 8, 900)], 0, 1, 0),
    "19/in.swf": ([(1, 16, 3600), (5, 8, 60), (6, 8, 0)], 3, 0, 0),
    "20/in.swf": ([(1, 256, 3600), (2, 10, 3600), (3, 4, 3600), (4, 4, 9000)], 0, 4, 1),
}


@pytest.mark.parametrize("name", SWF)
def test_a_trace_is_read(name):
    jobs, passed, mended, bad = SWF[name]
    trace = read_swf(case(name))
    assert sorted((job.id, job.procs, job.run_s) for job in trace.jobs) == jobs
    notes = trace.notes
    assert (sum(notes.passed.values()), sum(notes.mended.values()), notes.bad_lines) == (passed, mended, bad)


def test_the_facts_of_a_header_are_read():
    header = read_swf(case("20/in.swf")).header
    assert (header.unix_start_s, header.utc_offset_s) == (899_283_600, 7200)
    assert (header.max_nodes, header.max_procs) == (1152, 9216)


def test_rates_are_read_or_refused():
    assert read_rates(case("22/in.csv"), strict=True).requests.per_s.tolist() == [812.5, 790.1]
    with pytest.raises(BadInput, match=r"2026-10-25 01:30:00.*seconds are wanted"):
        read_rates(case("24/in.csv"))
    rates = read_rates(case("25/in.csv"))
    assert (rates.requests.times_s.tolist(), rates.notes.bad_lines) == ([0, 1200, 90_000, 172_800], 3)


PODS = {  # per file: name, thousandths of a core, MiB and thousandths of a GPU; bad lines
    "26/in.csv": (
        [
            ("openb-pod-0000", 12_000, 16_384, 1000),
            ("openb-pod-0001", 6000, 12_288, 460),
            ("openb-pod-0002", 4000, 15_258, 0),
            ("openb-pod-0003", 1000, 1024, 2000),
            ("openb-pod-0004", 1000, 1024, 8000),
            ("openb-pod-0005", 1000, 1024, 500),
        ],
        1,
    ),
    "27/k8s-doc-examples.csv": ([("big", 50, 124, 0), ("milli", 50, 123, 0), ("old", 50, 12, 0)], 2),
    "27/quantities.csv": (
        [
            ("a", 100, 12, 0),
            ("b", 250, 2**20, 0),
            ("d", 0, 0, 0),
            ("e", 1, 1, 0),
            ("f", 2000, 4096, 0),
            ("g", 2000, 4096, 0),
            ("g#2", 2000, 4096, 0),
        ],
        2,
    ),
}


@pytest.mark.parametrize("name", PODS)
def test_pods_are_read(name):
    pods, bad = PODS[name]
    trace = read_pods(case(name))
    assert sorted((pod.id, pod.cpu_milli, pod.memory_mib, pod.gpu_milli) for pod in trace.pods) == pods
    assert trace.notes.bad_lines == bad


def test_pods_with_dates_are_refused_with_their_true_cause():
    with pytest.raises(BadInput, match=r"creation_time: '2026-09-01T10:00:00Z' is not a number: .*seconds are wanted"):
        read_pods(case("27/in.csv"))


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Replays files, and gives the figures of the one policy and what was told."""

    def replayed(*arguments: object) -> tuple[dict[str, Any], str]:
        out = tmp_path / "out.json"
        monkeypatch.setattr(sys, "argv", ["tidegate", "replay", *map(str, arguments), "--json", str(out)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as end:
            command.main()
        assert end.value.code in (None, 0)
        (figures,) = json.loads(out.read_text())["results"].values()
        return figures, capsys.readouterr().err

    return replayed


def test_partial_executions_are_passed_over_when_strict_too(replayed):
    _, told = replayed("--hpc", case("18/summary-first.swf"), "--hpc-only", "--strict")
    assert "2 of 9 lines left out: a partial execution of a job" in told


def test_jobs_that_never_ran_change_no_figure(replayed):
    options = ("--hpc-only", "--strict", "--start", "hpc=0d")
    with_them, told = replayed("--hpc", case("19/with.swf"), *options)
    without, _ = replayed("--hpc", case("19/without.swf"), *options)
    assert with_them == without
    assert "30 of 431 lines left out: ended before it started" in told


def split(pods: str) -> tuple[object, ...]:
    options = ("--nodes", 16, "--compare", "static", "--start", "hpc=0d,pods=0d")
    return ("--hpc", case("19/without.swf"), "--pods", case(pods), *options)


def test_an_exponent_changes_no_figure(replayed):
    figures, _ = replayed(*split("27/replay-12e6.csv"))
    assert figures == replayed(*split("27/replay-12M.csv"))[0]
    assert figures["unmet_kubernetes_node_h"] == pytest.approx(3.91, abs=0.01)


def test_pods_larger_than_a_node_are_counted_and_told(replayed):
    figures, told = replayed(*split("52/in.csv"))
    assert (figures["pods_refused"], figures["pods_refused_nodes"]) == (41, 82)
    assert [(one["why"], one["count"]) for one in figures["unserved"]] == [("larger-than-a-node", 41)]
    assert "41 pods ask for more than a node of this pool has (largest: 1,024 GiB of memory, a node has 512)" in told
