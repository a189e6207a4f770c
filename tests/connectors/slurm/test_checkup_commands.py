"""What a checkup tells of Slurm's commands."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from connectors.slurm.checkup.commands import command_findings
from connectors.slurm.commands.process import NAMES
from connectors.slurm.token import TokenFile
from models.findings import Finding, Level
from tests.connectors.slurm.commands.test_printed_jobs import HEAD, record
from tests.connectors.slurm.commands.test_printed_nodes import START


def look(folder: Path, squeue: str, scontrol: str) -> Finding:
    (folder / "token").write_text("abc.def", encoding="ascii")
    (folder / "record").write_bytes(HEAD + record())
    for name, script in (("squeue", squeue), ("scontrol", scontrol)):
        (folder / name).write_text("#!/bin/sh\n" + script.format(folder=folder), encoding="utf-8")
        (folder / name).chmod(0o755)
    (found,) = command_findings(folder, None, TokenFile(folder / "token"), iter((10.0, 10.5)).__next__)
    return found


SQUEUE = '[ "$1" = --helpFormat ] && echo OverSubscribe || cat {folder}/record'


def test_they_print(tmp_path: Path):
    found = look(tmp_path, SQUEUE, f"echo {shlex.quote(START)}")
    said = f"scontrol and squeue in {tmp_path} print 1 nodes and 1 job records in 0.5 s"
    assert (found.level, found.what) == (Level.OK, said)


@pytest.mark.parametrize(
    ("what", "squeue", "scontrol", "said"),
    [
        ("not known", "echo Protocol authentication error >&2; exit 1", f"echo {shlex.quote(START)}", "authentication"),
        ("no word", '[ "$1" != --helpFormat ] || echo OverSubscribe', f"echo {shlex.quote(START)}", "no header"),
        ("no nodes", SQUEUE, "exit 1", "scontrol ended with 1"),
        ("another release", SQUEUE, "echo what is this", "cannot be read"),
    ],
)
def test_they_do_not(tmp_path: Path, what: str, squeue: str, scontrol: str, said: str):
    found = look(tmp_path, squeue, scontrol)
    assert (found.level, said in found.what) == (Level.ERROR, True)
    assert found.commands == (f"SLURM_JWT=$(sed s/^SLURM_JWT=// {tmp_path}/token) {tmp_path}/squeue",)
    assert "abc" not in f"{found}"


def test_the_command_to_try_runs_as_ours_did(tmp_path: Path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "token").write_text("SLURM_JWT=abc.def\n", encoding="ascii")
    for name in NAMES:
        (folder / name).write_text('#!/bin/sh\necho "$SLURM_JWT $SLURM_CONF"\n', encoding="ascii")
        (folder / name).chmod(0o755)
    (found,) = command_findings(folder, folder / "slurm.conf", TokenFile(folder / "token"))
    done = subprocess.run(["sh", "-c", *found.commands], capture_output=True, text=True, check=True)
    assert done.stdout == f"abc.def {folder}/slurm.conf\n"


def test_a_folder_without_them(tmp_path: Path):
    (found,) = command_findings(tmp_path, None, TokenFile(tmp_path / "token"))
    assert (found.level, "no scontrol in" in found.what) == (Level.ERROR, True)
