"""The style that a tool does not keep: sizes, calls that pure code may not make, links that lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("models", "basics", "controller", "forecasting", "connectors", "simulator", "service", "cli")
PURE = ("models", "controller", "forecasting", "simulator")  # same input, same output: no clock, no environment
LINES_MOST = 400
FUNCTION_LINES_MOST = 60
NOT_OURS = {".venv", ".git", "out", "dist", "node_modules"}

BANNED = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "os.environ",
    "os.getenv",
    "pickle",
    "eval",
    "exec",
    "print",
}
SEEDED = {"random.Random", "numpy.random.Generator", "numpy.random.default_rng", "numpy.random.PCG64",
          "numpy.random.BitGenerator", "numpy.random.SeedSequence"}  # fmt: skip


def files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: ast.Module) -> dict[str, str]:
    """What each name that was imported stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                known |= {alias.asname: alias.name} if alias.asname else {top: top}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def banned(module: ast.Module) -> Iterator[str]:
    """Every use of a banned name, whatever it was imported as."""
    known = imported(module)
    for node in ast.walk(module):
        name = dotted(node, known)
        if name and (name in BANNED or name.split(".")[0] == "pickle" or unseeded(name)):
            yield f"{name} in line {node.lineno}"


def unseeded(name: str) -> bool:
    return name.startswith(("random.", "numpy.random.")) and name not in SEEDED


