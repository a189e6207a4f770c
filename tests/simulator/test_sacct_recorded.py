"""What real sacct of two releases told of the same jobs in every form: read alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import BadInput
from simulator.traces.jobs import read_jobs
from simulator.traces.sacct import selection as why
from simulator.traces.sacct.open_accounting import read_sacct
from simulator.traces.sacct.parsable import FURTHER
from simulator.traces.sacct.wanted import Unit, Wanted
from simulator.work import Job

RECORDED = Path(__file__).parents[1] / "recorded" / "sacct"
RELEASES = ["24.11", "26.05"]
FORMS = [
    path
    for release in RELEASES
    for path in sorted((RECORDED / release).iterdir())
    if path.name not in ("table.txt", "relative.txt")
]
NOT_ENDED = {12, 13}  # one suspended, one running: their time so far differs from one command to the next


def ended(path: Path, wanted: Wanted) -> list[Job]:
    return [job for job in read_sacct(path, wanted).trace.jobs if job.id not in NOT_ENDED]


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("path", FORMS, ids=lambda path: f"{path.parent.name} {path.name}")
def test_every_form_tells_the_same_jobs(path, unit):
    wanted = Wanted(unit=unit, timezone="Europe/Berlin")
    expected = ended(path.parent / "command.txt", wanted)
    found = ended(path, wanted)
    assert found == expected
    assert len(found) >= 16


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_no_work_is_counted_alike(release):
    passed = {why.PENDING: 2, why.NEVER_STARTED: 2}
    for path in (path for path in FORMS if path.parent.name == release):
        notes = read_sacct(path, Wanted(timezone="Europe/Berlin")).trace.notes
        with_steps = {why.STEP: 18, FURTHER: 1} if path.name == "named.txt" else {}  # a name has a line end
        assert notes.passed == passed | with_steps, path
        assert notes.bad_lines == 0, path
        assert notes.mended[why.STILL_RUNS] == 2, path
        if path.suffix != ".txt" or path.name == "named.txt":  # only these tell that a job is part of another
            assert notes.mended[why.HET] == 2, path


@pytest.mark.parametrize("release", RELEASES)
def test_the_jobs_are_what_was_done(release):
    jobs = {job.id: job for job in read_jobs(RECORDED / release / "command.txt", strict=True).jobs}
    assert sorted(jobs) == [*range(1, 8), *range(9, 14), *range(18, 25)]
    assert jobs[1].procs == 2
    assert jobs[12].procs == 3
    assert {jobs[number].limit_s for number in (18, 19)} == {300}
    first_s = jobs[1].submit_s
    assert jobs[9].submit_s - first_s == 6  # --begin=now+6
    assert jobs[10].submit_s - first_s >= 3  # after job 1, that slept for 3 s
    assert all(job.run_s <= 25 for job in jobs.values())


@pytest.mark.parametrize(("name", "message"), [("table.txt", "this is sacct's table"), ("relative.txt", "not a time")])
def test_what_cannot_be_used_says_what_to_do(name, message):
    with pytest.raises(BadInput, match=message) as caught:
        read_jobs(RECORDED / "24.11" / name)
    assert "sacct -a -X -P" in caught.value.remedy
