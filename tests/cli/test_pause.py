"""``tidegate pause`` and ``tidegate resume`` on a lock file, with and without somebody who leads by it."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from connectors.local import lock_state
from connectors.local.lock_file import LockFile
from controller.safety import pause_holds
from models.errors import BadInput
from models.leadership import Ordered, Orders, Pause

NOBODY = 65_534


def bare(orders: Orders) -> Orders:
    """Without who gave them."""
    return replace(orders, ordered=None)


def to_go_on(told: str) -> list[str]:
    """The command that is told, as words."""
    return shlex.split(told.split("go on: ")[1].splitlines()[0])


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("words", "how"), [((), Pause.FINISH), (("--revert",), Pause.REVERT)])
def test_whoever_leads_hears_it_at_the_next_tick(tmp_path: Path, words: tuple[str, ...], how: Pause):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    assert "tidegate resume" in run("pause", str(tmp_path / "lead"), *words)
    leader.tick()
    assert bare(leader.orders) == Orders(how, 0)
    assert "may begin again" in run("resume", str(tmp_path / "lead"))
    leader.tick()
    assert bare(leader.orders) == Orders(None, 1)
    leader.release()


def test_one_pool_is_paused_and_the_others_are_not(tmp_path: Path):
    file = str(tmp_path / "lead")
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    paused = run("pause", file, "--pool", "a 100", "--revert")
    assert paused.startswith("moves of pool a 100 are paused, open hand-overs turn back; go on: ")
    leader.tick()
    assert (bare(leader.orders.of("a 100")), leader.orders.of("b")) == (Orders(Pause.REVERT), Orders())
    assert run(*to_go_on(paused)[1:]).startswith("moves of pool a 100 may begin again\n")
    run("pause", file)
    told = run("resume", file, "--pool", "b")
    assert told.startswith("all pools stay paused, this one too; go on: ")
    assert run(*to_go_on(told)[1:]).startswith("moves may begin again\n")
    leader.tick()
    assert [bare(leader.orders.of(pool)) for pool in ("a 100", "b")] == [Orders(None, 2)] * 2


@pytest.mark.parametrize(
    ("remembered", "pool", "told"),
    [
        ("", "c", False),
        ('{"at_s":1}', "c", False),
        ('{"v":2,"pools":{"a":{},"b":{}}}', "b", False),
        ('{"v":2,"pools":{"a":{},"b":{}}}', "c", True),
    ],
    ids=["nobody has led", "release 0.1.0 has led", "a known one", "an unknown one"],
)
def test_an_order_for_a_pool_that_nobody_has_led_is_kept_and_told(
    tmp_path: Path, remembered: str, pool: str, told: bool
):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    leader.remembered = remembered
    leader.tick()
    result = CliRunner().invoke(app, ["pause", str(tmp_path / "lead"), "--pool", pool], catch_exceptions=False)
    assert ("note: nobody has led a pool c by this lock yet, only a, b" in result.output) is told
    leader.tick()
    assert leader.orders.of(pool).paused is Pause.FINISH


def test_the_command_to_go_on_can_be_pasted_from_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a state").mkdir()
    monkeypatch.chdir(tmp_path)
    leader = LockFile(Path("a state/lead"))
    leader.tick()
    paused = run("pause", "a state/lead")
    monkeypatch.chdir("/")
    for words in (shlex.split(leader.resume), to_go_on(paused)):
        assert words == ["tidegate", "resume", str(tmp_path / "a state" / "lead")]


def test_it_is_heard_by_one_that_leads_later(tmp_path: Path):
    LockFile(tmp_path / "lead").tick()
    run("pause", str(tmp_path / "lead"))
    later = LockFile(tmp_path / "lead")
    later.tick()
    assert later.orders.paused is Pause.FINISH


@pytest.mark.parametrize("more", [(), ("--pool", "a")], ids=["all pools", "one pool"])
@pytest.mark.parametrize("command", ["pause", "resume"])
def test_by_a_file_that_is_not_there_it_is_refused_and_none_is_made(
    tmp_path: Path, command: str, more: tuple[str, ...]
):
    with pytest.raises(BadInput, match=r"lead: no service has led by this lock, so nobody would .* \(check the path"):
        CliRunner().invoke(app, [command, str(tmp_path / "lead"), *more], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_an_earlier_release_made_of_a_slip_is_no_services_lock(tmp_path: Path):
    lock_state.pause(tmp_path / "lead", Pause.FINISH)
    with pytest.raises(BadInput, match="no service has led by this lock"):
        CliRunner().invoke(app, ["pause", str(tmp_path / "lead")], catch_exceptions=False)


def test_it_is_told_who_leads_and_whether_anybody_does(tmp_path: Path):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    assert f"process {os.getpid()} leads, in epoch 1, and hears it within seconds" in run(
        "pause", str(tmp_path / "lead")
    )
    leader.release()
    assert f"nobody leads by {tmp_path / 'lead'} now: whoever does next hears it" in run(
        "resume", str(tmp_path / "lead")
    )


def test_who_paused_when_and_why_is_kept_and_told_to_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.lead_place.who", lambda: "ana@login1")
    monkeypatch.setattr("cli.pause.who", lambda: "ana@login1")
    monkeypatch.setattr("cli.pause.time.time", lambda: 1_796_000_000.7)
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    run("pause", str(tmp_path / "lead"), "--why", "a switch is replaced")
    leader.tick()
    expected = Ordered("ana@login1", 1_796_000_000, "a switch is replaced")
    assert leader.orders.ordered == expected
    (hold,) = pause_holds(leader.orders.of("any"), leader.resume)
    assert "paused by ana@login1 at 2026-11-30 00:53 UTC: a switch is replaced" in hold.text
    told = run("resume", str(tmp_path / "lead"), "--why", "it is in")
    assert "they were paused by ana@login1 at 2026-11-30 00:53 UTC: a switch is replaced" in told
    leader.tick()
    assert leader.orders.ordered == Ordered("ana@login1", 1_796_000_000, "it is in")
    leader.release()


@pytest.mark.parametrize("why", ["a\x1b[2J", "two\nlines", "x" * 201], ids=["an escape", "two lines", "too long"])
def test_a_reason_that_cannot_be_shown_is_refused_and_nothing_is_paused(tmp_path: Path, why: str):
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    result = CliRunner().invoke(app, ["pause", str(tmp_path / "lead"), "--why", why])
    assert result.exit_code == 2
    assert leader.orders == Orders()
    leader.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
def test_a_pause_as_root_locks_nobody_out(tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir()
    leader = LockFile(state / "lead")
    leader.tick()
    leader.release()
    for path in (state, *state.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    run("pause", str(state / "lead"))
    run("resume", str(state / "lead"), "--pool", "a")
    assert {path.name for path in state.iterdir()} == {"lead", "lead.lock", "lead.change"}
    for path in state.iterdir():
        found = path.stat()
        assert (found.st_uid, found.st_mode & 0o600) == (NOBODY, 0o600), path.name


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(BadInput, match="no-such"):
        CliRunner().invoke(app, ["pause", str(tmp_path / "no-such" / "lead")], catch_exceptions=False)


def test_a_link_to_the_lock_will_do(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "lead")
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    run("pause", str(tmp_path / "link"), "--pool", "a")
    leader.tick()
    assert bare(leader.orders.of("a")) == Orders(Pause.FINISH)
    leader.release()
