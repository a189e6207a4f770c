"""``tidegate policy`` as a user types it: output, exit codes, the reference of the policy."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.reference_pages import policy as policy_reference
from models.errors import ImpossibleStep, Unreachable
from models.policies import Policy
from tests.cli.whole_command import Ran, runner

ROOT = Path(__file__).parents[2]
GOOD = "spec: {pools: [{name: a100, floor: {hpc: 8, kubernetes: 8}}]}\n"


EXAMPLE = ROOT / "examples" / "policy.yaml"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return str(path)


def test_the_example_is_taken_as_it_stands_and_all_of_it_is_acted_on(run):
    told = run("policy", "check", str(EXAMPLE), "--nodes", "64")
    assert (told.code, told.err, "note:" in told.out) == (0, "", False)


def test_a_good_policy_is_summed_up_on_one_line(run, good: str):
    told = (
        "recommend, pool a100, forecasts 15m to 2h ahead, decides every 5m, moves at most 25% at once and 100% an hour"
    )
    assert run("policy", "check", good) == (0, f"{good}: ok, policy default: {told}\n", "")


def test_a_service_level_is_in_the_summary(run):
    text = "spec: {pools: [{name: a100, kubernetes: {unmetAtMost: 0.5%}}]}"
    told = "recommend, pool a100 with 0.5% of Kubernetes' demand unmet at most, forecasts"
    assert told in run("policy", "check", "-", stdin=text.encode()).out


def test_a_price_that_would_begin_out_of_its_bounds_is_told_where_it_is_written(run):
    text = "spec: {pools: [{name: a, unmetCost: {hpc: 4.0}, kubernetes: {unmetAtMost: 1%}}]}"
    ran = run("policy", "check", "-", stdin=text.encode())
    assert (ran.code, ran.out) == (1, "")
    assert "spec.pools[0].unmetCost" in ran.err
    assert "must be from 4 to 400, 1 to 100 times that of hpc" in ran.err


def test_a_bad_policy_is_told_on_stderr_and_ends_with_1(run, tmp_path: Path):
    path = tmp_path / "bad.yaml"
    path.write_text("spec:\n  mode: fast\n  zonk: 1\n")
    ran = run("policy", "check", str(path))
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(": ")[0] for line in ran.err.splitlines()] == [f"{path}:2:9", f"{path}:3:3"]


def test_a_dash_reads_standard_input(run):
    assert run("policy", "check", "-", stdin=GOOD.encode()).out.startswith("<stdin>: ok, policy default")
    assert run("policy", "check", "-", stdin=b"\xff").err.startswith("<stdin>:1:1: not UTF-8")


def test_a_missing_file_is_one_line_without_a_traceback(run, tmp_path: Path):
    path = tmp_path / "absent.yaml"
    told = f"{path}: cannot be read: no such file or directory (give the path of a policy file)\n"
    assert run("policy", "check", str(path)) == (1, "", told)


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ("64", "HPC may have 8 to 56, Kubernetes 8 to 56; at most 16 in hand-over at once and 64 moves an hour"),
        ("16", "HPC may have 8 to 8, Kubernetes 8 to 8; at most 4 in hand-over at once and 16 moves an hour; FIXED"),
    ],
)
def test_the_size_of_the_pool_shows_the_split(run, good: str, nodes: str, told: str):
    ran = run("policy", "check", good, "--nodes", nodes)
    assert ran.code == 0
    told = told.replace("FIXED", "the split is fixed, so no node can move")
    assert ran.out.splitlines()[1] == f"pool a100 of {nodes} nodes: {told}"


def test_a_pool_too_small_for_its_floors_is_told_at_the_pool(run, good: str):
    ran = run("policy", "check", good, "--nodes", "15")
    assert ran.code == 1
    assert ran.err.startswith(f"{good}:1:16: spec.pools[0]: the floors and ceilings of pool a100 leave no split")


@pytest.mark.parametrize(
    ("pools", "told"),
    [
        ("{name: a, nodes: 'n[1-4]', floor: {hpc: 5}}", "spec.pools[0].floor: the floors and ceilings of pool a leave"),
        (
            "{name: a, nodes: n1}, {name: b, nodes: 'm[1-4]', ceiling: {hpc: 1, kubernetes: 2}}",
            "spec.pools[1].ceiling: the floors and ceilings of pool b leave no split of its 4 nodes",
        ),
        ("{name: a, nodes: 'n[1-200000]'}", "spec.pools[0].nodes: 'n[1-200000]' is no hostlist of at most 100000"),
        ("{name: a, nodes: 'n[1-4]'}", "spec.pools[0].nodes: these are 4 nodes, and --nodes says 64"),
        ("{name: a, nodes: 'n[1-4]'}, {name: b, nodes: m1}", "spec.pools[0].nodes: these are 4 nodes, and --nodes"),
    ],
)
def test_the_nodes_that_a_pool_names_are_counted(run, pools: str, told: str):
    text = f"spec: {{pools: [{pools}]}}"
    ran = run("policy", "check", "-", *(("--nodes", "64") if "--nodes" in told else ()), stdin=text.encode())
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err


def test_as_many_nodes_as_the_pool_names_are_well(run):
    ran = run("policy", "check", "-", "--nodes", "4", stdin=b"spec: {pools: [{name: a, nodes: 'n[1-4]'}]}")
    assert (ran.code, ran.out.splitlines()[1].split(":")[0]) == (0, "pool a of 4 nodes")


def test_parts_that_are_not_acted_on_yet_are_noted(run):
    text = """spec:
  pools:
    - {name: a, nodes: n1, past: {hpc: {slurm: {partition: a}}}}
    - name: b
      nodes: n2
      hooks: {after: {url: "http://hooks.example.org"}}
      signals: [{name: held, query: sum(slurm_jobs_hold), unit: jobs, maxAge: 5m}]
  moves: {reserveAhead: true}
  takeovers: [{name: t, side: hpc, pool: a, nodes: 1, schedule: "0 0 * * *", duration: 1h}]
  safety: {unreadyMax: 1}
