"""``tidegate import sacct`` as a user types it: what is written and told, exit codes, and a replay of the result."""

from __future__ import annotations

import gzip
import json
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.importing.summary import BAD_SHOWN
from simulator.traces.sacct.wanted import COMMAND
from tests.cli.whole_command import Ran, runner
from tests.simulator.sacct_text import DAY_S, document, parsable, record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


def at(number: int, submit_s: int, **changes: str) -> dict[str, str]:
    """A job of 600 s that starts a minute after it was submitted, on the clock of DAY_S."""
    times = {"Submit": submit_s, "Eligible": submit_s, "Start": submit_s + 60, "End": submit_s + 660}
    return {"JobIDRaw": str(number), **{name: str(DAY_S + at_s) for name, at_s in times.items()}, **changes}


MONTH = parsable(
    *(at(number, 600 * number, User="alice" if number % 3 else "bob") for number in range(1, 301)),
    at(301, 0, State="PENDING"),
    at(302, 0, TimelimitRaw="UNLIMITED"),
    at(303, 0, Submit="gestern"),
    {"JobIDRaw": "302.batch"},
)


@pytest.fixture
def month(tmp_path: Path) -> Path:
    path = tmp_path / "month.txt"
    path.write_text(MONTH)
    return path


def test_what_is_in_it_is_told_and_written(run, month: Path, tmp_path: Path):
    out = tmp_path / "month.swf"
    ran = run("import", "sacct", month, "--output", out)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "month.txt: 301 jobs of 2 users, from 305 lines",
        "",
        "  arrived   2026-09-01 00:00 to 2026-09-03 02:00, 2.1 days",
        "  nodes     2 in use at most (on 2026-09-01 00:01), 2.0 on average",
        "  one job   2 nodes at most, 10 minutes at most",
        "  left out           1  Submit: not a time",
        "                     1  a step of a job",
        "                     1  pending, has not run",
        "  mended             1  no time limit, run time used",
        "",
        f"written   {out}",
        f"next      tidegate replay --hpc-only --hpc {out} --nodes 2",
        "          with the nodes that the pool has, if those are more than 2:",
        "          whether jobs wait there as long as they did. To compare policies, put",
        "          --requests FILE or --pods FILE, Kubernetes' demand, for --hpc-only",
    ]
    assert ran.err == f"note: left out: {month}:304: Submit: not a time: 'gestern'\n"
    assert len([line for line in out.read_text().splitlines() if not line.startswith(";")]) == 301
    assert "alice" not in out.read_text()


def test_the_command_that_is_told_next_runs(run, month: Path, tmp_path: Path):
    out, figures = tmp_path / "a month.swf", tmp_path / "out.json"
    told = run("import", "sacct", month, "-o", out).out
    line = next(line for line in told.splitlines() if line.startswith("next"))
    arguments = shlex.split(line.removeprefix("next"))[1:]
    ran = run(*arguments, "--json", figures)
    assert ran.code == 0
    assert "HPC wait, mean" in ran.out
    assert "Kubernetes" not in ran.out
    assert json.loads(figures.read_text())["results"]["easy"]["hpc_jobs_finished"] == 301


def test_the_accounting_itself_can_be_replayed(run, month: Path, tmp_path: Path):
    """With the same figures as what was imported, and the same notes."""
    out = tmp_path / "month.swf"
    assert run("import", "sacct", month, "-o", out).code == 0
    (tmp_path / "month.json").write_text(
        document(
            *(
                record(
                    job_id=number,
                    user="alice" if number % 3 else "bob",
                    time__submission=DAY_S + at_s,
                    time__eligible=DAY_S + at_s,
                    time__start=DAY_S + at_s + 60,
                    time__end=DAY_S + at_s + 660,
                    **({} if number < 302 else {"time__limit": None}),
                )
                for number, at_s in [*((number, 600 * number) for number in range(1, 301)), (302, 0)]
            )
        )
    )
    found = []
    for path in (out, month, tmp_path / "month.json"):
        figures = tmp_path / f"{path.suffix}.json"
        ran = run("replay", "--hpc", path, "--nodes", 4, "--hpc-only", "--json", figures)
        assert ran.code == 0
        found.append(json.loads(figures.read_text())["results"])
        assert "mended: no time limit, run time used" in ran.err or path == out
    assert found[0] == found[1] == found[2]


def test_a_replay_says_what_it_left_out_of_an_accounting(run, month: Path):
    ran = run("replay", "--hpc", month, "--nodes", 4, "--hpc-only")
    assert ran.code == 0
    for told in ("left out: a step of a job", "left out: pending, has not run", "mended: no time limit, run time used"):
        assert f"note: month.txt: 1 of 305 lines {told}" in ran.err
    assert f"1 of 305 lines left out, the first: {month}:304: Submit" in ran.err
    assert run("replay", "--hpc", month, "--nodes", 4, "--hpc-only", "--strict").code == 1


def test_cores_are_replayed_as_cores_on_shared_nodes(run, month: Path, tmp_path: Path):
    out = tmp_path / "cores.swf"
    ran = run("import", "sacct", month, "-o", out, "--unit", "cores")
    assert f"next      tidegate replay --hpc-only --hpc {out} --nodes 2 --procs-per-node 96 --shared-cores" in ran.out
    assert " 192 -1 -1 192 " in out.read_text()


