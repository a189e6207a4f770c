"""Whether the jobs can be read, and in what time. Not over slurmrestd, which it can cost minutes and gigabytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from connectors.slurm.read import present
from connectors.slurm.wire import Jobs
from models.errors import Unreachable
from models.findings import Finding, warning, well, wrong

CHECK = "slurm.jobs"
SLOW_S = 10.0  # of the 30 s after which the service gives up
ADVICE = "Name the folder of Slurm's commands as spec.slurm.commands: squeue reads them in a fraction of a second."


def job_findings(read: Callable[[], Jobs], monotonic: Callable[[], float] = time.monotonic) -> Iterator[Finding]:
    """Read them once, as the service does."""
    began_s = monotonic()
    try:
        told = present(read().jobs, "jobs")
    except Unreachable as error:
        yield wrong(CHECK, str(error), "See slurmctld's log; nothing moves where the jobs cannot be read.")
        return
    took_s = monotonic() - began_s
    what = f"{len(told)} job records were read in {took_s:.1f} s"
    yield warning(CHECK, what, ADVICE) if took_s > SLOW_S else well(CHECK, what)
