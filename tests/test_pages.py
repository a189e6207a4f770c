"""Pages say what is true: every decision record is linked, and nothing that there is is called unbuilt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from cli.main import COMMANDS
from tests.test_style import NOT_OURS, PRODUCT, ROOT, links, named

PAGES = sorted(
    {ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")}
    | set((ROOT / "docs").glob("*.md"))
    | set(ROOT.glob("*/README.md"))
)
UNBUILT = re.compile(
    r"(?i)\b(not|never|nor) (yet )?(built|implemented|there|connected|written)\b|\bunbuilt\b"
    r"|\b(is|are|stands?) still to come\b|\bcomes? (later|with)\b|\bwill be (built|here|added)\b|\bhere will be\b"
)
NAMES = {
    "the running service": r"(running )?service(?! of)",
    "the status page": r"(status page|service's page)",
    "the metrics of the service": r"service's[^,;.]*metrics",
    "Slurm": r"(connectors?|connection) to (real )?Slurm|Slurm, PBS|slurm/",
    "the event bus": r"(event bus|bus/)",
    "several pools": r"several pools",
    "Prometheus": r"(connectors?|connection) to [^.;]*Prometheus|prom/",
    "loans": r"loans? with a due date",
    "takeovers": r"takeovers",
}
SAID_AGAIN = 60
"""Shorter sentences may stand twice on a page: those of runbooks begin alike."""


def existing() -> dict[str, str]:
    """What there is, each with how a page would name it: packages by their path, commands as they are typed."""
    folders = [ROOT / package for package in PRODUCT] + [path.parent for path in (ROOT / "connectors").glob("*/*.py")]
    packages = {
        named(folder): rf"(?<![\w/])({re.escape(named(folder))}|{re.escape(folder.name)})/" for folder in folders
    }
    commands = {f"tidegate {name}": rf"tidegate {re.escape(name)}\b" for name in COMMANDS}
    return packages | commands | NAMES


def sentences(text: str) -> list[str]:
    """The sentences of a page: of paragraphs and list items each, links by their text, headings in front of theirs."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"^#+ (.*)\n+", r"\1: ", text, flags=re.MULTILINE)
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[*-] |\d+\. |\|))", text)
    return [one for block in blocks for one in re.split(r"(?<=[.!?]) ", " ".join(block.split())) if one]


def called_unbuilt(text: str, names: dict[str, str]) -> Iterable[str]:
    """What of these a page says is not built, in the very sentence that names it."""
    for sentence in sentences(text):
        if UNBUILT.search(sentence):
            yield from (name for name, pattern in names.items() if re.search(pattern, sentence, re.IGNORECASE))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Not built yet: the connectors to Slurm, PBS; the running service.", ["the running service", "Slurm"]),
        ("## Not built yet\n\nConnectors to real Slurm. Nodes move.", ["Slurm"]),
        ("`slurm/` is Slurm. The other schedulers' are not built yet.", []),
        ("The chart comes with the service, and the service is\nnot built yet.", ["the running service"]),
        ("Here will be one folder for each (`slurm/`, `pbs/`).", ["connectors/slurm", "Slurm"]),
        ("`tidegate doctor` is not built yet; `tidegate run` is.", ["tidegate run", "tidegate doctor"]),
        ("* `tidegate run` is there.\n* A chart is not built yet.", []),
        ("Connectors to PBS and Kubernetes are not built yet.", []),
        ("Connectors to PBS and Prometheus, and a chart, are still to come.", ["Prometheus"]),
        ("`service/` runs it.\n\n```\nnot built yet: service/\n```", []),
    ],
)
def test_what_is_called_unbuilt_is_found_in_its_own_sentence(text: str, found: list[str]):
    assert sorted(called_unbuilt(text, existing())) == sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_calls_unbuilt_what_there_is(page: Path):
    assert list(called_unbuilt(page.read_text(encoding="utf-8"), existing())) == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=named)
def test_no_page_says_a_sentence_twice(page: Path):
    text = re.sub(r"^(#|\|).*\n+", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    counted = Counter(one for one in sentences(text) if len(one) > SAID_AGAIN)
    assert [one for one, times in counted.items() if times > 1] == []


def test_the_architecture_names_every_folder_of_code():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    said = text.partition("## Folders")[2].partition("\n## ")[0]
    folders = {path.parent.name for path in ROOT.glob("*/*.py")} - NOT_OURS
    assert sorted(one for one in folders if f"`{one}/`" not in said) == []


def test_the_architecture_ends_with_a_list_of_every_decision_record():
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert links(text.rpartition("## Decision records")[2]) == [named(record) for record in records]
