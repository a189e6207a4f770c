"""Nothing that somebody else put in the place of a file of ours is opened, followed, waited for or changed."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from basics.own_file import open_own
from cli.doctor import files
from connectors.bus.broker.spool import Spool
from connectors.bus.embedded.bus import SqliteBus
from connectors.local.audit_file import AuditFile
from connectors.local.lock_file import LockFile
from connectors.local.lock_state import pause, read_orders
from models.errors import BadInput, TidegateError
from models.findings import Level
from models.leadership import Pause
from service.state_folder import open_state_folder
from tests.patience import LONG_S

NOBODY = 65_534
VICTIM = b"precious\n"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """A pipe that is waited for would hang the test."""

    def hangs(*_: object) -> None:
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(int(LONG_S))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "victim").write_bytes(VICTIM)
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "state"


def bound(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)  # the address of a socket is short
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def given_away(path: Path) -> None:
    path.touch()
    os.chown(path, NOBODY, -1)


PUT: dict[str, Callable[[Path], None]] = {
    "a link to a file": lambda path: path.symlink_to(path.parent.parent / "victim"),
    "a link to nothing": lambda path: path.symlink_to(path.parent.parent / "new"),
    "a link in a circle": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
    "a socket": bound,
    "a folder": Path.mkdir,
}
OTHERS = pytest.param(given_away, id="a file of another user", marks=as_root)
ALL = [*(pytest.param(put, id=name) for name, put in PUT.items()), OTHERS]


def led(folder: Path) -> None:
    lock = LockFile(folder / "lock")
    lock.tick()
    if lock.trouble is not None:
        raise lock.trouble
    lock.release()


def kept(folder: Path) -> None:
    AuditFile(folder / "audit.jsonl").close()


def spooled(folder: Path) -> None:
    Spool(folder / "spool", 1000).close()


def published(folder: Path) -> None:
    with closing(SqliteBus(folder / "bus.db")):
        pass


USED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "the lock": ("lock.lock", led),
    "the lock of changes": ("lock.change", lambda folder: pause(folder / "lock", Pause.FINISH)),
    "the audit": ("audit.jsonl", kept),
    "the bus": ("bus.db", published),
    "the spool": ("spool", spooled),
    "the lock of the spool": ("spool.lock", spooled),
}


@pytest.mark.parametrize("put", ALL)
@pytest.mark.parametrize(("name", "use"), USED.values(), ids=USED)
def test_what_was_put_there_is_refused_and_left_as_it_is(
    folder: Path, name: str, use: Callable[[Path], object], put: Callable[[Path], None]
):
    put(folder / name)
    before = os.lstat(folder / name)
    with pytest.raises(TidegateError, match=rf"{name}: (is |belongs to user)"):
        use(folder)
    assert os.lstat(folder / name) == before
    assert (folder.parent / "victim").read_bytes() == VICTIM
    assert sorted(path.name for path in folder.parent.iterdir()) == ["state", "victim"]


@pytest.mark.parametrize("put", [PUT["a pipe"], PUT["a socket"]], ids=["a pipe", "a socket"])
def test_orders_are_not_read_from_what_is_no_file(folder: Path, put: Callable[[Path], None]):
    put(folder / "lock")
    for use in (led, lambda folder: pause(folder / "lock", Pause.FINISH), lambda folder: read_orders(folder / "lock")):
        with pytest.raises(BadInput, match="lock: is no regular file"):
            use(folder)


def test_what_holds_something_else_than_a_lock_is_not_emptied(folder: Path):
    os.link(folder.parent / "victim", folder / "lock.lock")
    with pytest.raises(BadInput, match="holds something else than a lock"):
        led(folder)
    assert (folder.parent / "victim").read_bytes() == VICTIM
    (folder / "lock.lock").unlink()
    (folder / "lock.lock").write_bytes(b"\0" * 5)  # as a loss of power leaves it
    led(folder)


@pytest.mark.parametrize("use", [led, kept, published, spooled])
def test_what_is_made_is_for_us_alone(folder: Path, use: Callable[[Path], None]):
    before = os.umask(0)
    try:
        use(folder)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes
    assert set(modes.values()) == {0o600}, modes


@settings(suppress_health_check=[*HealthCheck])
@given(mode=st.integers(0, 0o777))
def test_a_file_that_is_there_loses_what_others_may_but_a_group_may_go_on_reading(folder: Path, mode: int):
    path = folder / "lock.lock"
    path.touch()
    path.chmod(mode | 0o600)
    os.close(open_own(path))
    assert stat.S_IMODE(path.stat().st_mode) == (mode | 0o600) & 0o740


@as_root
@pytest.mark.parametrize("use", [led, kept, published, spooled])
def test_what_root_makes_is_of_the_folders_owner(folder: Path, use: Callable[[Path], None]):
    os.chown(folder, NOBODY, -1)
    use(folder)
    assert {path.stat().st_uid for path in folder.iterdir()} == {NOBODY}
    use(folder)  # and root may use it


# ---- the folder ----


@settings(suppress_health_check=[*HealthCheck])
@given(mode=st.integers(0, 0o777))
def test_nobody_else_may_write_to_a_folder_that_is_taken(folder: Path, mode: int):
    folder.chmod(mode | 0o700)
    assert open_state_folder(folder) == bool(mode & 0o022)
    assert stat.S_IMODE(folder.stat().st_mode) == (mode | 0o700) & ~0o022


def test_a_folder_of_all_users_is_refused_and_left_as_it_is(folder: Path):
    folder.chmod(0o1777)
    with pytest.raises(BadInput, match=r"is a folder that all users share \(name a folder in it\)"):
        open_state_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777


@as_root
def test_a_folder_of_another_user_is_refused(folder: Path):
    os.chown(folder, NOBODY, -1)
    with pytest.raises(BadInput, match=rf"belongs to user {NOBODY}, .*\(run as that user, or: chown 0 "):
        open_state_folder(folder)


@pytest.mark.parametrize("put", ALL)
@pytest.mark.parametrize("name", ["lock", "lock.lock", "audit.jsonl", "last-plan.a", "bus.db", "bus.db-wal"])
def test_a_service_does_not_start_with_it_and_doctor_says_so(folder: Path, name: str, put: Callable[[Path], None]):
    put(folder / name)
    with pytest.raises(BadInput, match=rf"{name}: (is |belongs to user)"):
        open_state_folder(folder)
    (told,) = files.state_findings(folder)
    assert (told.level, str(folder / name) in told.what) == (Level.ERROR, True)


def test_files_that_are_not_ours_may_be_anything(folder: Path):
    os.mkfifo(folder / "else")
    (folder / "locks").symlink_to(folder)
    assert not open_state_folder(folder)


def test_doctor_tells_of_a_folder_to_which_others_may_write(folder: Path):
    folder.chmod(0o777)
    (told,) = files.state_findings(folder)
    assert (told.level, told.remedy) == (Level.ERROR, f"chmod go-w {folder}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777, "nothing is changed"


def test_doctor_waits_for_no_pipe(folder: Path):
    os.mkfifo(folder / "lock.lock")
    assert files.leads(folder) is None


def test_a_lock_that_a_link_has_replaced_is_not_held_any_more(folder: Path):
    lock = LockFile(folder / "lock")
    lock.tick()
    assert lock.may_act()
    (folder / "lock.lock").rename(folder / "moved")
    (folder / "lock.lock").symlink_to(folder / "moved")
    assert not lock.may_act()
