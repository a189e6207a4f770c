"""How long ``tidegate import sacct`` takes, as a whole command, and how much memory.

A million rows of ``sacct -P`` with a fixed seed, their times as epoch seconds and as local times, are read and written
in the Standard Workload Format: start of Python, reading, sorting and writing included.

The bar: 30 s. It is told and not enforced, because it depends on the machine; only a command that fails fails this
benchmark.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROWS = 1_000_000
BAR_S = 30.0
BEGIN_S = 1_788_220_800
HEADER = "JobIDRaw|User|Partition|Cluster|Submit|Eligible|Start|End|ElapsedRaw|TimelimitRaw|NNodes|AllocCPUS|State\n"


def local(at_s: int) -> str:
    """A time as sacct writes it unless it is told otherwise."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}"


def write_accounting(path: Path, written: Callable[[int], str]) -> None:
    """Two months of jobs of 300 users."""
    chance, at_s = random.Random(1), float(BEGIN_S)  # noqa: S311 - made-up jobs
    with path.open("w", encoding="ascii") as file:
        file.write(HEADER)
        for number in range(1, ROWS + 1):
            at_s += chance.expovariate(ROWS / (60 * 86_400))
            submit_s, wait_s, run_s = int(at_s), int(chance.expovariate(1 / 3600)), int(chance.expovariate(1 / 7200))
            times = "|".join(map(written, (submit_s, submit_s, submit_s + wait_s, submit_s + wait_s + run_s)))
            nodes, user = chance.choice((1, 1, 1, 2, 4, 8)), chance.randrange(300)
            state = chance.choice(("COMPLETED", "COMPLETED", "FAILED", "TIMEOUT", f"CANCELLED by {1000 + user}"))
            file.write(f"{number}|user{user}|gpu|alpha|{times}|{run_s}|{24 * 60}|{nodes}|{96 * nodes}|{state}\n")


def main() -> int:
    """Run the benchmark; 1 when the command fails."""
    with tempfile.TemporaryDirectory() as folder:
        accounting, trace = Path(folder, "month.txt"), Path(folder, "month.swf")
        for name, written in (("epoch seconds", str), ("local times", local)):
            write_accounting(accounting, written)
            arguments = ["import", "sacct", str(accounting), "--output", str(trace), "--timezone", "Europe/Berlin"]
            begin_s = time.monotonic()
            with subprocess.Popen([sys.executable, "-m", "cli.main", *arguments, "--quiet"]) as command:
                _, status, used = os.wait4(command.pid, 0)
                command.returncode = os.waitstatus_to_exitcode(status)
            if command.returncode:
                return 1
            wall_s, cpu_s = time.monotonic() - begin_s, used.ru_utime + used.ru_stime
            print(
                f"{ROWS:,} rows with {name}, {accounting.stat().st_size / 2**20:.0f} MiB: {wall_s:.1f} s"
                f" ({cpu_s:.1f} s of processor time), at most {used.ru_maxrss / 1024:.0f} MiB of memory;"
                f" the bar is {BAR_S:.0f} s: {'met' if wall_s <= BAR_S else 'NOT met'}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
