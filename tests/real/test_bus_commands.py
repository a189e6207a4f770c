"""``tidegate bus`` as a user types it, on a real broker: what it shows, which rights it takes, and what it leaves."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka import KafkaProducer
from kafka.admin import ACLOperation, ResourceType

from cli import main as command
from connectors.bus.broker import inspection as inspecting_kafka
from connectors.bus.broker.bus import KafkaBus
from connectors.bus.broker.inspection import KafkaInspection
from connectors.bus.inspection import Found, Reading
from models.events import Topic
from tests.conformance.bus_suite import demand, read, told, work
from tests.real import ports
from tests.real.bus_events import NotText
from tests.real.kafka.broker import MTLS, PASSWORD, SECURE, USER, Broker
from tests.real.kafka.certificates import CLIENT, Certificates

ROOT = Path(__file__).parents[2]
POISON = b'{"id":"job/1\x1b[31m"}'
WAIT_S = 60.0


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tidegate", "bus", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as end:
            command.main()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return Ran(code or 0, *capsys.readouterr())

    return run


@contextmanager
def opened(address: str, prefix: str = "") -> Iterator[KafkaBus]:
    bus = KafkaBus([address], prefix=prefix)
    try:
        yield bus
    finally:
        bus.close(1)


def put(broker: Broker, topic: str, key: bytes | None, value: bytes | None) -> None:
    with KafkaProducer(bootstrap_servers=broker.address()) as producer:
        producer.send(topic, value, key).get(WAIT_S)


@pytest.fixture
def bus(broker: Broker, prefix: str) -> Iterator[KafkaBus]:
    """A bus with demand, work, a stranger's message that was put aside, and a group that is behind."""
    with opened(broker.address(), prefix) as bus:
        told(bus, [demand(1), demand(2), work("job/4711", 1)])
        put(broker, prefix + Topic.DEMAND, b"k\x1b[2J", POISON)
        read(bus, [Topic.DEMAND, Topic.WORK], "forecasting")
        told(bus, [demand(3)])
        yield bus


def names(broker: Broker, prefix: str) -> tuple[list[str], list[str]]:
    """The topics and groups of a prefix."""
    with broker.admin() as admin:
        groups = sorted(group["group_id"] for group in admin.list_groups())
        topics = sorted(admin.list_topics())
    return [one for one in topics if one.startswith(prefix)], [one for one in groups if one.startswith(prefix)]


def test_each_command_shows_what_is_there_in_80_columns_and_leaves_nothing(
    run, broker: Broker, bus: KafkaBus, prefix: str
):
    target = f"--bus=kafka:{broker.address()}", f"--prefix={prefix}"
    before = names(broker, prefix), bus.metadata.committed([prefix + "forecasting"])
    tail, lag, letters = (
        run(*words, *target) for words in (("tail", "demand", "--no-follow"), ("lag",), ("dead-letter", "list"))
    )
    assert [ran.code for ran in (tail, lag, letters)] == [0, 0, 0]
    assert [line[15:] for line in tail.lines] == [
        "pool/hpc               1 running, 0 waiting, in nodes",
        "pool/hpc               2 running, 0 waiting, in nodes",
        r"k\x1b[2J               no event: header ce_type is missing",
        "pool/hpc               3 running, 0 waiting, in nodes",
    ]
    rows = [line.split() for line in lag.lines]
    assert ["forecasting", "tidegate.work", "*", "0"] in rows
    assert ["forecasting", "tidegate.demand", "1"] in rows
    assert ["tidegate.demand", "1", "4"] in rows
    assert ["tidegate.work", "*", "6", "≤", "1"] in rows
    assert letters.lines[0] == "tidegate.demand/0/2"
    assert r'  {"id":"job/1\x1b[31m"}' in letters.lines
    lines = [line for ran in (tail, lag, letters) for line in ran.lines]
    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    assert (names(broker, prefix), bus.metadata.committed([prefix + "forecasting"])) == before


def test_tail_as_json(run, broker: Broker, bus: KafkaBus, prefix: str):
    ran = run("tail", "demand", "--no-follow", "--json", f"--bus=kafka:{broker.address()}", f"--prefix={prefix}")
    known = [json.loads(line) for line in ran.lines]
    assert [one.get("sequence") for one in known] == [1, 2, None, 3]
    assert [one["offset"] for one in known] == [0, 1, 2, 3]


def test_a_message_is_sent_again_to_its_partition_and_put_aside_again(run, broker: Broker, bus: KafkaBus, prefix: str):
    target = f"--bus=kafka:{broker.address()}", f"--prefix={prefix}"
    ran = run("dead-letter", "replay", "tidegate.demand/0/2", "--yes", *target)
    assert (ran.code, ran.lines[-1]) == (0, "1 message sent again; the dead letters stay on the list for 30 days")
    assert json.loads(run("tail", "demand", "--no-follow", "--json", "-n1", *target).out)["raw"] == {
        "key": "axtbMko=", "value": "eyJpZCI6ImpvYi8xG1szMW0ifQ==", "headers": [],
    }  # fmt: skip
    read(bus, Topic.DEMAND, "forecasting")
    again = [line for line in run("dead-letter", "list", *target).lines if line.startswith("tidegate.")]
    assert again == ["tidegate.demand/0/2", "tidegate.demand/0/4"]


