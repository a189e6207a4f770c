"""A policy file: text in, Policy out, or every mistake at once with its line and column."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import NamedTuple

from cli.policy_mistakes import MISTAKES_MOST, validated
from cli.policy_words import dotted
from cli.yaml_reader import BYTES_MOST, read_tree
from cli.yaml_tree import Mistake, Path, Place, Unreadable, nearest
from models.errors import BadInput
from models.policies import Policy

READ_MOST = BYTES_MOST + 4  # bytes; enough to see that a file is too large, whatever it is


class Problem(NamedTuple):
    """One mistake in a policy file; line and column count from 1, ``path`` is such as ``spec.pools[0].name``."""

    line: int
    column: int
    path: str
    what: str


class BadPolicy(BadInput):
    """A policy that cannot be used: every problem, sorted by line; the text has one line for each."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.name = name
        self.problems = problems
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        told = self.problems[:MISTAKES_MOST]
        lines = [f"{self.name}:{line}:{column}: {path and path + ': '}{what}" for line, column, path, what in told]
        return [*lines, f"{self.name}: and more; mend these first"] if len(told) < len(self.problems) else lines


class PolicyDocument(NamedTuple):
    """A good policy, and where in its file everything stands."""

    policy: Policy
    name: str
    places: dict[Path, Place]

    def bad(self, path: Path, what: str) -> BadPolicy:
        """The error for something found wrong with a value later on."""
        line, column = nearest(self.places, path)
        return BadPolicy(self.name, (Problem(line, column, dotted(path), what),))


def read_policy(path: str | pathlib.Path) -> Policy:
    """The policy in a file. Raises BadPolicy with every mistake, or BadInput when the file cannot be read."""
    return read_document(path).policy


def read_document(path: str | pathlib.Path) -> PolicyDocument:
    """The policy in a file, with the places of its values. Raises as ``read_policy`` does."""
    name = str(path).encode("utf-8", "backslashreplace").decode()
    try:
        with open(path, "rb") as file:
            return parse_document(decode(file.read(READ_MOST), name), name)
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"cannot be read: {what}", where=name, remedy="give the path of a policy file") from error


def parse_policy(text: str, name: str) -> Policy:
    """The policy in a text; ``name`` stands for the file in messages. Raises BadPolicy with every mistake."""
    return parse_document(text, name).policy


def decode(raw: bytes, name: str) -> str:
    """The text of a file, with or without a byte order mark. Raises BadPolicy when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise BadPolicy(name, (Problem(line, column, "", "not UTF-8 text; save the file as UTF-8"),)) from None


def parse_document(text: str, name: str) -> PolicyDocument:
    """The policy in a text, with the places of its values. Raises BadPolicy with every mistake."""
    try:
        tree = read_tree(text)
    except Unreadable as error:
        raise BadPolicy(name, _sorted(error.mistakes)) from None
    policy, mistakes = validated(tree)
    if mistakes or policy is None:
        raise BadPolicy(name, _sorted(mistakes))
    return PolicyDocument(policy, name, tree.places)


def _sorted(mistakes: Iterable[Mistake]) -> tuple[Problem, ...]:
    return tuple(sorted(Problem(*place, dotted(path), what) for place, path, what in mistakes))
