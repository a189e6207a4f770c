"""What strangers wrote (reasons, names, ids, answers) steers no terminal, forges no line and runs in no shell."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from basics.log_lines import SERVICE, LineFormatter
from basics.own_file import strange
from cli.audit.explain import decision_of
from cli.audit.timelines import HandoverTimeline, HandoverTimelines
from cli.doctor import files
from cli.main import app
from connectors.bus.broker.metadata import _must_be
from connectors.bus.embedded.errors import explained
from connectors.local.lock_file import LockFile
from connectors.local.lock_state import pause
from connectors.slurm.checkup.scontrol import scontrol
from connectors.slurm.checkup.token import token_findings
from connectors.slurm.facts import FACTS as SLURM_FACTS
from controller.handover.advice import advice
from controller.site_leadership import SiteLeadership
from models.audit import Entered
from models.errors import BadInput, BusRefused, TidegateError, Unreachable, clean
from models.handovers import Direction, Handover, Stage
from models.leadership import Pause
from models.nodes import Side
from tests.controller.fleet import KUBERNETES_FACTS

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "a colour": "a\x1b[31mb",
    "a title": "a\x1b]0;owned\x07b",
    "a C1 control": "a\x9b2Jb",
    "a new line": "a\n2026-01-01T00:00:00Z INFO    tidegate.service: all is well",
    "a return": "all is well\rb",
    "other ends of lines": "a\x0b\x0c\x1c\x85\u2028\u2029b",
    "a backspace": "a\x08\x08\x7fb",
    "text turned around": "a\u202e\u2066b\u2069\u200f",
    "what cannot be seen": "a\u200b\ufeff\u00ad\U000e0041b",
    "half a character": "a\udc9bb",
    "a shell": "a'; touch owned; $(touch owned) `touch owned` \"&|<>*~#!\\ b",
    "an option": "--all",
}
TEXTS = st.one_of(
    st.text(max_size=40), st.text(st.sampled_from("\x1b[\x9b\r\n\u202e\u2028'\"$`;\\ -a\udc9b"), max_size=20)
)


def steers(text: str) -> list[str]:
    return [char for char in text if not char.isprintable() and char != "\n"]


def every(test: Callable[..., None]) -> Callable[..., None]:
    """The property, with each hostile text as an example."""
    for text in HOSTILE.values():
        test = example(text=text)(test)
    return given(text=TEXTS)(test)


# ---- the log ----


def logged(record: logging.LogRecord) -> str:
    return LineFormatter(SERVICE).format(record)


@every
def test_a_record_is_one_line_whatever_is_in_it(text: str):
    told = logged(logging.makeLogRecord({"name": text, "levelname": "INFO", "msg": "drain of %s", "args": (text,)}))
    assert (steers(told), told.count("\n")) == ([], 0)


@every
def test_no_line_of_a_traceback_looks_like_a_record(text: str):
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.makeLogRecord({"name": "a", "msg": text, "exc_info": sys.exc_info(), "stack_info": text})
    for told in (logged(record), logged(record)):  # the second finds the traceback that the first has left there
        _, *rest = told.split("\n")
        assert steers(told) == []
        assert rest
        assert all(line.startswith("  ") for line in rest)


def test_the_service_logs_by_it_also_what_python_would_print():
    code = """
import logging, threading, warnings
from basics.log_lines import log_to_stderr
log_to_stderr()
logging.getLogger("tidegate.slurm").warning("drained: %s", "a\\x1b[31m\\nb")
warnings.warn("c\\x1b[31m\\nd")
def fail():
    raise ValueError("e\\x1b[31m\\nf")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert steers(told) == []
    assert "drained: a?[31m?b\n" in told
    assert all(re.match(r"\d{4}-\d\d-\d\dT|  ", line) for line in told.splitlines()), told
    assert "a thread has ended" in told


