"""The site's hook by command: what it is told, what each end means, and that no program can hold anybody up or stay."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.hooks import command
from connectors.hooks.asking import Asking
from connectors.hooks.command import ENDED_MOST, RUNNING_MOST, Commands, argv_of, check_programs, environment_of
from connectors.hooks.running import GRACE_S, LINE_MOST, SAID_LINES
from connectors.hooks.site_hook import SiteHook
from models.acts import Outcome
from models.errors import BadInput
from models.handovers import Direction
from models.hooks import PLACES, HookCall, Hooks
from models.identity import PoolId
from models.ports import Hook
from tests.patience import until

DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN
UP = Direction.TO_KUBERNETES
POOL = PoolId("campus", "a100")
IDENT = "campus_a100.3.17"


@dataclass
class Site:
    """A site with one program, and the runs of it, by a clock that only the test moves."""

    folder: Path
    now_s: float = 0.0
    leads: bool = True

    def __post_init__(self) -> None:
        self.commands = Commands(lambda: self.leads, lambda: self.now_s)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds

    def program(self, text: str, name: str = "convert") -> str:
        """A shell script beside what it writes; ``$HERE`` is that folder."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nHERE={self.folder}\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def hook(self, text: str, *arguments: str, timeout: str = "5m") -> SiteHook:
        call = HookCall(command=[self.program(text), *arguments], timeout=timeout)
        return SiteHook(Hooks(before=call, after=call), POOL, self.commands)

    def read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def comes(self, name: str, lines: int = 1) -> list[str]:
        """What the program wrote, once it is there."""
        until(lambda: self.read(name).count("\n") >= lines)
        return self.read(name).splitlines()

    def gone(self, name: str) -> None:
        """Wait until the process whose number stands in a file is no more, not even a dead one to be waited for."""
        number = self.comes(name)[0]
        until(lambda: not Path(f"/proc/{number}").exists())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    one = Site(tmp_path)
    yield one
    one.commands.close()


def told(hook: Hook, ident: str = IDENT) -> Outcome:
    """What is said in the end to who asks again and again."""
    said: list[Outcome] = []

    def knows() -> bool:
        said.append(hook.before("gpu001", UP, ident))
        return said[-1] is not UNKNOWN

    until(knows)
    return said[-1]


def ended(site: Site) -> Callable[[], bool]:
    return lambda: all(run.outcome is not None for run in site.commands._runs.values())


# ---- what it is told ----


def test_what_a_program_finds(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET", "of the service")
    script = (
        'cat >"$HERE/body"; env >"$HERE/env"; pwd >"$HERE/pwd"; printf "%s\\n" "$@" >"$HERE/words"; echo >"$HERE/end"'
    )
    hook = site.hook(script, "{node}", "--for={direction}", "{site}/{pool}", "{handover}:{phase}", "$(id) {}", "*")
    assert told(hook) is DONE
    expected = {"site": "campus", "pool": "a100", "node": "gpu001", "direction": UP.value, "handover": IDENT}
    assert json.loads(site.read("body")) == {**expected, "phase": "before"}
    words = ["gpu001", f"--for={UP.value}", "campus/a100", f"{IDENT}:before", "$(id) {}", "*"]
    assert site.read("words").splitlines() == words
    environment = dict(line.split("=", 1) for line in site.read("env").splitlines())
    assert environment["TIDEGATE_IDEMPOTENCY_KEY"] == f"{IDENT}:before"
    assert {name: environment[f"TIDEGATE_{name.upper()}"] for name in expected} == expected
    assert environment.keys() - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        *(f"TIDEGATE_{place.upper()}" for place in PLACES),
        *("TIDEGATE_IDEMPOTENCY_KEY", "PATH", "LANG"),
    }
    assert site.read("pwd") == "/\n"


