"""What slurmrestd of two releases said of the same jobs, on eight nodes of 64 cores: raw, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.slurm import wire
from connectors.slurm.jobs import pieces
from models.work import WorkState
from tests.connectors.slurm.makers import POOL

FOLDER = Path(__file__).parent / "recorded"
HELD, ELIGIBLE, RUNNING, ENDED = WorkState.HELD, WorkState.ELIGIBLE, WorkState.RUNNING, WorkState.ENDED
NOW_S = 1_795_521_700
EXPECTED = {
    "1": (RUNNING, 2.0),  # sbatch -N2 --exclusive
    "2": (RUNNING, 0.0625),  # -n4
    "3": (HELD, 0.015625),  # -H
    "4": (HELD, 0.015625),  # --begin=now+1hour
    "5": (HELD, 0.015625),  # -d afterok:4
    "7": (ELIGIBLE, 8.0),  # -N8 --exclusive
    "8_rest": (ELIGIBLE, 3.0),  # -N1 --exclusive --array=1-40%3
    "8_limited": (HELD, 37.0),
    "9_rest": (HELD, 0.09375),  # -N1 -H --array=5-9,20
    "10": (ELIGIBLE, 7.0),  # -p gpu,batch -N7 --exclusive
    "11": (ELIGIBLE, 0.5),  # -N1 --gres=gpu:2
    "12": (ELIGIBLE, 0.5),  # -N1 -n1 --gpus=2
    "13": (ELIGIBLE, 2.03125),  # -N1 -n2 : -N2 -n2
    "15": (ELIGIBLE, 0.03125),  # -N1 -n2, no limit
    "16": (ELIGIBLE, 2.03125),  # -n130
    "17": (ELIGIBLE, 3.0),  # -N3-5
    "18": (ELIGIBLE, 0.8),  # -n1 --mem=200G
    "19": (ELIGIBLE, 0.015625),  # -n1 -w n08
}
TOO_LARGE = {"24.11-v0.0.42": ENDED, "26.05-v0.0.45": HELD}  # -N20: refused at once, or held for its partition's limit


@pytest.mark.parametrize("recorded", TOO_LARGE)
def test_the_same_jobs_mean_the_same_in_both_releases(recorded: str):
    told = wire.decode((FOLDER / f"jobs-{recorded}.json").read_bytes(), wire.Jobs)
    seen = {piece.record.id: piece.record for piece in pieces(told.jobs or (), POOL, NOW_S)}
    assert {ident: (record.state, record.nodes) for ident, record in seen.items() if ident != "6"} == EXPECTED
    assert (seen["6"].state, seen["6"].nodes) == (TOO_LARGE[recorded], 20.0)
    assert {record.limit_s for ident, record in seen.items() if ident != "15"} == {600}
    assert seen["15"].limit_s is None
    assert {record.user for record in seen.values()} == {"root"}
    assert told.meta.slurm.release.startswith(recorded[:5])
