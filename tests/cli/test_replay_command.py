"""``tidegate replay`` as a user types it: figures, exit codes, bad input, Ctrl-C."""

from __future__ import annotations

import gzip
import html
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.whole_command import Ran, runner
from tests.patience import LONG_S, until

ROOT = Path(__file__).parents[2]
FIGURES = [
    "hpc_wait_mean_s",
    "hpc_wait_so_far_mean_s",
    "hpc_wait_median_s",
    "hpc_wait_p95_s",
    "hpc_bounded_slowdown_mean",
    "hpc_jobs_in",
    "hpc_jobs_finished",
    "hpc_jobs_running",
    "hpc_jobs_queued",
    "hpc_jobs_refused",
    "unmet_hpc_node_h",
    "unmet_kubernetes_node_h",
    "unmet_cost",
    "oversize_jobs",
    "oversize_wait_node_h",
    "large_jobs_wait_node_h",
    "pod_wait_mean_s",
    "pod_wait_p95_s",
    "unmet_requests_share",
    "utilisation",
    "moves",
    "handover_lost_node_h",
    "killed",
]
HEAD = "; MaxNodes: 4\n; MaxProcs: 4\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


def swf(*jobs: tuple[int, int, int, int], head: str = HEAD) -> str:
    """Jobs as (submit, run, processors, requested time)."""
    lines = [
        f"{number} {submit_s} -1 {run_s} {procs} -1 -1 {procs} {limit_s} -1 1 1 1 1 1 -1 -1 -1"
        for number, (submit_s, run_s, procs, limit_s) in enumerate(jobs, start=1)
    ]
    return head + "\n".join(lines) + "\n"


JOBS = swf((0, 100, 3, 100), (10, 50, 4, 50), (20, 30, 1, 30))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.swf"
    path.write_text(JOBS)
    return path


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text("seconds,requests_per_second\n" + "".join(f"{600 * n},{10 * (n % 5)}\n" for n in range(24)))
    return path


def figures(path: Path) -> dict:
    return json.loads(path.read_text())["results"]


# ---- figures ----

# By hand: job 1 runs 0-100 on 3 of 4 nodes. FIFO: job 2 100-150, job 3 150-180. EASY: job 3 20-50, job 2 100-150.
BY_HAND = {
    "fifo": {"hpc_wait_mean_s": 220 / 3, "hpc_wait_median_s": 90, "hpc_wait_p95_s": 126, "span_s": 180},
    "easy": {"hpc_wait_mean_s": 30, "hpc_wait_median_s": 0, "hpc_wait_p95_s": 81, "span_s": 150},
}


@pytest.mark.parametrize("discipline", BY_HAND)
def test_the_plain_simulation_equals_one_worked_out_by_hand(run, trace: Path, tmp_path: Path, discipline: str):
    out = tmp_path / "out.json"
    assert run("replay", "--hpc", trace, "--hpc-only", "--discipline", discipline, "--json", out).code == 0
    found, expected = figures(out), dict(BY_HAND[discipline])
    assert list(found) == [discipline]
    span_s = expected.pop("span_s")
    for name, value in expected.items():
        assert found[discipline][name] == pytest.approx(value, abs=1e-5), name
    assert found[discipline]["utilisation"] == pytest.approx((300 + 200 + 30) / (4 * span_s), abs=1e-5)
    assert found[discipline]["hpc_jobs_finished"] == 3
    waits = {"fifo": (0, 90, 130), "easy": (0, 90, 0)}[discipline]
    slowdowns = [(wait + run_s) / run_s for wait, run_s in zip(waits, (100, 50, 30), strict=True)]
    assert found[discipline]["hpc_bounded_slowdown_mean"] == pytest.approx(sum(slowdowns) / 3, abs=1e-5)


