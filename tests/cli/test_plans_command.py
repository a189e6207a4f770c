"""``tidegate plans``: what mode recommend would have moved, why, and what would have come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.planning.followed import Follower, recommendations, total
from connectors.local.audit_file import AuditFile
from controller.decide.decide import decide
from models.audit import Decided
from models.nodes import Side
from models.policies import MovesPolicy, PoolPolicy
from tests.cli.whole_command import Ran, runner
from tests.connectors.local.entries import decided

HPC, KUBERNETES = Side.HPC, Side.KUBERNETES
LEAD_S = 750  # of the snapshots here, as a plan reckons with it
BEGIN_S = 1_796_000_000


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


def entry_of(at_s: int, waiting: int, pool: str = "a", epoch: int = 0, *, jobs: float = 0.0) -> Decided:
    """Eight nodes of the HPC side with ``jobs`` nodes of work that runs, and ``waiting`` pods; two nodes go at once."""
    entry, policy, moves = decided(waiting=waiting, now_s=at_s), PoolPolicy(name=pool), MovesPolicy()
    sides = dict(entry.snapshot.sides)
    sides[HPC] = replace(sides[HPC], demand=replace(sides[HPC].demand, running=jobs))
    snapshot = replace(entry.snapshot, bounds=(policy.bounds(8),) * 24, sides=sides)
    return Decided(epoch, snapshot, policy, moves, decide(snapshot, policy, moves))


def keep(folder: Path, *entries: Decided) -> None:
    file = AuditFile(folder / "audit.jsonl", sync=False)
    for entry in entries:
        file.append(entry)
    file.close()


def an_hour(begin_s: int = BEGIN_S, **more: float) -> list[Decided]:
    """A decision every five minutes with six pods that wait, and one without any at the end."""
    busy = [entry_of(begin_s + 300 * turn, 6, jobs=more.get("jobs", 0.0)) for turn in range(12)]
    return [*busy, entry_of(begin_s + 3600, 0)]


def test_what_comes_of_it_is_worked_out_by_hand():
    (found,) = recommendations(an_hour())
    unmet = total(found.unmet)
    assert found.decisions == 12
    assert unmet.seen == {HPC: 0.0, KUBERNETES: pytest.approx(6.0)}
    assert unmet.followed == {HPC: 0.0, KUBERNETES: pytest.approx(6 - 2 * (3600 - LEAD_S) / 3600)}
    assert unmet.less == pytest.approx(2 * (3600 - LEAD_S) / 3600)


def test_what_the_other_side_loses_counts_from_when_the_nodes_leave():
    (found,) = recommendations(an_hour(jobs=8.0))
    unmet = total(found.unmet)
    assert unmet.seen[HPC] == 0.0
    assert unmet.followed[HPC] == pytest.approx(2.0)


def test_a_node_that_is_busy_leaves_when_its_work_must_have_ended():
    def later(entry: Decided) -> Decided:
        nodes = tuple(
            replace(node, hpc=replace(node.hpc, busy=True, frees_at_s=BEGIN_S + 600)) for node in entry.snapshot.nodes
        )
        return replace(entry, snapshot=replace(entry.snapshot, nodes=nodes))

    (found,) = recommendations([later(one) for one in an_hour()])
    assert total(found.unmet).less == pytest.approx(2 * (3600 - 600 - LEAD_S) / 3600)


def test_a_gap_without_a_decision_is_left_out():
    first, second = entry_of(BEGIN_S, 6), entry_of(BEGIN_S + 7200, 6)
    (found,) = recommendations([first, second])
    assert found.unmet == []


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(0, 6)), min_size=2, max_size=8))
def test_it_never_has_more_nodes_than_the_pool_and_without_moves_nothing_differs(turns: list[tuple[int, int]]):
    follower, still, at_s = Follower(), Follower(), BEGIN_S
    for after_s, waiting in turns:
        at_s += after_s
        entry = entry_of(at_s, waiting)
        follower.take(entry)
        assert all(follower._had(side, at_s) >= 0 for side in Side)
        assert sum(follower._had(side, at_s) for side in Side) <= 8
        since = still.take(replace(entry, plan=replace(entry.plan, moves=())))
        assert since is None or since.less == 0.0


def test_all_are_listed_with_what_would_have_come_of_them(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    keep(tmp_path, *an_hour(), *an_hour(BEGIN_S + 86_400))
    out = run("plans", "--state", tmp_path).out
    assert max(map(len, out.splitlines())) <= 80
    text = " ".join(out.split())
    assert f"{BEGIN_S} 2026-11-30 00:53:20Z to 2026-11-30 01:48:20Z, 12 decisions: 2 nodes to kubernetes, n0" in text
    assert "2 recommendations. Had you followed: 3.2 node-hours less unmet" in text
    assert "Kubernetes 8.8 node-hours unmet instead of 12.0" in text
    assert "Assumed: each plan was followed at once" in text


def test_the_end_of_a_recommendation_is_in_the_audit(tmp_path: Path):
    keep(tmp_path, *an_hour(), entry_of(BEGIN_S + 3900, 0))
    assert len((tmp_path / "audit.jsonl").read_text().splitlines()) == 13


def test_one_is_explained_and_json_has_all(run, tmp_path: Path):
    keep(tmp_path, *an_hour())
    told = " ".join(run("plans", "--state", tmp_path, "--explain", str(BEGIN_S)).out.split())
    assert "Kubernetes had 0 of 8 nodes and should have 2" in told
    assert "n0 to kubernetes: " in told
    assert "6 nodes stay, " in told
    made = json.loads(run("plans", "--state", tmp_path, "--json").out)
    (one,) = made["recommendations"]
    assert (one["id"], one["decisions"], [move["node"] for move in one["moves"]]) == (str(BEGIN_S), 12, ["n0", "n1"])
    assert made["unmet_node_h"]["less"] == pytest.approx(2 * (3600 - LEAD_S) / 3600)


def test_only_those_of_some_hours(run, tmp_path: Path):
    keep(tmp_path, *an_hour(), *an_hour(BEGIN_S + 86_400))
    out = run("plans", "--state", tmp_path, "--from", "2026-12-01T00:00", "--to", "2026-12-02T00:00").out
    assert "1 recommendation." in out
    assert str(BEGIN_S + 86_400) in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--explain", "7"), "no recommendation has the id 7 (there are: "),
        (("--pool", "c"), "nothing was recommended for a pool 'c' (only a, b)"),
        ((), "there are several pools"),
        (("--from", "soon"), "--from is a time such as"),
        (("--from", "2026-12-01", "--to", "2026-12-01"), "--to is not after --from"),
    ],
)
def test_what_cannot_be_told_is_said(run, tmp_path: Path, words: tuple[str, ...], told: str):
    keep(tmp_path, *an_hour(), *([] if "--explain" in words else [entry_of(BEGIN_S, 6, "b")]))
    ran = run("plans", "--state", tmp_path, *words)
    assert ran.code in {1, 2}
    assert told in " ".join(ran.err.split())


def test_what_mode_auto_did_is_no_recommendation(run, tmp_path: Path):
    keep(tmp_path, entry_of(BEGIN_S, 6, epoch=1))
    assert "Nothing was recommended here" in run("plans", "--state", tmp_path).out


def test_a_folder_without_an_audit(run, tmp_path: Path):
    assert "there is no audit" in run("plans", "--state", tmp_path).err
