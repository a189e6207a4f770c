"""The audit in a file: what was appended is there and can be read, whatever fails in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.local import audit_file
from connectors.local.audit_file import AuditFile, read_audit
from connectors.local.audit_json import encode
from models.audit import AuditLog, Decided, Entry
from models.errors import BadInput, Unrecorded
from models.plans import Switch
from tests.connectors.local.entries import ANSWERED, ASKED, ENTERED, SMALL, decided

ROOT = Path(__file__).parents[3]
PAUSED, STALE = Switch.PAUSED, Switch.STALE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def append(path: Path, *entries: Entry, sync: bool = True) -> None:
    audit: AuditLog = AuditFile(path, sync=sync)
    for entry in entries:
        audit.append(entry)
    audit.close()


def read(path: Path) -> list[Entry]:
    return list(read_audit(path))


@pytest.mark.parametrize("sync", [True, False])
def test_what_is_appended_is_read(path: Path, sync: bool):
    append(path, *SMALL, sync=sync)
    append(path, *SMALL, sync=sync)
    assert read(path) == [*SMALL, *SMALL]
    assert list(read_audit(path, {"asked"})) == [ASKED, ASKED]


def test_an_entry_is_on_disk_before_append_returns(path: Path, monkeypatch: pytest.MonkeyPatch):
    synced = []
    monkeypatch.setattr(audit_file.os, "fsync", lambda fd: synced.append(path.read_bytes()))
    append(path, *SMALL)
    whole = path.read_bytes()
    assert [len(text.splitlines()) for text in synced[-3:]] == [1, 2, 3]
    assert synced[-1] == whole
    synced.clear()
    append(path, ENTERED, sync=False)
    assert synced == []


# ---- which decisions are written ----

NOTHING, MOVES = decided(), decided(waiting=3)
WRITTEN = {
    "the first one": ([NOTHING], [0]),
    "not one that does nothing": ([NOTHING, NOTHING, NOTHING], [0]),
    "each one that moves": ([NOTHING, MOVES, MOVES, NOTHING], [0, 1, 2]),
    "when it is held up": ([NOTHING, decided(holds=(PAUSED,)), decided(holds=(PAUSED,))], [0, 1]),
    "when it is held up by more": ([decided(holds=(PAUSED,)), decided(holds=(STALE, PAUSED))], [0, 1]),
    "not when the order differs": ([decided(holds=(PAUSED, STALE)), decided(holds=(STALE, PAUSED))], [0]),
    "when it is free again": ([decided(holds=(PAUSED,)), NOTHING, NOTHING], [0, 1]),
    "not what is held back each time": ([decided(waiting=3, holds=(PAUSED,))] * 3, [0]),
}


@pytest.mark.parametrize(("entries", "written"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_decision_is_written_when_it_does_something_or_the_holds_change(
    path: Path, entries: list[Decided], written: list[int]
):
    append(path, *entries)
    assert path.read_bytes() == b"".join(encode(entries[number]) for number in written)


def test_a_decision_that_could_not_be_written_is_written_the_next_time(path: Path, monkeypatch: pytest.MonkeyPatch):
    audit = AuditFile(path)
    with monkeypatch.context() as patch:
        patch.setattr(audit_file.os, "write", fails(errno.ENOSPC))
        with pytest.raises(Unrecorded):
            audit.append(NOTHING)
    audit.append(NOTHING)
    assert path.read_bytes() == encode(NOTHING)


# ---- what fails ----


def fails(number: int, after: int = 0) -> Callable[[int, bytes], int]:
    """A write that fails once so many bytes are written, as on a disk that gets full; seven bytes at a time."""
    left, write = after, os.write

    def fail(fd: int, data: bytes) -> int:
        nonlocal left
        if not left:
            raise OSError(number, os.strerror(number))
        count = write(fd, data[: min(left, 7)])
        left -= count
        return count

    return fail


@pytest.mark.parametrize("cut_fails", [False, True])
@pytest.mark.parametrize("after", [*range(0, len(encode(ASKED)), 11), len(encode(ASKED)) - 1])
def test_a_torn_write_is_cut_off(path: Path, monkeypatch: pytest.MonkeyPatch, after: int, cut_fails: bool):
    audit = AuditFile(path)
    audit.append(ENTERED)
    with monkeypatch.context() as patch:
        patch.setattr(audit_file.os, "write", fails(errno.ENOSPC, after))
        if cut_fails:
            patch.setattr(audit_file.os, "ftruncate", fails(errno.EIO))
        for _ in range(2):
            with pytest.raises(Unrecorded, match=r"could not be written: .*audit.jsonl: cannot be used: "):
                audit.append(ASKED)
            assert read(path) == [ENTERED]
    audit.append(ANSWERED)
    assert read(path) == [ENTERED, ANSWERED]
    assert path.read_bytes() == encode(ENTERED) + encode(ANSWERED)


def test_what_may_not_have_reached_the_disk_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch):
    audit = AuditFile(path)
    audit.append(ENTERED)
    with monkeypatch.context() as patch:
        patch.setattr(audit_file.os, "fsync", lambda fd: fails(errno.EIO)(fd, b""))
        with pytest.raises(Unrecorded, match="input/output error"):
            audit.append(ASKED)
    assert read(path) == [ENTERED]
    audit.append(ANSWERED)
    assert read(path) == [ENTERED, ANSWERED]


def test_a_limit_of_the_operating_system(path: Path):
    """A real short write: the file may not grow beyond a size that falls into the third entry."""
    most = len(encode(ENTERED)) + len(encode(ASKED)) + 40
    code = f"""
