"""Lines of scontrol, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.slurm import wire
from connectors.slurm.commands.nodes import QUESTION, understood
from models.errors import Unreachable

START = (
    "NodeName=n01 Arch=x86_64 CoresPerSocket=32  CPUAlloc=4 CPUEfctv=64 CPUTot=64 CPULoad=1.35"
    " AvailableFeatures=ib,rack1 ActiveFeatures=ib Gres=gpu:a100:4 NodeAddr=n01 NodeHostName=n01 Port=6818"
    " Version=26.05.5 OS=Linux 6.1.0 #1 SMP  RealMemory=256000 AllocMem=16000 FreeMem=15758 Sockets=2 Boards=1"
    " State=MIXED+DRAIN ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A Partitions=batch,gpu "
    " BootTime=1795497717 SlurmdStartTime=1795553671 LastBusyTime=1795553671 ResumeAfterTime=None"
    " CfgTRES=cpu=64,mem=250G AllocTRES=cpu=4 CurrentWatts=0 AveWatts=0"
)
GIVEN = "[root@1795553814]"


def one(line: str) -> wire.Node:
    (node,) = understood(f"{line}\n".encode(), {}).values()
    return node


def test_a_node():
    assert one(START) == wire.Node(
        name="n01",
        state=("MIXED", "DRAIN"),
        cpus=64,
        real_memory=256_000,
        gres="gpu:a100:4",
        features=("ib", "rack1"),
        partitions=("batch", "gpu"),
        reason="",
    )


def test_what_a_node_has_none_of():
    line = START.replace("ib,rack1", "(null)").replace("gpu:a100:4", "(null)").replace(" Partitions=batch,gpu ", "")
    node = one(line)
    assert (node.features, node.gres, node.partitions) == ((), "", ())


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (f"Reason=tidegate:7.p3 {GIVEN}", "tidegate:7.p3"),
        (f" Reason=tidegate:7.p3 {GIVEN}", "tidegate:7.p3"),
        (f"Reason=tidegate:7.p3 : Not responding {GIVEN}", "tidegate:7.p3 : Not responding"),
        (f"Reason=disk is broken {GIVEN} Comment=old Extra=x", "disk is broken"),
        (f"Reason=Comment=x {GIVEN}", "Comment=x"),
        (f"Reason=[see ticket 4711] {GIVEN}", "[see ticket 4711]"),
        ("Reason=nobody gave it", "nobody gave it"),
        ("Comment=Reason=tidegate:7.p3 [root@1]", ""),
        ("Comment=its Reason=tidegate:7.p3 [root@1]", ""),
        ("Extra=its Reason=tidegate:7.p3 [root@1]", ""),
        ("", ""),
    ],
)
def test_reasons(written: str, reason: str):
    assert one(f"{START} {written}").reason == reason


@given(st.text(st.characters(exclude_categories=("C",)), min_size=1), st.text(st.characters(exclude_categories=("C",))))
def test_a_reason_that_only_begins_like_ours_is_never_taken_for_ours(rest: str, comment: str):
    """A second line comes after who gave the first; what is as short as ours may be longer, but never the reverse."""
    ours = "tidegate:7.p3"
    for written in (
        f"{ours}{rest} {GIVEN}",
        f"{ours} {GIVEN}        {rest}",
        f"{ours} {rest} {GIVEN} Comment={comment}",
    ):
        assert one(f"{START} Reason={written}").reason != ours


def test_a_federation_has_nodes_of_other_clusters_by_the_same_names():
    assert "--local" in QUESTION


def test_what_a_person_wrote_may_have_several_lines():
    """Slurm prints the lines of a reason on one line, those of a comment as they are."""
    first = f"{START} Reason=tidegate:7.p3 {GIVEN} Comment=new fan\nReason=x {GIVEN}\n\nsee ticket"
    told = understood(f"{first}\n{START.replace('n01', 'n02')} Extra={{\n}}\n".encode(), {}).values()
    assert [(node.name, node.reason) for node in told] == [("n01", "tidegate:7.p3"), ("n02", "")]


def test_what_did_not_change_is_the_same_as_before():
    other = START.replace("n01", "n02")
    before = understood(f"{START}\n{other}\n".encode(), {})
    after = understood(f"{START}\n{other.replace('MIXED', 'IDLE')}\n".encode(), before)
    assert after[START] is before[START]
    assert [node.state for node in after.values()] == [("MIXED", "DRAIN"), ("IDLE", "DRAIN")]


@pytest.mark.parametrize(
    ("what", "printed"),
    [
        ("nothing", b""),
        ("a complaint before", b"scontrol: cannot read a file\n" + START.encode() + b"\n"),
        ("a complaint behind", START.encode() + b"\nslurm_load_node error\n"),
        ("cut off", f"{START}\n{START[:300]}".encode()),
        ("cut off at its end", START.encode()),
        ("no state", START.replace(" State=MIXED+DRAIN", "").encode() + b"\n"),
        ("no number", START.replace("CPUTot=64", "CPUTot=many").encode() + b"\n"),
        ("another text", b"No nodes in the system\n"),
    ],
)
def test_what_cannot_be_read_is_told_as_that(what: str, printed: bytes):
    with pytest.raises(Unreachable, match="scontrol printed"):
        understood(printed, {})
