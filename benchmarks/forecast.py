"""What the forecast is worth on real traces, started cold: skill against rolling persistence, coverage and cost.

    uv run python benchmarks/forecast.py [--traces DIR] [--json FILE] [--whole] [NAME ...]

Every series is driven through the port as a replay does, five minutes a turn, with nothing but its own past. Kubernetes
demand is ``ceil(rate / rate_per_node)`` with the span's peak at 60 of 100 nodes; HPC demand is what ran and what waited
in the trace's own schedule, with the records of its jobs; Philly is the number of active nodes.

Columns per horizon: pinball skill / MAE skill (coverage of the 90 % band, weight of the model at the end).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecasting.demand import WorkLedger
from forecasting.forecaster import DemandForecaster
from forecasting.trust import Skill
from models.demand import Demand
from models.nodes import Side
from models.observations import Observation
from models.work import WorkRecord, WorkState
from simulator.traces.rates import read_rates
from simulator.traces.swf import read_swf
from simulator.work import Job

STEP_S = 300
DAY_S = 86_400
TRACES = Path(__file__).resolve().parents[2] / "shared" / "traces"


@dataclass(frozen=True)
class Series:
    """Turns to drive a forecaster with: made anew by each call of ``turns``."""

    name: str
    side: Side
    pool_nodes: float
    refit_every_s: int
    turns: Callable[[], Iterator[Observation]]


@dataclass(frozen=True)
class Result:
    """One series' scores per horizon, and what they cost in seconds of CPU."""

    name: str
    turns: int
    refits: int
    refit_s: float
    turn_s: float
    total_s: float
    skill: tuple[Skill, ...]

    def line(self) -> str:
        """One row of the table."""
        cells = [
            f"{each.pinball_skill:+.3f}/{each.mae_skill:+.3f} ({each.coverage:.2f}, {each.share:.2f})"
            for each in self.skill
        ]
        cost = f"{self.refits:3} x {self.refit_s:.2f} s, {1e3 * self.turn_s:.2f} ms, {self.total_s:5.1f} s"
        return f"{self.name:14} {self.turns:6}  {'  '.join(cells)}  {cost}"


def measure(series: Series, seed: int) -> Result:
    """Drive one forecaster through the series. A turn's cost leaves out the turns in which a model was fitted."""
    forecaster = DemandForecaster(pool_nodes=series.pool_nodes, refit_every_s=series.refit_every_s, seed=seed)
    turns = refits = 0
    fitting = plain = 0.0
    for observation in series.turns():
        start = time.process_time()
        forecaster.observe(observation)
        forecaster.forecast(observation.at_s)
        spent = time.process_time() - start
        turns += 1
        if forecaster.refits > refits:
            refits, fitting = forecaster.refits, fitting + spent
        else:
            plain += spent
    skill = forecaster.skill()[series.side]
    return Result(
        series.name, turns, refits, fitting / max(refits, 1), plain / (turns - refits), fitting + plain, skill
    )


def plain_turns(side: Side, nodes: NDArray[np.float64]) -> Iterator[Observation]:
    """Demand without any record of work."""
    for slot, value in enumerate(nodes):
        now_s = slot * STEP_S
        yield Observation(now_s, {side: Demand(side, now_s, float(value), 0.0)})


def service(path: Path) -> NDArray[np.float64]:
    """The nodes that a recorded request rate needs, its peak scaled to 60 nodes; each value holds until the next."""
    requests = read_rates(path).requests
    times_s = np.arange(0, min(14 * DAY_S, requests.end_s), STEP_S)
    rate = requests.per_s[np.searchsorted(requests.times_s, times_s, side="right") - 1]
    need: NDArray[np.float64] = np.ceil(rate / (rate.max() / 60))
    return need


def active_nodes(path: Path, first_day: int, days: int | None) -> NDArray[np.float64]:
    """Active nodes every five minutes, from a table with one row per minute."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        next(lines)
        active = [float(line.split(",")[1]) for line in lines]
    nodes = np.array(active)[:: STEP_S // 60][first_day * 288 :]
    return nodes if days is None else nodes[: days * 288]


def waits_s(path: Path) -> dict[int, int]:
    """How long each job waited in the trace's own schedule: a column that the reader of jobs has no use for."""
    with gzip.open(path, "rt", encoding="latin-1") as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith(";")]
    return {int(row[0]): max(0, int(row[2])) for row in rows}