def test_after_a_move_it_is_run_once_under_a_key_of_its_own(site: Site, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate.hook")
    hook = site.hook('echo "$TIDEGATE_IDEMPOTENCY_KEY" >>"$HERE/keys"')
    assert told(hook) is DONE
    assert hook.after("gpu001", UP, IDENT) is UNKNOWN, "it is not waited for"
    until(ended(site))
    assert site.read("keys").splitlines() == [f"{IDENT}:before", f"{IDENT}:after"]
    assert f"the hook after hand-over {IDENT} of node gpu001 is done" in caplog.text


GOOD = st.from_regex(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,20}", fullmatch=True)


def asking(node: str = "n1", handover: str = IDENT, whose: PoolId = POOL) -> Asking:
    return Asking(whose, node, UP, handover, "before")


NAMES = st.one_of(GOOD, st.text(), st.text("an1-./ {}\n", max_size=6))


@given(NAMES, NAMES, st.lists(st.sampled_from(["{node}", "{handover}", "-x"])))
def test_no_name_becomes_an_option_a_path_or_another_word(node: str, handover: str, arguments: list[str]):
    try:
        program, *words = argv_of(("/bin/convert", *arguments), asking(node, handover))
    except ValueError:
        return
    assert program == "/bin/convert"
    assert words == [{"{node}": node, "{handover}": handover}.get(argument, argument) for argument in arguments]
    for name in (node, handover):
        assert name.isascii()
        assert not name.startswith("-")
        assert not set(name) & set("/ \n\0'\"$`;|&<>(){}*?")


@pytest.mark.parametrize("name", ["", "-rf", "a b", "a/b", "a\n", "ä", "{node}", "a;b", "x\0"])
@pytest.mark.parametrize("what", ["node", "handover"])
def test_a_name_that_is_none_is_a_no_and_nothing_runs(site: Site, name: str, what: str):
    hook = site.hook('echo >"$HERE/ran"')
    node, ident = (name, IDENT) if what == "node" else ("n1", name)
    assert hook.before(node, UP, ident) is REFUSED
    assert site.commands._runs == {}


def test_a_place_is_filled_in_once():
    assert argv_of(("/a", "{site}"), asking(whose=PoolId("pool", "a"))) == ["/a", "pool"]
    assert argv_of(("/a", "{{node}}"), asking("n1")) == ["/a", "{n1}"]
    assert environment_of(asking())["PATH"].startswith("/")


# ---- what an end means ----


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 0", DONE),
        ("exit 1", REFUSED),
        ("exit 74", REFUSED),
        ("exit 76", REFUSED),
        ("exit 255", REFUSED),
        ("kill -KILL $$", REFUSED),
        ("exec </dev/null; exit 0", DONE),
        ('(exec sleep 600) & echo $! >"$HERE/left"; exit 0', DONE),
    ],
)
def test_what_an_end_means(site: Site, script: str, outcome: Outcome):
    assert told(site.hook(script)) is outcome
    if left := site.read("left"):
        os.kill(int(left), 9)  # what it leaves behind on purpose is its own, and holds nobody up


def test_while_it_runs_it_is_not_known_and_no_second_one_is_begun(site: Site):
    hook = site.hook('echo >>"$HERE/began"; until [ -e "$HERE/go" ]; do sleep 0.02; done')
    assert [hook.before("gpu001", UP, IDENT) for _ in range(5)] == [UNKNOWN] * 5
    site.comes("began")
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    (site.folder / "go").touch()
    assert told(hook) is DONE
    assert site.read("began").count("\n") == 1
    assert told(hook) is DONE, "it is told once: asked for anew, it is run anew"
    assert site.read("began").count("\n") == 2


def test_one_that_wants_to_be_asked_again_is_run_again(site: Site):
    hook = site.hook('echo >>"$HERE/began"; [ $(wc -l <"$HERE/began") -ge 3 ] || { echo later >&2; exit 75; }')
    assert told(hook) is DONE
    assert site.read("began").count("\n") == 3


def test_another_process_runs_it_again_under_the_same_key(site: Site):
    hook = site.hook('echo "$TIDEGATE_IDEMPOTENCY_KEY" >>"$HERE/keys"')
    assert told(hook) is DONE
    site.commands = Commands(lambda: True)
    assert told(SiteHook(hook._hooks, POOL, site.commands)) is DONE
    assert site.read("keys").splitlines() == [f"{IDENT}:before"] * 2


def test_hand_overs_do_not_wait_for_one_another(site: Site):
    hook = site.hook('[ "$1" = slow ] || exit 0; until [ -e "$HERE/go" ]; do sleep 0.02; done', "{node}")
    assert hook.before("slow", UP, "a.1") is UNKNOWN
    assert told(hook, "a.2") is DONE
    assert hook.before("slow", UP, "a.1") is UNKNOWN
    (site.folder / "go").touch()


def test_a_program_that_is_gone_is_asked_for_again(site: Site, caplog: pytest.LogCaptureFixture):
    hook = site.hook("exit 0")
    Path(site.folder / "convert").unlink()
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    until(ended(site))
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    assert "could not be run: [Errno 2] No such file" in caplog.text
    site.program("exit 0")
    assert told(hook) is DONE


def test_the_last_lines_are_in_the_log_short_and_clean(site: Site, caplog: pytest.LogCaptureFixture):
    lines = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done >&2"
    bad = "printf 'bad\\033[2J fan\\200\\n%01000d' 7 >&2"
    assert told(site.hook(f"{lines}; {bad}; echo out; exit 3")) is REFUSED
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    begin = (
        f"the hook before hand-over {IDENT} of node gpu001 was refused: exit status 3; line 2997; line 2998; line 2999;"
    )
    assert record.message.startswith(f"{begin} bad?[2J fan")
    assert record.message.isprintable()
    assert len(record.message) <= len(begin) + SAID_LINES * (LINE_MOST + 2)


def test_a_program_that_talks_without_end_is_ended_too(site: Site):
    hook = site.hook('echo $$ >"$HERE/pid"; while :; do echo x; echo y >&2; done', timeout="1s")
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    site.now_s = 1.0
    site.gone("pid")
    until(ended(site))
    assert all(len(run._said) <= 4096 for run in site.commands._runs.values())


