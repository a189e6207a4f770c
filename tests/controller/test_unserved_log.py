"""What nobody can serve is in the log when it begins and when it is over, and always in the metrics."""

from __future__ import annotations

import logging

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from controller.metrics import UnservedMetrics
from controller.unserved_log import UnservedLog
from models.nodes import Side
from models.unserved import Unserved, UnservedReason

LOG = logging.getLogger("tidegate.test")
LARGE = Unserved(Side.KUBERNETES, UnservedReason.NODE, 41, 82.0, "96 cpus, a node has 64", 1.5)
LARGER = Unserved(Side.KUBERNETES, UnservedReason.NODE, 42, 84.0, "128 cpus, a node has 64", 2.0)
HELD = Unserved(Side.KUBERNETES, UnservedReason.QUOTA, 1, 0.5)
OVERSIZE = Unserved(Side.HPC, UnservedReason.POOL, 2, 40.0, "20 nodes, HPC can have 16", 20.0)
SAYS_LARGE = "41 pods ask for more than a node of this pool has (largest: 96 cpus, a node has 64)"

TOLD = {  # what each turn finds; the lines of the log, warnings among them with a mark
    "nothing": ([(), ()], []),
    "what lasts": ([(LARGE,), (LARGE,), (LARGE,)], [f"! {SAYS_LARGE}; no move can help"]),
    "other numbers of the same": ([(LARGE,), (LARGER,)], [f"! {SAYS_LARGE}; no move can help"]),
    "what ends": (
        [(LARGE,), ()],
        [f"! {SAYS_LARGE}; no move can help", f"no longer so: {SAYS_LARGE}"],
    ),
    "what is only held is no warning": (
        [(HELD,), (), (HELD,)],
        [
            "1 pod is held by quota; no move can help",
            "no longer so: 1 pod is held by quota",
            "1 pod is held by quota; no move can help",
        ],
    ),
    "each side and reason by itself": (
        [(LARGE,), (OVERSIZE, LARGE)],
        [
            f"! {SAYS_LARGE}; no move can help",
            "! 2 jobs ask for more than HPC can ever have of this pool"
            " (largest: 20 nodes, HPC can have 16); no move can help",
        ],
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_the_log_tells_each_when_it_begins_and_when_it_is_over(case: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, LOG.name)
    turns, lines = TOLD[case]
    log = UnservedLog(LOG)
    for unserved in turns:
        log.tell(unserved)
    said = [f"{'! ' * (one.levelno == logging.WARNING)}{one.getMessage()}" for one in caplog.records]
    assert said == lines
    assert log.now == turns[-1]


def test_of_several_pools_the_log_names_the_one(caplog: pytest.LogCaptureFixture):
    UnservedLog(LOG, "a100").tell((LARGE,))
    assert caplog.messages[0].startswith("pool a100: 41 pods ask")


def test_the_metrics_have_every_reason_of_both_sides_whether_there_is_any_or_not():
    log = UnservedLog(LOG)
    registry = CollectorRegistry()
    registry.register(UnservedMetrics({"a100": log}))

    def above_zero() -> list[str]:
        lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
        assert len(lines) == 2 * len(Side) * len(UnservedReason)
        return [line for line in lines if not line.endswith(" 0.0")]

    assert above_zero() == []
    log.tell((OVERSIZE, LARGE))
    large = 'pool="a100",reason="larger-than-a-node",side="kubernetes"'
    oversize = 'pool="a100",reason="larger-than-the-pool",side="hpc"'
    assert above_zero() == [
        f"tidegate_unserved_nodes{{{oversize}}} 40.0",
        f"tidegate_unserved_nodes{{{large}}} 82.0",
        f"tidegate_unserved_work{{{oversize}}} 2.0",
        f"tidegate_unserved_work{{{large}}} 41.0",
    ]
