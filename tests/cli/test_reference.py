"""``tidegate reference``: what is generated is up to date, and is refused and mended where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import reference
from cli.main import app
from models.errors import BadInput

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
NAMES = list(reference.files())


def run(*words: str) -> None:
    result = CliRunner().invoke(app, ["reference", *words], catch_exceptions=False)
    assert (result.exit_code, result.output) == (0, "")


def test_the_generated_files_are_up_to_date():
    assert reference.stale(FOLDER) == [], "run make generate"


def test_the_policy_the_hand_overs_and_the_events_are_in_it():
    assert {"policy.md", "policy.schema.json", "handovers.md", "events.md", "events/asyncapi.yaml"} < set(NAMES)


def test_stale_generated_files_are_refused_and_written(tmp_path: Path):
    with pytest.raises(BadInput, match="run make generate"):
        run("--check", str(tmp_path))
    run(str(tmp_path))
    run("--check", str(tmp_path))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_generated_file_can_be_stale_alone(tmp_path: Path, name: str):
    run(str(tmp_path))
    (tmp_path / name).write_text("old")
    assert reference.stale(tmp_path) == [name]
    with pytest.raises(BadInput, match=f"not up to date: {name} "):
        run("--check", str(tmp_path))


def test_what_is_no_longer_generated_is_refused_and_removed(tmp_path: Path):
    run(str(tmp_path))
    (tmp_path / "events" / "dev.tidegate.old.v1.schema.json").write_text("{}")
    (tmp_path / "mine.md").write_text("not generated")
    assert reference.stale(tmp_path) == ["events/dev.tidegate.old.v1.schema.json"]
    run(str(tmp_path))
    assert reference.stale(tmp_path) == []
    assert (tmp_path / "mine.md").exists()
    assert len(list((tmp_path / "events").iterdir())) == sum(name.startswith("events/") for name in NAMES)


def test_the_help_does_not_list_it():
    assert "reference" not in CliRunner().invoke(app, ["--help"]).output
