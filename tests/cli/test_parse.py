"""Options that people write as text."""

from __future__ import annotations

import pytest
import typer

from cli.replaying import parse as words
from models.nodes import NodeShape

DAY_S = 86400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hpc=100d", {"hpc": 100 * DAY_S}),
        ("hpc=100d,pods=90d", {"hpc": 100 * DAY_S, "pods": 90 * DAY_S}),
        (" requests=90m , hpc=5s", {"requests": 5400, "hpc": 5}),
    ],
)
def test_starts(text: str, expected: dict[str, int]):
    assert words.start_by_input(text) == expected


@pytest.mark.parametrize("text", ["", "hpc", "hpc=", "hpc=1w", "hpc=-1d", "jobs=1d", "hpc=1d,hpc=1d", "hpc=1d,"])
def test_starts_that_are_wrong(text: str):
    with pytest.raises(typer.BadParameter):
        words.start_by_input(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.DEFAULT_SHAPE, NodeShape(96_000, 512 * 1024, 8000)),
        ("cpu=4,memory=16Gi", NodeShape(4000, 16 * 1024, 0)),
        ("memory=1Gi,cpu=500m,gpu=1", NodeShape(500, 1024, 1000)),
    ],
)
def test_node_shapes(text: str, expected: NodeShape):
    assert words.node_shape(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "cpu=4", "memory=1Gi", "cpu=0,memory=1Gi", "cpu=4,memory=1Gi,gpu=-1", "cpu=4,memory=1Gi,gpu=x", "cpu=4,cpu=4"],
)
def test_node_shapes_that_are_wrong(text: str):
    with pytest.raises(typer.BadParameter):
        words.node_shape(text)


def test_policies_keep_their_order():
    assert words.policies_to_compare("b, a", ("a", "b")) == ("b", "a")


@pytest.mark.parametrize("text", ["", ",", "c", "a,a", "a;b"])
def test_policies_that_are_wrong(text: str):
    with pytest.raises(typer.BadParameter):
        words.policies_to_compare(text, ("a", "b"))
