"""A replay whose data path goes through a real broker: the same figures, no topic stays behind, and what is wrong with
the broker or with who we are is told before an input is read."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ResourceType

from cli import main as command
from cli.replaying.bus_path import PathThrough, replay_bus
from models.events import Topic
from simulator.compare import compare
from tests.real import ports
from tests.real.kafka.broker import PASSWORD, SECURE, USER, Broker
from tests.real.kafka.certificates import Certificates
from tests.simulator.small_worlds import small_world

RIGHTS = (ACLOperation.CREATE, ACLOperation.READ, ACLOperation.WRITE, ACLOperation.DELETE)
RIGHTS_S = 5.0  # by when the broker knows of one


def replayed(broker: Broker) -> list[str]:
    """The topics of replays."""
    with broker.admin() as admin:
        return [name for name in admin.list_topics() if "replay-" in name]


def test_the_figures_are_the_same_through_a_broker(broker: Broker):
    world, names = small_world(4, nodes=12, days=1.3), ("reactive", "persistence", "predictive", "perfect")
    through = compare(world, names, open_path=PathThrough(replay_bus(f"kafka:{broker.address()}"), "pool"))
    assert [outcome.figures for outcome in through] == [outcome.figures for outcome in compare(world, names)]
    assert replayed(broker) == []


# ---- TLS, a password, rights ----


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The command: its exit code and what it says on stderr."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["tidegate", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as end:
            command.main()
        assert end.value.code is None or isinstance(end.value.code, int)
        return end.value.code or 0, capsys.readouterr().err

    return run


@pytest.fixture
def settings(tmp_path: Path, certificates: Certificates, prefix: str) -> Path:
    """A file as a person writes it for the listener that wants a password, spool and all."""
    secret, path = tmp_path / "password", tmp_path / "settings.yaml"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    secret.chmod(0o600)
    security = f"{{caFile: {certificates.ca}, username: {USER}, passwordFile: password}}"
    path.write_text(f"prefix: {prefix}\nspool: spool.db\nsecurity: {security}\n", encoding="utf-8")
    return path


@pytest.fixture
def secure(broker: Broker, settings: Path) -> tuple[str, str]:
    return f"--bus=kafka:{broker.address(SECURE)}", f"--bus-settings={settings}"


def test_tls_and_a_password_and_rights_on_the_prefix_alone_give_the_same_figures(
    run, broker: Broker, secure: tuple[str, str], prefix: str, tmp_path: Path
):
    """Two processes at once, neither of which uses the spool that the settings name."""
    for operation in RIGHTS:
        broker.allow(USER, operation, ResourceType.TOPIC, prefix)
    broker.allow(USER, ACLOperation.READ, ResourceType.GROUP, prefix)
    jobs = [f"{n} {600 * n} -1 {300 + 977 * n % 9000} 4 -1 -1 4 9600 -1 1 1 1 1 1 -1 -1 -1" for n in range(1, 24)]
    (tmp_path / "jobs.swf").write_text("\n".join(jobs) + "\n", encoding="utf-8")
    (tmp_path / "rates.csv").write_text(
        "seconds,requests_per_second\n" + "\n".join(f"{600 * n},{n * n % 9}" for n in range(24)), encoding="utf-8"
    )
    inputs = f"--hpc={tmp_path / 'jobs.swf'}", f"--requests={tmp_path / 'rates.csv'}", "--nodes=12", "--quiet"
    found = []
    for bus in ((), secure):
        out = tmp_path / "out.json"
        assert run("replay", *inputs, "--compare=reactive,persistence", f"--json={out}", *bus) == (0, "")
        found.append(json.loads(out.read_text(encoding="utf-8"))["results"])
    assert found[0] == found[1]
    assert found[0]["reactive"]["moves"] > 0
    assert replayed(broker) == []
    assert not (tmp_path / "spool.db").exists()


def test_what_is_wrong_is_told_before_an_input_is_read_or_a_replay_begins(
    run,
    monkeypatch: pytest.MonkeyPatch,
    broker: Broker,
    secure: tuple[str, str],
    settings: Path,
    certificates: Certificates,
):
    """Each by its own words, and nothing else is said."""
    for reads in ("cli.replay.replay_task", "cli.demo.lublin_jobs"):
        monkeypatch.setattr(reads, lambda *_, **__: pytest.fail("an input is read"))
    (port,) = ports.free(1)
    code, told = run("demo", f"--bus=kafka:127.0.0.1:{port}")
    assert (code, told.splitlines()[1:]) == (1, [])
    assert f"no broker answers at 127.0.0.1:{port}" in told
    secret, text = settings.parent / "password", settings.read_text(encoding="utf-8")
    secret.write_text("not-the-password-8c1f", encoding="utf-8")
    code, told = run("replay", "--hpc=no-such-input", *secure)
    assert (code, told.splitlines()[1:]) == (1, [])
    assert f"does not accept user {USER} with the password in {secret}" in told
    settings.write_text(text.replace(str(certificates.ca), str(certificates.wrong_ca)), encoding="utf-8")
    code, told = run("demo", *secure)
    assert (code, told.splitlines()[1:]) == (1, [])
    assert f"not signed by the CA in {certificates.wrong_ca}" in told


def test_a_missing_right_is_told_with_what_to_grant(run, broker: Broker, secure: tuple[str, str], prefix: str):
    """One after the other, as somebody would grant them; nothing is left behind but what may not be deleted."""

    def told_next(after: str) -> str:
        """What is said once the broker knows of the right whose absence was told so."""
        deadline = time.monotonic() + RIGHTS_S
        while after in (told := run("replay", "--hpc=no-such-input", *secure))[1]:
            assert time.monotonic() < deadline
        assert told[0] == 1
        return told[1]

    see, delete, group = "no right to see topic", "this user may not delete topics", "may not read as group"
    assert f"{see} {prefix}replay-" in run("replay", "--hpc=no-such-input", *secure)[1]
    for operation in (ACLOperation.CREATE, ACLOperation.READ):
        broker.allow(USER, operation, ResourceType.TOPIC, prefix)
    broker.allow(USER, ACLOperation.READ, ResourceType.GROUP, "nobody.")
    assert f"{group} {prefix}replay-" in told_next(see)
    broker.allow(USER, ACLOperation.READ, ResourceType.GROUP, prefix)
    told = told_next(group)
    assert delete in told
    assert f"--operation Delete --topic {prefix}replay-" in told
    broker.allow(USER, ACLOperation.DELETE, ResourceType.TOPIC, prefix)
    assert "no-such-input: there is no such file" in told_next(delete)
    left = replayed(broker)
    assert len(left) % len(Topic) == 0
    with broker.admin() as admin:
        admin.delete_topics(left)
