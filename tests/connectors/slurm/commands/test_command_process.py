"""How a command is run: as whom, with what around it, for how long."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm.commands import process
from connectors.slurm.commands.process import Commands
from connectors.slurm.token import TokenFile
from models.errors import BadInput, Unreachable
from tests.patience import LONG_S, until


def commands(folder: Path, script: str, **more: Path) -> Commands:
    for name in ("squeue", "scontrol"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (folder / name).chmod(0o755)
    (folder / "token").write_text("SLURM_JWT=abc.def\n", encoding="ascii")
    return Commands(folder, tokens=TokenFile(folder / "token"), **more)


def test_what_it_prints_and_with_what_words(tmp_path: Path):
    run = commands(tmp_path, 'printf "%s;" "$@"').run
    assert run(("squeue", "--all", "a b", "$HOME"), LONG_S) == b"--all;a b;$HOME;"


def test_its_surroundings_are_ours_whatever_a_shell_has_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("SQUEUE_FORMAT", "SLURM_CLUSTERS", "SCONTROL_FEDERATION", "SLURM_TIME_FORMAT", "SLURM_JWT"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("SLURM_CONF_SERVER", "slurmctl")
    printed = commands(tmp_path, "env", conf=tmp_path / "slurm.conf").run(("squeue",), LONG_S).decode()
    seen = dict(line.split("=", 1) for line in printed.splitlines())
    wanted = {"SLURM_JWT": "abc.def", "SLURM_TIME_FORMAT": "%s", "SLURM_BITSTR_LEN": "0", "TZ": "UTC", "LC_ALL": "C"}
    wanted |= {"SLURM_CONF": str(tmp_path / "slurm.conf"), "SLURM_CONF_SERVER": "slurmctl"}
    assert {name: seen[name] for name in wanted} == wanted
    assert not {"SQUEUE_FORMAT", "SLURM_CLUSTERS", "SCONTROL_FEDERATION"} & seen.keys()


def test_a_complaint_is_told_on_one_line_and_without_the_token(tmp_path: Path):
    run = commands(tmp_path, 'echo half; echo "slurm_load_jobs error:\n  no way" >&2; exit 1').run
    with pytest.raises(Unreachable, match=r"^squeue ended with 1: slurm_load_jobs error: no way$") as told:
        run(("squeue",), LONG_S)
    assert "abc" not in str(told.value)


def test_one_that_was_killed(tmp_path: Path):
    with pytest.raises(Unreachable, match="squeue ended with -9: no word"):
        commands(tmp_path, "kill -9 $$").run(("squeue",), LONG_S)


def test_one_that_is_late_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    child = tmp_path / "child"

    class Begun(subprocess.Popen[bytes]):
        """Its time begins when it has started the other one."""

        def communicate(self, *words: Any, **more: Any) -> tuple[Any, Any]:
            until(lambda: child.exists() and child.read_text().endswith("\n"))
            return super().communicate(*words, **more)

    monkeypatch.setattr(process.subprocess, "Popen", Begun)
    run = commands(tmp_path, f"sleep 36000 & echo $! > {child}; wait").run
    with pytest.raises(Unreachable, match=r"squeue was not done after 1 s"):
        run(("squeue",), 1.0)
    assert is_over(int(child.read_text()))


def is_over(pid: int) -> bool:
    """Gone, or dead and not buried by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_no_token(tmp_path: Path):
    made = commands(tmp_path, "true")
    (tmp_path / "token").unlink()
    with pytest.raises(Unreachable, match="token"):
        made.run(("squeue",), LONG_S)


def test_a_command_that_has_gone(tmp_path: Path):
    made = commands(tmp_path, "true")
    (tmp_path / "squeue").unlink()
    with pytest.raises(Unreachable, match=r"squeue cannot be run"):
        made.run(("squeue",), LONG_S)


@pytest.mark.parametrize("name", ["squeue", "scontrol"])
def test_a_folder_without_them_is_told_at_once(tmp_path: Path, name: str):
    commands(tmp_path, "true")
    os.chmod(tmp_path / name, 0o644)
    with pytest.raises(BadInput, match=rf"no {name} in .* can be run"):
        Commands(tmp_path)
