"""Kubernetes pods as CSV, in the columns of Alibaba's cluster trace ``gpu-v2023`` (openb_pod_list).

Read by name: ``name, creation_time, deletion_time``, ``cpu_milli`` or ``cpu``, ``memory_mib`` or ``memory``; and
where present ``num_gpu, gpu_milli, scheduled_time, pod_phase, gang``. Times are seconds of the trace's own clock.
``cpu`` and ``memory`` hold Kubernetes quantities, see :mod:`simulator.traces.quantities`. What kubectl prints for
nothing, ``<none>``, is blank.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from models.errors import BadInput
from simulator.traces.quantities import parse_cpu_milli, parse_memory_mib, parse_seconds, parse_whole, quoted
from simulator.traces.table import rows
from simulator.traces.text import Lines
from simulator.work import Pod, ReadNotes

NAME_CHARACTERS_MAX = 253
"""What Kubernetes allows for the name of a pod."""

NEVER_RAN = "never scheduled, its time until deletion used as run time"
CREATION_USED = "scheduled time missing, creation time used"
NAME_NUMBERED = "name seen before, numbered"
FRACTION_CUT = "a number with a fraction, cut toward zero"
PART_OF_A_GPU = "num_gpu with a fraction, taken as that part of a GPU"

_REQUIRED = (
    ("name",),
    ("cpu_milli", "cpu"),
    ("memory_mib", "memory"),
    ("creation_time",),
    ("deletion_time",),
)
_WHOLE_GPU_MILLI = 1000
_NOTHING = frozenset({"", "<none>", "<nil>"})
_GPU_COLUMNS = frozenset({"num_gpu", "gpu_milli", "gpu_spec"})


@dataclass(frozen=True, slots=True)
class PodTrace:
    """Pods by creation time, then id; what the reader left out or mended."""

    pods: tuple[Pod, ...]
    notes: ReadNotes


def read_pods(path: Path | str, *, strict: bool = False) -> PodTrace:
    """Read a trace of pods, plain or gzip.

    The run time is deletion minus scheduling, or minus creation when no scheduling is recorded; without a deletion
    it is None. A pod that was deleted while still Pending never ran: it is kept, its time until deletion counts as
    run time, and ``notes.mended`` counts it, because with more nodes it would have run and leaving it out would
    hide the unmet demand. GPUs are ``num_gpu * gpu_milli``, with a blank ``gpu_milli`` a whole GPU each and with
    ``num_gpu`` blank or missing one; half a GPU is 500, whichever column says so. An amount above 0 that would come to
    nothing is a bad line, and a column that may tell of GPUs and is not read is told.

    A name that comes again, as those of a StatefulSet do, becomes ``name#2`` and so on: ``Pod.id`` is unique.

    Raises BadInput for a file that cannot be read, is not text, lacks a column or holds no usable pod, and with
    ``strict`` for a bad line.
    """
    lines = Lines(path, strict=strict)
    pods: list[Pod] = []
    seen: dict[str, int] = {}
    for row in rows(lines, _REQUIRED):
        mends: set[str] = set()
        try:
            pod_id = _unique(row["name"], seen)
            pods.append(_pod(pod_id, row, mends))
        except (ValueError, BadInput) as error:
            lines.bad(error.what if isinstance(error, BadInput) else str(error))
            continue
        if len(pods) == 1:
            lines.notes.remarks += [
                f"the column {quoted(name)} is not read; GPUs are counted by num_gpu and gpu_milli"
                for name in row
                if "gpu" in name.lower() and name not in _GPU_COLUMNS
            ]
        seen[row["name"]] = seen.get(row["name"], 0) + 1
        if pod_id != row["name"]:
            mends.add(NAME_NUMBERED)
        for mend in mends:
            lines.notes.add_mended(mend)
    if not pods:
        raise lines.none_usable("pod")
    pods.sort(key=attrgetter("create_s", "id"))
    return PodTrace(tuple(pods), lines.notes)


def _pod(pod_id: str, row: dict[str, str], mends: set[str]) -> Pod:
    """The pod of one row, its repairs added to ``mends``; raises ValueError or BadInput that says what is wrong."""
    create_s = _time(row, "creation_time", mends)
    cpu_milli = parse_cpu_milli(row["cpu"]) if "cpu_milli" not in row else _amount(row, "cpu_milli", mends)
    memory_mib = parse_memory_mib(row["memory"]) if "memory_mib" not in row else _amount(row, "memory_mib", mends)
    gang = row.get("gang", "").strip()
    if len(gang) > NAME_CHARACTERS_MAX:
        raise ValueError(f"the name of the gang has more than {NAME_CHARACTERS_MAX} characters")
    gpu_milli = _gpu_milli(row, mends)
    return Pod(pod_id, create_s, _run_s(row, create_s, mends), cpu_milli, memory_mib, gpu_milli, gang)


def _run_s(row: dict[str, str], create_s: int, mends: set[str]) -> int | None:
    if _blank(row, "deletion_time"):
        return None
    scheduled = not _blank(row, "scheduled_time")
    start_s = _time(row, "scheduled_time", mends) if scheduled else create_s
    run_s = _time(row, "deletion_time", mends) - start_s
    if run_s < 0:
        raise ValueError(f"deleted {-run_s} s before it was {'scheduled' if scheduled else 'created'}")
    if not scheduled:
        mends.add(NEVER_RAN if row.get("pod_phase", "").strip() == "Pending" else CREATION_USED)
    return run_s


def _gpu_milli(row: dict[str, str], mends: set[str]) -> int:
    milli = None if _blank(row, "gpu_milli") else _amount(row, "gpu_milli", mends)
    if _blank(row, "num_gpu"):
        return milli or 0
    whole, gpus = _not_negative(row, "num_gpu"), float(row["num_gpu"])
    if whole == gpus:
        if whole and milli == 0:
            raise ValueError(f"num_gpu: {whole} GPUs of which gpu_milli takes nothing")
        return whole * (_WHOLE_GPU_MILLI if milli is None else milli)
    if milli not in (None, _WHOLE_GPU_MILLI):
        raise ValueError(f"num_gpu: {quoted(row['num_gpu'])} has a fraction, and gpu_milli tells another part: {milli}")
    mends.add(PART_OF_A_GPU)
    return max(1, math.ceil(round(gpus * _WHOLE_GPU_MILLI, 6)))


def _unique(name: str, seen: dict[str, int]) -> str:
    """The name, numbered if it came before. A ``#`` cannot be in a name that Kubernetes accepted."""
    if not name.strip():
        raise ValueError("no name")
    pod_id = f"{name}#{seen[name] + 1}" if name in seen else name
    if len(pod_id) > NAME_CHARACTERS_MAX:
        raise ValueError(f"the name has more than {NAME_CHARACTERS_MAX} characters")
    return pod_id


def _blank(row: dict[str, str], column: str) -> bool:
    return row.get(column, "").strip() in _NOTHING


def _time(row: dict[str, str], column: str, mends: set[str]) -> int:
    return _cut(_not_negative(row, column, parse_seconds), row[column], mends)


def _amount(row: dict[str, str], column: str, mends: set[str]) -> int:
    number = _cut(_not_negative(row, column), row[column], mends)
    if number == 0 and float(row[column]) > 0:
        raise ValueError(f"{column}: {quoted(row[column])} is less than 1: is it in another unit?")
    return number


def _cut(number: int, text: str, mends: set[str]) -> int:
    if number != float(text):
        mends.add(FRACTION_CUT)
    return number


def _not_negative(row: dict[str, str], column: str, parse: Callable[[str], int] = parse_whole) -> int:
    try:
        number = parse(row[column])
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    if number < 0:
        raise ValueError(f"{column}: {quoted(row[column])} is negative")
    return number
