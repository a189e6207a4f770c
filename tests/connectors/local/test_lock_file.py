"""Leading by a lock file: one at a time, in epochs that only rise, under orders that nobody undoes by accident."""

from __future__ import annotations

import errno
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.local import lock_state
from connectors.local.lock_file import LockFile
from connectors.local.lock_state import BYTES_MOST, pause, read_orders, resume
from models.errors import BadInput
from models.leadership import EPOCH_MOST, Leadership, Orders, Pause
from tests.patience import LONG_S

ROOT = Path(__file__).parents[3]
LEADER = """
import sys
from pathlib import Path
from connectors.local.lock_file import LockFile
lock = LockFile(Path(sys.argv[1]))
lock.tick()
sys.stdout.write(f"{lock.epoch}\\n")
sys.stdout.flush()
"""
WAITS = "sys.stdin.read()"
FORKS = """
import os
if os.fork() == 0:
    sys.stdout.write(f"{lock.epoch}\\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "leader.json"


@pytest.fixture(autouse=True)
def folder(path: Path) -> None:
    path.parent.mkdir()


def leader(path: Path) -> LockFile:
    lock = LockFile(path)
    lock.tick()
    return lock


def held(path: Path) -> dict[str, object]:
    return json.loads(path.read_text())


@contextmanager
def another_process(path: Path, then: str = WAITS) -> Iterator[subprocess.Popen[str]]:
    """A process that has led by the file, and does ``then``."""
    with subprocess.Popen(
        [sys.executable, "-c", LEADER + then, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            yield process
        finally:
            process.kill()


# ---- who leads ----


def test_the_first_leads_and_the_second_is_told_who_does(path: Path):
    first: Leadership = leader(path)
    second = leader(path)
    assert (first.epoch, first.may_act()) == (1, True)
    assert (second.epoch, second.may_act()) == (None, False)
    assert str(second.trouble) == (
        f"{path}.lock: process {os.getpid()} leads (end it, or let this one wait for its end)"
    )


def test_each_taking_is_a_later_epoch_on_disk(path: Path):
    for epoch in range(1, 5):
        lock = leader(path)
        assert (lock.epoch, held(path)["epoch"]) == (epoch, epoch)
        lock.tick()
        assert lock.epoch == epoch
        lock.release()
        assert (lock.epoch, lock.may_act()) == (None, False)


def test_what_is_remembered_is_handed_on(path: Path):
    first, second = leader(path), LockFile(path)
    first.remembered = "queues: 3"
    first.release()
    second.tick()
    assert second.remembered == "queues: 3"
    assert second.kept
    second.remembered = "queues: 4"
    assert not second.kept
    second.tick()
    assert second.kept
    assert held(path)["remembered"] == "queues: 4"


def test_a_killed_process_frees_the_lead(path: Path):
    with another_process(path) as process:
        waiting = leader(path)
        assert waiting.epoch is None
        assert f"process {process.pid} leads" in str(waiting.trouble)
        process.kill()
        process.wait()
        waiting.tick()
    assert (waiting.epoch, waiting.trouble) == (2, None)


def test_a_child_does_not_lead_nor_keep_its_dead_parent_leading(path: Path):
    with another_process(path, FORKS) as process:
        process.wait()
        assert process.returncode == -9
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        assert leader(path).epoch == 2  # the child is still there: it ends with its standard input


def test_rising_above_an_epoch_that_was_found_elsewhere(path: Path):
    lock = leader(path)
    lock.rise_above(41)
    assert (lock.epoch, lock.may_act()) == (None, False)
    lock.tick()
    assert (lock.epoch, held(path)["epoch"]) == (42, 42)
    lock.rise_above(7)
    assert lock.epoch == 42


def test_nobody_leads_in_an_epoch_that_nobody_could_read(path: Path):
    path.write_text(json.dumps({"epoch": EPOCH_MOST}))
    lock = leader(path)
    assert (lock.epoch, held(path)["epoch"]) == (None, EPOCH_MOST)
    assert "the last that there is" in str(lock.trouble)


def test_who_removes_the_lock_ends_the_lead_at_once(path: Path):
    first = leader(path)
    Path(f"{path}.lock").unlink()
    assert (first.epoch, first.may_act()) == (None, False)
    second = leader(path)
    assert second.epoch == 2
    first.tick()
    assert first.epoch is None
    assert "leads" in str(first.trouble)


def test_a_link_and_what_it_points_to_are_one_lock(path: Path, tmp_path: Path):
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert leader(path).epoch == 1
    assert leader(link).epoch is None


# ---- the state ----

BAD = {
    "empty": b"",
    "blank": b" \n",
    "torn": b'{"epoch": 7, "pau',
    "zeros": b"\0" * 64,
    "a list": b"[]",
    "nothing": b"null",
    "an epoch below zero": b'{"epoch": -1}',
    "an epoch beyond all bounds": b'{"epoch": 2147483648}',
    "an epoch in words": b'{"epoch": "seven"}',
    "an unknown pause": b'{"paused": "maybe"}',
    "an unknown pause of a pool": b'{"v": 2, "pools": {"a": {"paused": "maybe"}}}',
    "a pool's count below zero": b'{"v": 2, "pools": {"a": {"resumes": -1}}}',
    "no version": b'{"v": 0}',
    "a later version": b'{"v": 3, "epoch": 7}',
    "not text": b'{"remembered": "\xff"}',
    "deep": b'{"x":' + b"[" * 100_000,
    "huge": b" " * (BYTES_MOST + 1),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_state_that_cannot_be_read_leaves_nobody_leading_and_says_what_to_do(path: Path, content: bytes):
    path.write_bytes(content)
    lock = leader(path)
    assert (lock.epoch, lock.may_act()) == (None, False)
    assert isinstance(lock.trouble, BadInput)
    assert lock.trouble.where == str(path)
    assert lock.trouble.remedy
    for act in (lambda: pause(path, Pause.FINISH), lambda: resume(path), lambda: read_orders(path)):
        with pytest.raises(BadInput, match=str(path)):
            act()
    assert path.read_bytes() == content
    path.write_text('{"epoch": 7}')
    lock.tick()
    assert (lock.epoch, lock.trouble) == (8, None)


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_leader_stops_when_its_state_goes_bad_and_never_goes_back(path: Path, content: bytes):
    path.write_text('{"epoch": 6, "paused": "revert"}')
    lock = leader(path)
    path.write_bytes(content)
    lock.tick()
    assert (lock.epoch, lock.may_act(), lock.orders.paused) == (None, False, Pause.REVERT)
    path.write_text('{"epoch": 2}')  # a copy from long ago
    lock.tick()
    assert (lock.epoch, held(path)["epoch"]) == (8, 8)


def test_a_state_of_an_older_release_has_the_defaults(path: Path):
    path.write_text('{"epoch": 7, "something": [1]}')
    lock = leader(path)
    assert (lock.epoch, lock.orders, lock.remembered) == (8, Orders(), "")
    assert held(path) == {"v": 2, "epoch": 8, "paused": None, "resumes": 0, "remembered": "", "pools": {}}


def test_a_state_that_someone_removed_is_written_again_with_its_orders(path: Path):
    pause(path, Pause.FINISH)
    lock = leader(path)
    path.unlink()
    lock.tick()
    assert (lock.epoch, held(path)["epoch"], held(path)["paused"]) == (2, 2, "finish")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_who_cannot_write_does_not_lead_and_is_in_nobodys_way(path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    lock = leader(path)
    assert lock.epoch is None
    assert os.strerror(number).lower() in str(lock.trouble).lower()
    monkeypatch.undo()
    assert leader(path).epoch == 1


def test_a_full_disk_does_not_end_a_lead(path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    lock = leader(path)
    monkeypatch.setattr(os, "fsync", fail)
    lock.remembered = "x"
    lock.tick()
    assert (lock.epoch, lock.may_act(), lock.kept) == (1, True, False)
    assert "free space" in str(lock.trouble)
    monkeypatch.undo()
    lock.tick()
    assert (held(path)["remembered"], lock.trouble) == ("x", None)


def test_a_folder_that_is_not_there(tmp_path: Path):
    path = tmp_path / "nowhere" / "leader.json"
    lock = leader(path)
    assert lock.epoch is None
    assert f"create the folder {path.parent} first" in str(lock.trouble)
    with pytest.raises(BadInput, match="create the folder"):
        pause(path, Pause.FINISH)


def test_the_state_keeps_its_permissions(path: Path):
    path.write_text('{"epoch": 1}')
    path.chmod(0o640)
    leader(path)
    assert path.stat().st_mode & 0o777 == 0o640


# ---- orders ----


def test_orders_of_another_process_are_heard_at_the_next_tick(path: Path):
    lock = leader(path)
    assert pause(path, Pause.REVERT) == Orders(Pause.REVERT)
    lock.remembered = "written after the order"
    lock.tick()
    assert (lock.orders, lock.epoch) == (Orders(Pause.REVERT), 1)
    assert resume(path) == Orders(None, 1)
    assert resume(path) == Orders(None, 2)
    lock.tick()
    assert lock.orders == Orders(None, 2) == read_orders(path)
    assert held(path)["remembered"] == "written after the order"


def test_orders_for_single_pools_stand_beside_those_for_all(path: Path):
    lock = leader(path)
    pause(path, Pause.REVERT, "a")
    pause(path, Pause.FINISH, "b")
    lock.tick()
    assert [lock.orders.of(pool).paused for pool in "abc"] == [Pause.REVERT, Pause.FINISH, None]
    resume(path, "a")
    assert held(path)["pools"] == {"a": {"paused": None, "resumes": 1}, "b": {"paused": "finish", "resumes": 0}}
    pause(path, Pause.FINISH)
    assert resume(path) == read_orders(path) == Orders(None, 1, {"a": Orders(None, 1), "b": Orders(None, 0)})
    lock.tick()
    assert [lock.orders.of(pool) for pool in "abc"] == [Orders(None, 2), Orders(None, 1), Orders(None, 1)]
    assert lock.epoch == 1


OLD = '{"v": 1, "epoch": 7, "paused": "revert", "resumes": 3, "remembered": "old"}'


def test_a_hand_over_that_a_person_ordered_back_is_heard_at_the_next_tick(path: Path):
    lock = leader(path)
    lock_state.order(path, lambda orders: orders.turn_back("h1"))
    assert lock.orders.turned_back == ()
    lock.tick()
    assert lock.orders.turned_back == ("h1",)
    lock_state.resume(path)
    assert held(path)["turned_back"] == ["h1"]


def test_a_state_of_version_1_is_read_and_whoever_changes_it_writes_version_2(path: Path):
    path.write_text(OLD)
    assert read_orders(path) == Orders(Pause.REVERT, 3)
    assert held(path)["v"] == 1
    lock = leader(path)
    assert (lock.epoch, lock.orders, lock.remembered) == (8, Orders(Pause.REVERT, 3), "old")
    assert held(path) == {**json.loads(OLD), "v": 2, "epoch": 8, "pools": {}}
    path.write_text(OLD)
    pause(path, Pause.FINISH, "a")
    assert held(path) == {**json.loads(OLD), "v": 2, "pools": {"a": {"paused": "finish", "resumes": 0}}}


def test_release_0_1_0_does_not_lead_by_a_state_of_version_2(path: Path, monkeypatch: pytest.MonkeyPatch):
    leader(path).release()
    monkeypatch.setattr(lock_state, "VERSION", 1)
    lock = leader(path)
    assert lock.epoch is None
    assert "is of version 2, later than 1" in str(lock.trouble)
    assert "upgrade Tidegate" in str(lock.trouble)
    lock.release()
    monkeypatch.undo()
    assert leader(path).epoch == 2


def test_orders_before_the_first_leader_and_for_one_that_waits(path: Path):
    assert pause(path, Pause.FINISH) == Orders(Pause.FINISH)
    first, second = leader(path), leader(path)
    assert first.orders == second.orders == Orders(Pause.FINISH)


def test_changes_at_the_same_time_undo_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock_state, "PATIENCE_S", LONG_S)
    lock = leader(path)

    ordered: queue.Queue[None] = queue.Queue()

    def order() -> None:
        for _ in range(20):
            resume(path)
            ordered.put(None)

    persons = [threading.Thread(target=order) for _ in range(3)]
    for person in persons:
        person.start()
    for number in range(60):
        ordered.get(timeout=LONG_S)
        lock.remembered = str(number)
        lock.tick()
        assert lock.epoch == 1
    for person in persons:
        person.join()
    lock.tick()
    assert held(path) == {"v": 2, "epoch": 1, "paused": None, "resumes": 60, "remembered": "59", "pools": {}}


def test_a_change_that_never_ends_is_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock_state, "PATIENCE_S", 0.0)
    holder = lock_state.try_lock(Path(f"{path}.change"))
    assert holder is not None
    with pytest.raises(BadInput, match="another process is changing the state"):
        pause(path, Pause.FINISH)
    os.close(holder)
    assert pause(path, Pause.FINISH) == Orders(Pause.FINISH)
