"""What is known of the last reading of the nodes saves work and changes nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from connectors.slurm import wire
from connectors.slurm.nodes import KnownNodes
from tests.connectors.slurm.makers import node

ENDS = st.dictionaries(st.sampled_from(("n01", "n02")), st.integers(1, 3))
BOOKED = st.dictionaries(st.sampled_from(("n01", "n02")), st.sets(st.sampled_from(("tidegate:1.p1", "theirs"))))
STATES = st.dictionaries(st.sampled_from(("n01", "n02", "n03")), st.sampled_from(("IDLE", "MIXED", "DOWN")))


def told(name: str, state: str) -> wire.Node:
    body = json.dumps({"nodes": [node(name, state)]}).encode()
    return wire.decode(body, wire.Nodes).nodes[0]  # type: ignore[index]


@given(st.lists(st.tuples(STATES, ENDS, BOOKED, st.sampled_from(("boot 1", "boot 2"))), min_size=2, max_size=5))
def test_the_same_with_it_and_without(
    readings: list[tuple[dict[str, str], dict[str, int], dict[str, set[str]], str]],
):
    known = KnownNodes()
    for states, ends, booked, booted in readings:
        nodes = [told(name, state) for name, state in states.items()]
        assert known.drawn(nodes, ends, booked, booted) == KnownNodes().drawn(nodes, ends, booked, booted)


def test_what_did_not_change_is_not_worked_out_again():
    known, nodes = KnownNodes(), [told("n01", "IDLE"), told("n02", "MIXED")]
    before = known.drawn(nodes, {"n02": 7}, {}, "boot")
    after = known.drawn([told("n01", "IDLE"), nodes[1]], {"n02": 8}, {}, "boot")
    assert after["n01"] is before["n01"]
    assert (before["n02"].frees_at_s, after["n02"].frees_at_s) == (7, 8)