def test_a_header_whose_name_is_no_text_stops_no_command(run, broker: Broker, bus: KafkaBus, prefix: str):
    target = f"--bus=kafka:{broker.address()}", f"--prefix={prefix}"
    with KafkaProducer(bootstrap_servers=broker.address()) as producer:
        producer.send(prefix + Topic.DEMAND, b"x", b"k", [(NotText("h"), b"1")]).get(WAIT_S)
    told(bus, [demand(number) for number in (4, 5)])
    read(bus, Topic.DEMAND, "forecasting")
    for words in ([], ["--from-beginning"]):
        ran = run("tail", "demand", "--no-follow", *words, *target)
        assert (ran.code, ran.err) == (0, "")
        assert [line.split()[3] for line in ran.lines] == ["1", "2", "no", "3", "no", "4", "5"]
    ran = run("dead-letter", "replay", "tidegate.demand/0/4", "--yes", *target)
    assert (ran.code, ran.lines[-1]) == (0, "1 message sent again; the dead letters stay on the list for 30 days")


# ---- security ----


@pytest.fixture
def settings(tmp_path: Path, certificates: Certificates, prefix: str) -> Path:
    """A file that a person wrote for the listener that wants a password."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    secret.chmod(0o600)
    path = tmp_path / "settings.yaml"
    path.write_text(
        f"prefix: {prefix}\nsecurity: {{caFile: {certificates.ca}, username: {USER}, passwordFile: password}}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def secure(broker: Broker, settings: Path) -> tuple[str, str]:
    return f"--bus=kafka:{broker.address(SECURE)}", f"--bus-settings={settings}"


def test_to_look_takes_no_more_than_read_on_topics_and_describe_on_groups(
    run, broker: Broker, bus: KafkaBus, secure: tuple[str, str], prefix: str
):
    broker.allow(USER, ACLOperation.READ, ResourceType.TOPIC, prefix)
    broker.allow(USER, ACLOperation.DESCRIBE, ResourceType.GROUP, prefix)
    assert len(run("tail", "demand", "--no-follow", *secure).lines) == 4
    assert len(run("tail", "work", "--no-follow", "--from-beginning", *secure).lines) == 1
    assert "forecasting   tidegate.demand" in run("lag", *secure).out
    assert "tidegate.demand/0/2" in run("dead-letter", "list", *secure).lines
    assert run("dead-letter", "replay", "--all", "--dry-run", *secure).code == 0
    ran = run("dead-letter", "replay", "--all", "--yes", *secure)
    assert ran.code == 1
    assert ran.lines[-1] == "nothing was sent"
    assert f"this user may not write to {prefix}tidegate.demand (grant it WRITE on the topic)" in ran.err
    broker.allow(USER, ACLOperation.WRITE, ResourceType.TOPIC, prefix)
    assert run("dead-letter", "replay", "--all", "--yes", *secure).code == 0


def test_what_may_not_be_seen_is_told(run, broker: Broker, bus: KafkaBus, secure: tuple[str, str], prefix: str):
    ran = run("lag", *secure)
    assert ran.code == 1
    assert f"no right to see topic {prefix}tidegate." in ran.err
    assert "kafka-acls.sh" in ran.err
    broker.allow(USER, ACLOperation.READ, ResourceType.TOPIC, prefix + Topic.DEMAND)
    ran = run("lag", *secure)
    assert ran.code == 0
    assert "no group has committed anything on these topics that this user may see" in ran.out
    rows = [line.split() for line in ran.lines]
    assert ["tidegate.demand", "1", "4"] in rows
    assert ["tidegate.plans", "–", "no", "right", "to", "see", "it"] in rows
    assert f"no right to see topic {prefix}tidegate.work" in run("tail", "work", *secure).err


def test_no_topic_is_made_by_looking(run, broker: Broker, prefix: str):
    target = f"--bus=kafka:{broker.address()}", f"--prefix={prefix}"
    for words in (["tail", "work"], ["lag"], ["dead-letter", "list"], ["dead-letter", "replay", "--all", "-y"]):
        ran = run(*words, *target)
        assert ran.code == 1
        assert f"there is no topic {prefix}tidegate." in ran.err
    assert names(broker, prefix) == ([], [])


def test_a_prefix_that_is_left_out_is_told(run, broker: Broker, bus: KafkaBus, prefix: str):
    ran = run("tail", "work", f"--bus=kafka:{broker.address()}", "--prefix=nobody.")
    assert "there is no topic nobody.tidegate.work (there is " in ran.err
    assert "tidegate.work: give that prefix)" in ran.err


def test_a_certificate_will_do(
    run, broker: Broker, bus: KafkaBus, certificates: Certificates, tmp_path: Path, prefix: str
):
    broker.allow(f"CN={CLIENT}", ACLOperation.READ, ResourceType.TOPIC, prefix)
    pair, path = certificates.client, tmp_path / "settings.yaml"
    files = f"caFile: {certificates.ca}, certFile: {pair.certificate}, keyFile: {pair.key}"
    path.write_text(f"prefix: {prefix}\nsecurity: {{{files}}}\n", encoding="utf-8")
    ran = run("tail", "demand", "--no-follow", f"--bus=kafka:{broker.address(MTLS)}", f"--bus-settings={path}")
    assert len(ran.lines) == 4


def test_what_is_wrong_with_the_settings_is_told(
    run, secure: tuple[str, str], settings: Path, certificates: Certificates
):
    (settings.parent / "password").write_text("not-the-password-8c1f", encoding="utf-8")
    ran = run("lag", *secure)
    assert ran.code == 1
    assert f"does not accept user {USER} with the password in {settings.parent / 'password'}" in ran.err
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace(str(certificates.ca), str(certificates.wrong_ca)), encoding="utf-8")
    assert f"not signed by the CA in {certificates.wrong_ca}" in run("lag", *secure).err
    settings.write_text(text.replace("passwordFile: password", "passwordFile: nothing"), encoding="utf-8")
    assert f"password file {settings.parent / 'nothing'} cannot be read" in run("lag", *secure).err


@pytest.mark.parametrize("words", [["tail", "work"], ["lag"], ["dead-letter", "list"]], ids=" ".join)
def test_a_broker_that_is_not_there_is_told(run, words: list[str]):
    (port,) = ports.free(1)
    ran = run(*words, f"--bus=kafka:127.0.0.1:{port}")
    assert (ran.code, ran.out) == (1, "")
    assert f"no broker answers at 127.0.0.1:{port}" in ran.err


# ---- following ----


class Tail:
    """The command in a process of its own."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "bus", "tail", *words],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def note(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def interrupt(self) -> tuple[int, str, str]:
        self._process.send_signal(signal.SIGINT)
        out, err = self._process.communicate(timeout=WAIT_S)
        return self._process.returncode, out, err

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_it_follows_until_ctrl_c_and_disturbs_no_group(broker: Broker, bus: KafkaBus, prefix: str):
    member = bus.subscribe([Topic.DEMAND], "forecasting")
    before = names(broker, prefix)
    with Tail("demand", "-n1", f"--bus=kafka:{broker.address()}", f"--prefix={prefix}") as tail:
        assert " 3 running" in tail.line()
        told(bus, [demand(4)])
        assert " 4 running" in tail.line()
        assert names(broker, prefix) == before
        assert tail.interrupt() == (130, "", "interrupted\n")
    assert [event.version for _ in range(3) for event in member.poll(2.0).events] == [3, 4]
    member.close()