def test_what_a_command_logs_without_a_handler_is_clean():
    code = """
import logging, sys
from cli import main
main.app = lambda **_: logging.getLogger("tidegate.bus").warning("put aside: %s", "a\\x1b[31m\\nb")
main.main()
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert told == "put aside: a?[31m?b\n"


# ---- errors ----


@every
def test_an_error_is_told_in_its_own_lines_only(text: str):
    for error, lines in (
        (Unreachable(f"Slurm says: {text}"), 1),
        (BadInput(text, where=text, remedy=text), 1),
        (BusRefused("make them yourself:", f"  {text}"), 2),
    ):
        assert isinstance(error, TidegateError)
        assert (steers(error.told), error.told.count("\n")) == ([], lines - 1)


def hostile_file(folder: Path, text: str, content: bytes = b"") -> Path:
    path = folder / text.replace("/", "_").replace("\0", "_")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "command",
    [
        ("policy", "check", "FILE"),
        ("handovers", "./FILE"),
        ("import", "sacct", "./FILE"),
        ("replay", "--hpc", "FILE", "--nodes", "4"),
        ("run", "--site", "FILE"),
        ("doctor", "--site", "FILE"),
        ("bus", "lag", "--bus", "sqlite:FILE"),
        ("bus", "lag", "--bus", "FILE"),
        ("pause", "./FILE"),
        ("pause", "./FILE-new"),
        ("resume", "./FILE-new", "--pool", "a"),
        ("policy", "check", "a", "./FILE"),
        ("handovers", "a", "--stage", "FILE"),
        ("handovers", "a", "--FILE"),
        ("FILE",),
    ],
    ids=" ".join,
)
def test_no_command_shows_the_name_of_a_file_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], text: str
):
    monkeypatch.chdir(tmp_path)
    path = hostile_file(tmp_path, text, b"spec: {x\x1b[31m: 1, '\\u202e': 2}\n")
    told = CliRunner().invoke(app, [word.replace("FILE", path.name) for word in command], color=True)
    shown = told.exception.told if isinstance(told.exception, TidegateError) else told.output
    assert shown
    assert told.exit_code in {1, 2}
    ours = re.compile(r"^(\x1b\[\d+m)+(\w+ *)\x1b\[0m", re.MULTILINE)  # doctor's colours
    assert steers(ours.sub(r"\2", shown)) == []
    assert "\n2026" not in shown


def test_the_command_itself_tells_it_so(tmp_path: Path):
    path = hostile_file(tmp_path, HOSTILE["a new line"] + HOSTILE["a colour"], b"spec: [")
    command = [sys.executable, "-m", "cli.main", "policy", "check", str(path)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, steers(told.stderr), told.stdout) == (1, [], "")
    assert len(told.stderr.splitlines()) == 1


def test_a_bug_is_told_without_what_steers():
    code = "from cli import main\ndef app(**_): raise ValueError('a\\x1b[31m\\x9b')\nmain.app = app\nmain.main()"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, steers(told.stderr)) == (70, [])
    assert "this is a bug in Tidegate" in told.stderr


# ---- commands to paste ----


Shown = Callable[[str, Path], str]


def one_at(text: str) -> Handover:
    return Handover(text, text, text, Direction.TO_HPC, Stage.STUCK, 0, 0, 100, repair=True)


def advised(text: str, _: Path) -> str:
    facts = {Side.HPC: SLURM_FACTS, Side.KUBERNETES: KUBERNETES_FACTS}
    return advice(one_at(text), Stage.OPENING, None, facts)


def led(lock: Path) -> None:
    """The lock of a service that has led."""
    one = LockFile(lock)
    one.tick()
    one.release()


def paused(text: str, folder: Path) -> str:
    led(folder / text)
    return CliRunner().invoke(app, ["pause", str(folder / text)], color=True).output


def named(text: str) -> str:
    """As a pool can be named."""
    return clean(text)


def resumed(text: str, folder: Path) -> str:
    """The command of one pool, as a controller logs it."""
    lock = LockFile(folder / "lock")
    site = SiteLeadership(lock, [named(text)])
    pause(folder / "lock", Pause.FINISH, named(text))
    lock.tick()
    lock.release()
    return site.pool(named(text)).resume


def looked_over(text: str, folder: Path) -> str:
    pause(folder / "lock", Pause.FINISH, named(text))
    return "\n".join(command for found in files.state_findings(folder) for command in found.commands)


def story(text: str, folder: Path) -> str:
    timeline = HandoverTimeline(text, [Entered(0, one_at(text))])
    with pytest.raises(BadInput) as told:
        decision_of(timeline, HandoverTimelines(folder / "audit"))
    return str(told.value)


def listed(text: str, folder: Path) -> str:
    with pytest.raises(BadInput) as told:
        HandoverTimelines(folder / text).of("x")
    return str(told.value)


def open_to_all(text: str, folder: Path) -> str:
    (folder / text).mkdir()
    (folder / text).chmod(0o777)
    return "\n".join(found.remedy for found in files.state_findings(folder / text))


def another_users(text: str, folder: Path) -> str:
    path = folder / text
    path.touch()
    os.chown(path, 65_534, -1)
    return str(strange(path))


def locked(text: str, folder: Path) -> str:
    error = sqlite3.OperationalError("locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return str(explained(error, folder / text))


def readable(text: str, folder: Path) -> str:
    (folder / text).write_text("e30.e30.e30")
    (folder / text).chmod(0o644)
    return "\n".join(command for found in token_findings(folder / text, 0) for command in found.commands)


# what is shown, what the command begins with, and the word that must follow: the text or the path that it names
PASTED: dict[str, tuple[Shown, str, Callable[[str, Path], str]]] = {
    "a hand-over's node, to be looked at": (advised, "scontrol show node ", lambda text, _: text),
    "a hand-over's node, to be opened": (advised, "scontrol update NodeName=", lambda text, _: text),
    "what goes on after a pause": (paused, "tidegate resume ", lambda text, folder: str(folder / text)),
    "the pool that a controller names": (resumed, " --pool ", lambda text, _: named(text)),
    "the pool that doctor names": (looked_over, " --pool ", lambda text, _: named(text)),
    "the story of a hand-over": (story, " --show ", lambda text, _: text),
    "the file of the hand-overs": (listed, "tidegate handovers ", lambda text, folder: str(folder / text)),
    "a folder of the state": (open_to_all, "chmod go-w ", lambda text, folder: str(folder / text)),
    "who has a bus": (locked, "fuser -v ", lambda text, folder: str(folder / text)),
    "a token": (readable, "chmod o-rwx ", lambda text, folder: str(folder / text)),
    "a topic": (lambda text, _: str(_must_be(text, "a", "b", "c")), "--entity-name ", lambda text, _: text),
    "any command of Slurm's": (lambda text, _: scontrol("show", text), "scontrol show ", lambda text, _: text),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(("shown", "begins", "word"), PASTED.values(), ids=PASTED)
def test_a_command_to_paste_has_names_as_one_word(
    tmp_path: Path, shown: Shown, begins: str, word: Callable[[str, Path], str], text: str
):
    text = text.replace("/", "_")
    told = shown(text, tmp_path)
    quoted = shlex.quote(word(text, tmp_path))
    assert begins + quoted in told or begins + clean(quoted) in told


def test_no_pool_is_called_so(tmp_path: Path):
    for text in (text for text in HOSTILE.values() if not text.isprintable()):
        told = CliRunner().invoke(app, ["pause", f"--pool={text}", str(tmp_path / "lock")])
        assert (told.exit_code, list(tmp_path.iterdir())) == (2, [])
    led(tmp_path / "lock")
    told = CliRunner().invoke(app, ["pause", "--pool=a b; c", str(tmp_path / "lock")])
    assert f"tidegate resume {tmp_path / 'lock'} --pool 'a b; c'\n" in told.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_so_has_the_one_that_gives_a_file_back(tmp_path: Path, text: str):
    assert f"chown 0 {shlex.quote(str(tmp_path / text))}" in another_users(text, tmp_path)


@every
def test_a_quoted_name_that_is_cleaned_is_still_one_word(text: str):
    """Commands are quoted where they are made and cleaned where they are shown."""
    assert len(shlex.split(clean(shlex.quote(text)))) == 1
