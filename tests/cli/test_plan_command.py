"""``tidegate plan``, as a user types it, on what the service keeps of a decision, and on an audit alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.local.audit_file import AuditFile
from connectors.local.latest_decision import LatestDecisions
from controller.decide.decide import decide
from models.audit import Decided
from models.forecasts import Forecast, Source
from models.nodes import Side
from models.plans import Hold, ServiceLevel, Switch
from models.policies import MovesPolicy, PoolPolicy
from tests.cli.whole_command import Ran, runner
from tests.connectors.local.entries import decided


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


def entry_of(pool: str = "a", *, moves: MovesPolicy | None = None, waiting: int = 6, now_s: int = 300) -> Decided:
    """Eight nodes of the HPC side and ``waiting`` pods, decided with the policy."""
    entry, policy, moves = decided(waiting=waiting, now_s=now_s), PoolPolicy(name=pool), moves or MovesPolicy()
    bounds = (policy.bounds(8),) * (moves.look_ahead // moves.every)
    snapshot = replace(entry.snapshot, bounds=bounds)
    return Decided(1, snapshot, policy, moves, decide(snapshot, policy, moves))


def keep(folder: Path, *entries: Decided, latest: bool = True) -> None:
    file = AuditFile(folder / "audit.jsonl", sync=False)
    for entry in entries:
        (LatestDecisions(file, folder) if latest else file).append(entry)
    file.close()


def test_the_last_plan_is_told_from_the_state(run, tmp_path: Path):
    keep(tmp_path, entry_of())
    out = run("plan", "--state", tmp_path).out
    assert "Pool a, decided at 0 00:05:00: Kubernetes had 0 of 8 nodes and should have 2." in out
    assert "2 nodes go to kubernetes: n0, n1. It saves" in out
    assert "note" not in out


def test_an_older_state_has_an_audit_only_and_is_read_as_well(run, tmp_path: Path):
    keep(tmp_path, entry_of(), latest=False)
    assert "2 nodes go to kubernetes" in run("plan", "--state", tmp_path).out


@pytest.mark.parametrize("key", ["unmetAtMost=1%", "waitsAtMost=5m"])
def test_a_service_level_changes_nothing_of_one_moment_and_that_is_said(run, tmp_path: Path, key: str):
    keep(tmp_path, entry_of())
    out = " ".join(run("plan", "--state", tmp_path, "--set", f"spec.pools[0].kubernetes.{key}").out.split())
    assert "The plan would be the same." in out
    name = key.partition("=")[0]
    assert f"note: spec.pools[0].kubernetes.{name} changes nothing of this moment: the price" in out
    assert "decided at the price in force, 3 (" in out
    other = run("plan", "--state", tmp_path, "--set", "spec.pools[0].kubernetes.taints=[a]").out
    assert "price in force" not in other


def test_the_newer_of_both_counts(run, tmp_path: Path):
    keep(tmp_path, entry_of(now_s=300))
    keep(tmp_path, entry_of(now_s=310), latest=False)
    assert "decided at 0 00:05:10" in run("plan", "--state", tmp_path).out


def test_the_site_file_says_where_the_state_is(run, tmp_path: Path):
    site = tmp_path / "site.yaml"
    site.write_text(
        "apiVersion: tidegate.dev/v1\nkind: Site\nspec:\n  state: s\n  slurm: {url: 'https://s:6820', tokenFile: t}\n"
    )
    (tmp_path / "s").mkdir()
    keep(tmp_path / "s", entry_of())
    ran = run("plan", "--site", site)
    assert (ran.code, "Pool a" in ran.out) == (0, True), ran.err


def test_explained_it_says_why_from_what_and_what_held(run, tmp_path: Path):
    keep(tmp_path, entry_of())
    ran = run("plan", "--state", tmp_path, "--explain")
    assert ran.code == 0
    lines = ran.out.splitlines()
    order = [
        "2 nodes go to kubernetes: n0, n1.",
        "6 nodes stay, as no more may be in hand-over at once",
        "Decided from:",
        " waiting",
        " chosen",
        " stay",
        "A bound held (at-once): with 4 nodes more for Kubernetes it would cost",
        "limits: Kubernetes has 1 to 7 of 8 nodes",
    ]
    found = [next(number for number, line in enumerate(lines) if line.startswith(text)) for text in order]
    assert found == sorted(found)
    table = lines[found[4] : found[6]]
    assert sum("(+" in line for line in table) == 4  # the chosen split and the three nearest; staying has no sign
    assert sum("not allowed: at-once" in line for line in table) == 2
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("unmet", "told"),
    [
        (0.0234, "of its demand 2.34% waited too long lately, and 1% may"),
        (None, "of its demand nothing has been measured yet, and 1% may"),
    ],
)
def test_a_price_that_follows_is_told_with_what_it_follows(run, tmp_path: Path, unmet: float | None, told: str):
    entry = entry_of()
    keep(tmp_path, replace(entry, plan=replace(entry.plan, service_level=ServiceLevel(4.51, unmet, 0.01))))
    out = " ".join(run("plan", "--state", tmp_path, "--explain").out.split())
    assert f"service level: one node unmet for one hour counts 4.51 for Kubernetes; {told}" in out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["spec.moves.atOnce=4"], "2 nodes would go to kubernetes and did not: n2, n3."),
        (["spec.pools[0].ceiling.kubernetes=1"], "1 node would not go to kubernetes and did: n1."),
        (["spec.moves.minGain=0.36"], "The plan would be the same."),
        (["spec.moves.atOnce=4", "spec.moves.perHour=3"], "1 node would go to kubernetes and did not: n2."),
        (["spec.moves.lookAhead=1h"], "The plan would be the same."),
        (["spec.moves.leadTime=110m"], "note: spec.moves.leadTime changes nothing of this"),
        (["spec.safety.unreadyMax=5"], "note: spec.safety.unreadyMax changes nothing of this"),
        (["spec.pools[0].name=b"], "note: spec.pools[0].name changes nothing of this"),
    ],
)
def test_with_another_policy_the_same_snapshot_is_decided_again(run, tmp_path: Path, changes, told):
    keep(tmp_path, entry_of())
    ran = run("plan", "--state", tmp_path, *(word for change in changes for word in ("--set", change)))
    assert ran.code == 0, ran.err
    assert " ".join(told.split()) in " ".join(ran.out.split())


def test_a_lead_time_that_was_not_learned_is_the_policys(run, tmp_path: Path):
    entry = entry_of()
    lead = {direction: replace(one, median_s=600, p90_s=600) for direction, one in entry.snapshot.lead.items()}
    snapshot = replace(entry.snapshot, lead=lead)
    keep(tmp_path, replace(entry, snapshot=snapshot, plan=decide(snapshot, entry.pool, entry.moves)))
    out = run("plan", "--state", tmp_path, "--set", "spec.moves.leadTime=115m").out
    assert "2 nodes would not go to kubernetes and did: n0, n1." in out


def test_bounds_that_came_from_elsewhere_hold_on_and_that_is_said(run, tmp_path: Path):
    entry = entry_of()
    snapshot = replace(entry.snapshot, bounds=((0, 1), *entry.snapshot.bounds[1:]))
    keep(tmp_path, replace(entry, snapshot=snapshot, plan=decide(snapshot, entry.pool, entry.moves)))
    out = run("plan", "--state", tmp_path, "--set", "spec.moves.atOnce=8").out
    assert "The plan would be the same." in out
    assert "note: how many nodes Kubernetes may have was bounded by more" in out


def test_json_has_all_of_it(run, tmp_path: Path):
    keep(tmp_path, entry_of())
    found = json.loads(run("plan", "--state", tmp_path, "--json", "--set", "spec.moves.atOnce=4").out)
    assert (found["pool"], found["current"], found["target"]) == ("a", 0, 2)
    assert [move["node"] for move in found["moves"]] == ["n0", "n1"]
    assert found["sides"]["kubernetes"]["waiting"] == 6
    assert found["costs"]["chosen"]["kubernetes"] == 2
    assert [one["offset"] for one in found["costs"]["nearest"]] == [3, 1, 4]
    assert found["costs"]["staying"]["cost"] > found["costs"]["chosen"]["cost"]
    assert found["costs"]["held"]["forbidden"] == "at-once"
    assert (found["changed"]["set"], found["changed"]["target"]) == (["spec.moves.atOnce=4"], 4)
    assert found["policy"]["moves"]["atOnce"] == "25%"


def test_nodes_that_are_reserved_are_told(run, tmp_path: Path):
    moves = MovesPolicy(loans="dueDates", at_once=4)
    entry = entry_of(waiting=0, moves=moves)
    view = entry.snapshot.sides[Side.KUBERNETES]
    rows = ((0.0,) * 2, (2.0,) * 2)
    rise = Forecast(Side.KUBERNETES, 300, 0.0, (3000, 3300), (0.25, 0.75), rows, Source.MODEL)
    sides = {**entry.snapshot.sides, Side.KUBERNETES: replace(view, forecast=rise)}
    snapshot = replace(entry.snapshot, sides=sides)
    keep(tmp_path, Decided(1, snapshot, entry.pool, moves, decide(snapshot, entry.pool, moves)))
    told = json.loads(run("plan", "--state", tmp_path, "--json").out)
    assert [(one["node"], one["from_s"]) for one in told["loans"]] == [("n0", 2850), ("n1", 2850)]
    (stays,) = [one for one in told["stays"] if one["reason"] == "loaned"]
    assert stays["nodes"] == ["n0", "n1"]
    out = run("plan", "--state", tmp_path).out
    assert "2 nodes will be reserved for Kubernetes ahead of its demand: n0, n1." in out
    assert "from 43 min from now on" in run("plan", "--state", tmp_path, "--explain").out.replace("\n", " ")
    assert "note" not in out, "the same snapshot gives the same loans"


def test_what_holds_moves_is_told(run, tmp_path: Path):
    entry = entry_of()
    keep(tmp_path, replace(entry, plan=replace(entry.plan, holds=(Hold(Switch.PAUSED, "ann said so"),))))
    assert "Nothing of this is done for now (paused): ann said so" in run("plan", "--state", tmp_path, "--explain").out


def test_a_plan_that_this_release_would_not_make_is_noted(run, tmp_path: Path):
    entry = entry_of()
    keep(tmp_path, replace(entry, plan=replace(entry.plan, target=5)))
    assert "note: this release decides otherwise on the same inputs: target was 5" in run(
        "plan", "--state", tmp_path
    ).out.replace("\n  ", " ")


@pytest.mark.parametrize(
    ("pools", "wanted", "code", "told"),
    [
        ((), (), 1, "nothing was decided here yet"),
        (("a", "b"), (), 1, "there are several pools (add --pool: one of a, b)"),
        (("a", "b"), ("--pool", "b"), 0, ""),
        (("a",), ("--pool", "b"), 1, "nothing was decided about a pool 'b' (only a)"),
        (("a",), ("--set", "spec.moves.minGian=1"), 1, "did you mean minGain?"),
        (("a",), ("--set", "nonsense"), 2, "is not KEY=VALUE"),
        (("a",), ("--site", "x"), 2, "name the folder of the state"),
    ],
)
def test_what_cannot_be_shown_says_why(run, tmp_path: Path, pools, wanted, code, told):
    keep(tmp_path, *(entry_of(pool) for pool in pools))
    ran = run("plan", "--state", tmp_path, *wanted)
    assert (ran.code, told in ran.err) == (code, True), ran.err


def test_without_a_folder_it_says_so(run, tmp_path: Path):
    assert "is no folder" in run("plan", "--state", tmp_path / "none").err
    assert run("plan").code == 2
