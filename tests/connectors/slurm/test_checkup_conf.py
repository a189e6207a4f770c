"""slurm.conf as slurmctld reads it, and what of it endangers a hand-over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.slurm.checkup.conf_file import read_conf
from connectors.slurm.checkup.conf_rules import Case, conf_findings
from connectors.slurm.checkup.running_conf import Settings, from_file, from_rest
from connectors.slurm.checkup_wire import CheckupPartition
from connectors.slurm.wire import Number, Owned
from models.errors import BadInput
from models.findings import Finding, Level
from models.policies import MovesPolicy, Policy, Spec

GOOD = {"StateSaveLocation": "/var/lib/slurm", "AuthAltTypes": "auth/jwt"}


def read(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "slurm.conf").write_text(text)
    return from_file(read_conf(tmp_path / "slurm.conf"), "slurm.conf")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ReturnToService=2", "2"),
        ("returntoservice = 2", "2"),
        ("RETURNTOSERVICE=0\nReturnToService=2", "2"),
        ("ReturnToService=2 # not 0", "2"),
        ("# ReturnToService=2\nClusterName=c", ""),
        ("ClusterName=c ReturnToService=2", "2"),
        ("ClusterName=c \\\n  ReturnToService=2", "2"),
        ("ReturnToService=\\\n2", "2"),
        ('ReturnToService="2"', "2"),
        ("NodeName=n1 ReturnToService=2\nClusterName=c", ""),
        ("ReturnToService=2\r\nClusterName=c\r\n", "2"),
        ("ReturnToService=\\  \r\n2\r\n", "2"),
        ("ReturnToService=\\ # it goes on\n2", "2"),
        ("# it does not go on \\\nReturnToService=2", "2"),
        ("ClusterName=c \\\n# it ends here \\\nReturnToService=2", "2"),
        ("ClusterName=c\\\\\nReturnToService=2", "2"),
        ("ClusterName=c\x0bReturnToService=2", "2"),
    ],
)
def test_a_value_however_it_is_written(tmp_path: Path, text: str, value: str):
    assert read(tmp_path, text).text("ReturnToService") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Epilog=/a,\\\n/b", "/a,/b"),
        ("Epilog=/a,\\\n /b", "/a,"),
        ("Epilog=/a\\\n\\\n/b", "/a/b"),
        ("Epilog=/a\\\n\n/b", "/a"),
        ("Epilog=/a\\#b", "/a#b"),
        ("Epilog=/a\\\\#b", "/a\\"),
        ("Epilog=/a\\b", "/ab"),
        ("Epilog=/a\\", "/a"),
        ('Epilog="/a \\\nb" KillWait=1', "/a b"),
    ],
)
def test_a_value_goes_on_where_its_line_ends_with_a_backslash_and_no_blank_comes_between(
    tmp_path: Path, text: str, value: str
):
    assert read(tmp_path, text).text("Epilog") == value


def test_included_files_are_read_where_they_are_included(tmp_path: Path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "campus.conf").write_text("KillWait=60\nINCLUDE more.conf  \nEpilog=/e\\#1\n")
    (tmp_path / "more.conf").write_text("KillWait=70\nReturnToService=2\n")
    settings = read(tmp_path, "KillWait=50\nClusterName=Campus\nInclude  conf.d/%c.conf\nReturnToService=1\n")
    assert (settings.text("KillWait"), settings.text("ReturnToService")) == ("70", "1")
    assert settings.text("Epilog") == "/e#1"


def test_what_partitions_say_is_kept_apart_with_their_defaults(tmp_path: Path):
    text = "ClusterName=c\nPartitionName=DEFAULT PreemptMode=REQUEUE\nPartitionName=a Nodes=n1\n"
    settings = read(tmp_path, text + "PartitionName=b Nodes=n2 PreemptMode=off\nSlurmctldHost=x\nSlurmctldHost=y(1)\n")
    assert settings.text("PreemptMode") == ""
    assert {name: one["preemptmode"] for name, one in settings.partitions.items()} == {
        "DEFAULT": "REQUEUE",
        "a": "REQUEUE",
        "b": "off",
    }
    assert settings.hosts == ("x", "y(1)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Include gone.conf", "gone.conf: cannot be read: no such file"),
        ("Include slurm.conf", "is included more than 10 files deep"),
        ("Include .", "cannot be read: is a directory"),
        ("", "it is no slurm.conf"),
        ("\x00\xff {}", "it is no slurm.conf"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, said: str):
    with pytest.raises(BadInput, match=said):
        read(tmp_path, text)


def test_files_that_are_too_large_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("connectors.slurm.checkup.conf_file.BYTES_MOST", 10)
    with pytest.raises(BadInput, match="larger than 10 bytes"):
        read(tmp_path, "ClusterName=campus")


def number(value: int | None, *, infinite: bool = False) -> dict[str, Any]:
    return {"set": value is not None, "infinite": infinite, "number": value or 0}


def test_over_rest_settings_come_as_slurm_conf_would_have_them():
    told = {
        "ReturnToService": "all",
        "SuspendTime": number(600),
        "JobRequeue": True,
        "SuspendExcStates": ["DRAIN", "DOWN"],
        "SchedulerParameters": ["bf_window=2880", "bf_interval=1"],
        "EpilogTimeout": number(None),
        "SuspendTimeout": number(None, infinite=True),
        "controllers": [{"machine": "x"}, {"machine": "y"}],
    }
    settings = from_rest(told, "here")
    assert settings.text("ReturnToService") == "2"
    assert (settings.number("SuspendTime"), settings.number("SuspendTimeout", 3)) == (600, None)
    assert (settings.number("EpilogTimeout"), settings.number("EpilogTimeout", 7)) == (None, 7)
    assert settings.text("JobRequeue") == "1"
    assert settings.words("SuspendExcStates") == {"DRAIN", "DOWN"}
    assert settings.option("SchedulerParameters", "bf_window", 1440) == 2880
    assert settings.hosts == ("x", "y")
    assert [from_rest({"ReturnToService": word}, "").text("ReturnToService") for word in ("none", "other")] == [
        "0",
        "1",
    ]


def found(
    values: dict[str, str], policy: Policy | None = None, nodes: list[str] | None = None, **more: Any
) -> list[Finding]:
    settings = Settings({key.lower(): value for key, value in (GOOD | values).items()}, "slurm.conf", **more)
    return list(conf_findings(Case(settings, policy or Policy(), nodes)))


def test_nothing_to_say_is_said_in_one_line():
    (only,) = found({})
    assert (only.level, only.what) == (Level.OK, "slurm.conf: nothing in it endangers a hand-over")


POWER = {"SuspendProgram": "/s", "ResumeProgram": "/r", "SuspendTime": "600"}
HEALTH = {"HealthCheckProgram": "/h", "HealthCheckInterval": "60"}
PREEMPT = {"PreemptType": "preempt/qos", "PreemptMode": "GANG,REQUEUE"}


@pytest.mark.parametrize(
    ("values", "level", "said"),
    [
        ({"ReturnToService": "2"}, Level.WARNING, "ReturnToService=2: a node that somebody set DOWN comes back"),
        ({"StateSaveLocation": ""}, Level.ERROR, "StateSaveLocation is not set"),
        ({"StateSaveLocation": "/run"}, Level.ERROR, "StateSaveLocation=/run does not outlive"),
        ({"StateSaveLocation": "/var/run/slurm"}, Level.ERROR, "StateSaveLocation=/var/run/slurm does not outlive"),
        (POWER, Level.ERROR, "SuspendTime: Slurm powers down every node when idle"),
        (HEALTH, Level.WARNING, "HealthCheckProgram=/h runs on drained nodes"),
        (HEALTH | {"HealthCheckNodeState": "IDLE,CYCLE"}, Level.WARNING, "HealthCheckProgram=/h"),
        ({"Epilog": "/e"}, Level.WARNING, "Epilog=/e has no limit"),
        ({"KillWait": "3600"}, Level.WARNING, "KillWait: a job at its limit may go on 1h"),
        ({"AuthAltTypes": ""}, Level.ERROR, "AuthAltTypes has no auth/jwt"),
        (PREEMPT, Level.WARNING, "PreemptMode=REQUEUE: Slurm itself ends jobs for others."),
        (PREEMPT | {"JobRequeue": "0"}, Level.WARNING, "JobRequeue=0 does not bring them back"),
        ({"SchedulerType": "sched/builtin"}, Level.WARNING, "SchedulerType=sched/builtin"),
        ({"SchedulerParameters": "bf_window=60"}, Level.WARNING, "bf_window=60 in SchedulerParameters"),
    ],
)
def test_a_setting_that_endangers_a_hand_over(values: dict[str, str], level: Level, said: str):
    (only,) = found(values)
    assert only.level is level
    assert said in only.what
    assert only.remedy


@pytest.mark.parametrize(
    "values",
    [
        {"ReturnToService": "1"},
        {"StateSaveLocation": "/running/slurm"},
        POWER | {"SuspendTime": "INFINITE"},
        POWER | {"SuspendTime": "-1"},
        POWER | {"SuspendProgram": ""},
        POWER | {"SuspendExcStates": "down,drain"},
        HEALTH | {"HealthCheckInterval": "0"},
        HEALTH | {"HealthCheckNodeState": "ALLOC,MIXED,NONDRAINED_IDLE"},
        {"Epilog": "/e", "PrologEpilogTimeout": "60"},
        {"Epilog": "/e", "EpilogTimeout": "60"},
        {"AuthAltTypes": "", "AuthType": "auth/jwt"},
        {"PreemptType": "preempt/none", "PreemptMode": "CANCEL"},
        {"PreemptType": "preempt/qos", "PreemptMode": "SUSPEND,GANG"},
        {"SchedulerParameters": "bf_window=120"},
    ],
)
def test_a_setting_that_does_not(values: dict[str, str]):
    assert [one.level for one in found(values)] == [Level.OK]


def test_power_saving_is_only_about_nodes_of_ours_that_it_does_not_leave_alone():
    (only,) = found(POWER | {"SuspendExcNodes": "n[1-2],m1"}, nodes=["n1", "n2", "n3", "n4"])
    assert "powers down n[3-4] when idle" in only.what
    assert "add n[3-4] to SuspendExcNodes" in only.remedy
    assert found(POWER | {"SuspendExcNodes": "n[1-4]"}, nodes=["n1", "n4"])[0].level is Level.OK
    assert found(POWER | {"SuspendExcNodes": "n[1-4]:2"}, nodes=["n1", "n4"])[0].level is Level.ERROR


SAVES = """ClusterName=c
StateSaveLocation=/srv/slurm
AuthAltTypes=auth/jwt
SuspendProgram=/s
ResumeProgram=/r
NodeName=DEFAULT State=UNKNOWN
NodeName=n[1-4] Feature=a100
NodeName=m[1-2] Features=h100,ib
NodeSet=hopper Feature=h100
NodeSet=ampere Nodes=n[1-2],n[3-4]
"""


@pytest.mark.parametrize(
    ("text", "down"),
    [
        ("SuspendTime=600", "m[1-2],n[1-4]"),
        ("suspendtime=600\nSUSPENDEXCNODES=n[1-4]", "m[1-2]"),
        ("SuspendTime=600\nSuspendExcNodes=n[1-4],m[1,2]", None),
        ("SuspendTime=600\nSuspendExcNodes=n[1-4]:2,m1", "m2,n[1-4]"),
        ("SuspendTime=600\nSuspendExcNodes=n[1-4],m[1", "m[1-2]"),
        ("SuspendTime=600\nSuspendExcParts=gpu\nPartitionName=gpu Nodes=n[1-4]", "m[1-2]"),
        ("SuspendTime=600\nPartitionName=gpu Nodes=n[1-4]\nsuspendexcparts=gpu,h\npartitionname=h nodes=m[1-2]", None),
        ("SuspendTime=600\nSuspendExcParts=GPU\nPartitionName=gpu Nodes=ALL", "m[1-2],n[1-4]"),
        ("SuspendTime=600\nSuspendExcParts=gpu\nPartitionName=gpu Nodes=all", None),
        ("SuspendTime=600\nSuspendExcParts=gpu\nPartitionName=gpu Nodes=hopper,n1", "n[2-4]"),
        ("SuspendTime=600\nSuspendExcParts=gpu\nPartitionName=gpu Nodes=ampere", "m[1-2]"),
        ("SuspendTime=600\nSuspendExcParts=gpu\nPartitionName=gpu Nodes=n[1-4],[", "m[1-2]"),
        ("SuspendTime=600\nSuspendExcParts=gone\nPartitionName=gpu Nodes=ALL", "m[1-2],n[1-4]"),
        ("SuspendExcParts=gpu\nPartitionName=Default Nodes=m1\nPartitionName=gpu\nSuspendTime=5", "m2,n[1-4]"),
        ("PartitionName=gpu Nodes=n[1-2] SuspendTime=300", "n[1-2]"),
        ("SuspendTime=INFINITE\nPartitionName=gpu Nodes=n[1-2] SuspendTime=300", "n[1-2]"),
        ("SuspendTime=600\nPartitionName=gpu Nodes=n[1-2] SuspendTime=Infinite", "m[1-2],n[3-4]"),
        ("SuspendTime=600\nPartitionName=gpu Nodes=ALL SuspendTime=-1", None),
        ("PartitionName=a Nodes=ALL SuspendTime=9\nPartitionName=b Nodes=n[1-3] SuspendTime=INFINITE", "m[1-2],n4"),
        ("PartitionName=default SuspendTime=300\nPartitionName=b Nodes=n[1-3]", "n[1-3]"),
        ("SuspendTime=infinite", None),
        ("SuspendTime=Unlimited", None),
        ("SuspendTime=-1", None),
        ("SuspendTime=NONE", None),
        ("SuspendTime=1000000000", None),
        ("SuspendTime=31536000", None),
        ("SuspendTime=4294967295", None),
        ("SuspendTime=99999999999999999999999", None),
        ("SuspendTime=2592000", "m[1-2],n[1-4]"),
        ("SuspendTime=600\nPartitionName=gpu Nodes=n[1-4] SuspendTime=1000000000", "m[1-2]"),
        ("SuspendTime=600\nSuspendExcStates=Drain", None),
        ("SuspendTime=600 # SuspendExcNodes=n[1-4]", "m[1-2],n[1-4]"),
    ],
)
def test_power_saving_downs_the_nodes_that_no_part_of_slurm_conf_spares(tmp_path: Path, text: str, down: str | None):
    (only,) = conf_findings(Case(read(tmp_path, f"{SAVES}{text}\n"), Policy()))
    assert (only.level is Level.OK) is (down is None), only.what
    assert down is None or f"powers down {down} when idle" in only.what


def test_power_saving_is_told_of_nodes_of_ours_only(tmp_path: Path):
    settings = read(tmp_path, f"{SAVES}SuspendTime=600\nSuspendExcParts=a\nPartitionName=a Nodes=n[1-2]\n")
    (only,) = conf_findings(Case(settings, Policy(), ["n1", "n2"]))
    assert only.level is Level.OK
    (only,) = conf_findings(Case(settings, Policy(), ["n2", "n3"]))
    assert "powers down n3 when idle" in only.what


def test_over_rest_partitions_come_with_their_nodes_and_their_times():
    told = {"SuspendProgram": "/s", "ResumeProgram": "/r", "SuspendTime": number(600), "SuspendExcParts": ["spared"]}
    partitions = [
        CheckupPartition("spared", Owned("n[1-2]")),
        CheckupPartition("rests", Owned("n[3-4]"), suspend_time=Number(set=True, infinite=True)),
        CheckupPartition("saves", Owned("n[4-6]"), suspend_time=Number(set=True, number=60)),
        CheckupPartition("odd", Owned("n[")),
    ]
    settings = from_rest(GOOD | told, "slurmctld's settings", partitions)
    (only,) = conf_findings(Case(settings, Policy()))
    assert "powers down n[5-6] when idle" in only.what
    (only,) = conf_findings(Case(settings, Policy(), [f"n{number_}" for number_ in range(1, 9)]))
    assert "powers down n[5-8] when idle" in only.what


def test_a_backup_that_takes_over_late_holds_up_moves():
    slow = {"SlurmctldTimeout": "600"}
    assert found(slow, hosts=("x",))[0].level is Level.OK
    (only,) = found(slow, hosts=("x", "y"))
    assert "takes over only after 10m" in only.what


def test_backfill_is_held_against_what_a_decision_looks_ahead():
    far = Policy(spec=Spec(moves=MovesPolicy(look_ahead="1d")))
    assert found({}, far)[0].level is Level.OK
    (only,) = found({"SchedulerParameters": "bf_window=720"}, far)
    assert "bf_window=1440" in only.remedy


def test_a_stream_that_slurm_does_not_tell():
    settings = Settings({key.lower(): value for key, value in GOOD.items()}, "slurm.conf")
    (only,) = conf_findings(Case(settings, Policy(), None, completions=True))
    assert (only.level, "JobCompType=jobcomp/none" in only.what) == (Level.ERROR, True)
