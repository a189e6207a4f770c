"""No command writes over what it reads, or twice to one file, by whatever names."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from models.errors import TidegateError

FILES = ("month.swf", "rate.csv", "pods.csv", "p.yaml", "bus.yaml")
READ = ("--hpc", "month.swf", "--requests", "rate.csv", "--pods", "pods.csv", "--policy", "p.yaml")
BUS = ("--bus", "sqlite:bus.db", "--bus-settings", "bus.yaml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to(tmp_path / "month.swf")
    (tmp_path / "hard").hardlink_to(tmp_path / "month.swf")
    (tmp_path / "sub").mkdir()
    (tmp_path / "to-sub").symlink_to(tmp_path / "sub")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "one", "other"),
    [
        (("replay", *READ, "--report", "month.swf"), "--report", "--hpc"),
        (("replay", *READ, "--audit", "rate.csv"), "--audit", "--requests"),
        (("replay", *READ, "--json", "pods.csv"), "--json", "--pods"),
        (("replay", *READ, "--json", "p.yaml"), "--json", "--policy"),
        (("replay", *READ, *BUS, "--json", "bus.yaml"), "--json", "--bus-settings"),
        (("replay", *READ, *BUS, "--audit", "bus.db"), "--audit", "--bus"),
        (("replay", *READ, "--json", "same", "--report", "same"), "--json", "--report"),
        (("replay", *READ, "--json", "same", "--audit", "./same"), "--audit", "--json"),
        (("replay", *READ, "--report", "sub/../month.swf"), "--report", "--hpc"),
        (("replay", *READ, "--report", "link"), "--report", "--hpc"),
        (("replay", *READ, "--report", "hard"), "--report", "--hpc"),
        (("replay", *READ, "--report", "sub/new", "--json", "to-sub/new"), "--json", "--report"),
        (("replay", "--hpc-only", *READ, "--json", "rate.csv"), "--json", "--requests"),
        (("demo", "--json", "tidegate-demo.html"), "--json", "--report"),
        (("demo", *BUS, "--audit", "bus.yaml"), "--audit", "--bus-settings"),
        (("import", "sacct", "month.swf", "-o", "link"), "--output", "FILE"),
        (("import", "sacct", "month.swf", "-o", "hard"), "--output", "FILE"),
    ],
    ids=lambda value: " ".join(value[-4:]) if isinstance(value, tuple) else None,
)
def test_an_output_that_is_also_another_file_of_the_command_is_refused(
    folder: Path, words: tuple[str, ...], one: str, other: str
):
    told = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert told.exit_code == 2, (told.output, told.exception)
    assert one in told.output
    assert other in told.output
    assert "same file" in told.output
    assert {name: (folder / name).read_text() for name in FILES} == {name: name for name in FILES}
    assert sorted(path.name for path in folder.iterdir()) == sorted((*FILES, "link", "hard", "sub", "to-sub"))


def test_links_in_a_circle_are_told_as_that(folder: Path):
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    told = CliRunner().invoke(app, ["replay", *READ, "--json", "a", "--report", "b"], env={"COLUMNS": "200"})
    assert isinstance(told.exception, TidegateError | SystemExit), told.exception
