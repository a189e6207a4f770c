"""How long the plain simulation of an HPC scheduler takes, as a whole command.

100,000 jobs after Lublin and Feitelson (offered load 0.85 on 480 processors, a fixed seed) are written as a trace in
the Standard Workload Format, and ``tidegate replay --hpc-only`` simulates EASY backfill on them three times: start of
Python, reading, simulating and writing the figures included.

The bar: 3 s on 2 cores. It is told and not enforced, because it depends on the machine; only a command that fails
fails this benchmark.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from simulator.work import Job
from simulator.workloads.lublin import lublin_jobs

JOBS = 100_000
PROCS = 480
LOAD = 0.85
SEED = 1
RUNS = 3
BAR_S = 3.0
SHOWN = ("hpc_jobs_finished", "hpc_wait_mean_s", "hpc_wait_p95_s", "hpc_bounded_slowdown_mean", "utilisation")


def swf_line(job: Job) -> str:
    """One job in the 18 columns of the Standard Workload Format, -1 where nothing is known."""
    user = int("".join(filter(str.isdigit, job.user)) or -1)
    columns = [job.id, job.submit_s, -1, job.run_s, job.procs, -1, -1, job.procs, job.limit_s]
    return " ".join(map(str, [*columns, -1, 1, user, *[-1] * 6]))


def write_trace(path: Path) -> None:
    """The jobs of the benchmark as a file."""
    jobs = lublin_jobs(procs=PROCS, seed=SEED, jobs=JOBS, load=LOAD)
    lines = [f"; MaxProcs: {PROCS}", *map(swf_line, jobs)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def command(trace: Path, figures: Path) -> list[str]:
    """What is timed."""
    options = ["--nodes", str(PROCS), "--hpc-only", "--discipline", "easy", "--quiet"]
    return [sys.executable, "-m", "cli.main", "replay", "--hpc", str(trace), *options, "--json", str(figures)]


def main() -> int:
    """Run the benchmark; 1 when the command fails."""
    with tempfile.TemporaryDirectory() as folder:
        trace, figures = Path(folder, "jobs.swf"), Path(folder, "figures.json")
        write_trace(trace)
        walls_s = []
        for _ in range(RUNS):
            begun_s = time.perf_counter()
            code = subprocess.run(command(trace, figures), check=False).returncode
            walls_s.append(time.perf_counter() - begun_s)
            if code:
                print(f"the command ended with {code}", file=sys.stderr)
                return 1
        results = json.loads(figures.read_text(encoding="utf-8"))["results"]["easy"]
    least, middle, most = min(walls_s), statistics.median(walls_s), max(walls_s)
    print(f"{JOBS} jobs on {PROCS} processors, offered load {LOAD}, EASY backfill, {RUNS} runs of the whole command")
    print(f"wall seconds: min {least:.2f}, median {middle:.2f}, max {most:.2f} (the bar: {BAR_S:g} on 2 cores)")
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = (spent.ru_utime + spent.ru_stime) / RUNS
    print(f"CPU seconds: mean {cpu_s:.2f}, which neighbours on a shared machine disturb less")
    print(f"python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} CPUs")
    print(*(f"{name} = {results[name]}" for name in SHOWN), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
