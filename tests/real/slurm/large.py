"""A large site without any machine: slurmctld knows of the nodes, none answers, and held jobs wait for them."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from json import dumps
from pathlib import Path
from typing import NamedTuple

from connectors.slurm.scheduler import SlurmScheduler
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.conf import Options

CLIENTS = 4
RECORDS_MOST = 200_000
ARRAY_MOST = 50_000


class Cost(NamedTuple):
    """What one reading took: on the clock, of our own processor time, and of that of the commands that we ran."""

    wall_s: float
    cpu_s: float
    commands_s: float


def options(nodes: int) -> Options:
    """So many nodes that are not there, and room for the jobs."""
    room = {"MaxJobCount": str(RECORDS_MOST), "MaxArraySize": str(ARRAY_MOST + 1)}
    return Options(nodes=(), absent=nodes, settings=room)


def open_nodes(cluster: Cluster) -> None:
    """The nodes that are not there become idle."""
    cluster.run("scontrol", "update", f"nodename=a[00001-{cluster.options.absent:05}]", "state=resume")


def hold_array(cluster: Cluster, tasks: int) -> None:
    """So many tasks that wait, held, as one record."""
    cluster.submit("--hold", f"--array=0-{tasks - 1}")


def hold_jobs(cluster: Cluster, jobs: int) -> None:
    """So many jobs that wait, held, each a record of its own and unlike the others. Some 500 a second are taken."""
    version, token = cluster.data_parsers[-1], cluster.token()

    def submit(first: int) -> None:
        connection = HTTPConnection("127.0.0.1", cluster.ports.rest, timeout=60.0)
        headers = {"X-SLURM-USER-TOKEN": token, "Content-Type": "application/json"}
        for number in range(first, jobs, CLIENTS):
            connection.request("POST", f"/slurm/{version}/job/submit", dumps(_job(number)), headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise RuntimeError(f"job {number} was not taken: {text.decode()[:500]}")
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(submit, range(CLIENTS)))


def change(cluster: Cluster, first: int, last: int) -> None:
    """Jobs of these numbers get another limit."""
    cluster.run("scontrol", "update", f"jobid={','.join(map(str, range(first, last + 1)))}", "timelimit=77")


def measured_poll(port: SlurmScheduler) -> Cost:
    """One reading of everything."""
    began_s, before = time.monotonic(), os.times()
    port.read()
    wall_s, after = time.monotonic() - began_s, os.times()
    ours = after.user - before.user + after.system - before.system
    theirs = after.children_user - before.children_user + after.children_system - before.children_system
    return Cost(wall_s, ours, theirs)


def memory_mib(cluster: Cluster) -> int:
    """The most memory that slurmrestd has had so far, in MiB."""
    listed = Path("/proc").glob("[0-9]*/cmdline")
    address = f"127.0.0.1:{cluster.ports.rest}".encode()
    for path in listed:
        words = _words(path)
        if words and words[0] == b"slurmrestd" and address in words:
            lines = (path.parent / "status").read_text(encoding="ascii").splitlines()
            return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    raise RuntimeError("slurmrestd does not run")


def _words(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # it has ended
        return []


def _job(number: int) -> dict[str, object]:
    told = {
        "name": f"run-{number % 977}",
        "current_working_directory": f"/home/user{number % 200}/case-{number % 311}",
        "environment": ["PATH=/bin"],
        "minimum_nodes": 1 + number % 4,
        "tasks": 4 + number % 16,
        "time_limit": {"set": True, "infinite": False, "number": 10 + number % 1000},
        "partition": "batch",
        "hold": True,
        "standard_output": "/dev/null",
    }
    return {"script": "#!/bin/sh\nsleep 60\n", "job": told}
