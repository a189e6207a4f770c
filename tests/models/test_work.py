"""A work record is never what no scheduler would tell."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from models.nodes import Side
from models.work import WorkRecord, WorkState

JOB = WorkRecord("1", Side.HPC, WorkState.ELIGIBLE, 2.0, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nodes": 0.0}, "must be larger than nothing"),
        ({"nodes": float("nan")}, "must be larger than nothing"),
        ({"state": WorkState.RUNNING}, "has no start time"),
    ],
)
def test_what_is_made_from_another_is_looked_at_too(changes: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        replace(JOB, **changes)
    assert replace(JOB, nodes=1.5, state=WorkState.RUNNING, started_s=3).started_s == 3
