"""Kubernetes pods as CSV, in the columns of Alibaba's cluster trace ``gpu-v2023`` (openb_pod_list).

Read by name: ``name, creation_time, deletion_time``, ``cpu_milli`` or ``cpu``, ``memory_mib`` or ``memory``; and
where present ``num_gpu, gpu_milli, scheduled_time, pod_phase, gang``. Times are seconds of the trace's own clock.
``cpu`` and ``memory`` hold Kubernetes quantities, see :mod:`simulator.traces.quantities`.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from models.errors import BadInput
from simulator.traces.quantities import parse_cpu_milli, parse_memory_mib, parse_whole, quoted
from simulator.traces.table import rows
from simulator.traces.text import Lines
from simulator.work import Pod, ReadNotes

NAME_CHARACTERS_MAX = 253
"""What Kubernetes allows for the name of a pod."""

NEVER_RAN = "never scheduled, its time until deletion used as run time"
CREATION_USED = "scheduled time missing, creation time used"
NAME_NUMBERED = "name seen before, numbered"

_REQUIRED = (
    ("name",),
    ("cpu_milli", "cpu"),
    ("memory_mib", "memory"),
    ("creation_time",),
    ("deletion_time",),
)
_WHOLE_GPU_MILLI = 1000


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
    hide the unmet demand. GPUs are ``num_gpu * gpu_milli``, with a blank ``gpu_milli`` a whole GPU each and with a
    missing column ``num_gpu`` one.

    A name that comes again, as those of a StatefulSet do, becomes ``name#2`` and so on: ``Pod.id`` is unique.

    Raises BadInput for a file that cannot be read, is not text, lacks a column or holds no usable pod, and with
    ``strict`` for a bad line.
    """
    lines = Lines(path, strict=strict)
    pods: list[Pod] = []
    seen: dict[str, int] = {}
    for row in rows(lines, _REQUIRED):
        try:
            pod_id = _unique(row["name"], seen)
            pods.append(_pod(pod_id, row, lines.notes))
        except (ValueError, BadInput) as error:
            lines.bad(error.what if isinstance(error, BadInput) else str(error))
            continue
        seen[row["name"]] = seen.get(row["name"], 0) + 1
        if pod_id != row["name"]:
            lines.notes.add_mended(NAME_NUMBERED)
    if not pods:
        raise lines.none_usable("pod")
    pods.sort(key=attrgetter("create_s", "id"))
    return PodTrace(tuple(pods), lines.notes)


def _pod(pod_id: str, row: dict[str, str], notes: ReadNotes) -> Pod:
    """The pod of one row; raises ValueError or BadInput that says what is wrong with it."""
    create_s = _not_negative(row, "creation_time")
    cpu_milli = parse_cpu_milli(row["cpu"]) if "cpu_milli" not in row else _not_negative(row, "cpu_milli")
    memory_mib = parse_memory_mib(row["memory"]) if "memory_mib" not in row else _not_negative(row, "memory_mib")
    gang = row.get("gang", "").strip()
    if len(gang) > NAME_CHARACTERS_MAX:
        raise ValueError(f"the name of the gang has more than {NAME_CHARACTERS_MAX} characters")
    gpu_milli = _gpu_milli(row)
    return Pod(pod_id, create_s, _run_s(row, create_s, notes), cpu_milli, memory_mib, gpu_milli, gang)


def _run_s(row: dict[str, str], create_s: int, notes: ReadNotes) -> int | None:
    if _blank(row, "deletion_time"):
        return None
    scheduled = not _blank(row, "scheduled_time")
    start_s = _not_negative(row, "scheduled_time") if scheduled else create_s
    run_s = _not_negative(row, "deletion_time") - start_s
    if run_s < 0:
        raise ValueError(f"deleted {-run_s} s before it was {'scheduled' if scheduled else 'created'}")
    if not scheduled:
        notes.add_mended(NEVER_RAN if row.get("pod_phase", "").strip() == "Pending" else CREATION_USED)
    return run_s


def _gpu_milli(row: dict[str, str]) -> int:
    if "num_gpu" not in row:
        return 0 if _blank(row, "gpu_milli") else _not_negative(row, "gpu_milli")
    gpus = 0 if _blank(row, "num_gpu") else _not_negative(row, "num_gpu")
    return gpus * (_WHOLE_GPU_MILLI if _blank(row, "gpu_milli") else _not_negative(row, "gpu_milli"))


def _unique(name: str, seen: dict[str, int]) -> str:
    """The name, numbered if it came before. A ``#`` cannot be in a name that Kubernetes accepted."""
    if not name.strip():
        raise ValueError("no name")
    pod_id = f"{name}#{seen[name] + 1}" if name in seen else name
    if len(pod_id) > NAME_CHARACTERS_MAX:
        raise ValueError(f"the name has more than {NAME_CHARACTERS_MAX} characters")
    return pod_id


def _blank(row: dict[str, str], column: str) -> bool:
    return not row.get(column, "").strip()


def _not_negative(row: dict[str, str], column: str) -> int:
    try:
        number = parse_whole(row[column])
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    if number < 0:
        raise ValueError(f"{column}: {quoted(row[column])} is negative")
    return number
