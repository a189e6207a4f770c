"""Every option of every command that takes a duration takes a plain number in its own unit, and one with a unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from cli.bus.dead_letters import _since
from cli.main import app
from cli.quantities import DURATION
from cli.replaying.parse import node_shape, start_by_input
from models.durations import duration_s, typed_s

# command and option -> the unit of a plain number
OPTIONS = {
    ("replay", "--handover"): "m",
    ("replay", "--days"): "d",
    ("tune", "--handover"): "m",
    ("tune", "--days"): "d",
    ("tune", "--check"): "d",
    ("sweep", "--handover"): "m",
    ("sweep", "--days"): "d",
    ("takeover request", "--for"): "h",
    ("import sacct", "--default-limit"): "m",
}
SIZE_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LOOKS_LIKE_ONE = ("day", "minute", "hour", "second", "duration", "how long")


def options(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, str], Any]]:
    """Every option of every command, by both their names."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from options(command, (*path, name))
        else:
            of_command = (one for one in command.params if one.opts[0].startswith("-"))
            yield from (((" ".join((*path, name)), one.opts[0]), one) for one in of_command)


FOUND = dict(options(typer.main.get_command(app)))


def test_the_table_has_every_option_that_takes_a_duration():
    assert {key for key, one in FOUND.items() if one.metavar == DURATION} == OPTIONS.keys()


def test_no_other_option_takes_a_number_of_days_or_minutes():
    numbers = {
        key
        for key, one in FOUND.items()
        if one.metavar != DURATION
        and one.type_descriptor.annotation in {int, float}
        and any(word in (one.help or "").lower() for word in LOOKS_LIKE_ONE)
    }
    assert {option for _, option in numbers} == {"--windows", "--rate-per-node"}, "a count, and a rate"


@pytest.mark.parametrize(("key", "unit"), OPTIONS.items(), ids=" ".join)
def test_a_plain_number_and_one_with_a_unit(key: tuple[str, str], unit: str):
    convert = FOUND[key].type_descriptor.parameter_info.parser
    assert convert("20") == convert(f"20{unit}") == 20
    assert convert("1.5") == 1.5
    for text, size_s in (("120m", 7200), ("2h", 7200), ("7200s", 7200)):
        assert convert(text) * SIZE_S[unit] == pytest.approx(size_s)
    assert UNIT_WORDS[unit] in (FOUND[key].help or ""), "the help says what a plain number is in"
    for wrong in ("", "x", "20x", "-1", "1e3", "nan", "inf", "5 m 3 s", "99999999d"):
        with pytest.raises(typer.BadParameter):
            convert(wrong)


UNIT_WORDS = {"m": "(minutes)", "h": "(hours)", "d": "(days)"}


def test_starts_and_times_ago_are_read_alike():
    assert start_by_input("hpc=2,pods=2d,requests=48h") == {"hpc": 172_800, "pods": 172_800, "requests": 172_800}
    assert _since("2") == pytest.approx(_since("120m"), abs=60)
    assert _since("2026-11-24T08:00Z") == _since("2026-11-24T09:00+01:00") == 1_795_507_200


def test_sizes_too():
    assert node_shape("cpu=96,memory=524288,gpu=8") == node_shape("cpu=96000m,memory=512Gi,gpu=8")


@given(st.integers(0, 10**9 - 1), st.sampled_from(sorted(SIZE_S)))
def test_what_a_document_may_say_may_be_typed(number: int, unit: str):
    assert typed_s(f"{number}{unit}", "d") == duration_s(f"{number}{unit}") == typed_s(str(number), unit)
