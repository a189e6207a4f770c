"""A file is whole or as it was before, and a person is told why it could not be written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from basics.whole_file import check_writable, write_atomically, written_whole
from models.errors import BadInput


@pytest.mark.parametrize("content", ["plain", "ünïcode ⚠", b"\x00\xff", ""])
def test_what_is_written_is_what_is_read(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "report.html"
    write_atomically(path, content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    write_atomically(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device"), MemoryError()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(BadInput if isinstance(error, OSError) else type(error)) as raised:
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    if isinstance(error, OSError):
        assert "No space left on device" in str(raised.value)


def test_a_file_written_little_by_little_is_there_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("old")
    path.chmod(0o640)
    with written_whole(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o640)
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.jsonl"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BadInput("no"), None])
def test_a_file_that_was_not_written_to_its_end_leaves_the_old_one(tmp_path: Path, error: BaseException | None) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("old")

    def write() -> None:
        with written_whole(path) as part:
            if error is not None:
                part.write_text("half")
                raise error

    with pytest.raises(BadInput if error is None else type(error)):
        write()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.jsonl"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing/report.html", "does not exist"),
        ("file/report.html", "is a file, not a folder"),
        (".", "is a folder"),
        ("pipe", "not a file"),
        ("loop", "loop|Too many levels"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInput, match=says) as raised:
        write_atomically(tmp_path / name, "x")
    assert name.rstrip(".") in str(raised.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_place_is_checked_before_the_long_work_and_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="does not exist"):
        check_writable(tmp_path / "missing" / "new.html")


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (check_writable, "asked first"),
        (partial(write_atomically, content="x"), "asked first"),
        (partial(write_atomically, content="x"), "on opening"),
    ],
)
def test_a_folder_without_permission_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None], refusal: str
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    if refusal == "asked first":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadInput, match=r"permission denied \(choose another folder\)"):
        act(tmp_path / "report.html")
