"""``tidegate bus`` as a user types it, on a bus in a file."""

from __future__ import annotations

import io
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from cli import main as command
from connectors.bus.embedded import inspection as inspecting_sqlite
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.wire.codec import encode
from connectors.bus.wire.examples import examples
from models.events import Event, Topic
from tests.conformance.bus_suite import AT_S, demand, read, told, work
from tests.patience import LONG_S

ROOT = Path(__file__).parents[2]
POISON = b'{"id":"job/1\x1b[31m"}'


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.db"


@pytest.fixture
def bus(path: Path) -> Iterator[SqliteBus]:
    """A bus with two kinds of demand, a stranger's message that two groups have put aside, and a group behind."""
    with closing(SqliteBus(path)) as opened:
        told(opened, [demand(1), demand(2), work("job/4711", 1)])
        put(path, Topic.DEMAND, b"k\x1b[2J", POISON)
        for group in ("controller", "forecasting"):
            read(opened, [Topic.DEMAND, Topic.WORK], group)
        told(opened, [demand(3), work("job/4711", 2)])
        read(opened, Topic.DEMAND, "controller")
        yield opened


def put(path: Path, topic: Topic, key: bytes | None, value: bytes | None) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f'INSERT INTO "{topic}" (key, value) VALUES (?, ?)', (key, value))  # noqa: S608


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: Path) -> Callable[..., Ran]:
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object, typed: str | None = None) -> Ran:
        """``typed`` is what a person types at a terminal; without it there is nobody."""
        named = [str(argument) for argument in arguments]
        if not any(argument.startswith("--bus=") for argument in named):
            named.append(f"--bus=sqlite:{path}")
        monkeypatch.setattr(sys, "argv", ["tidegate", "bus", *named])
        kind = io.TextIOWrapper if typed is None else Terminal
        monkeypatch.setattr(sys, "stdin", kind(io.BytesIO((typed or "").encode())))
        with pytest.raises(SystemExit) as end:
            command.main()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return Ran(code or 0, *capsys.readouterr())

    return run


def narrow(ran: Ran) -> None:
    assert max(map(len, ran.lines), default=0) <= 80
    assert all(line.isprintable() for line in ran.lines)


# ---- tail ----


def test_tail_shows_a_line_for_each(run, bus: SqliteBus):
    ran = run("tail", "demand", "--no-follow")
    assert (ran.code, ran.err) == (0, "")
    assert [line[15:] for line in ran.lines] == [
        "pool/hpc               1 running, 0 waiting, in nodes",
        "pool/hpc               2 running, 0 waiting, in nodes",
        r"k\x1b[2J               no event: header ce_type is missing",
        "pool/hpc               3 running, 0 waiting, in nodes",
    ]
    assert ran.lines[0].startswith("03-02 08:00:00 ")
    narrow(ran)


@pytest.mark.parametrize("topic", ["demand", "tidegate.demand", "Demand", " tidegate.DEMAND "])
def test_a_topic_is_named_in_short_or_in_full(run, bus: SqliteBus, topic: str):
    assert len(run("tail", topic, "--no-follow").lines) == 4


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["-n", "2"], 2),
        (["--last", "0"], 0),
        (["--last", "100"], 24),
        ([], 10),
        (["--from-beginning"], 24),
    ],
)
def test_tail_begins_where_it_is_told(run, bus: SqliteBus, options: list[str], count: int):
    told(bus, [demand(number) for number in range(4, 24)])
    lines = run("tail", "demand", "--no-follow", *options).lines
    assert len(lines) == count
    assert not lines or " 23 running" in lines[-1]


