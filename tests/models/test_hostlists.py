"""Hostlists: what they stand for, and what is refused before it takes memory."""

from __future__ import annotations

import sys
import tracemalloc
from types import FrameType
from typing import Any

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.hostlists import BRACKETS_MOST, HOSTS_MOST, NAME_MOST, count, hosts, parts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("n1", ("n1",)),
        ("n[001-003,7],gpu-1", ("gpu-1", "n001", "n002", "n003", "n7")),
        ("r[1-2]n[1-2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
        ("a,b", ("a", "b")),
        ("n[1]-ib", ("n1-ib",)),
        ("n1,n1", ("n1",)),
        ("a[1-2],b,c[08-10]", ("a1", "a2", "b", "c08", "c09", "c10")),
        ("n" * NAME_MOST, ("n" * NAME_MOST,)),
    ],
)
def test_hostlists_as_slurm_writes_them(text: str, names: tuple[str, ...]):
    assert tuple(sorted(hosts(text))) == names
    assert count(text) == len(names) + (text == "n1,n1")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("n[1-8]:4,x,,y[1,2]z[3],", ["n[1-8]:4", "x", "y[1,2]z[3]"]),
        ("n[1,2", ["n[1", "2"]),
    ],
)
def test_the_parts_of_a_hostlist(text: str, found: list[str]):
    assert parts(text) == found


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
        "n" * (NAME_MOST + 1),
        "n[1-1]" * (NAME_MOST // 2 + 1),
        "n[[1]]",
        "n[1]]",
        "n[1[2]3]",
        "n]1[2]3[",
        "n[0123456789]",
        ",".join(["n[1]"] * (BRACKETS_MOST + 1)),
    ],
)
def test_what_is_none_or_too_large_is_refused_before_it_takes_memory(text: str):
    for read in (hosts, count):
        with pytest.raises(BadInput):
            read(text)


def test_whoever_knows_how_many_there_can_be_says_so():
    assert len(hosts("n[1-16]", 16)) == 16
    for text in ("n[1-17]", "n[1-16],m", "n[1-4]r[1-5]", ",".join(["n1"] * 17)):
        with pytest.raises(BadInput, match="at most 16 nodes"):
            hosts(text, 16)


MUCH = 8 * 2**20  # characters, as in one message
NASTY = {
    "a huge range": "n[1-999999999]",
    "a range of too many in many dimensions": "n[1-2]" * 20,
    "more dimensions than a name has characters": "n" + "[1-2]" * (MUCH // 5),
    "dimensions of one each": "n" + "[1]" * (MUCH // 3),
    "dimensions of a billion each": "n" + "[1-999999999]" * (MUCH // 13),
    "brackets that open": "[" * MUCH,
    "brackets that close": "n" + "]" * MUCH,
    "brackets in brackets": "[" * (MUCH // 2) + "]" * (MUCH // 2),
    "brackets that open, with numbers": "n" + "[1" * (MUCH // 2),
    "commas": "," * MUCH,
    "millions of names": "ab," * (MUCH // 3) + "a",
    "one name": "a" * MUCH,
    "a long name many times": "a" * (MUCH - 20) + "[1-100000]",
    "millions of numbers": "n[" + "1," * (MUCH // 2) + "1]",
    "a bracket that never closes": "n[" + "1," * (MUCH // 2),
    "dashes": "n[" + "-" * MUCH + "]",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_what_8_mib_can_hold_is_refused_with_few_operations_and_little_memory(text: str):
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert operations(text) < 5_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - before < 2 * MUCH
    with pytest.raises(BadInput):
        hosts(text)


MANY = {
    "a range": lambda size: f"n[1-{size}]",
    "names": lambda size: ",".join(f"n{number}" for number in range(size)),
    "numbers": lambda size: f"n[{','.join(map(str, range(size)))}]",
    "brackets": lambda size: ",".join(f"n{number}-[1-4]" for number in range(size // 4)),
    "two brackets each": lambda size: ",".join(f"n[{number}]r[1-10]" for number in range(size // 10)),
    "the longest names": lambda size: ",".join(f"{number:0{NAME_MOST}d}" for number in range(size)),
}


@pytest.mark.parametrize("made", MANY.values(), ids=MANY)
def test_twice_the_names_take_twice_the_operations(made: Any):
    small, large = (operations(made(size)) for size in (5_000, 10_000))
    assert large < 2.1 * small + 100


@pytest.mark.parametrize("made", MANY.values(), ids=MANY)
def test_as_many_as_there_may_be_are_read(made: Any):
    """The comma lists among them once took as many steps as the square of their length: half a minute and more."""
    assert len(hosts(made(HOSTS_MOST))) == count(made(HOSTS_MOST)) == HOSTS_MOST


def operations(text: str) -> int:
    """How many calls it takes to read a hostlist, or to refuse it."""
    found = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        hosts(text)
    except BadInput:
        pass
    finally:
        sys.setprofile(before)
    return found


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
