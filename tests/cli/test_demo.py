"""``tidegate demo``: the made-up week is what it says, and the command hands it on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import demo


def test_the_week_is_what_it_says():
    made, again = demo.demo_workload(), demo.demo_workload()
    assert made.workload == again.workload
    jobs, span_s = made.workload.jobs, demo.DAYS * 86400
    assert made.window.span_s == pytest.approx(span_s, abs=86400)
    assert max(job.procs for job in jobs) <= demo.JOB_NODES_MAX
    load = sum(job.procs * job.run_s for job in jobs) / (demo.NODES * span_s)
    assert load == pytest.approx(demo.JOBS_LOAD, rel=0.15)
    needed = max(made.workload.replicas_for(per_s) for _, per_s in made.workload.rate_steps)
    assert needed == round(0.6 * demo.NODES)


def test_the_command_hands_it_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    seen = {}

    def noted(task, **files) -> None:
        seen.update(files, task=task)

    monkeypatch.setattr("cli.demo.run_and_tell", noted)
    demo.demo(report=tmp_path / "r.html", json=None, audit=tmp_path / "a", quiet=True)
    task = seen["task"]
    assert (task.world.nodes, task.world.handover_s, task.world.seed) == (demo.NODES, demo.HANDOVER_S, demo.SEED)
    assert task.names == ("static", "reactive", "predictive", "oracle")
    assert (seen["report"], seen["audit"], seen["quiet"]) == (tmp_path / "r.html", tmp_path / "a", True)