def test_tail_as_json_has_everything(run, bus: SqliteBus):
    ran = run("tail", "demand", "--no-follow", "--json", "-n", 2)
    poison, event = map(json.loads, ran.lines)
    assert event == {
        "topic": "tidegate.demand",
        "partition": 0,
        "offset": 4,
        "key": "pool/hpc",
        "type": "dev.tidegate.demand.v1",
        "source": "/tests",
        "id": "tidegate.demand/pool/hpc/3",
        "time": "2026-03-02T08:00:00.250000+00:00",
        "sequence": 3,
        "body": {"side": "hpc", "at_s": 3, "running": 3.0, "waiting": 0.0, "site": None, "pool": None, "announced": []},
    }
    assert poison == {
        "topic": "tidegate.demand",
        "partition": 0,
        "offset": 3,
        "problem": "header ce_type is missing",
        "raw": {"key": "axtbMko=", "value": "eyJpZCI6ImpvYi8xG1szMW0ifQ==", "headers": []},
    }
    assert all(line.isascii() for line in ran.lines)


def test_every_type_of_event_fits_80_columns(run, path: Path):
    with closing(SqliteBus(path)) as bus:
        told(bus, [replace(event, key=event.key + "/of-a-long-name" * 5) for event in examples()])
    for topic in Topic:
        ran = run("tail", topic, "--no-follow")
        assert ran.lines
        narrow(ran)


def test_where_no_terminal_is_there_lines_are_not_cut(run, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLUMNS")
    told(bus, [work("a-job-of-a-long-name" * 10, 1)])
    assert "a-job-of-a-long-name" * 10 in run("tail", "work", "--no-follow").out


def test_tail_follows_until_ctrl_c(run, bus: SqliteBus, monkeypatch: pytest.MonkeyPatch):
    poll, polls = inspecting_sqlite.SqliteReading.poll, []

    def told_meanwhile(reading: inspecting_sqlite.SqliteReading, timeout_s: float) -> list[object]:
        polls.append(timeout_s)
        if len(polls) == 2:  # the first one read what was there
            told(bus, [demand(17)])
        elif len(polls) > 2:
            raise KeyboardInterrupt
        return poll(reading, timeout_s)

    monkeypatch.setattr(inspecting_sqlite.SqliteReading, "poll", told_meanwhile)
    ran = run("tail", "demand", "--last", "1")
    assert (ran.code, ran.err) == (130, "interrupted\n")
    assert [line.split()[3] for line in ran.lines] == ["3", "17"]


def test_a_signal_ends_it_quietly(bus: SqliteBus, path: Path):
    arguments = [sys.executable, "-m", "cli.main", "bus", "tail", "demand", "-n", "1", f"--bus=sqlite:{path}"]
    with subprocess.Popen(arguments, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert " 3 running" in process.stdout.readline()
        told(bus, [demand(8)])
        assert " 8 running" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


def test_no_reader_of_the_bus_notices(run, bus: SqliteBus, path: Path):
    before = run("lag").out
    run("tail", "demand", "--no-follow", "--from-beginning")
    run("dead-letter", "list")
    run("dead-letter", "replay", "--all", "--dry-run")
    assert run("lag").out == before


# ---- lag ----


def test_lag_shows_groups_and_topics(run, bus: SqliteBus):
    ran = run("lag")
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split() for line in ran.lines]
    assert rows[0] == ["group", "topic", "messages", "behind"]
    assert rows[2:6] == [
        ["controller", "tidegate.work", "*", "1"],
        ["controller", "tidegate.demand", "0"],
        ["forecasting", "tidegate.work", "*", "1"],
        ["forecasting", "tidegate.demand", "1"],
    ]
    assert ["tidegate.demand", "1", "4"] in rows
    assert ["tidegate.work", "*", "1", "2"] in rows
    assert "whoever starts reads it from its beginning, whatever is" in ran.out
    narrow(ran)


def test_lag_as_json(run, bus: SqliteBus):
    found = json.loads(run("lag", "--json").out)
    assert found["groups"][0] == {
        "group": "controller", "topic": "tidegate.work", "behind": 1, "exact": True, "state": True,
    }  # fmt: skip
    assert {"topic": "tidegate.demand", "partitions": 1, "messages": 4, "exact": True, "state": False} in found[
        "topics"
    ]


def test_lag_where_nobody_has_read_anything(run, path: Path):
    with closing(SqliteBus(path)) as bus:
        told(bus, [demand(1)])
    ran = run("lag")
    assert "no group has committed anything" in ran.out
    assert ran.lines[0].split() == ["topic", "partitions", "messages"]


def test_long_names_of_groups_fit_80_columns(run, path: Path):
    with closing(SqliteBus(path)) as bus:
        told(bus, [demand(1)])
        read(bus, Topic.DEMAND, "a-group-with-a-name\x1b-that-is-longer" * 5)
    narrow(run("lag"))


# ---- dead letters ----


def keys(ran: Ran) -> list[str]:
    return [line for line in ran.lines if line.startswith("tidegate.")]


def test_the_list_shows_each_message_once(run, bus: SqliteBus):
    ran = run("dead-letter", "list")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0] == "tidegate.demand/0/3"
    assert ran.lines[1].startswith("  put aside ")
    assert ran.lines[1].endswith("  24 bytes")
    assert ran.lines[2:] == [
        "  header ce_type is missing",
        r"  key: k\x1b[2J",
        r'  {"id":"job/1\x1b[31m"}',
        "1 dead letter",
        "once a release can read it: tidegate bus dead-letter replay KEY --bus BUS",
    ]