import resource, sys
from pathlib import Path
from connectors.local.audit_file import AuditFile
from models.errors import Unrecorded
from tests.connectors.local.entries import SMALL
audit = AuditFile(Path({str(path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
for entry in SMALL:
    try:
        audit.append(entry)
    except Unrecorded as error:
        sys.stdout.write(str(error))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "file too large" in ran.stdout
    assert read(path) == [ENTERED, ASKED]
    assert path.read_bytes().endswith(b"\n")


def test_a_number_that_cannot_be_written_is_unrecorded(path: Path, monkeypatch: pytest.MonkeyPatch):
    audit = AuditFile(path)

    def refuse(_: Entry) -> bytes:
        raise ValueError("nan is not a finite number")

    monkeypatch.setattr(audit_file, "encode", refuse)
    with pytest.raises(Unrecorded, match="nan is not a finite number"):
        audit.append(ASKED)


def test_an_entry_beyond_the_limit_is_unrecorded(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit_file, "LINE_MOST", 100)
    audit = AuditFile(path)
    with pytest.raises(Unrecorded, match="larger than the 100 allowed"):
        audit.append(ASKED)
    assert path.read_bytes() == b""
    path.write_bytes(encode(ASKED))
    with pytest.raises(BadInput, match=r"audit.jsonl:1: the line is longer than 100 bytes"):
        read(path)


# ---- what is found ----


def test_a_file_cut_anywhere_is_read_and_gone_on_with(path: Path):
    """However the process or the machine ended, whole entries stay and a torn one goes."""
    lines = [encode(entry) for entry in SMALL]
    whole = b"".join(lines)
    ends = [sum(map(len, lines[:count])) for count in range(4)]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = [entry for entry, end in zip(SMALL, ends[1:], strict=True) if end <= cut]
        assert read(path) == kept
        append(path, ENTERED, sync=False)
        assert read(path) == [*kept, ENTERED]


def test_a_torn_line_longer_than_a_block_is_cut_off(path: Path):
    torn = encode(decided()) * 40
    path.write_bytes(encode(ENTERED) + torn.replace(b"\n", b" "))
    assert len(torn) > 100_000
    append(path, ASKED)
    assert read(path) == [ENTERED, ASKED]


@pytest.mark.parametrize(
    "content", [b"; MaxNodes: 4\n1 0 -1 10 1\n", b"seconds,requests_per_second", b"\0\0\0\0", b'{"v":2,"kind":"', b"\n"]
)
def test_another_file_is_left_as_it_is(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"audit.jsonl: holds something else than an audit"):
        AuditFile(path)
    assert path.read_bytes() == content
    if not content.startswith(b'{"v":'):
        with pytest.raises(BadInput, match=r"audit.jsonl: holds something else than an audit .*--audit FILE"):
            read(path)


def test_damage_in_the_middle_names_file_and_line(path: Path):
    append(path, *SMALL)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:50] + b"\n" + lines[2])
    found = read_audit(path)
    assert next(found) == ENTERED
    with pytest.raises(BadInput, match=rf"^{path}:2: the line is no entry of an audit: .*\(restore the file"):
        next(found)


@pytest.mark.parametrize("kind", ["missing", "a folder", "a device", "in no folder"])
def test_a_file_that_cannot_be_used(tmp_path: Path, kind: str):
    folder = tmp_path / "x"
    folder.mkdir()
    paths = {
        "missing": folder / "a",
        "a folder": folder,
        "a device": Path("/dev/null"),
        "in no folder": tmp_path / "y/z",
    }
    path = paths[kind]
    if kind != "a device":
        with pytest.raises(BadInput, match=f"{path}: cannot be read: .* give the file of an audit|give the file"):
            read(path)
    if kind != "missing":
        with pytest.raises(BadInput, match=str(path)):
            AuditFile(path)


def test_one_process_writes_at_a_time(path: Path):
    first = AuditFile(path)
    with pytest.raises(BadInput, match="another process writes it"):
        AuditFile(path)
    first.append(ENTERED)
    first.close()
    append(path, ASKED)
    assert read(path) == [ENTERED, ASKED]


@pytest.mark.parametrize("remove", [False, True])
def test_a_file_that_is_moved_or_removed_is_begun_anew(path: Path, remove: bool):
    audit, yesterday = AuditFile(path), path.with_name("audit.1")
    audit.append(NOTHING)
    if remove:
        path.unlink()
    else:
        path.rename(yesterday)
    audit.append(NOTHING)
    audit.append(ASKED)
    assert path.read_bytes() == encode(NOTHING) + encode(ASKED)
    assert remove or yesterday.read_bytes() == encode(NOTHING)


def test_a_new_file_that_cannot_be_made_is_unrecorded(path: Path):
    audit = AuditFile(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(Unrecorded, match="is no regular file"):
        audit.append(ASKED)
    path.rmdir()
    audit.append(ASKED)
    assert read(path) == [ASKED]


def test_a_closed_audit_records_nothing(path: Path):
    audit = AuditFile(path)
    audit.close()
    audit.close()
    with pytest.raises(Unrecorded):
        audit.append(ASKED)


@pytest.mark.parametrize(("bytes_more", "found"), [(-1, 1), (0, 1), (1, 2), (10_000, 3)])
def test_of_a_long_audit_the_end_can_be_read_alone(path: Path, bytes_more: int, found: int):
    append(path, *SMALL)
    lines = path.read_bytes().splitlines(keepends=True)
    end = len(lines[1]) + len(lines[2]) + bytes_more
    assert list(read_audit(path, last=end)) == list(SMALL[3 - found :])
