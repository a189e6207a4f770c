"""``tidegate takeover`` on a lock file and on a Lease: what it costs is said first, and whoever leads hears it."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import service.kube_api
from cli.main import app
from connectors.kube.lease import KubeLeaseStore
from connectors.local.audit_json import encode
from connectors.local.lock_file import LockFile
from models.audit import Decided
from models.errors import BadInput
from models.leadership import LeaseRecord
from models.nodes import Side
from models.policies import PoolPolicy, Shares
from models.takeovers import ALL
from tests.connectors.kube.fake_api import FakeApi
from tests.controller.test_decide import FREE, hpc_nodes, kubernetes_nodes, planned, snapshot

DAY = datetime.now(UTC) + timedelta(days=2)
HOUR, SHOWN = DAY.strftime("%Y-%m-%dT18:00"), DAY.strftime("%Y-%m-%d 18:00 UTC")
WORDS = ("--pool", "pool", "--side", "hpc", "--nodes", "all", "--at", HOUR, "--for", "8h")


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["takeover", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def led(folder: Path) -> None:
    """The lock of a service that has led, and does not now."""
    leader = LockFile(folder / "lead")
    leader.tick()
    leader.release()


def decided(folder: Path, pool: PoolPolicy | None = None) -> None:
    """The audit of a service that has decided once."""
    found = snapshot([*hpc_nodes(2), *kubernetes_nodes(4, pods=1)])
    pool = pool or PoolPolicy(name="pool")
    (folder / "audit.jsonl").write_bytes(encode(Decided(1, found, pool, FREE, planned(found, pool))))


def test_whoever_leads_hears_of_it_and_of_its_end(tmp_path: Path):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    told = run("request", str(tmp_path / "lead"), *WORDS)
    assert f"request 1 is announced: all nodes of pool pool for hpc at {SHOWN} for 8h" in told
    leader.tick()
    (heard,) = leader.orders.of("pool").takeovers
    assert (heard.side, heard.nodes, heard.for_s) == (Side.HPC, ALL, 8 * 3600)
    assert heard.at_s == int(datetime.fromisoformat(f"{HOUR}+00:00").timestamp())
    assert "@" in heard.by
    assert run("list", str(tmp_path / "lead")).startswith(f"1: all nodes of pool pool for hpc at {SHOWN}")
    _, _, to_cancel = told.partition("cancel it: tidegate takeover ")
    assert run(*shlex.split(to_cancel)) == "request 1 is cancelled\n", "the command can be pasted as it is told"
    leader.tick()
    assert leader.orders.takeovers == ()
    assert run("list", str(tmp_path / "lead")) == "no takeover is announced\n"
    leader.release()


def test_a_dry_run_says_what_it_costs_and_changes_nothing(tmp_path: Path):
    decided(tmp_path)
    told = run("request", str(tmp_path / "lead"), *WORDS, "--dry-run")
    assert "cost: what kubernetes will need then is not foreseen yet" in told
    assert f"not feasible at {SHOWN} as things stand: k00: its pods may not be evicted" in told
    assert "nobody can tell when all its nodes could be there" in told
    assert told.endswith("nothing was announced (--dry-run)\n")
    told = run("list", str(tmp_path / "lead"))
    assert told.startswith(
        f"no takeover is announced, as no service has led by {tmp_path / 'lead'} yet (check the path"
    )


def test_more_than_the_floors_leave_is_refused(tmp_path: Path):
    decided(tmp_path, PoolPolicy(name="pool", floor=Shares(kubernetes=2)))
    words = [word if word != "all" else "5" for word in WORDS]
    with pytest.raises(BadInput, match="of 6 nodes can give hpc 4 at most, not 5"):
        run("request", str(tmp_path / "lead"), *words)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("--at", "soon", "--at is a time such as"),
        ("--at", "1999-01-01T00:00", "it would be over already"),
        ("--at", "2999-01-01T00:00", "more than 400 days after"),
        ("--nodes", "0", "--nodes is a number of nodes, or all"),
        ("--nodes", "none", "--nodes is a number of nodes, or all"),
        ("--for", "8x", "is not a duration"),
        ("--for", "90d", "must be from 1s to 30d"),
        ("--pool", "a\x1b[2J", "no pool has such a name"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(tmp_path: Path, key: str, value: str, told: str):
    words = list(WORDS)
    words[words.index(key) + 1] = value
    assert told in " ".join(run("request", str(tmp_path / "lead"), *words, code=2).split())
    assert list(tmp_path.iterdir()) == []


def test_by_a_lock_that_nobody_has_led_by_nothing_is_announced_or_cancelled(tmp_path: Path):
    for words in (("request", *WORDS), ("cancel", "1")):
        with pytest.raises(BadInput, match="no service has led by this lock"):
            run(*words, str(tmp_path / "lead"))
    assert list(tmp_path.iterdir()) == []


def test_one_that_meets_another_is_announced_and_that_is_said(tmp_path: Path):
    led(tmp_path)
    run("request", str(tmp_path / "lead"), *WORDS)
    assert "note: request 1 has the pool at that time" in run("request", str(tmp_path / "lead"), *WORDS)


def test_one_that_is_not_there_cannot_be_cancelled(tmp_path: Path):
    led(tmp_path)
    with pytest.raises(BadInput, match="no announced takeover has the id 7; there are: none"):
        run("cancel", "7", str(tmp_path / "lead"))


def test_by_a_site_that_leads_by_a_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    api = FakeApi()
    monkeypatch.setattr(service.kube_api, "open_api", lambda _: api)
    site = tmp_path / "site.yaml"
    site.write_text(
        """spec:
  state: state
  slurm: {url: "http://127.0.0.1:9", tokenFile: t}
  kubernetes: {server: "http://127.0.0.1:9", tokenFile: k}
  leadership: {lease: {namespace: tidegate, name: campus}}
"""
    )
    store = KubeLeaseStore(api, "tidegate", "campus")
    store.write(LeaseRecord("host", 1, 1, 16.0))
    run("request", "--site", str(site), *WORDS)
    found = store.read()
    assert found is not None
    (heard,) = found.orders.takeovers
    assert heard.nodes == ALL
    assert (found.holder, found.epoch) == ("host", 1), "whoever leads goes on leading"
    run("cancel", "1", "--site", str(site))
    assert "no takeover" in run("list", "--site", str(site))
