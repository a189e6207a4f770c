"""The checkup of a Slurm that is reached through a stand-in of pyslurm."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm.checkup.checkup import Checkup
from connectors.slurm.checkup.inventory import CHECKS
from connectors.slurm.checkup.native import over_native
from connectors.slurm.native.process import Process
from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.settings import SlurmSettings
from models.findings import Finding, Level
from models.policies import Mode, Policy, Spec
from tests.connectors.slurm.native.test_process import ROOT, STANDIN

OK, SKIPPED, WARNING, ERROR = Level.OK, Level.SKIPPED, Level.WARNING, Level.ERROR

Look = Callable[..., dict[str, Finding]]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """What is found, by the name of the check; what goes wrong is given by what the stand-in calls it."""

    def found(policy: Policy | None = None, *, site: dict[str, Any] | None = None, **bad: str) -> dict[str, Finding]:
        monkeypatch.setenv("PYTHONPATH", f"{STANDIN}:{ROOT}")
        for name, value in bad.items():
            monkeypatch.setenv(f"STANDIN_{name}", value)
        checkup = Checkup(SlurmSettings(over="native", **site or {}), policy, False, time.time)
        return {one.check: one for one in checkup.findings()}

    return found


def test_everything_that_pyslurm_tells_is_looked_at(look: Look):
    found = look()
    assert {name: one.level for name, one in found.items()} == {
        "slurm.native": OK,
        "slurm.rights": OK,
        "slurm.clock": OK,
        "slurm.jobs": OK,
        "slurm.nodes": OK,
        "slurm.states": OK,
        "slurm.drains": OK,
        "slurm.reservations": OK,
        "slurm.partitions": WARNING,
        "slurm.conf": SKIPPED,
    }


def test_partitions_whose_jobs_slurm_ends_or_nothing_ends(look: Look, tmp_path: Path):
    conf = tmp_path / "slurm.conf"
    conf.write_text("PreemptType=preempt/partition_prio\nStateSaveLocation=/var/lib/slurm\n")
    checkup = Checkup(SlurmSettings(**{"over": "native", "conf": str(conf)}), None, False, time.time)
    look()  # the stand-in is in place
    told = " ".join(one.what for one in checkup.findings() if one.check == "slurm.partitions")
    assert "PreemptMode=CANCEL" in told
    assert "no MaxTime in batch" in told


@pytest.mark.parametrize(
    ("number", "mode", "level"),
    [
        ("2010", Mode.AUTO, ERROR),
        ("2010", Mode.RECOMMEND, WARNING),
        ("2018", Mode.AUTO, OK),
        ("1007", Mode.AUTO, SKIPPED),
    ],
)
def test_whether_the_user_may_change_nodes(look: Look, number: str, mode: Mode, level: Level):
    rights = look(Policy(spec=Spec(mode=mode)), FAILS=f"update_node={number}")["slurm.rights"]
    assert rights.level is level


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"VERSION": "24.11.0"}, "pyslurm 24.11.0 is installed"),
        ({"DIES": "init"}, "fatal: init"),
        ({"FAILS": "diag=1800"}, "1800"),
    ],
)
def test_one_that_cannot_be_asked_is_one_error_with_a_remedy(look: Look, bad: dict[str, str], words: str):
    found = look(**bad)
    assert found["slurm.native"].level is ERROR
    assert words in found["slurm.native"].what
    assert found["slurm.native"].remedy.endswith(".")
    assert found["slurm.native"].remedy not in found["slurm.native"].what
    assert {name for name, one in found.items() if one.level is SKIPPED} == {
        "slurm.rights",
        "slurm.clock",
        "slurm.jobs",
        "slurm.conf",
        *CHECKS,
    }


@pytest.mark.parametrize(
    ("failing", "check"),
    [
        ("load_jobs", "slurm.jobs"),
        ("load_nodes", "slurm.nodes"),
        ("load_partitions", "slurm.partitions"),
        ("load_reservations", "slurm.reservations"),
    ],
)
def test_what_cannot_be_read_leaves_the_others_to_run(look: Look, failing: str, check: str):
    found = look(FAILS=f"{failing}=1007")
    assert [name for name, one in found.items() if one.level is ERROR] == [check]


def test_commands_are_tried_as_the_user_that_it_runs_as(look: Look, tmp_path: Path):
    for name in ("squeue", "scontrol"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    found = look(site={"commands": str(tmp_path)})["slurm.commands"]
    assert found.level is ERROR
    assert "ended with 3" in found.what
    assert found.commands == (f"{tmp_path}/squeue",)


def test_it_is_told_who_drained_a_node_and_when(look: Look):
    look()
    with closing(NativeTransport(Process())) as slurm:
        SlurmScheduler(slurm).drain(["n01"], mark="tidegate:1.p1")
        seen = {node.name: node for node in over_native(slurm).nodes().nodes or ()}
    assert (seen["n01"].reason, seen["n01"].reason_set_by_user) == ("tidegate:1.p1", "root")
    assert seen["n01"].reason_changed_at.value == pytest.approx(time.time(), abs=3600)
    assert seen["n02"].reason_set_by_user == ""


def test_an_interrupt_while_it_starts_leaves_no_process_behind(look: Look, monkeypatch: pytest.MonkeyPatch):
    look()  # the stand-in is in place
    process = Process()
    started: list[int] = []

    def interrupted(running: Any, until_s: float) -> bytes:
        started.append(running.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        NativeTransport(process)
    (pid,) = started
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
