"""The spool: what is kept while the broker is away, how much of it, and what a crash leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bus.broker.spool import Spool
from connectors.bus.wire.codec import Message
from models.errors import BusRefused, BusUnavailable

MUCH = 10**9


def message(number: int, size: int = 10) -> Message:
    return Message("t", b"k%d" % number, b"v" * size, [("h", b"%d" % number)])


def numbers(spool: Spool) -> list[int]:
    return [int(one.headers[0][1]) for _, one in spool.after("t", 0, 10**6)]


def put(spool: Spool, *messages: Message) -> list[int]:
    return [spool.append(one) for one in messages]


def test_messages_come_back_equal_and_in_their_order(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        put(spool, message(1), Message("u", None, None, []), message(2))
        assert [one for _, one in spool.after("t", 0, 9)] == [message(1), message(2)]
        assert [one for _, one in spool.after("u", 0, 9)] == [Message("u", None, None, [])]
        assert (len(spool), spool.counts) == (3, {"t": 2, "u": 1})


def test_what_was_delivered_is_removed_and_the_rest_is_there_after_a_restart(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        ids = put(spool, *(message(n) for n in range(5)))
        spool.remove_until("u", ids[-1])
        spool.remove_until("t", ids[1])
        assert len(spool) == 3
    with closing(Spool(tmp_path / "s", MUCH)) as again:
        assert numbers(again) == [2, 3, 4]
        assert len(again) == 3


def test_a_new_number_is_never_one_that_was_removed(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        (first,) = put(spool, message(1))
        spool.remove_until("t", first)
        put(spool, message(2))
        assert spool.after("t", first, 1)


@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=60))
def test_it_never_holds_more_than_it_may_and_drops_the_oldest(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
):
    most = 10_000
    with closing(Spool(tmp_path_factory.mktemp("spool") / "s", most)) as spool:
        for number, size in enumerate(sizes):
            put(spool, message(number, size))
            held = numbers(spool)
            assert held == list(range(len(spool.dropped), number + 1))
            assert sum(sizes[n] + len(b"k%d" % n) for n in held) <= most


def test_what_is_precious_is_never_dropped_for_room(tmp_path: Path):
    with closing(Spool(tmp_path / "s", 5000, precious="p")) as spool:
        put(spool, *(Message("p", b"k", b"v" * 500, []) for _ in range(20)))
        put(spool, *(message(n, 500) for n in range(20)))
        assert spool.counts["p"] == 20
        assert spool.dropped == ["t"] * (20 - spool.counts["t"])
        assert spool.counts["t"] < 20


def test_a_damaged_row_is_removed_and_the_others_are_read(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        put(spool, message(1), message(2))
        spool._file.execute("UPDATE spool SET headers = x'c1' WHERE id = 1")
        assert [number for number, _ in spool.after("t", 0, 9)] == [2]
        assert (len(spool), spool.dropped) == (1, ["t"])


def test_a_second_process_is_refused_by_name(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        put(spool, message(1))
        with pytest.raises(BusRefused, match="in use by another process"):
            Spool(tmp_path / "s", MUCH)
    Spool(tmp_path / "s", MUCH).close()


def test_another_thread_may_use_it_after_the_one_that_opened_it(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        thread = threading.Thread(target=put, args=(spool, message(1)))
        thread.start()
        thread.join()
        assert len(spool) == 1


def test_a_full_disk_drops_the_new_ones_and_keeps_the_old(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH, precious="p")) as spool:
        put(spool, message(0))
        spool._file.execute("PRAGMA max_page_count = 8")
        assert put(spool, *(message(n, 50_000) for n in range(1, 50))) == [0] * 49
        assert spool.dropped == ["t"] * 49
        assert numbers(spool) == [0]
        assert len(spool) == 1
        with pytest.raises(BusUnavailable, match="cannot be written"):
            spool.append(Message("p", b"k", b"v" * 50_000, []))


def test_what_was_appended_survives_a_process_that_is_killed(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from connectors.bus.broker.spool import Spool;"
        "from connectors.bus.wire.codec import Message; s = Spool(Path(sys.argv[1]), 10**9);"
        "[s.append(Message('t', b'k', b'v', [('h', b'%d' % n)])) for n in range(100)]; os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], cwd=root, check=False)
    assert done.returncode == -9
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        assert numbers(spool) == list(range(100))


@pytest.mark.parametrize("what", ["a folder", "another file"])
def test_a_path_that_cannot_be_a_spool_is_refused_by_name(tmp_path: Path, what: str):
    path = tmp_path / "s"
    path.mkdir() if what == "a folder" else path.write_bytes(
        b"not a database, and long enough to be taken for one" * 40
    )
    with pytest.raises(BusRefused, match=str(path)):
        Spool(path, MUCH)


def test_the_file_is_an_ordinary_database(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        put(spool, message(1))
    other = sqlite3.connect(tmp_path / "s")
    assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()


def test_nobody_else_may_read_it(tmp_path: Path):
    with closing(Spool(tmp_path / "s", MUCH)) as spool:
        put(spool, message(1))
        assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}.keys() >= {"s", "s-wal"}
        assert not any(path.stat().st_mode & 0o077 for path in tmp_path.iterdir())