def test_a_broker_that_goes_and_comes_back_is_told_and_what_comes_then_is_shown(own_broker: Callable[..., Broker]):
    broker = own_broker()
    with opened(broker.address()) as bus:
        told(bus, [demand(1)])
        with Tail("demand", f"--bus=kafka:{broker.address()}") as tail:
            assert " 1 running" in tail.line()
            broker.kill()
            assert tail.note().startswith("waiting, since there is no answer: ")
            broker.start()
            assert tail.note() == "the broker answers again\n"
            bus.publish(demand(2))
            assert bus.flush(WAIT_S) == 0
            assert " 2 running" in tail.line()
            assert tail.interrupt()[:2] == (130, "")


def test_a_topic_that_is_made_anew_or_gets_partitions_is_told_and_read_on(
    broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inspecting_kafka, "LOOK_S", 0.0)
    notes: list[str] = []
    look = KafkaInspection([broker.address()], prefix=prefix)
    try:
        with opened(broker.address(), prefix) as bus:
            told(bus, [demand(1), demand(2)])
            with look.reading(Topic.DEMAND, notes.append) as reading:
                reading.start(0)
                with broker.admin() as admin:
                    admin.create_partitions({prefix + Topic.DEMAND: 3})
                    admin.wait_for_topics([prefix + Topic.DEMAND])
                put(broker, prefix + Topic.DEMAND, b"k", b"v")
                assert [one.key for one in until_there(reading)] == [b"k"]
                bus.discard()
                bus.close(0)
                with opened(broker.address(), prefix) as anew:
                    told(anew, [demand(3)])
                    assert [one.offset for one in until_there(reading)] == [0]
    finally:
        look.close()
    assert notes == [f"{prefix}tidegate.demand has 3 partitions now", f"{prefix}tidegate.demand was made anew"]


def until_there(reading: Reading) -> list[Found]:
    for _ in range(round(WAIT_S)):
        if some := reading.poll(1.0):
            return some
    raise AssertionError("nothing came")
