"""Lines, however their bytes come in."""

from __future__ import annotations

from http.client import HTTPException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kube.access import lines
from connectors.kube.access.lines import lines_of

LINES = st.lists(st.binary(min_size=1, max_size=20).map(lambda b: b.replace(b"\n", b"x").strip() or b"y"))


def reader(content: bytes, size: int):
    at = [content[begin : begin + size] for begin in range(0, len(content), size)]
    return lambda most: at.pop(0) if at else b""


@given(LINES, st.integers(1, 50))
def test_lines_come_whole_whatever_the_chunks(told: list[bytes], size: int):
    content = b"".join(line + b"\n" for line in told)
    assert list(lines_of(reader(content, size))) == told


def test_a_line_that_does_not_end_is_not_told():
    told = lines_of(reader(b"one\ntwo", 3))
    assert next(told) == b"one"
    with pytest.raises(HTTPException, match="middle of a line"):
        next(told)


def test_a_line_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lines, "LINE_MOST", 10)
    assert list(lines_of(reader(b"0123456789\n\n0123456789\n", 4))) == [b"0123456789"] * 2
    with pytest.raises(HTTPException, match="longer than 10 bytes"):
        list(lines_of(lambda most: b"0123"))
