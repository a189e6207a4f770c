"""Amounts as Slurm writes them."""

from __future__ import annotations

import pytest

from connectors.slurm import amounts


@pytest.mark.parametrize(
    ("gres", "count"),
    [
        ("", 0),
        ("(null)", 0),
        ("gpu", 1),
        ("gpu:4", 4),
        ("gpu:a100", 1),
        ("gpu:a100:4", 4),
        ("gpu:a100:4(S:0-1)", 4),
        ("gpu:a100:4(S:0-1),gpu:h100:2(S:2,3)", 6),
        ("craynetwork:4,gpu:1", 1),
        ("gres/gpu:2", 2),
        ("gres/gpu:a100:2", 2),
        ("gres/gpu=2", 2),
        ("shard:16,gpu:a100:2", 2),
    ],
)
def test_gpus_of_any_type_are_counted(gres: str, count: int):
    assert amounts.gpus(gres) == count


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", {}),
        ("cpu=4,mem=16000M,node=1,billing=4", {"cpu": 4, "mem": 16_000, "node": 1, "billing": 4}),
        ("cpu=128,mem=500G,node=2,gres/gpu=4,gres/gpu:a100=4", {"mem": 512_000, "gres/gpu": 4, "gres/gpu:a100": 4}),
        ("cpu=1K,mem=1.5T", {"cpu": 1024, "mem": 1.5 * 1024**2}),
        ("cpu=1.50K,mem=1.50T,node=12", {"cpu": 1536, "mem": 1.5 * 1024**2, "node": 12}),
        ("cpu=many,mem=?,energy", {}),
    ],
)
def test_tres_are_read_with_memory_in_mib(text: str, told: dict[str, float]):
    found = amounts.tres(text)
    assert {name: found[name] for name in told} == told
    assert told or not found


@pytest.mark.parametrize(
    ("text", "count", "whole"),
    [
        ("7", 1, True),
        ("1-40%3", 40, True),
        ("5-9,20", 6, True),
        ("0-100:10", 11, True),
        ("0-99999", 100_000, True),
        ("1,3,5,...", 3, False),
        ("9-5", 0, True),
    ],
)
def test_the_tasks_of_an_array_are_counted_without_listing_them(text: str, count: int, whole: bool):
    assert amounts.tasks(text) == (count, whole)