def test_the_json_has_exactly_what_is_promised(run, trace: Path, rates: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    ran = run("replay", "--hpc", trace, "--requests", rates, "--compare", "reactive", "--json", out, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    document = json.loads(out.read_text())
    assert list(document) == [
        "input",
        "policy",
        "versions",
        "notes",
        "verdict",
        "winner",
        "foresight_gain",
        "splits",
        "units",
        "frontier",
        "results",
    ]
    assert list(document["results"]) == ["reactive"]
    assert list(document["results"]["reactive"]) == FIGURES
    assert document["input"]["hpc"] == "jobs.swf"
    assert str(tmp_path) not in out.read_text()


def test_shared_cores_run_the_jobs(run, tmp_path: Path):
    """Two nodes of four cores: three jobs of two cores each run at once."""
    path, out = tmp_path / "jobs.swf", tmp_path / "out.json"
    path.write_text(swf((0, 100, 2, 100), (0, 100, 2, 100), (0, 100, 2, 100), head="; MaxProcs: 8\n"))
    arguments = ["--hpc-only", "--shared-cores", "--procs-per-node", 4, "--json", out, "--quiet"]
    assert run("replay", "--hpc", path, *arguments).code == 0
    assert figures(out)["easy"]["hpc_jobs_finished"] == 3
    assert figures(out)["easy"]["hpc_wait_mean_s"] == 0


def test_a_job_larger_than_the_machine_is_counted_not_dropped(run, tmp_path: Path):
    path, out = tmp_path / "jobs.swf", tmp_path / "out.json"
    path.write_text(swf((0, 100, 9, 100), (0, 10, 1, 10)))
    assert run("replay", "--hpc", path, "--nodes", 4, "--hpc-only", "--json", out, "--quiet").code == 0
    found = figures(out)["easy"]
    assert (found["hpc_jobs_in"], found["hpc_jobs_refused"], found["hpc_jobs_finished"]) == (2, 1, 1)


PODS_HEADER = "name,cpu,memory,num_gpu,creation_time,deletion_time,gang\n"
NODE, POOL = (
    ("larger-than-a-node", "for more than a node of this pool has"),
    ("larger-than-the-pool", "for more than Kubernetes can ever have"),
)
TOO_LARGE = {  # lines; how many pods, node-equivalents, why, what the largest asks for
    "memory": (["a,500m,1Ti,0,0,600,"], 1, 2.0, NODE, "1,024 GiB of memory, a node has 512"),
    "cpu": (["a,120,1Gi,0,0,600,"], 1, 1.25, NODE, "120 cpus, a node has 96"),
    "GPUs": (["a,1,1Gi,9,0,600,", "b,1,1Gi,10,0,600,"], 2, 2.375, NODE, "10 GPUs, a node has 8"),
    "a gang": (
        [f"a{number},96,1Gi,0,0,600,ring" for number in range(5)],
        *(5, 5.0, POOL, "5 pods at once, 5 nodes by their sum; Kubernetes can have 4"),
    ),
    "a gang that fits by its sum only": (
        [f"a{number},60,1Gi,0,0,600,ring" for number in range(5)],
        *(5, 3.125, POOL, "5 pods at once, 3.12 nodes by their sum and more by their pieces; Kubernetes can have 4"),
    ),
    "a gang with one such pod": (
        ["a,48,1Gi,0,0,600,ring", "b,1,768Gi,0,0,600,ring"],
        *(2, 2.0, NODE, "768 GiB of memory, a node has 512"),
    ),
    "one that never ends": (["a,192,1Gi,0,0,,"], 1, 2.0, NODE, "192 cpus, a node has 96"),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_pods_that_nobody_can_serve_are_told_everywhere(case, run, tmp_path: Path):
    lines, count, nodes, (why, said), example = TOO_LARGE[case]
    path, out, shown = tmp_path / "pods.csv", tmp_path / "out.json", tmp_path / "out.html"
    path.write_text(PODS_HEADER + "\n".join(["web,1,1Gi,0,0,600,", *lines]))
    ran = run("replay", "--pods", path, "--nodes", 4, "--compare", "static,oracle", "--json", out, "--report", shown)
    note = f"{count} pods ask {said}" if count > 1 else f"1 pod asks {said}"
    document, told = json.loads(out.read_text()), " ".join(ran.out.split())
    assert note in ran.err
    assert f"(largest: {example}): no policy can run" in ran.err
    assert f"Left out: {note}" in told
    assert example in told
    assert "Pods refused" in told
    page = html.unescape(shown.read_text())
    assert "Pods that can never run here" in page
    assert f"<p>{note}" in page
    assert any(line.startswith(note) for line in document["notes"])
    for result in document["results"].values():
        assert (result["pods_refused"], result["pods_refused_nodes"]) == (count, nodes)
        assert result["unserved"] == [
            {"side": "kubernetes", "why": why, "count": count, "nodes": nodes, "example": example}
        ]
        assert (result["unmet_kubernetes_node_h"], result["moves"]) == (0, 0)


def test_no_gpu_on_any_node_is_a_reason_of_its_own(run, tmp_path: Path):
    path, out = tmp_path / "pods.csv", tmp_path / "out.json"
    path.write_text(PODS_HEADER + "web,1,1Gi,0,0,600,\na,1,1Gi,2,0,600,\n")
    shape = ("--node-shape", "cpu=96,memory=512Gi")
    ran = run("replay", "--pods", path, "--nodes", 4, "--compare", "static", "--json", out, *shape)
    (found,) = json.loads(out.read_text())["results"]["static"]["unserved"]
    assert (found["why"], found["example"]) == ("no-such-resource", "2 GPUs, a node has none")
    assert "1 pod asks for what no node of this pool has (largest: 2 GPUs, a node has none)" in ran.err


def test_jobs_larger_than_their_side_can_be_are_told_with_the_reason(run, tmp_path: Path):
    path, policy, out = tmp_path / "jobs.swf", tmp_path / "policy.yaml", tmp_path / "out.json"
    path.write_text(swf((0, 100, 9, 100), (0, 100, 4, 100), (5, 10, 1, 10)))
    policy.write_text("spec: {pools: [{name: pool, floor: {kubernetes: 1}}]}\n")
    ran = run("replay", "--hpc", path, "--nodes", 4, "--policy", policy, "--compare", "static,oracle", "--json", out)
    assert "2 jobs ask for more than HPC can ever have of this pool" in ran.err
    assert "(largest: 9 nodes, HPC can have 3): no split that the policy allows can run them" in ran.err
    for result in json.loads(out.read_text())["results"].values():
        (found,) = result["unserved"]
        assert (found["side"], found["why"], found["count"], found["nodes"]) == ("hpc", "larger-than-the-pool", 2, 13)
        assert (result["hpc_jobs_refused"], result["oversize_jobs"], result["hpc_jobs_finished"]) == (1, 1, 1)


def test_pods_that_fit_are_not_noted(run, tmp_path: Path):
    path, out = tmp_path / "pods.csv", tmp_path / "out.json"
    path.write_text(PODS_HEADER + "web,96,512Gi,8,0,600,\n")
    ran = run("replay", "--pods", path, "--nodes", 1, "--compare", "static", "--json", out)
    assert "no policy can run" not in ran.err
    assert list(figures(out)["static"]) == FIGURES


@pytest.mark.parametrize("memory", ["12e6", "12000000000m", "11719Ki", "0.012G"])
def test_a_unit_of_memory_changes_no_replay(memory, run, tmp_path: Path):
    found = []
    for text in ("12M", memory):
        path, out = tmp_path / "pods.csv", tmp_path / "out.json"
        path.write_text(PODS_HEADER + "\n".join(f"p{i},500m,{text},0,{i * 300},{i * 300 + 600}," for i in range(20)))
        assert run("replay", "--pods", path, "--nodes", 2, "--compare", "static", "--json", out, "--quiet").code == 0
        found.append(figures(out))
    assert found[0] == found[1]


def test_jobs_that_never_ran_change_no_replay(run, tmp_path: Path):
    """A phantom of the whole machine with a limit of ten hours held up every job behind it."""
    path, out, found = tmp_path / "jobs.swf", tmp_path / "out.json", []
    ran_jobs = [f"{i} {i * 600} 0 {3000 + i * 7} 1 -1 -1 1 7200 -1 1 1 -1 -1 -1 -1 -1 -1" for i in range(1, 41)]
    phantoms = [f"{i + 900} {i * 600 + 30} 100 0 0 -1 -1 4 36000 -1 5 2 -1 -1 -1 -1 -1 -1" for i in range(1, 41, 5)]
    for lines in (ran_jobs, ran_jobs + phantoms):
        path.write_text(HEAD + "\n".join(lines))
        ran = run("replay", "--hpc", path, "--hpc-only", "--strict", "--json", out)
        found.append(figures(out))
    assert found[0] == found[1]
    assert "8 of 50 lines left out: ended before it started" in ran.err


def test_a_gz_trace_reads_like_a_plain_one(run, trace: Path, tmp_path: Path):
    packed = tmp_path / "jobs.swf.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    for path, out in ((trace, one), (packed, two)):
        assert run("replay", "--hpc", path, "--hpc-only", "--json", out, "--quiet").code == 0
    assert figures(one) == figures(two)


def test_a_repeated_job_is_left_out_with_a_note(run, tmp_path: Path):
    path, out = tmp_path / "jobs.swf", tmp_path / "out.json"
    line = "1 0 -1 10 1 -1 -1 1 10 -1 1 1 1 1 1 -1 -1 -1\n"
    path.write_text(HEAD + line + line)
    ran = run("replay", "--hpc", path, "--hpc-only", "--json", out)
    assert ran.code == 0
    assert figures(out)["easy"]["hpc_jobs_finished"] == 1
    assert "jobs.swf: 1 of" in ran.err


# ---- bad input ----

BAD = {
    "missing": None,
    "empty": b"",
    "only comments": b"; MaxNodes: 4\n",
    "truncated gz": gzip.compress(JOBS.encode() * 50)[:-40],
    "binary": bytes(range(256)) * 20,
    "not a trace": b"hello world\nthis is no trace\n",
}


@pytest.mark.parametrize("option", ["--hpc", "--requests", "--pods"])
@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_bad_input_names_the_file_and_shows_no_traceback(run, tmp_path: Path, content: bytes | None, option: str):
    path, out = tmp_path / ("bad.gz" if content and content[:2] == b"\x1f\x8b" else "bad.txt"), tmp_path / "out.json"
    if content is not None:
        path.write_bytes(content)
    ran = run("replay", option, path, "--nodes", 4, "--json", out)
    assert ran.code == 1
    assert path.name in ran.err
    assert "Traceback" not in ran.err
    assert not out.exists()


def test_a_bad_line_is_left_out_with_a_note_and_refused_when_strict(run, trace: Path):
    trace.write_text(JOBS + "4 nonsense\n")
    ran = run("replay", "--hpc", trace, "--hpc-only")
    assert ran.code == 0
    assert "jobs.swf: 1 of" in ran.err
    strict = run("replay", "--hpc", trace, "--hpc-only", "--strict")
    assert strict.code == 1
    assert "jobs.swf:6" in strict.err


def test_a_pool_of_unknown_size_says_what_to_do(run, trace: Path):
    trace.write_text(swf((0, 1, 1, 1), head=""))
    ran = run("replay", "--hpc", trace, "--hpc-only")
    assert ran.code == 1
    assert "--nodes" in ran.err


WRONG = {
    "start of an unknown unit": ("--start", "hpc=100w"),
    "a hand-over of an unknown unit": ("--handover", "20x"),
    "a hand-over of more than a week": ("--handover", "8d"),
    "start of nothing known": ("--start", "jobs=1d"),
    "start twice": ("--start", "hpc=1d,hpc=2d"),
    "shape without memory": ("--node-shape", "cpu=4"),
    "shape with an unknown part": ("--node-shape", "cpu=4,memory=1Gi,disk=3"),
    "shape of nothing": ("--node-shape", "cpu=0,memory=1Gi"),
    "shape with words": ("--node-shape", "cpu=many,memory=1Gi"),
    "an unknown policy": ("--compare", "static,magic"),
    "no policy": ("--compare", ","),
    "a policy twice": ("--compare", "static,static"),
    "no nodes": ("--nodes", "0"),
    "days of nothing": ("--days", "0"),
    "a node that serves all": ("--rate-per-node", "inf"),
    "a node that serves no number": ("--rate-per-node", "nan"),
    "an unknown discipline": ("--discipline", "lifo"),
    "an unknown option": ("--frobnicate",),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_is_told_from_bad_input(run, trace: Path, arguments: tuple[str, ...]):
    ran = run("replay", "--hpc", trace, *arguments)
    assert ran.code == 2
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("arguments", [(), ("--hpc-only",)], ids=["nothing", "--hpc-only alone"])
def test_nothing_to_replay_is_wrong_usage(run, arguments: tuple[str, ...]):
    assert run("replay", *arguments).code == 2


@pytest.mark.parametrize("option", ["--report", "--json", "--audit"])
def test_a_missing_folder_is_refused_before_the_work(run, monkeypatch, trace: Path, tmp_path: Path, option: str):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("cli.replaying.comparison.compare", never)
    monkeypatch.setattr("cli.replaying.comparison.simulate_hpc", never)
    ran = run("replay", "--hpc", trace, option, tmp_path / "nowhere" / "out.file")
    assert ran.code == 1
    assert "nowhere" in ran.err


# ---- Ctrl-C ----


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def worked_s(pid: int) -> float:
    """Processor time that the process has had."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds child processes through /proc")
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["Ctrl-C", "SIGTERM"],
)
@pytest.mark.parametrize(
    ("wait_for_children", "work_s"),
    [(0, 0), (2, 0), (2, 2)],
    ids=["at the beginning", "while processes start", "while they work"],
)
def test_a_replay_that_is_ended_leaves_nothing_behind(
    tmp_path: Path, wait_for_children: int, work_s: float, number: signal.Signals, code: int, said: str
):
    trace, rates, out = tmp_path / "jobs.swf", tmp_path / "rates.csv", tmp_path / "out"
    out.mkdir()
    trace.write_text(swf(*((60 * n, 3000, 1 + n % 40, 4000) for n in range(30_000)), head="; MaxNodes: 64\n"))
    rates.write_text("seconds,requests_per_second\n" + "".join(f"{600 * n},{n % 97}\n" for n in range(3_000)))
    command = "from cli.main import main; main()"
    arguments = ["--hpc", trace, "--requests", rates, "--report", out / "r.html", "--json", out / "r.json"]
    arguments += ["--audit", out / "a.jsonl"]
    with subprocess.Popen(
        [sys.executable, "-c", command, "replay", *map(str, arguments), "--compare", "reactive,oracle,persistence"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()  # a note, printed just before the work begins
            begun: list[int] = []

            def at_work() -> bool:
                begun[:] = children(process.pid)
                return len(begun) >= wait_for_children and max(map(worked_s, begun), default=0) >= work_s

            until(at_work)
            process.send_signal(number)
            # the end of the output is the end of all that hold it: the children, too
            out_text, err_text = process.communicate(timeout=LONG_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert told.startswith("note:")
    assert process.returncode == code, err_text
    assert said in err_text
    assert "Traceback" not in out_text + err_text
    assert list(out.iterdir()) == []
    until(lambda: all(gone(child) for child in begun))  # a process lets go of its output a moment before it is gone
