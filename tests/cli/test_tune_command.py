"""``tidegate tune`` as a user types it: what it prints and writes, what it refuses, Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.tuning import run as running
from service.policy_file import read_policy
from simulator.tuning import Served, Split
from tests.cli.whole_command import Ran, runner

JOBS = "; MaxNodes: 8\n; MaxProcs: 8\n" + "".join(
    f"{number} {number * 600} -1 500 1 -1 -1 1 900 -1 1 1 1 1 1 -1 -1 -1\n" for number in range(1, 900)
)
RATES = "seconds,requests_per_second\n" + "".join(f"{600 * n},{20 + 10 * (n % 7)}\n" for n in range(900))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


@pytest.fixture
def traces(tmp_path: Path) -> tuple[object, ...]:
    (tmp_path / "jobs.swf").write_text(JOBS)
    (tmp_path / "rates.csv").write_text(RATES)
    return ("--hpc", tmp_path / "jobs.swf", "--requests", tmp_path / "rates.csv", "--start", "hpc=0s,requests=0s")


class Replays:
    """Stands in for the replays: the level of 1 % holds from a price on; each call is noted with its span in days."""

    def __init__(self, threshold: float = 8.0) -> None:
        self.threshold = threshold
        self.checked = 0.02
        self.calls: list[tuple[str, float, float]] = []
        self.stops_at: int | None = None

    def at_fixed_price(self, world, price, progress) -> Served:
        self.calls.append(("price", price, world.span_s / 86400))
        if len(self.calls) == self.stops_at:
            raise KeyboardInterrupt
        progress(0.5)
        return Served(0.0093 if price >= self.threshold else 0.031, 60 * (54 + price), 3)

    def as_it_is(self, world, progress) -> Served:
        pool = world.policy.spec.pools[0]
        assert pool.kubernetes.unmet_at_most is not None, "it is checked as it is written: the price follows"
        self.calls.append(("check", pool.unmet_cost.kubernetes, world.span_s / 86400))
        if len(self.calls) == self.stops_at:
            raise KeyboardInterrupt
        return Served(self.checked, 4200.0, 0)

    def split_that_meets(self, world, at_most) -> Split:
        return Split(5, Served(0.009, 6120.0, 0))

    def at_split(self, world, nodes) -> Split:
        return Split(nodes, Served(0.012, 6600.0, 4))


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Replays:
    found = Replays()
    for name in ("at_fixed_price", "as_it_is", "split_that_meets", "at_split"):
        monkeypatch.setattr(running, name, getattr(found, name))
    return found


def test_what_is_found_is_told_in_a_sentence_with_its_check(run, traces, replays: Replays):
    ran = run("tune", *traces, "--days", 6, "--unmet-at-most", "1%")
    assert ran.code == 0
    assert ran.out.splitlines()[-2:] == [
        "At 1 % of requests unmet, HPC jobs wait 63 minutes instead of 102"
        " with a fixed split of 5 nodes for Kubernetes.",
        "On the later part, the price following: 2.00 % of requests unmet, HPC jobs wait 70 minutes; that fixed split:"
        " 1.20 % of requests unmet, HPC jobs wait 110 minutes, 4 jobs still waiting at its end. The level did not hold"
        " there.",
    ]
    assert [price for kind, price, _ in replays.calls if kind == "price"] == [6.0, 18.0, 10.4, 7.9, 9.06]
    assert {(kind, days) for kind, _, days in replays.calls} == {("price", 4.0), ("check", 2.0)}


def test_the_policy_that_is_written_is_one_with_its_evidence(run, traces, replays: Replays, tmp_path: Path):
    replays.checked = 0.004
    rules = tmp_path / "mine.yaml"
    rules.write_text(
        "metadata: {name: site}\nspec:\n  mode: auto\n  pools:\n"
        "    - {name: a, kubernetes: {unmetAtMost: 1%, taints: [gpu]}, floor: {hpc: 2}}\n  moves: {dwell: 30m}\n"
    )
    out = tmp_path / "tuned.yaml"
    ran = run("tune", *traces, "--days", 6, "--policy", rules, "--output", out, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    text, found = out.read_text(), read_policy(out)
    pool = found.spec.pools[0]
    assert (pool.unmet_cost.hpc, pool.unmet_cost.kubernetes, pool.kubernetes.unmet_at_most) == (1.0, 9.06, 0.01)
    was = read_policy(rules)
    kept = pool.at_price(3.0)
    assert found.model_copy(update={"spec": found.spec.model_copy(update={"pools": (kept,)})}) == was
    for told in ("tidegate tune", "jobs.swf, rates.csv; 8 nodes", "9.06  0.93 %  63 minutes  3  taken\n",
                 "HPC jobs wait 63", "On the later part, the price following: 0.40 %"):  # fmt: skip
        assert told in text.split("apiVersion")[0]
    assert "did not hold" not in text


def test_no_file_is_replaced_unless_it_is_asked_for(run, traces, replays: Replays, tmp_path: Path):
    out = tmp_path / "policy.yaml"
    out.write_text("mine")
    ran = run("tune", *traces, "--output", out)
    assert (ran.code, out.read_text(), replays.calls) == (1, "mine", [])
    assert "is there already" in ran.err
    assert "--force" in ran.err
    assert run("tune", *traces, "--days", 6, "--output", out, "--force", "--quiet").code == 0
    assert read_policy(out).spec.pools[0].unmet_cost.kubernetes == 9.06


def test_an_input_is_never_written_over(run, traces, replays: Replays):
    ran = run("tune", *traces, "--output", traces[1], "--force")
    assert (ran.code, replays.calls) == (2, [])
    assert "same file" in ran.err


def test_where_no_price_reaches_it_the_best_is_told(run, traces, replays: Replays, tmp_path: Path):
    replays.threshold = 1000.0
    out = tmp_path / "policy.yaml"
    ran = run("tune", *traces, "--days", 6, "--output", out)
    assert ran.code == 1
    assert not out.exists()
    assert (
        "no price reaches 1% here: the best is 3.10 % unmet, at a price of 6, where HPC jobs wait 60 minutes" in ran.err
    )


@pytest.mark.parametrize(
    ("stops_at", "price"),
    [
        pytest.param(4, 10.4, id="in the search, when some price holds it"),
        pytest.param(6, 9.06, id="in the check"),
    ],
)
def test_an_interrupt_keeps_the_best_so_far(run, traces, replays: Replays, tmp_path: Path, stops_at: int, price: float):
    replays.stops_at = stops_at
    out = tmp_path / "policy.yaml"
    ran = run("tune", *traces, "--days", 6, "--output", out)
    assert ran.code == 130
    assert read_policy(out).spec.pools[0].unmet_cost.kubernetes == price
    assert "Not checked on the later part: the search was interrupted." in out.read_text()


def test_an_interrupt_before_anything_is_found_leaves_nothing(run, traces, replays: Replays, tmp_path: Path):
    replays.stops_at = 2
    out = tmp_path / "policy.yaml"
    assert run("tune", *traces, "--days", 6, "--output", out).code == 130
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(("--unmet-at-most", "1"), 2, "--unmet-at-most must be a share", id="no share"),
        pytest.param(("--unmet-at-most", "0%"), 2, "--unmet-at-most must be a share", id="nothing at all"),
        pytest.param(("--days", 0.05), 1, "are too short for a part to tune on", id="too short"),
        pytest.param(("--days", 6, "--check", 6), 1, "are too short for a part to tune on", id="nothing to tune on"),
    ],
)
def test_what_cannot_be_tuned_is_refused(run, traces, replays: Replays, arguments: tuple[object, ...], code, told):
    ran = run("tune", *traces, *arguments)
    assert (ran.code, replays.calls) == (code, [])
    assert told in " ".join(ran.err.replace("│", " ").split())


def test_both_sides_are_needed(run, traces):
    ran = run("tune", *traces[:2])
    assert ran.code == 2
    assert "both sides are needed to tune" in " ".join(ran.err.replace("│", " ").split())


def test_it_really_replays(run, traces, tmp_path: Path):
    """A few hours: so little to learn from that it is quick."""
    out = tmp_path / "policy.yaml"
    ran = run("tune", *traces, "--days", 0.3, "--unmet-at-most", "50%", "--output", out, "--handover", 2)
    assert ran.code == 0, ran.err
    assert ran.out.rstrip().endswith(f"policy: {out}")
    assert " (of 50 % that may be) of requests unmet, HPC jobs wait 0.0 minutes" in ran.out
    assert read_policy(out).spec.pools[0].kubernetes.unmet_at_most == 0.5
