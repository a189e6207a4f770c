"""Hostlists: what they stand for, and what is refused before it takes memory."""

from __future__ import annotations

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.hostlists import HOSTS_MOST, hosts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("n1", ("n1",)),
        ("n[001-003,7],gpu-1", ("gpu-1", "n001", "n002", "n003", "n7")),
        ("r[1-2]n[1-2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
        ("a,b", ("a", "b")),
        ("n[1]-ib", ("n1-ib",)),
    ],
)
def test_hostlists_as_slurm_writes_them(text: str, names: tuple[str, ...]):
    assert tuple(sorted(hosts(text))) == names


def test_a_large_hostlist_is_read():
    assert len(hosts("n[00001-10000]")) == 10_000


def test_lists_that_are_remembered_share_the_names():
    """Else the lists of some thousand large jobs, each once seen, would take half a gigabyte for good."""
    assert hosts("n[101-103]")[2] is hosts("n[103-104]")[0]


@pytest.mark.parametrize(
    "text",
    [
        "n[1-999999999]",
        "n[1-1000]r[1-1000]",
        f"n[1-{HOSTS_MOST + 1}]",
        "n[3-1]",
        "n[",
        "n]1",
        "n[a]",
        "n[]",
        "@all",
        "n[1-2]!n1",
        "n*",
        "n 1",
        "n1\n",
        "n[1-2]&n1",
        "a,",
        ",",
    ],
)
def test_what_is_none_or_too_large_is_refused_before_it_takes_memory(text: str):
    with pytest.raises(BadInput):
        hosts(text)


@st.composite
def hostlists(draw: st.DrawFn) -> str:
    """Some parts, each with up to two brackets, whose numbers all have the same number of digits."""
    digits = draw(st.integers(2, 4))
    number = st.integers(1, 60).map(lambda value: f"{value:0{digits}d}")
    one = number | st.tuples(number, number).map(lambda pair: "-".join(sorted(pair)))
    bracket = st.lists(one, min_size=1, max_size=3).map(lambda inner: f"[{','.join(inner)}]")
    name = st.from_regex(r"[a-z]{1,3}[-.]?", fullmatch=True)
    more = st.just("") | name | st.tuples(name, bracket).map("".join)
    part = st.tuples(name, bracket, more).map("".join) | name
    return ",".join(draw(st.lists(part, min_size=1, max_size=4)))


@settings(max_examples=200)
@given(hostlists())
def test_a_hostlist_stands_for_what_another_library_says(text: str):
    names = hosts(text)
    assert len(set(names)) == len(names)
    assert set(names) == {str(name) for name in NodeSet(text, resolver=RESOLVER_NOGROUP)}
