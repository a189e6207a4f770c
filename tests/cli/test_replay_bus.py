"""Which bus a replay goes through: its settings, its topics, and what is told before anything else is done."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cli.replaying.bus_path import PathThrough, ReplayBus, replay_bus, usable_bus
from cli.replaying.options import POLICIES, audited
from connectors.bus.settings import BusSettings
from connectors.kafka_client.security import Security
from models.errors import BusRefused, BusUnavailable
from models.events import Topic
from tests.cli.test_bus_path import ran, topics
from tests.list_bus import ListBus


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A file as a person writes it, with a secret that everybody can read."""
    (tmp_path / "password").touch()
    (tmp_path / "password").chmod(0o644)
    file = tmp_path / "bus.yaml"
    security = "{caFile: ca.pem, username: ada, passwordFile: password}"
    file.write_text(f"prefix: site.\nspool: spool.db\nspoolMost: 2Mi\nsecurity: {security}\n", encoding="utf-8")
    return file


def test_a_broker_is_reached_as_the_settings_say_when_it_is_checked_and_by_each_policy(
    settings: Path, monkeypatch: pytest.MonkeyPatch
):
    seen, calls = [], []

    class Noted(ListBus):
        def close(self, timeout_s: float = 5.0) -> None:
            calls.append("close")

        def discard(self) -> None:
            calls.append("discard")

    def noted(servers: tuple[str, ...], **options: object) -> ListBus:
        seen.append((servers, options.pop("prefix"), options))
        return Noted()

    monkeypatch.setattr("connectors.bus.broker.bus.KafkaBus", noted)
    bus = usable_bus("kafka:a:1", settings, quiet=True)
    assert calls == ["discard", "close"]
    with pickle.loads(pickle.dumps(PathThrough(bus, "pool")))("reactive"):  # noqa: S301 - as it goes to a process
        pass
    assert calls == ["discard", "close"] * 2
    assert [prefix for _, prefix, _ in seen] == [f"site.{bus.run}-check.", f"site.{bus.run}-reactive."]
    assert bus.run.startswith("replay-")
    folder = settings.parent
    security = Security(ca_file=folder / "ca.pem", username="ada", password_file=folder / "password")
    options = {"security": security, "spool": None, "spool_most": 2 * 2**20}  # no two processes share a spool
    assert [(servers, given) for servers, _, given in seen] == [(("a:1",), options)] * 2


def test_what_went_wrong_first_is_told_when_the_topics_cannot_be_deleted_either(monkeypatch: pytest.MonkeyPatch):
    closed = []

    class Stuck(ListBus):
        def discard(self) -> None:
            raise BusRefused("nothing may be deleted")

        def close(self, timeout_s: float = 5.0) -> None:
            closed.append(self)

    monkeypatch.setattr("connectors.bus.broker.bus.KafkaBus", lambda *_, **__: Stuck())
    bus = replay_bus("kafka:a:1")
    with pytest.raises(BusRefused, match="nothing may be deleted"), bus.opened("reactive"):
        pass
    with pytest.raises(BusUnavailable, match="it is gone"), bus.opened("reactive"):
        raise BusUnavailable("it is gone")
    assert len(closed) == 2


def test_the_longest_prefix_leaves_names_that_kafka_takes():
    bus = replay_bus("kafka:a:1", BusSettings(prefix="p" * 200))
    moving = [name for name in POLICIES if audited([name])]  # a fixed split opens no path
    longest = f"{bus.settings.prefix}{bus.run}-{max(moving, key=len)}.{max(Topic, key=len)}"
    assert len(longest) <= 249


@pytest.mark.parametrize("arguments", [["replay", "--hpc", "x"], ["demo"]], ids=" ".join)
@pytest.mark.parametrize("quiet", [True, False], ids=["quiet", "warned"])
def test_the_command_hands_the_bus_on_and_warns_of_a_secret_that_everybody_can_read(
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    quiet: bool,
):
    used: list[ReplayBus] = []
    monkeypatch.setattr(f"cli.{arguments[0]}.run_and_tell", lambda _, bus, **__: used.append(bus))
    monkeypatch.setattr("cli.replay.replay_task", lambda *_, **__: None)
    address = f"sqlite:{settings.parent / 'events.db'}"
    words = [*arguments, "--bus", address, "--bus-settings", settings, *(["--quiet"] if quiet else [])]
    assert ran(monkeypatch, *words) == 0
    assert [(bus.address, bus.settings.prefix) for bus in used] == [(address, "site.")]
    secret = settings.parent / "password"
    warning = f"warning: everybody on this machine can read the secret in {secret} (chmod 600 {secret})\n"
    assert capsys.readouterr().err == ("" if quiet else warning)


def test_topics_in_a_file_have_the_prefix_of_the_settings_and_are_gone_after_the_check(settings: Path):
    file = settings.parent / "events.db"
    bus = usable_bus(f"sqlite:{file}", settings, quiet=True)
    assert (file.exists(), topics(file)) == (True, 0)
    with bus.opened("reactive"):
        assert topics(file, f"site.{bus.run}-reactive.") == topics(file) == len(Topic)
