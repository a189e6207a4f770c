"""What one poll of a large site costs, on real slurmctld and slurmrestd of each release.

10,000 nodes, none of which is there, and 50,000 held jobs: as one array, which waits as a single record; then each a
record of its own. Nodes and jobs are read by Slurm's commands. The bar is 2 s on the clock and 0.3 s of our own
processor time for one poll, the first and later ones, the last after 1 in 100 jobs has changed. What slurmctld and
slurmrestd burn is not ours, nor what squeue and scontrol do, which is told besides. Exits with 1 when the bar is
missed. ``--release`` measures one release only.

``--over rest`` reads all over slurmrestd. The single records miss the bar by far (docs/limits.md), take about ten
minutes, and slurmrestd needs some 160 KiB of memory for each record of an answer: 8 GB. ``--records`` says how many
there are.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.transport import Transport
from models.errors import Unreachable
from tests.real.packages import MissingError
from tests.real.slurm import commands, large
from tests.real.slurm.cluster import Cluster
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client

NODES = 10_000
JOBS = 50_000
WALL_S, CPU_S = 2.0, 0.3
PATIENCE_S = 300.0  # instead of the service's own limit, to tell how long it takes


def main() -> int:
    """Measure each release, and tell whether the bar is held."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, default=JOBS)
    asked.add_argument("--over", choices=["commands", "rest"], default="commands")
    asked.add_argument("--release", choices=list(RELEASES), action="append")
    chosen = asked.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", end="")
    print(f", msgspec {version('msgspec')}; {NODES} nodes; the bar is {WALL_S} s on the clock and {CPU_S} s of CPU")
    try:
        missed = sum(measure(release, chosen.records, chosen.over) for release in chosen.release or RELEASES)
    except MissingError as error:
        print(f"left out, as the test bed lacks something: {error}")
        return 0
    print(f"{missed} of the polls missed the bar" if missed else "every poll held the bar")
    return 1 if missed else 0


def measure(release: str, records: int, over: str) -> int:
    """How many polls of this release missed the bar."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as made:
        folder = Path(made)
        cluster = Cluster(folder / "cluster", RELEASES[release], large.options(NODES))
        cluster.start()
        try:
            large.open_nodes(cluster)
            rest = client(cluster, folder)
            with closing(RestTransport(rest, bulk_s=PATIENCE_S)) as slurm:
                by = slurm if over == "rest" else commands.transport(cluster, rest, folder)
                return _array(cluster, by, over) + _single(cluster, by, records, over)
        finally:
            cluster.stop()


def _array(cluster: Cluster, slurm: Transport, over: str) -> int:
    large.hold_array(cluster, JOBS)
    port = SlurmScheduler(slurm)
    what = f"{JOBS} tasks of an array over {over}"
    return sum(_poll(cluster, port, f"{what}, {which} poll") for which in ("first", "next"))


def _single(cluster: Cluster, slurm: Transport, records: int, over: str) -> int:
    large.hold_jobs(cluster, records)
    port = SlurmScheduler(slurm)
    what = f"{records} records over {over}"
    missed = sum(_poll(cluster, port, f"{what}, {which} poll") for which in ("first", "next"))
    newest = max(int(record.id.partition("_")[0]) for record in port.read().records)
    large.change(cluster, newest - records // 100 + 1, newest)
    return missed + _poll(cluster, port, f"{what}, 1 in 100 changed")


def _poll(cluster: Cluster, port: SlurmScheduler, what: str) -> bool:
    """Whether the poll missed the bar; it is told either way."""
    try:
        cost = large.measured_poll(port)
    except Unreachable as error:
        print(f"Slurm {cluster.release.name}: {what}: no answer: {error}", flush=True)
        return True
    missed = cost.wall_s > WALL_S or cost.cpu_s > CPU_S
    told = f"{cost.wall_s:6.2f} s on the clock, {cost.cpu_s:.2f} s of CPU ({cost.commands_s:.2f} s of Slurm's commands)"
    told += f"; slurmrestd {large.memory_mib(cluster)} MiB"
    print(f"Slurm {cluster.release.name}: {what}: {told}{': MISSED' if missed else ''}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
