"""``tidegate pause`` and ``tidegate resume`` by a site file: on the Lease, or the lock, that the site leads by."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import service.kube_api
from cli.main import app
from connectors.kube.lease import KubeLeaseStore
from connectors.local.lock_file import LockFile
from models.errors import BadInput, Unreachable
from models.leadership import LeaseRecord, Orders, Pause
from tests.connectors.kube.fake_api import FakeApi

SITE = """spec:
  state: state
  slurm: {url: "http://127.0.0.1:9", tokenFile: t}
  kubernetes: {server: "http://127.0.0.1:9", tokenFile: k}
"""
LEASE = "  leadership: {lease: {namespace: tidegate, name: campus}}\n"


class Site:
    """A site file, and the Lease that it names."""

    def __init__(self, folder: Path, api: FakeApi) -> None:
        self.api = api
        self.store = KubeLeaseStore(api, "tidegate", "campus")
        self.file = folder / "a site.yaml"
        self.file.write_text(SITE + LEASE)

    def led(self, remembered: str = "") -> None:
        self.store.write(LeaseRecord("host", 1, 1, 16.0, remembered=remembered))

    @property
    def orders(self) -> Orders:
        found = self.store.read()
        assert found is not None
        return replace(found.orders, ordered=None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    api = FakeApi()
    monkeypatch.setattr(service.kube_api, "open_api", lambda _: api)
    return Site(tmp_path, api)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("words", "how"), [((), Pause.FINISH), (("--revert",), Pause.REVERT)])
def test_the_lease_has_the_order_and_the_command_to_go_on_can_be_pasted(
    site: Site, words: tuple[str, ...], how: Pause, monkeypatch: pytest.MonkeyPatch
):
    site.led()
    told = run("pause", "--site", str(site.file), *words)
    assert site.orders == Orders(how)
    monkeypatch.chdir("/")
    assert "host holds it, in epoch 1" in told
    command = shlex.split(told.split("go on: ")[1].splitlines()[0])
    assert command == ["tidegate", "resume", "--site", str(site.file)]
    told = run(*command[1:])
    assert told.startswith("moves may begin again\nthey were paused by ")
    assert site.orders == Orders(None, 1)


def test_one_pool(site: Site):
    site.led('{"v":2,"pools":{"a":{}}}')
    told = run("pause", "--site", str(site.file), "--pool", "a")
    assert told.splitlines()[0].endswith("--pool a")
    assert site.orders.of("a").paused is Pause.FINISH
    assert "nobody has led a pool b by this lease yet, only a" in run("pause", "--site", str(site.file), "--pool", "b")


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_by_a_lease_that_is_not_there_it_is_refused_and_none_is_made(site: Site, command: str):
    with pytest.raises(BadInput, match=r"lease tidegate/campus: no service has led by this lease, so nobody would"):
        CliRunner().invoke(app, [command, "--site", str(site.file)], catch_exceptions=False)
    assert site.api.all("leases") == []


def test_who_may_not_is_told_what_he_needs(site: Site):
    site.led()
    site.api.refuse("GET", ".*")
    with pytest.raises(Unreachable, match="let us get, create and patch leases there"):
        CliRunner().invoke(app, ["pause", "--site", str(site.file)], catch_exceptions=False)


def test_a_site_that_leads_by_its_lock(site: Site, tmp_path: Path):
    site.file.write_text(SITE)
    (tmp_path / "state").mkdir()
    leader = LockFile(tmp_path / "state" / "lock")
    leader.tick()
    assert "tidegate resume --site" in run("pause", "--site", str(site.file))
    leader.tick()
    assert replace(leader.orders, ordered=None) == Orders(Pause.FINISH)
    leader.release()


@pytest.mark.parametrize("words", [[], ["lock", "--site", "site.yaml"]], ids=["neither", "both"])
@pytest.mark.parametrize("command", ["pause", "resume"])
def test_one_place_is_named(command: str, words: list[str]):
    result = CliRunner().invoke(app, [command, *words])
    assert result.exit_code == 2
    assert "name the lock file, or the site file with --site" in result.output