def test_days_and_partitions_are_chosen_in_a_zone(run, month: Path):
    ran = run("import", "sacct", month, "--since", "2026-09-02", "--until", "2026-09-03", "--timezone", "Asia/Tokyo")
    assert "  arrived   2026-09-02 00:00 to 2026-09-02 23:50, 23.8 hours" in ran.out
    assert "arrived before --since" in ran.out
    assert "nothing is written" in ran.out
    ran = run("import", "sacct", month, "--partition", "gpu,debug", "--partition", "cpu")
    assert "301 jobs" in ran.out
    ran = run("import", "sacct", month, "--partition", "cpu")
    assert (ran.code, ran.out) == (1, "")
    assert "in another partition" in ran.err


def test_a_pipe_is_read(run, tmp_path: Path):
    for content in (MONTH.encode(), gzip.compress(MONTH.encode()), document(record()).encode()):
        ran = run("import", "sacct", "-", "-o", tmp_path / "out.swf", stdin=content)
        assert ran.code == 0
        assert ran.out.startswith("<stdin>: ")
    assert run("import", "sacct", "-").code == 1


def test_the_same_input_gives_the_same_bytes_packed_if_so_named(run, month: Path, tmp_path: Path):
    contents = []
    for name in ("one.swf.gz", "two.swf.gz", "three.swf"):
        assert run("import", "sacct", month, "-o", tmp_path / name, "--quiet") == Ran(0, "", "")
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert gzip.decompress(contents[0]) == contents[2]


def test_only_the_first_bad_lines_are_shown(run, tmp_path: Path):
    path = tmp_path / "bad.txt"
    path.write_text(parsable({}, *({"JobIDRaw": str(number), "Submit": "?"} for number in range(200, 250))))
    ran = run("import", "sacct", path)
    assert ran.err.count("note: left out: ") == BAD_SHOWN
    assert f"{50 - BAD_SHOWN} more lines could not be read either" in ran.err
    assert "        50  Submit: not a time" in ran.out


def test_jobs_that_arrived_long_before_the_others_are_noticed(run, tmp_path: Path):
    path = tmp_path / "early.txt"
    path.write_text(parsable(at(1, -40 * 86_400), *(at(number, 600 * number) for number in range(2, 1000))))
    ran = run("import", "sacct", path)
    assert "note: 1 job arrived long before the others; --since 2026-09-01 leaves out what came earlier" in ran.err
    assert "1  arrived before --since" in run("import", "sacct", path, "--since", "2026-09-01").out


def test_no_line_is_wider_than_80_columns(run, tmp_path: Path):
    path = tmp_path / "wide.txt"
    path.write_text(
        parsable(
            {"Submit": str(DAY_S), "Eligible": str(DAY_S + 65)},
            at(7, 0, NNodes="1000000", End="Unknown", State="RUNNING"),
        )
    )
    assert max(map(len, run("import", "sacct", path).out.splitlines())) <= 80


# ---- bad input and wrong usage ----

BAD = {
    "missing": (None, "no such file"),
    "empty": (b"", "the file is empty"),
    "columns missing": (b"JobID|State\n1|COMPLETED\n", COMMAND),
    "not text": (bytes(range(256)), "not text"),
    "truncated gz": (gzip.compress(MONTH.encode())[:-40], "ends early"),
    "only pending": (parsable({"State": "PENDING"}).encode(), "1 pending"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_1_and_leaves_the_output_alone(case, run, tmp_path: Path):
    content, message = BAD[case]
    path, out = tmp_path / "bad.txt", tmp_path / "out.swf"
    out.write_text("old")
    if content is not None:
        path.write_bytes(content)
    ran = run("import", "sacct", path, "-o", out)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert str(path) in ran.err
    assert "Traceback" not in ran.err
    assert out.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        ["out.swf", *(["bad.txt"] if content is not None else [])]
    )


def test_strict_refuses_at_the_first_bad_line(run, month: Path, tmp_path: Path):
    ran = run("import", "sacct", month, "-o", tmp_path / "out.swf", "--strict")
    assert ran.code == 1
    assert f"{month}:304: Submit: not a time: 'gestern'" in ran.err
    assert not (tmp_path / "out.swf").exists()


WRONG = {
    "a zone that is none": ("--timezone", "Mars"),
    "a day that is none": ("--since", "yesterday"),
    "days the wrong way": ("--since", "2026-09-02", "--until", "2026-09-02"),
    "a limit of an unknown unit": ("--default-limit", "60w"),
    "a limit of nothing": ("--default-limit", "0s"),
    "an unknown unit": ("--unit", "gpus"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_ends_with_2(case, run, month: Path):
    ran = run("import", "sacct", month, *WRONG[case])
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err


def test_the_file_that_is_read_is_not_written_over(run, month: Path):
    (month.parent / "link.txt").symlink_to(month)
    for out in (month, month.parent / "link.txt"):
        assert run("import", "sacct", month, "-o", out).code == 2
    assert month.read_text() == MONTH


def test_a_missing_folder_is_refused_before_the_work(run, tmp_path: Path):
    ran = run("import", "sacct", tmp_path / "absent.txt", "-o", tmp_path / "nowhere" / "out.swf")
    assert ran.code == 1
    assert "nowhere" in ran.err


def test_progress_is_shown_where_a_person_looks_on(month: Path, tmp_path: Path):
    """As on a terminal: standard error is one, standard output a pipe."""
    ours, theirs = pty.openpty()
    code = "from cli.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "import", "sacct", month, "-o", tmp_path / "out.swf"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    assert b"reading" in os.read(ours, 100_000)
    os.close(ours)
    assert b"301 jobs" in ran.stdout
