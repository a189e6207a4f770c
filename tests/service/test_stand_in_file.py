"""The memory of the stand-in for Kubernetes in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import BadInput, Unreachable
from service.stand_in_file import keeper, read_memory
from simulator.standin import KeptNode, Memory


def test_what_is_kept_is_read_again(tmp_path: Path):
    path = tmp_path / "memory.json"
    memory = Memory(1000, {"n1": KeptNode(None, True, "text"), "n2": KeptNode("tidegate:1.p1")})
    keeper(path)(memory)
    assert read_memory(path, 2000) == memory


def test_without_a_file_it_begins_now(tmp_path: Path):
    assert read_memory(tmp_path / "none", 2000) == Memory(2000)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"begins_s": "x"}', '{"begins_s": 1, "nodes": {"n1": 3}}', "\xff"])
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str):
    path = tmp_path / "memory.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"memory\.json"):
        read_memory(path, 2000)


def test_what_cannot_be_kept_is_as_if_nobody_answered(tmp_path: Path):
    with pytest.raises(Unreachable, match="stand-in"):
        keeper(tmp_path / "none" / "memory.json")(Memory(1000))
