"""What the plug-in ``jobcomp/kafka`` tells of one job that has started or ended, in the words of a poll."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from connectors.slurm.jobs import ENDED
from connectors.slurm.wire import Job, number
from models.errors import BadInput
from models.hostlists import count
from models.pieces import NEVER_S

BYTES_MOST = 8 << 20  # of a message: the job's script is in it, which Slurm limits to 4 MiB
Text = Annotated[str, msgspec.Meta(max_length=4096)]  # what is longer would take long to take apart, again and again
AGAIN = "PENDING"  # how a run ends that is followed by another one


class Message(msgspec.Struct, frozen=True):
    """One message, as far as we read it. Times are UTC. Without a state the job has started."""

    jobid: int
    state: Text | None = None
    username: Text | None = None
    start: Text | None = msgspec.field(name="@start", default=None)
    end: Text | None = msgspec.field(name="@end", default=None)
    submit: Text | None = msgspec.field(name="@submit", default=None)
    partition: Text | None = None
    nodes: str | None = None
    total_nodes: int | None = None
    array_job_id: int | None = None
    array_task_id: int | None = None
    het_job_id: int | None = None
    time_limit: int | None = None
    tres_req: Text | None = None
    tres_alloc: Text | None = None


_DECODER = msgspec.json.Decoder(Message)


def read_message(value: bytes, nodes_most: int) -> Job | None:
    """The job, running, ended or waiting again; None when the message is of something else that befell it, or of a job
    on more than ``nodes_most`` nodes.

    Raises BadInput for what no plug-in would say.
    """
    if len(value) > BYTES_MOST:
        raise BadInput(f"a message of {len(value)} bytes is too large")
    try:
        told = _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"a message cannot be read: {error}") from error
    state = "RUNNING" if told.state is None else told.state.upper()
    if state not in ENDED and state not in ("RUNNING", AGAIN):
        return None  # it was resized, say
    if (nodes := count(told.nodes or "")) > nodes_most:
        return None
    started, ended = _time(told.start), _time(told.end)
    if (started if state == "RUNNING" else ended) is None:
        raise BadInput(f"job {told.jobid} is {state}, and since when is not told")
    if state == "RUNNING" and not told.nodes:
        raise BadInput(f"job {told.jobid} has started, and not told where")
    return Job(
        job_id=told.jobid,
        job_state=(state,),
        array_job_id=number(told.array_job_id),
        array_task_id=number(told.array_task_id),
        het_job_id=number(told.het_job_id),
        partition=told.partition or "",
        nodes=told.nodes or "",
        node_count=number(nodes or told.total_nodes or None),
        tres_req_str=told.tres_req or "",
        tres_alloc_str=told.tres_alloc or "",
        submit_time=number(_time(told.submit)),
        start_time=number(started if told.nodes else None),
        end_time=number(None if state == "RUNNING" else ended),
        time_limit=number(None if told.time_limit is None else told.time_limit // 60),
        user_name=told.username or "",
    )


def _time(text: str | None) -> int | None:
    """Unix seconds; None where there is none, or only a word."""
    try:
        at_s = int(datetime.fromisoformat(text or "").replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    return at_s if 0 < at_s < NEVER_S else None