def dotted(node: ast.AST, known: dict[str, str]) -> str | None:
    """The full name of what a name or an attribute refers to, or of what is imported."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, known)
        return owner and f"{owner}.{node.attr}"
    return None


def uses(code: str) -> list[str]:
    return [use.split(" ")[0] for use in banned(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import time\ntime.time()", ["time.time"]),
        ("from time import time as now\nnow()", ["time.time"]),
        ("from datetime import datetime\ndatetime.now()", ["datetime.datetime.now"]),
        ("import datetime as dt\ndt.datetime.now(dt.UTC)", ["datetime.datetime.now"]),
        ("import random\nrandom.random()", ["random.random"]),
        ("import random\nrandom.Random(3).random()", []),
        ("import numpy as np\nnp.random.seed(1)", ["numpy.random.seed"]),
        ("import numpy as np\nnp.random.default_rng(1).random()", []),
        ("import os\nos.environ['A']", ["os.environ"]),
        ("import pickle\npickle.loads(b'')", ["pickle.loads", "pickle"]),
        ("eval('1')\nprint(1)", ["eval", "print"]),
        ("x.eval('1')\nself.print(1)", []),
    ],
)
def test_banned_names_are_found_whatever_they_are_called(code: str, found: list[str]):
    assert uses(code) == found


@pytest.mark.parametrize("path", files(*PURE), ids=named)
def test_pure_code_asks_for_no_time_chance_or_environment(path: Path):
    assert list(banned(tree(path))) == []


FAST = [
    path
    for path in files("tests")
    if not named(path).startswith("tests/real/")
    and named(path)
    not in {
        "tests/patience.py",  # waits for a condition
        "tests/simulation/__main__.py",  # a command that tells how far it is
        "tests/connectors/slurm/native/standin/pyslurm.py",  # hangs when it is told to
    }
]
CLOCKS = {"time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.sleep"}
WAITS = {"wait", "join", "get", "communicate", "run", "result", "acquire", "select", "check_output", "check_call"}


def by_the_clock(module: ast.Module) -> Iterator[str]:
    """Looks at a clock, sleeps, limits of so many seconds, and deadlines of examples: a busy machine fails them."""
    known = imported(module)
    for node in ast.walk(module):
        name = dotted(node, known)
        if name in CLOCKS:
            yield f"{name} in line {node.lineno}"
        if isinstance(node, ast.Call) and (called := (dotted(node.func, known) or "").rpartition(".")[2]):
            limits = {one.arg: one.value for one in node.keywords}
            if called == "settings" and "deadline" in limits:
                yield f"deadline in line {node.lineno}"
            bare = node.args[:1] if called in {"wait", "join"} else []
            if called in WAITS and any(is_number(limit) for limit in [*bare, limits.get("timeout")]):
                yield f"{called} in line {node.lineno}"


def is_number(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 0


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import time\nbegan_s = time.monotonic()", ["time.monotonic"]),
        ("from time import perf_counter as now\nassert now() < 3", ["time.perf_counter"]),
        ("from time import sleep\nsleep(1)", ["time.sleep"]),
        ("from hypothesis import settings\n@settings(deadline=None)\ndef test(): pass", ["deadline"]),
        ("process.wait(30)\nprocess.communicate(timeout=5.0)\nthread.join(timeout=1)", ["wait", "communicate", "join"]),
        ("import subprocess\nsubprocess.run(['a'], timeout=60)\nqueue.get(timeout=3)", ["run", "get"]),
        ("process.wait(LONG_S)\nthread.join()\n','.join(['a'])\nevent.wait(timeout=LONG_S)\nbus.flush(5)", []),
        ("import time\nnow_s = time.time()\nqueue.get(timeout=0)", []),
    ],
)
def test_a_test_that_goes_by_the_clock_is_found(code: str, found: list[str]):
    assert sorted(use.split(" ")[0] for use in by_the_clock(ast.parse(code))) == sorted(found)


@pytest.mark.parametrize("path", FAST, ids=named)
def test_no_fast_test_goes_by_the_clock(path: Path):
    """``tests/patience.py`` has a limit for what waits, and waits for a condition."""
    assert list(by_the_clock(tree(path))) == []


def without_docstrings(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            text = node.body[0]
            lines[text.lineno - 1 : text.end_lineno] = [""] * (text.end_lineno - text.lineno + 1)
    return "\n".join(lines)


def test_docstrings_are_left_out_and_nothing_else(tmp_path: Path):
    path = tmp_path / "code.py"
    path.write_text('"""Of Slurm."""\nclass A:\n    """Two\n    lines."""\n    b = "kept"  # this, too\n')
    assert without_docstrings(path).split() == ["class", "A:", "b", "=", '"kept"', "#", "this,", "too"]


@pytest.mark.parametrize("path", files("controller"), ids=named)
def test_the_controller_knows_no_scheduler_by_name(path: Path):
    """Names, numbers and commands come from the ports (``SchedulerFacts``); a docstring may say why."""
    assert re.findall(r"(?i)scontrol|kubectl|slurm|pbs", without_docstrings(path)) == []


@pytest.mark.parametrize("path", files(*PRODUCT), ids=named)
def test_files_and_functions_stay_short(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MOST
    functions = (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = [f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno >= FUNCTION_LINES_MOST]
    assert long == []


@pytest.mark.parametrize("path", [path for path in files(*PRODUCT) if path.name == "__init__.py"], ids=named)
def test_a_package_says_what_it_holds(path: Path):
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("package", PRODUCT)
def test_a_product_package_says_what_it_may_not_hold(package: str):
    assert "may not" in (ast.get_docstring(tree(ROOT / package / "__init__.py")) or "")


def pages() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))


def links(text: str) -> list[str]:
    """The relative links of a Markdown page: not those in code, to other sites, or within the page."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    found = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, flags=re.MULTILINE)
    return [link.split("#")[0] for link in found if not re.match(r"[a-z]+:|#|//", link)]


def test_links_are_found():
    page = "[a](b.md#c) ![d](e.png) [f](https://g) [h](#i)\n`[j](k)`\n```\n[l](m)\n```\n[n]: o.md\n[p](<q.md>)\n"
    assert links(page) == ["b.md", "e.png", "q.md", "o.md"]


@pytest.mark.parametrize("page", pages(), ids=named)
def test_relative_links_lead_somewhere(page: Path):
    broken = [link for link in links(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert broken == []