def test_the_list_fits_80_columns_unless_all_is_asked_for(run, bus: SqliteBus, path: Path):
    put(path, Topic.DEMAND, b"k" * 300, "ü\n".encode() * 300)
    read(bus, Topic.DEMAND, "controller")
    narrow(run("dead-letter", "list"))
    full = run("dead-letter", "list", "--full", "--limit", 1)
    assert r"  " + r"ü\n" * 300 in full.lines
    assert f"  key: {'k' * 300}" in full.lines
    assert "the newest 1 of 2; --limit 2 lists them all" in full.lines


def test_the_list_as_json_has_every_byte(run, bus: SqliteBus):
    found = json.loads(run("dead-letter", "list", "--json").out)
    assert (found["total"], found["unreadable"]) == (1, 0)
    (letter,) = found["deadLetters"]
    assert (letter["key"], letter["times"], letter["refusal"]) == ("tidegate.demand/0/3", 1, None)
    assert letter["message"] == {
        "topic": "tidegate.demand",
        "partition": 0,
        "offset": 3,
        "reason": "header ce_type is missing",
        "key": "axtbMko=",
        "value": "eyJpZCI6ImpvYi8xG1szMW0ifQ==",
        "headers": [],
        "size": 24,
    }


def test_the_list_where_there_is_nothing(run, path: Path):
    SqliteBus(path).close()
    assert run("dead-letter", "list").out == "no dead letters\n"


