"""Records of squeue, one by one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.slurm import wire
from connectors.slurm.commands.jobs import COMMON, EXCLUSIVE, OWN, RECORD, UNIT, question
from connectors.slurm.commands.jobs import understood as understood_all
from connectors.slurm.jobs import state_of
from models.errors import Unreachable
from models.work import WorkState

NOW_S = 1_000_000
USUAL = {
    **dict.fromkeys((*OWN, *COMMON), "N/A"),
    **{"JobID": "7", "ArrayJobID": "7", "State": "PENDING", "Reason": "Resources", "PriorityLong": "5"},
    **{"Partition": "batch", "NumNodes": "1", "NumTasks": "1", "tres-alloc": "cpu=1,mem=4000M,node=1"},
    **{"SubmitTime": str(NOW_S - 9), "EligibleTime": str(NOW_S - 9), "TimeLimit": "10:00", "UserName": "ada"},
    **{"NodeList": "", "ReqNodes": "", "ExcNodes": "", "Feature": "(null)", "OverSubscribe": "OK"},
}


HEAD = (UNIT.join(("JOBID", "STATE", "REASON")) + RECORD + "\n").encode()


def understood(records: bytes, known: Mapping[bytes, wire.Job]) -> dict[bytes, wire.Job]:
    return understood_all(HEAD + records, known)


def record(**fields: str) -> bytes:
    told = USUAL | {name.replace("_", "-"): value for name, value in fields.items()}
    return (UNIT.join(told.values()) + RECORD + "\n").encode()


def one(**fields: str) -> wire.Job:
    (job,) = understood(record(**fields), {}).values()
    return job


def number(value: int) -> wire.Number:
    return wire.Number(set=True, number=value)


@pytest.mark.parametrize(
    ("printed", "limit"),
    [
        ("UNLIMITED", wire.Number(infinite=True)),
        ("10:00", number(10)),
        ("0:30", number(0)),
        ("16:49:00", number(1009)),
        ("2-00:00:00", number(2880)),
        ("1-02:03:04", number(1563)),
        ("Partition_Limit", wire.NONE),
        ("NOT_SET", wire.NONE),
        ("INVALID", wire.NONE),
    ],
)
def test_limits(printed: str, limit: wire.Number):
    assert one(TimeLimit=printed).time_limit == limit


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", WorkState.ELIGIBLE),
        ("RUNNING", WorkState.RUNNING),
        ("SUSPENDED", WorkState.RUNNING),
        ("CONFIGURING", WorkState.RUNNING),
        ("RESIZING", WorkState.RUNNING),
        ("REQUEUED", WorkState.ELIGIBLE),
        ("EXPEDITING", WorkState.ELIGIBLE),
        ("REQUEUE_HOLD", WorkState.HELD),
        ("SPECIAL_EXIT", WorkState.HELD),
        ("COMPLETING", WorkState.ENDED),
        ("COMPLETED", WorkState.ENDED),
        ("STAGE_OUT", WorkState.ENDED),
        ("NODE_FAIL", WorkState.ENDED),
    ],
)
def test_the_one_word_that_is_printed_is_enough(word: str, state: WorkState):
    assert state_of(one(State=word), NOW_S) is state


def test_a_job_is_no_array():
    job = one()
    assert (job.array_job_id, job.array_task_id, job.array_task_string) == (wire.NONE, wire.NONE, "")


def test_a_task_that_has_started():
    job = one(ArrayTaskID="0")
    assert (job.array_job_id, job.array_task_id, job.array_task_string) == (number(7), number(0), "")


def test_tasks_that_wait():
    job = one(ArrayTaskID="1,4,9-50000:2%3")
    assert (job.array_job_id, job.array_task_id, job.array_max_tasks) == (number(7), wire.NONE, number(3))
    assert job.array_task_string == "1,4,9-50000:2%3"


@pytest.mark.parametrize(
    ("before_26", "since_26", "shared"),
    [
        ("OK", None, ()),
        ("NO", None, ("none",)),
        ("YES", None, ("yes",)),
        ("USER", None, ("user",)),
        ("NO", "NO", ()),
        ("NO", "NODE", ("none",)),
        ("NO", "USER", ("user",)),
        ("YES", "NO", ()),
    ],
)
def test_who_shares_the_nodes(before_26: str, since_26: str | None, shared: tuple[str, ...]):
    more = {} if since_26 is None else {EXCLUSIVE: since_26}
    assert one(OverSubscribe=before_26, **more).shared == shared


def test_what_a_job_asked_for_and_what_it_has():
    waits, runs = one(), one(State="RUNNING", NodeList="n01")
    assert (waits.tres_req_str, waits.tres_alloc_str) == ("cpu=1,mem=4000M,node=1", "")
    assert (runs.tres_req_str, runs.tres_alloc_str) == ("", "cpu=1,mem=4000M,node=1")


def test_a_description_stands_for_the_reason_that_it_begins_with():
    assert one(Reason="ReqNodeNotAvail, UnavailableNodes:n01").state_reason == "ReqNodeNotAvail"


def test_a_text_may_have_any_character_that_separates_elsewhere():
    assert one(Reason="a|b,c\nd").state_reason == "a|b,c\nd"


def test_a_name_in_another_encoding_hides_no_job():
    (job,) = understood(record(UserName="ada").replace(b"ada", b"ad\xe4"), {}).values()
    assert (job.job_id, job.user_name) == (7, "ad\N{REPLACEMENT CHARACTER}")


def test_no_job_is_no_job():
    assert understood(b"", {}) == {}


@pytest.mark.parametrize("printed", [b"", record(), HEAD[:-2], b"\n"])
def test_without_its_header_squeue_was_not_told_anything(printed: bytes):
    """A wrapper of squeue may lose the number that it ended with, and all it printed is nothing."""
    with pytest.raises(Unreachable, match="squeue printed no"):
        understood_all(printed, {})


def test_what_did_not_change_is_the_same_as_before():
    before = understood(record(JobID="1") + record(JobID="2"), {})
    after = understood(record(JobID="2") + record(JobID="1", State="RUNNING") + record(JobID="3"), before)
    kept, changed, new = after.values()
    assert kept is list(before.values())[1]
    assert (changed.job_id, changed.job_state, new.job_id) == (1, ("RUNNING",), 3)


def test_jobs_that_are_alike_have_their_own_numbers_times_nodes_and_tasks():
    own = [
        {"JobID": "1", "PriorityLong": "0", "SubmitTime": "10", "EligibleTime": "20"},
        {"JobID": "2", "NodeList": "n[01-02]", "StartTime": "30", "EndTime": "40"},
        {"JobID": "3", "ArrayJobID": "9", "ArrayTaskID": "4"},
        {"JobID": "4", "ArrayJobID": "9", "ArrayTaskID": "5-8%2"},
        {"JobID": "5"},
    ]
    together = understood(b"".join(record(**fields) for fields in own), {}).values()
    assert list(together) == [one(**fields) for fields in own]


@pytest.mark.parametrize(
    ("what", "printed"),
    [
        ("cut off in a record", record() + record()[:40]),
        ("cut off at its end", record()[:-1]),
        ("another text", b"slurm_load_jobs error: Unable to contact slurm controller\n"),
        ("a field is missing", b"7" + UNIT.encode() + b"PENDING" + RECORD.encode() + b"\n"),
        ("no number", record(JobID="seven")),
        ("a time that is none", record(SubmitTime="2026-11-24T10:00:00")),
        ("two fields too many", record(Exclusive="NO", Other="x")),
        ("no text", b"\xff" + record()),
    ],
)
def test_what_cannot_be_read_is_told_as_that(what: str, printed: bytes):
    with pytest.raises(Unreachable, match="squeue printed"):
        understood(printed, {})


def test_the_question_asks_for_what_there_is():
    assert question(b"Account OverSubscribe  ArrayTaskId")[-1].endswith(f"OverSubscribe:{RECORD}")
    asked = question(b"Account Exclusive Feature\nOverSubscribe \xff")
    assert asked[-1].endswith(f"OverSubscribe:{UNIT},{EXCLUSIVE}:{RECORD}")
    assert len(USUAL) == len(OWN) + len(COMMON)


@pytest.mark.parametrize("offered", [b"", b"squeue: no such option"])
def test_no_list_of_fields_is_not_one_without_the_field(offered: bytes):
    with pytest.raises(Unreachable, match="no list of its fields"):
        question(offered)
