"""The command starts at once: what it need not have is not imported, and its help knows the commands all the same."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.main import COMMANDS, app
from connectors.bus.embedded.bus import SqliteBus
from connectors.bus.wire.examples import examples
from tests.patience import LONG_S

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "sklearn", "scipy", "plotly"}
RUN = """
import sys
from cli.main import main
sys.argv = ["tidegate", *sys.argv[1:]]
try:
    main()
finally:
    print("modules:", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """The address of a bus with every kind of event on it."""
    path = tmp_path / "bus.db"
    opened = SqliteBus(path)
    for event in examples():
        opened.publish(event)
    assert opened.flush(10) == 0
    yield f"sqlite:{path}"
    opened.close()


def imported(*arguments: str) -> tuple[str, set[str]]:
    """What a command puts out, and what it has imported when it is done, without what is within packages."""
    command = [sys.executable, "-c", RUN, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=LONG_S)
    assert ran.returncode == 0, ran.stderr
    (modules,) = [line for line in ran.stderr.splitlines() if line.startswith("modules:")]
    return ran.stdout, set(modules.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_the_help_imports_no_command(arguments: list[str]):
    out, modules = imported(*arguments)
    assert "tidegate" in out
    assert not modules & (HEAVY | {"pydantic", "yaml", "msgspec", "service", "connectors"})


def test_a_policy_is_checked_without_what_is_heavy(tmp_path: Path):
    (tmp_path / "policy.yaml").write_text("spec: {pools: [{name: a100}]}")
    out, modules = imported("policy", "check", str(tmp_path / "policy.yaml"))
    assert ": ok, policy default" in out
    assert not modules & (HEAVY | {"kafka"})


def test_the_plain_simulation_does_without_what_only_forecasts_need(tmp_path: Path):
    trace = tmp_path / "jobs.swf"
    trace.write_text("1 0 -1 60 2 -1 -1 2 60 -1 1 1 -1 -1 -1 -1 -1 -1\n")
    out, modules = imported("replay", "--hpc", str(trace), "--nodes", "4", "--hpc-only")
    assert "easy" in out
    assert not modules & {"sklearn", "scipy"}


@pytest.mark.parametrize("topic", ["forecasts", "plans", "work"])
@pytest.mark.parametrize("how", [[], ["--json"]], ids=["in words", "JSON"])
def test_events_are_shown_without_what_is_heavy(bus: str, topic: str, how: list[str]):
    out, modules = imported("bus", "tail", topic, "--no-follow", "--bus", bus, *how)
    assert out
    assert not modules & (HEAVY | {"kafka"})


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_of_the_help_is_the_beginning_of_the_commands_own_help(name: str):
    command = typer.main.get_group(app).get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    paragraph = cleandoc(command.help or "").split("\n\n")[0]
    assert COMMANDS[name].hidden or " ".join(paragraph.split()) == COMMANDS[name].help


def test_the_help_lists_the_commands_in_their_order_but_for_the_hidden_one():
    out = CliRunner().invoke(app, ["--help"]).output
    shown = re.findall(r"^  ([\w-]+)  ", out.partition("Commands:")[2], flags=re.MULTILINE)
    assert shown == [name for name, one in COMMANDS.items() if not one.hidden]
    assert "reference" not in shown


def test_a_name_that_is_none_is_answered_with_what_is_like_it():
    told = CliRunner().invoke(app, ["polcy"])
    assert told.exit_code == 2
    assert told.output.endswith("Error: No such command 'polcy'. Did you mean 'policy'?\n")
