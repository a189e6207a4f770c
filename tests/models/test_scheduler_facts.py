"""What a scheduler tells of itself: commands that can be pasted whatever a node is called, and times that can be."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scheduler_facts import SchedulerFacts

FACTS = SchedulerFacts(
    "Slurm",
    settle_s=6,
    lands_s=30,
    write_longest_s=10.0,
    show_command="scontrol show node {node}",
    open_command="scontrol update NodeName={node} State=UNDRAIN",
)


def test_the_commands_name_the_node():
    assert FACTS.show("n1") == "scontrol show node n1"
    assert FACTS.open("n1") == "scontrol update NodeName=n1 State=UNDRAIN"


@given(name=st.text(min_size=1))
def test_whatever_a_node_is_called_the_shell_reads_its_name_as_one_word(name: str):
    assert shlex.split(FACTS.show(name)) == ["scontrol", "show", "node", name]
    assert shlex.split(FACTS.open(name)) == ["scontrol", "update", f"NodeName={name}", "State=UNDRAIN"]


def test_without_a_command_there_is_none_for_any_node():
    facts = SchedulerFacts("twin", settle_s=0, lands_s=30, write_longest_s=10.0)
    assert (facts.show("n1"), facts.open("n1")) == ("", "")


@pytest.mark.parametrize(
    ("settle_s", "lands_s", "write_longest_s"), [(-1, 30, 10.0), (0, 9, 10.0), (0, 0, 0.0), (0, 30, 0.0)]
)
def test_times_that_cannot_be_are_refused(settle_s: int, lands_s: int, write_longest_s: float):
    with pytest.raises(ValueError, match="cannot land before"):
        SchedulerFacts("odd", settle_s=settle_s, lands_s=lands_s, write_longest_s=write_longest_s)
