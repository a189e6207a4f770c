"""Which tests with real components run, on tests made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.real.selection import PARTS, left_out, part_of


def made(file: str, *, marked: bool = False) -> Any:
    return SimpleNamespace(path=Path("tests/real") / file, get_closest_marker=lambda _: marked or None)


ITEMS = [made("test_slurm_x.py"), made("test_slurm_x.py", marked=True), made("test_run.py"), made("test_bus.py")]


@pytest.mark.parametrize(
    ("long", "part", "out"),
    [
        pytest.param(False, "", [1], id="all that is short"),
        pytest.param(True, "", [], id="all"),
        pytest.param(False, "slurm", [1, 2, 3], id="what is short of a part"),
        pytest.param(True, "slurm", [2, 3], id="a part"),
        pytest.param(True, "together", [0, 1, 3], id="what is of no component alone"),
    ],
)
def test_what_takes_long_and_other_parts_are_left_out(long: bool, part: str, out: list[int]):
    assert left_out(ITEMS, long=long, part=part) == [ITEMS[number] for number in out]


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("test_slurm_churn.py", "slurm"),
        ("test_kube_real_node.py", "kube"),
        ("test_bus.py", "bus"),
        ("test_bus_faults.py", "bus"),
        ("test_kafka_broker.py", "bus"),
        ("test_run.py", "together"),
        ("test_both_sides.py", "together"),
    ],
)
def test_a_file_is_of_the_part_that_its_first_word_says(file: str, part: str):
    assert part_of(file) == part


def test_each_part_has_files():
    there = {part_of(path.name) for path in Path(__file__).parent.glob("test_*.py")}
    assert there == set(PARTS)