def on_topic(path: Path) -> list[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute('SELECT key, value FROM "tidegate.demand" ORDER BY id').fetchall()


@pytest.mark.parametrize("words", [["tidegate.demand/0/3"], ["--all"], ["--all", "--since", "1h"]])
def test_a_message_is_sent_again_as_it_was(run, bus: SqliteBus, path: Path, words: list[str]):
    ran = run("dead-letter", "replay", *words, "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [
        "1 message to send again:",
        "  tidegate.demand/0/3  24 bytes",
        "    still no event to this release: header ce_type is missing",
        "1 message sent again; the dead letters stay on the list for 30 days",
    ]
    assert on_topic(path)[-1] == (b"k\x1b[2J", POISON)
    read(bus, Topic.DEMAND, "controller")
    assert keys(run("dead-letter", "list")) == ["tidegate.demand/0/3", "tidegate.demand/0/5"]


def test_what_a_release_can_read_after_all_has_its_effect(run, bus: SqliteBus, path: Path):
    from connectors.bus.wire.receiver import dead_letter_event  # noqa: PLC0415
    from tests.conformance.inspection_suite import letter_of  # noqa: PLC0415

    told(bus, [dead_letter_event(letter_of(encode(demand(99))).dead, AT_S)])
    ran = run("dead-letter", "replay", "tidegate.demand/0/0", "-y")
    assert "still no event" not in ran.out
    assert read(bus, Topic.DEMAND, "controller") == [demand(99)]


@pytest.mark.parametrize(
    ("words", "typed", "code", "sent", "told"),
    [
        (["--all"], "y\n", 0, 1, "1 message sent again"),
        (["--all"], "n\n", 1, 0, "nothing was sent"),
        (["--all"], "\n", 1, 0, "nothing was sent"),
        (["--all"], "", 130, 0, "interrupted"),
        (["--all", "--dry-run"], None, 0, 0, "nothing was sent (--dry-run)"),
        (["--all", "--dry-run", "--yes"], None, 0, 0, "nothing was sent (--dry-run)"),
        (["--all"], None, 2, 0, "give --yes to send"),
        (["--all", "--since", "2126-01-01"], "y\n", 0, 0, "0 messages to send again"),
    ],
)
def test_nothing_is_sent_unless_somebody_says_so(
    run, bus: SqliteBus, path: Path, words: list[str], typed: str | None, code: int, sent: int, told: str
):
    before = on_topic(path)
    ran = run("dead-letter", "replay", *words, typed=typed)
    assert ran.code == code
    assert told in " ".join((ran.out + ran.err).split())
    assert len(on_topic(path)) == len(before) + sent


def test_what_cannot_be_sent_again_is_told_and_left_out(run, path: Path):
    with closing(SqliteBus(path)) as bus:
        put(path, Topic.WORK, b"a", b"old")
        put(path, Topic.WORK, b"a", b"new")
        put(path, Topic.DEMAND, b"d", b"x" * 500_000)
        read(bus, [Topic.WORK, Topic.DEMAND], "g")
    ran = run("dead-letter", "replay", "--all", "--yes")
    assert ran.code == 0
    assert ran.lines == [
        "1 message to send again:",
        "  tidegate.work/0/2  4 bytes",
        "    still no event to this release: header ce_type is missing",
        "2 messages left out:",
        "  tidegate.demand/0/1",
        "    it is too large: of its 500001 bytes only the beginnings are here",
        "  tidegate.work/0/1",
        "    a later message of its key is on the topic",
        "1 message sent again; the dead letters stay on the list for 30 days",
    ]
    named = run("dead-letter", "replay", "tidegate.work/0/1", "--yes")
    assert (named.code, named.lines[0]) == (1, "0 messages to send again")


def test_many_are_told_in_short(run, path: Path):
    with closing(SqliteBus(path)) as bus:
        for number in range(30):
            put(path, Topic.DEMAND, b"k", b"%d" % number)
        read(bus, Topic.DEMAND, "g")
    ran = run("dead-letter", "replay", "--all", "--dry-run")
    assert ran.lines[0] == "30 messages to send again:"
    assert "  and 10 more" in ran.lines
    assert ran.lines[1].startswith("  tidegate.demand/0/1  ")


# ---- what is wrong ----


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["tail", "nods"], 2, "no topic is called 'nods'; did you mean nodes?"),
        (["tail", "zzz"], 2, "the topics are work, nodes, demand, forecasts, plans, handovers, dead-letter"),
        (["tail", "a.tidegate.work"], 2, "has a prefix; write work --prefix a."),
        (["tail", "work", "-n", "3", "--from-beginning"], 2, "only one of --last and --from-beginning"),
        (["tail", "work", "-n", "-1"], 2, "should be greater than or equal to 0"),
        (["tail", "work", "--prefix", "x."], 1, "there is no topic x.tidegate.work"),
        (["lag", "--prefix", "x."], 1, "there is no topic x.tidegate.work (there is tidegate.work: leave the prefix"),
        (["lag", "--bus=memory"], 1, "only in the memory of the process"),
        (["lag", "--bus=elsewhere"], 1, "give memory, sqlite:tidegate.db or kafka:broker1:9092,broker2:9092"),
        (["lag", "--bus=sqlite:no-such-file.db"], 1, "sqlite:no-such-file.db: there is no such file"),
        (["dead-letter", "list", "--bus=sqlite:no-such-file.db"], 1, "there is no such file"),
        (["tail", "work", "--bus=sqlite:no-such-file.db"], 1, "there is no such file"),
        (["dead-letter", "replay", "--all", "-y", "--bus=sqlite:no-such-file.db"], 1, "there is no such file"),
        (["dead-letter", "replay"], 2, "give either keys or --all"),
        (["dead-letter", "replay", "k", "--all"], 2, "give either keys or --all"),
        (["dead-letter", "replay", "k", "--since", "2h"], 2, "--since goes with --all"),
        (["dead-letter", "replay", "--all", "--since", "yesterday", "-y"], 2, "is no time; write for example 90m"),
        (["dead-letter", "replay", "tidegate.demand/0/4", "-y"], 1, "did you mean tidegate.demand/0/3?"),
        (["dead-letter", "replay", "\x1b[2J", "-y"], 1, "dead-letter list --bus BUS shows the keys"),
        (["lag", "--bus-settings", "no-such.yaml"], 1, "no-such.yaml: cannot be read: no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_told_with_what_to_do(
    run, bus: SqliteBus, path: Path, arguments: list[str], code: int, told: str
):
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert told in " ".join(ran.err.split())
    assert "\x1b[2J" not in ran.err
    assert not Path("no-such-file.db").exists()


