"""Accounting as sacct writes it, for the tests of its readers."""

from __future__ import annotations

import json

COLUMNS = [
    *("JobIDRaw", "User", "Partition", "Cluster", "Submit", "Eligible", "Start", "End", "ElapsedRaw", "TimelimitRaw"),
    *("NNodes", "AllocCPUS", "State"),
]
DAY_S = 1_788_220_800  # 2026-09-01T00:00:00Z

GOOD = {
    "JobIDRaw": "100",
    "User": "alice",
    "Partition": "gpu",
    "Cluster": "alpha",
    "Submit": str(DAY_S + 10),
    "Eligible": str(DAY_S + 10),
    "Start": str(DAY_S + 70),
    "End": str(DAY_S + 670),
    "ElapsedRaw": "600",
    "TimelimitRaw": "60",
    "NNodes": "2",
    "AllocCPUS": "192",
    "State": "COMPLETED",
}


def parsable(*rows: dict[str, str], columns: list[str] | None = None, delimiter: str = "|", end: str = "\n") -> str:
    """``sacct -P`` of rows that are GOOD but for what they say."""
    names = columns or COLUMNS
    lines = [delimiter.join(names), *(delimiter.join((GOOD | row).get(name, "") for name in names) for row in rows)]
    return "".join(line + end for line in lines)


def number(value: int | None, *, infinite: bool = False) -> dict[str, object]:
    """A number as data parsers write one that may be missing."""
    return {"set": value is not None, "infinite": infinite, "number": value or 0}


def record(**changes: object) -> dict[str, object]:
    """One job of ``sacct --json``; ``time__limit=...`` changes what is inside."""
    job: dict[str, object] = {
        "account": "physics",
        "allocation_nodes": 2,
        "array": {"job_id": 0, "limits": {"max": {"running": {"tasks": 0}}}, "task_id": number(None), "task": ""},
        "cluster": "alpha",
        "comment": {"administrator": "", "job": "", "system": ""},
        "exit_code": {"status": ["SUCCESS"], "return_code": number(0), "signal": {"id": number(None), "name": ""}},
        "het": {"job_id": 0, "job_offset": number(None)},
        "job_id": 100,
        "name": 'a "job" with } and { in its name',
        "partition": "gpu",
        "required": {"CPUs": 192},
        "state": {"current": ["COMPLETED"], "reason": "None"},
        "steps": [{"step": {"id": "100.batch", "name": "batch"}, "time": {"elapsed": 600}}],
        "time": {
            "elapsed": 600,
            "eligible": DAY_S + 10,
            "end": DAY_S + 670,
            "limit": number(60),
            "start": DAY_S + 70,
            "submission": DAY_S + 10,
            "suspended": 0,
        },
        "tres": {
            "allocated": [
                {"type": "cpu", "name": "", "id": 1, "count": 192},
                {"type": "node", "name": "", "id": 4, "count": 2},
            ],
            "requested": [{"type": "cpu", "name": "", "id": 1, "count": 1}],
        },
        "user": "alice",
    }
    for path, value in changes.items():
        outer, _, inner = path.partition("__")
        job[outer] = {**job[outer], inner: value} if inner else value  # type: ignore[dict-item]
    return job


def document(*jobs: object, indent: int | None = 2, first: bool = True) -> str:
    """``sacct --json`` of jobs; older releases tell the list last."""
    meta = {"plugin": {"type": "", "name": "", "data_parser": "data_parser/v0.0.41"}, "slurm": {"release": "24.11.3"}}
    parts: dict[str, object] = {"jobs": list(jobs), "meta": meta, "errors": [], "warnings": []}
    if not first:
        parts = dict(reversed(parts.items()))
    return json.dumps(parts, indent=indent) + "\n"
