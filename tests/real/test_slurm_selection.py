"""Which tests run with which release of Slurm, on tests made up."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.real.slurm.selection import left_out

OLD, NEW = "24.11", "26.05"


def made(name: str, *params: object, marked: bool = False) -> Any:
    spec = {"callspec": SimpleNamespace(params=dict(enumerate(params)))} if params else {}
    return SimpleNamespace(parent="file", originalname=name, get_closest_marker=lambda _: marked or None, **spec)


@pytest.mark.parametrize(
    ("items", "out"),
    [
        pytest.param([made("a", OLD), made("a", NEW)], [0], id="the newest will do"),
        pytest.param([made("a", NEW), made("a", OLD)], [1], id="in whatever order"),
        pytest.param([made("a", OLD, marked=True), made("a", NEW, marked=True)], [], id="both where they differ"),
        pytest.param([made("a", OLD)], [], id="what is asked for by its name"),
        pytest.param([made("a", OLD), made("b", NEW)], [], id="each test by itself"),
        pytest.param([made("a", OLD, 1), made("a", OLD, []), made("a", NEW, 1)], [0, 1], id="other parameters"),
        pytest.param([made("a"), made("b", "x")], [], id="what is of no release"),
    ],
)
def test_the_newest_release_that_there_is_has_each_test(items: list[Any], out: list[int]):
    assert left_out(items) == [items[number] for number in out]


def test_the_page_names_each_file_in_which_the_releases_differ():
    here, marked = Path(__file__).parent, re.compile(r"^(@|pytestmark = )pytest\.mark\.both_releases\(", re.MULTILINE)
    page = (here.parent / "README.md").read_text()
    table = page[page.index("| in `real/` |") : page.index("| all others |")]
    found = {path.name for path in here.glob("test_*.py") if marked.search(path.read_text())}
    assert set(re.findall(r"`(test_\w+\.py)`", table)) == found