@pytest.mark.parametrize("arguments", [["tail", "work"], ["lag"], ["dead-letter", "list"]], ids=" ".join)
def test_without_a_bus_there_are_examples(monkeypatch: pytest.MonkeyPatch, capsys, arguments: list[str]):
    monkeypatch.setattr(sys, "argv", ["tidegate", "bus", *arguments])
    with pytest.raises(SystemExit) as end:
        command.main()
    told = " ".join(capsys.readouterr().err.split())
    assert end.value.code == 2
    assert "--bus sqlite:tidegate.db or --bus kafka:broker1:9092,broker2:9092" in told


def test_the_prefix_comes_from_the_settings_unless_it_is_given(run, path: Path, tmp_path: Path):
    with closing(SqliteBus(path, prefix="a.")) as one, closing(SqliteBus(path, prefix="b.")) as other:
        told(one, [demand(1)])
        told(other, [demand(2)])
    settings = tmp_path / "settings.yaml"
    settings.write_text("prefix: a.\n", encoding="utf-8")
    assert " 1 running" in run("tail", "demand", "--no-follow", "--bus-settings", settings).out
    assert " 2 running" in run("tail", "demand", "--no-follow", "--bus-settings", settings, "--prefix", "b.").out


def test_a_secret_that_everybody_can_read_is_warned_of(run, bus: SqliteBus, tmp_path: Path):
    secret, settings = tmp_path / "password", tmp_path / "settings.yaml"
    secret.touch()
    secret.chmod(0o644)
    settings.write_text("security: {username: ada, passwordFile: password}\n", encoding="utf-8")
    ran = run("lag", "--bus-settings", settings)
    assert ran.code == 0
    assert ran.err == f"warning: everybody on this machine can read the secret in {secret} (chmod 600 {secret})\n"


def test_mistakes_in_the_settings_are_told_with_their_places(run, bus: SqliteBus, tmp_path: Path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("prefx: a.\nsecurity: {password: secret-word}\n", encoding="utf-8")
    ran = run("lag", "--bus-settings", settings)
    assert ran.code == 1
    assert ran.err.splitlines()[0] == f"{settings}:1:1: prefx: unknown key; did you mean prefix?"
    assert "secret-word" not in ran.err


def test_an_event_of_another_prefix_is_another_topic(run, path: Path):
    with closing(SqliteBus(path, prefix="a.")) as bus:
        bus.publish(Event(Topic.WORK, "k", None, 1, "/tests", AT_S))
    assert "there is a.tidegate.work: give that prefix" in run("tail", "work", "--no-follow").err
