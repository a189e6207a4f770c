"""``tidegate status``, as a user types it: of a page that is served, and of a state folder without a service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.local import lock_state
from models.handovers import Stage
from models.leadership import Ordered, Pause
from service.page.app import make_app
from service.page.server import PageServer, listen
from service.page.static import Static
from tests.cli.test_plan_command import entry_of, keep
from tests.cli.whole_command import Ran, runner
from tests.service.page_sample import Book, events, handover, heard_of, shown_of

Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COLUMNS", "120")
    return runner(monkeypatch, capsys)


def joined(told: str) -> str:
    """What was told, however it was broken into lines."""
    return " ".join(told.split())


@pytest.fixture
def url() -> Iterator[str]:
    shown = shown_of(heard_of(events(64, days=0.1)), None, Book())
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = PageServer(make_app(shown, Static()), listening)
    yield f"http://127.0.0.1:{port}"
    shown.closing = True
    server.close()


def test_what_a_page_says_is_told(run: Run, url: str):
    out = run("status", "--url", url).out
    assert out.startswith(
        "Site campus, mode auto, as of 2026-11-30 01:00:00Z.\nPool a100: HPC has 31 and Kubernetes 32"
    )
    for part in (
        "2 nodes to Kubernetes (gpu[034-035]): moving 2 nodes to Kubernetes",
        "29 nodes stay: work on it ends later",
        "1 node stays: already being handed over",
        "gpu034 to Kubernetes: stuck (unhealthy) for 10 min, until 2026-11-30 01:50:00Z; campus_a100.7.5",
        "Node gpu034 needs a person: tidegate handovers AUDIT --show campus_a100.7.5",
        "Takeover nightly-training: 48 nodes of pool a100 for HPC from 2026-11-29 22:00:00Z to 2026-11-30 04:00:00Z.",
        "2 jobs ask for more than HPC can ever have of this pool",
    ):
        assert part in joined(out), part
    assert json.loads(run("status", "--url", url, "--json").out)["site"] == "campus"


def test_what_the_state_folder_has_is_told_without_a_service(run: Run, tmp_path: Path):
    keep(tmp_path, entry_of())
    lock_state.pause(tmp_path / "lock", Pause.REVERT, "a")
    out = run("status", "--state", tmp_path).out
    assert "Pool a: Old: HPC has 8 and Kubernetes 0 of 8 nodes; 2 nodes go to Kubernetes" in out
    assert "Its moves are paused by a person; open hand-overs revert." in out
    assert "2 nodes to Kubernetes (n[0-1])" in out


def test_who_paused_when_and_why_is_told_once(run: Run, tmp_path: Path):
    keep(tmp_path, entry_of())
    given = Ordered("ada@login1", 1_796_000_400, "disk swap")
    lock_state.order(tmp_path / "lock", lambda orders: orders.pause(Pause.FINISH, None, given))
    out = joined(run("status", "--state", tmp_path).out)
    told = "paused by ada@login1 at 2026-11-30 01:00 UTC: disk swap; open hand-overs finish."
    assert f"All moves are {told}" in out
    assert out.count(" paused ") == 1, "a pause of all pools is not told of each, too"
    lock_state.order(tmp_path / "lock", lambda orders: orders.resume().pause(Pause.FINISH, "a", given))
    assert f"Its moves are {told}" in joined(run("status", "--state", tmp_path).out)


def test_a_loan_says_from_when_on_its_node_is_booked(run: Run, tmp_path: Path):
    entry = entry_of()
    loan = replace(handover(64, Stage.RESERVED), node="n7", reserve_from_s=1_796_000_400, loan=True)
    keep(tmp_path, replace(entry, snapshot=replace(entry.snapshot, open_handovers=(loan,))))
    told = joined(run("status", "--state", tmp_path).out)
    assert "n7 to Kubernetes: reserved from 2026-11-30 01:00:00Z, a loan, for" in told


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name the status page with --url, or the site file with --site"),
        (["--url", "http://x", "--state", "s"], 2, "name the status page"),
        (["--url", "file:///etc/passwd"], 1, "is no address of a status page"),
        (["--url", "http://127.0.0.1:1"], 1, "does not answer"),
        (["--url", "http://127.0.0.1:99999"], 1, "does not answer"),
    ],
)
def test_what_cannot_be_looked_at_is_told(run: Run, words: list[str], code: int, said: str):
    ran = run("status", *words)
    assert (ran.code, said in " ".join(ran.err.replace("│", " ").split())) == (code, True), ran.err


@pytest.mark.parametrize("command", ["status", "plan", "plans"])
def test_a_mistyped_folder_is_no_state_that_is_still_empty(run: Run, tmp_path: Path, command: str):
    ran = run(command, "--state", tmp_path / "stat")
    assert (ran.code, "stat: is no folder (name the folder of the state" in ran.err) == (1, True), ran.err


def test_an_empty_state_says_what_to_do(run: Run, tmp_path: Path):
    ran = run("status", "--state", tmp_path)
    assert (ran.code, "nothing was decided here yet" in ran.err) == (1, True)


def test_another_program_is_no_status_page(run: Run, url: str):
    ran = run("status", "--url", f"{url}/api/charts?")
    assert ran.code == 0, "the address of the server counts, whatever page of it was copied"
