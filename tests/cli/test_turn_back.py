"""``tidegate turn-back`` on a lock file, with and without somebody who leads by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from connectors.local.lock_file import LockFile
from models.errors import BadInput
from models.handovers import Stage
from tests.cli.test_handovers_command import course, write


def test_whoever_leads_hears_it_at_the_next_tick(tmp_path: Path):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    result = CliRunner().invoke(app, ["turn-back", "site_pool.7.4", str(tmp_path / "lead")], catch_exceptions=False)
    assert (result.exit_code, "site_pool.7.4 is ordered back" in result.output) == (0, True)
    assert "leads, in epoch 1, and hears it within seconds" in result.output
    leader.tick()
    assert leader.orders.turned_back == ("site_pool.7.4",)


IDS = {
    "the end of one": ("7.4", "hand-over campus_a100.7.4 is ordered back", "campus_a100.7.4"),
    "a whole one": ("campus_a100.7.4", "hand-over campus_a100.7.4 is ordered back", "campus_a100.7.4"),
    "another machine's": ("campus_a100.8.1", "note: it is ordered as typed, but ", "campus_a100.8.1"),
    "the end of none": ("7.44", "no hand-over has the id '7.44' (close to it: campus_a100.7.4", None),
    "one that is over": ("7.1", "cannot be turned back any more: it is in stage done", None),
    "one that is opening": ("7.2", "cannot be turned back any more: it is in stage opening", None),
}


@pytest.mark.parametrize(("ident", "said", "ordered"), IDS.values(), ids=IDS)
def test_an_id_is_taken_as_the_list_of_hand_overs_has_it(tmp_path: Path, ident: str, said: str, ordered: str | None):
    leader = LockFile(tmp_path / "lock")
    leader.tick()
    stages = {"7.1": Stage.DONE, "7.2": Stage.OPENING, "7.4": Stage.DRAINING}
    entries = [one for end, stage in stages.items() for one in course(f"campus_a100.{end}", f"n{end[-1]}", (60, stage))]
    write(tmp_path / "audit.jsonl", *entries)
    result = CliRunner().invoke(app, ["turn-back", ident, str(tmp_path / "lock")])
    assert said in f"{result.output}{result.exception}"
    leader.tick()
    assert leader.orders.turned_back == (() if ordered is None else (ordered,))


def test_without_an_audit_the_id_has_to_be_whole(tmp_path: Path):
    LockFile(tmp_path / "lock").tick()
    with pytest.raises(
        BadInput, match=r"audit.jsonl: cannot be read: no such .* \(give the whole id, as tidegate status"
    ):
        CliRunner().invoke(app, ["turn-back", "7.4", str(tmp_path / "lock")], catch_exceptions=False)


@pytest.mark.parametrize(
    ("ident", "said"),
    [("h1", "so nobody would hear it"), ("a_b.7." + "4" * 200, "no hand-over has an id")],
    ids=["no lock", "no id"],
)
def test_what_nobody_can_hear_is_refused(tmp_path: Path, ident: str, said: str):
    lock = tmp_path / "lead"
    if len(ident) > 9:
        LockFile(lock).tick()
    with pytest.raises(BadInput, match=said):
        CliRunner().invoke(app, ["turn-back", ident, str(lock)], catch_exceptions=False)
    assert len(ident) > 9 or not lock.exists()