# ---- the end before its time ----

DEAF = 'trap "" TERM; (trap "" TERM; while :; do sleep 0.05; done) & echo $! >"$HERE/child"; echo $$ >"$HERE/pid"; '
DEAF += "while :; do sleep 0.05; done"


def test_one_that_is_late_is_asked_to_end_then_ended_with_all_its_own(site: Site, caplog: pytest.LogCaptureFixture):
    hook = site.hook(DEAF, timeout="10m")
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    site.comes("child")
    site.now_s = 599.9
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    until(ended(site), still=lambda: site.pass_time(GRACE_S))
    site.gone("pid")
    site.gone("child")
    assert "was ended, as its time is over" in caplog.text
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN


def test_one_that_ends_when_it_is_asked_to_is_not_done(site: Site):
    hook = site.hook('trap "exit 0" TERM; echo $$ >"$HERE/pid"; while :; do sleep 0.05; done', timeout="1s")
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    site.now_s = 1.0
    site.gone("pid")
    until(ended(site))
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN


LASTS = 'echo $$ >"$HERE/pid"; exec sleep 600'


def test_who_does_not_lead_any_more_runs_nothing(site: Site, caplog: pytest.LogCaptureFixture):
    assert site.hook(LASTS).before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    site.leads = False
    site.gone("pid")
    until(ended(site))
    assert "this process does not lead any more" in caplog.text


def test_it_is_let_go_once_it_has_ended(site: Site):
    hook = site.hook(LASTS)
    assert hook.let_go("gpu001", UP, IDENT), "there is none yet"
    assert hook.before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    assert not hook.let_go("gpu001", UP, IDENT)
    until(lambda: hook.let_go("gpu001", UP, IDENT))
    assert not Path(f"/proc/{site.read('pid').strip()}").exists()
    assert site.commands._runs == {}


def test_an_end_in_order_ends_them(site: Site):
    assert site.hook(LASTS).before("gpu001", UP, IDENT) is UNKNOWN
    site.comes("pid")
    site.commands.close()
    site.gone("pid")


# ---- limits ----


class Fake:
    """A run that the test ends."""

    begun: list[Fake]

    def __init__(self, *_: object, **__: object) -> None:
        self.outcome: Outcome | None = None

    def begin(self, *_: object) -> None:
        self.begun.append(self)

    def end(self, why: str) -> None:
        self.outcome = UNKNOWN

    def wait(self, seconds: float) -> None:
        """Nothing."""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    monkeypatch.setattr(command, "Running", Fake)
    Fake.begun = []
    return Fake.begun


def test_not_more_than_so_many_run_at_a_time(site: Site, runs: list[Fake]):
    hook = site.hook("exit 0")
    for number in range(RUNNING_MOST + 5):
        assert hook.before("n1", UP, f"a.{number}") is UNKNOWN
    assert len(runs) == RUNNING_MOST
    runs[0].outcome = DONE
    assert hook.before("n1", UP, f"a.{RUNNING_MOST}") is UNKNOWN
    assert len(runs) == RUNNING_MOST + 1


def test_of_ends_that_nobody_asks_for_the_newest_are_kept(site: Site, runs: list[Fake]):
    hook = site.hook("exit 0")
    for number in range(ENDED_MOST + 10):
        hook.before("n1", UP, f"a.{number}")
        runs[-1].outcome = DONE
    assert len(site.commands._runs) <= ENDED_MOST + 1
    assert hook.before("n1", UP, f"a.{ENDED_MOST + 9}") is DONE


def test_without_a_thread_to_be_had_it_is_asked_again(site: Site, runs: list[Fake], monkeypatch: pytest.MonkeyPatch):
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Fake, "begin", none_left)
    assert site.hook("exit 0").before("n1", UP, IDENT) is UNKNOWN
    assert site.commands._runs == {}


# ---- what is looked at before the first move ----


def as_it_is(path: Path) -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("spoil", "trouble"),
    [
        (as_it_is, ""),
        (lambda path: path.unlink(), "cannot be run: No such file"),
        (lambda path: path.chmod(0o644), "is no file that can be run"),
        (lambda path: path.chmod(0o777), "can be written by anybody"),
        (lambda path: (path.unlink(), path.mkdir()), "is no file that can be run"),
    ],
    ids=["well", "not there", "no program", "anybody's", "a folder"],
)
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_program_that_cannot_be_run_is_told_at_the_start(
    site: Site, spoil: Callable[[Path], object], trouble: str, phase: str
):
    path = Path(site.program("exit 0"))
    spoil(path)
    hooks = Hooks.model_validate({phase: {"command": [str(path)]}})
    with pytest.raises(BadInput, match=f"hooks.{phase}: {trouble}") if trouble else nullcontext():
        check_programs(hooks)


def test_a_hook_over_http_has_no_program_to_look_at():
    check_programs(Hooks(before=HookCall(url="http://a")))