"""
    notes = run("policy", "check", "-", stdin=text.encode()).out.splitlines()[1:]
    keys = ["spec.pools[1] and further", *(f"spec.pools[].{key}" for key in ("hooks", "signals", "past"))]
    assert [note.split(" is accepted, but not acted on everywhere: ")[0] for note in notes] == [
        f"note: {key}" for key in keys
    ]


@pytest.mark.parametrize(
    "arguments", [["policy", "check"], ["polcy"], ["policy", "check", "x", "--nodes", "0"], ["-x"]]
)
def test_wrong_usage_ends_with_2(run, arguments: list[str]):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: tidegate" in ran.err


def test_the_version(run):
    assert run("--version").out.startswith("tidegate 0.")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["policy", "-h"], ["policy", "check", "-h"], ["policy", "schema", "-h"]]
)
def test_help_fits_80_columns(run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]):
    monkeypatch.setenv("COLUMNS", "80")
    ran = run(*arguments)
    assert ran.code == 0
    assert max(len(line) for line in ran.out.splitlines()) <= 80


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="Ctrl-C"),
        pytest.param(Unreachable("slurm gave no answer"), 1, "slurm gave no answer", id="an error of the world"),
        pytest.param(OSError(errno.ENOSPC, "full"), 1, "the output: the disk is full", id="a full disk"),
        pytest.param(OSError(errno.EBADF, "bad"), 70, "OSError: this is a bug in Tidegate", id="another OSError"),
        pytest.param(ImpossibleStep("done, seen busy"), 70, "this is a bug in Tidegate", id="an impossible step"),
        pytest.param(KeyError("x"), 70, "KeyError: this is a bug in Tidegate", id="anything else"),
    ],
)
def test_errors_become_exit_codes(run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str):
    def fail(path: str, form: object) -> None:
        raise error

    monkeypatch.setattr("cli.policy.read_document", fail)
    ran = run("policy", "check", "any.yaml")
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err.splitlines()[-1]
    assert ("Traceback" in ran.err) == (code == 70)


def test_the_schema_is_sorted_json_with_an_id(run):
    text = run("policy", "schema").out
    schema = json.loads(text)
    assert text == json.dumps(schema, indent=2, sort_keys=True) + "\n"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith("policy.schema.json")
    assert schema["title"] == "Tidegate policy"


def test_the_defaults_of_the_schema_are_those_without_a_policy_file():
    def filled(part: dict[str, object], definitions: dict[str, dict[str, object]]) -> dict[str, object]:
        result = {}
        for key, value in part["properties"].items():
            inner = {**definitions.get(value.get("$ref", "").removeprefix("#/$defs/"), {}), **value}
            if "properties" in inner:
                result[key] = filled(inner, definitions)
            elif "default" in inner:
                result[key] = inner["default"]
        return result

    schema = policy_reference.schema()
    assert Policy.model_validate(filled(schema, schema["$defs"]), by_name=False) == Policy()


def test_the_reference_page_has_the_keys_of_a_mapping_that_may_be_left_out():
    page = policy_reference.page_text()
    assert "## `spec.pools[].hooks.before`" in page
    assert "| `before` | mapping | none |" in page


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("6s", "{hpc: 6s, kubernetes: 1m}"),
        ("45s", "{hpc: 45s, kubernetes: 1m}"),
        ("10m", "{hpc: 10m, kubernetes: 10m}"),
    ],
)
def test_the_old_form_of_the_settling_time_is_read_and_what_to_write_is_told(run, written: str, means: str):
    ran = run("policy", "check", "-", stdin=f"spec:\n  moves: {{settle: {written}}}\n".encode())
    told = f"note: <stdin>:2: spec.moves.settle has a value for each side now: write {means}"
    assert (ran.code, ran.out.splitlines()[1]) == (0, told)
    again = run("policy", "check", "-", stdin=f"spec:\n  moves: {{settle: {means}}}\n".encode())
    assert (again.code, len(again.out.splitlines())) == (0, 1)
