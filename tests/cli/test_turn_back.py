"""``tidegate turn-back`` on a lock file, with and without somebody who leads by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from connectors.local.lock_file import LockFile
from models.errors import BadInput


def test_whoever_leads_hears_it_at_the_next_tick(tmp_path: Path):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    result = CliRunner().invoke(app, ["turn-back", "site_pool.7.m4", str(tmp_path / "lead")], catch_exceptions=False)
    assert (result.exit_code, "site_pool.7.m4 is ordered back" in result.output) == (0, True)
    leader.tick()
    assert leader.orders.turned_back == ("site_pool.7.m4",)


@pytest.mark.parametrize(
    ("ident", "said"), [("h1", "so nobody hears it"), ("h" * 200, "no hand-over has an id")], ids=["no lock", "no id"]
)
def test_what_nobody_can_hear_is_refused(tmp_path: Path, ident: str, said: str):
    lock = tmp_path / "lead"
    if len(ident) > 9:
        LockFile(lock).tick()
    with pytest.raises(BadInput, match=said):
        CliRunner().invoke(app, ["turn-back", ident, str(lock)], catch_exceptions=False)
    assert len(ident) > 9 or not lock.exists()