def life(job: Job, wait_s: int) -> Iterator[tuple[int, WorkRecord]]:
    """A job's records and when each is seen, in the trace's own schedule."""
    start_s = job.submit_s + wait_s
    end_s = start_s + job.run_s
    name, nodes = str(job.id), float(job.procs)
    yield job.submit_s, WorkRecord(name, Side.HPC, WorkState.ELIGIBLE, nodes, job.submit_s, job.limit_s, user=job.user)
    yield (
        start_s,
        WorkRecord(name, Side.HPC, WorkState.RUNNING, nodes, job.submit_s, job.limit_s, start_s, user=job.user),
    )
    yield (
        end_s,
        WorkRecord(name, Side.HPC, WorkState.ENDED, nodes, job.submit_s, job.limit_s, start_s, end_s, job.user),
    )


def batch_turns(path: Path, first_day: int, days: int | None) -> Iterator[Observation]:
    """What ran and waited, with the records that changed in each turn; the first turn holds all that is there."""
    waits = waits_s(path)
    seen = [pair for job in read_swf(path).jobs for pair in life(job, waits[job.id])]
    seen.sort(key=lambda pair: pair[0])
    start_s = (seen[0][0] // DAY_S + first_day) * DAY_S
    end_s = seen[-1][0] if days is None else start_s + days * DAY_S
    ledger, at = WorkLedger(step_s=STEP_S), 0
    for now_s in range(start_s, end_s, STEP_S):
        first = at
        while at < len(seen) and seen[at][0] <= now_s:
            at += 1
        records = tuple(record for _, record in seen[first:at])
        ledger.apply(records, now_s)
        demand = ledger.demand(Side.HPC, now_s)
        if demand is not None:
            yield Observation(now_s, {Side.HPC: demand}, records)


def all_series(traces: Path) -> list[Series]:
    """Every series there is; those whose name ends in ``whole`` take minutes."""
    kubernetes, hpc = Side.KUBERNETES, Side.HPC
    jobs, philly = traces / "kth_sp2.swf.gz", traces / "philly_nodes_1min.csv.gz"

    def rate(size: str) -> Series:
        path = traces / f"servegen_m_{size}_10min.csv.gz"
        return Series(f"servegen-{size}", kubernetes, 100, DAY_S, lambda: plain_turns(kubernetes, service(path)))

    def active(name: str, day: int, days: int | None, refit_every_s: int) -> Series:
        return Series(
            name, kubernetes, 420, refit_every_s, lambda: plain_turns(kubernetes, active_nodes(philly, day, days))
        )

    def batch(name: str, day: int, days: int | None, refit_every_s: int) -> Series:
        return Series(name, hpc, 100, refit_every_s, lambda: batch_turns(jobs, day, days))

    return [
        rate("small"),
        rate("mid"),
        *(batch(f"kth-day-{day}", day, 14, DAY_S) for day in (0, 100, 200)),
        active("philly-day-30", 30, 14, DAY_S),
        active("philly-whole", 0, None, 3 * DAY_S),
        batch("kth-whole", 0, None, 7 * DAY_S),
    ]


def main() -> None:
    """Print one row per series, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", help="only these series")
    parser.add_argument("--traces", type=Path, default=TRACES, help="the folder that holds the traces")
    parser.add_argument("--whole", action="store_true", help="also the whole traces (minutes)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the results here")
    asked = parser.parse_args()
    if not asked.traces.is_dir():
        print(f"No traces in {asked.traces}: nothing measured.")
        return
    series = [each for each in all_series(asked.traces) if asked.whole or not each.name.endswith("whole")]
    if asked.names:
        series = [each for each in all_series(asked.traces) if each.name in asked.names]
    results = []
    print(f"{'series':14} {'turns':>6}  15 / 30 / 60 / 120 min, then refits x CPU, CPU per turn, CPU in all")
    for each in series:
        results.append(measure(each, asked.seed))
        print(results[-1].line(), flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(each) for each in results], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
