"""``tidegate pause`` and ``tidegate resume`` on a lock file, with and without somebody who leads by it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from connectors.local.lock_file import LockFile
from models.errors import BadInput
from models.leadership import Orders, Pause


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
    assert leader.orders == Orders(how, 0)
    assert "may begin again" in run("resume", str(tmp_path / "lead"))
    leader.tick()
    assert leader.orders == Orders(None, 1)
    leader.release()


def test_one_pool_is_paused_and_the_others_are_not(tmp_path: Path):
    file = str(tmp_path / "lead")
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    paused = run("pause", file, "--pool", "a 100", "--revert")
    assert paused.startswith("moves of pool a 100 are paused, open hand-overs turn back; go on: ")
    leader.tick()
    assert (leader.orders.of("a 100"), leader.orders.of("b")) == (Orders(Pause.REVERT), Orders())
    assert run(*shlex.split(paused.split("go on: ")[1])[1:]) == "moves of pool a 100 may begin again\n"
    run("pause", file)
    told = run("resume", file, "--pool", "b")
    assert told.startswith("all pools stay paused, this one too; go on: ")
    assert run(*shlex.split(told.split("go on: ")[1])[1:]) == "moves may begin again\n"
    leader.tick()
    assert (leader.orders.of("a 100"), leader.orders.of("b")) == (Orders(None, 2), Orders(None, 2))


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
    for told in (leader.resume, paused.split("go on: ")[1]):
        assert shlex.split(told) == ["tidegate", "resume", str(tmp_path / "a state" / "lead")]


def test_it_is_heard_by_one_that_leads_later(tmp_path: Path):
    LockFile(tmp_path / "lead").tick()
    run("pause", str(tmp_path / "lead"))
    later = LockFile(tmp_path / "lead")
    later.tick()
    assert later.orders.paused is Pause.FINISH


def test_a_pause_before_the_first_start_is_kept_and_told_as_one_that_nobody_may_hear(tmp_path: Path):
    file = str(tmp_path / "lead")
    assert f"note: nobody has led by {file} yet; check the path" in run("pause", file)
    assert "nobody has led by" in run("pause", file, "--pool", "a"), "it is there by now, but by a pause alone"
    leader = LockFile(tmp_path / "lead")
    leader.tick()
    assert leader.orders.paused is Pause.FINISH
    assert "nobody has led" not in run("resume", file)
    assert "nobody has led" not in run("pause", file)


@pytest.mark.parametrize("more", [(), ("--pool", "a")], ids=["all pools", "one pool"])
def test_a_resume_by_a_file_that_is_not_there_is_refused_and_makes_none(tmp_path: Path, more: tuple[str, ...]):
    with pytest.raises(BadInput, match=r"lead: there is no such lock, so nothing goes on \(check the path"):
        CliRunner().invoke(app, ["resume", str(tmp_path / "lead"), *more], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(BadInput, match="no-such"):
        CliRunner().invoke(app, ["pause", str(tmp_path / "no-such" / "lead")], catch_exceptions=False)


def test_a_link_to_the_lock_will_do(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "lead")
    leader = LockFile(tmp_path / "lead")
    run("pause", str(tmp_path / "link"), "--pool", "a")
    leader.tick()
    assert leader.orders.of("a") == Orders(Pause.FINISH)
    leader.release()
