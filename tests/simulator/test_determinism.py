"""The same replay gives the same bytes in any process; another seed throws other dice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from simulator.machine import HandoverDelay
from tests.patience import LONG_S

ROOT = Path(__file__).parents[2]


def replayed(folder: Path, name: str, *, hash_seed: str, seed: int = 0, compare: str) -> bytes:
    out = folder / f"{name}.json"
    code = "from cli.main import main; main()"
    arguments = ["--hpc", folder / "jobs.swf", "--requests", folder / "rates.csv", "--compare", compare]
    arguments += ["--seed", seed, "--nodes", 12, "--rate-per-node", 10, "--json", out, "--quiet"]
    subprocess.run(
        [sys.executable, "-c", code, "replay", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        timeout=LONG_S,
    )
    return out.read_bytes()


def test_hash_seeds_change_nothing_and_another_seed_changes_the_delays(tmp_path: Path):
    jobs = [
        f"{n} {400 * n} -1 {300 + 977 * n % 5000} {1 + n % 7} -1 -1 {1 + n % 7} 6000 -1 1 {n % 5} 1 1 1 -1 -1 -1"
        for n in range(1, 200)
    ]
    (tmp_path / "jobs.swf").write_text("\n".join(jobs) + "\n")
    rates = [f"{600 * n},{10 * (n * n % 9)}" for n in range(130)]
    (tmp_path / "rates.csv").write_text("seconds,requests_per_second\n" + "\n".join(rates) + "\n")
    one = replayed(tmp_path, "one", hash_seed="1", compare="persistence")
    two = replayed(tmp_path, "two", hash_seed="4242", compare="persistence")
    assert one == two
    other = replayed(tmp_path, "other", hash_seed="1", seed=7, compare="persistence")
    assert b'"handover_lost_node_h": 0.0' not in other
    assert _lost(one) != _lost(other)


def _lost(document: bytes) -> bytes:
    return [line for line in document.splitlines() if b"handover_lost_node_h" in line][-1]


def test_a_delay_depends_on_seed_node_and_count_alone():
    delay = HandoverDelay(600)
    draws = {
        (seed, node, count): delay.draw(seed, node, count) for seed in (0, 1) for node in (0, 1) for count in (1, 2)
    }
    assert draws == {key: HandoverDelay(600).draw(*key) for key in draws}
    assert len(set(draws.values())) > 4
    assert all(200 < seconds < 1800 for seconds in draws.values())
    assert HandoverDelay(0).draw(0, 0, 1) == 0
