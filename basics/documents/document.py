"""A document that a person wrote: text in, its declared form out, or every mistake at once with its line and column."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from basics.documents.messages import dotted
from basics.documents.reader import BYTES_MOST, read_tree
from basics.documents.tree import Mistake, Path, Place, Unreadable, nearest
from basics.documents.validation import MISTAKES_MOST, validated
from models.errors import BadInput, TidegateError
from models.fields import Part

READ_MOST = BYTES_MOST + 4  # bytes; enough to see that a file is too large, whatever it is

Model = TypeVar("Model", bound=Part)


class Form(NamedTuple, Generic[Model]):
    """What kind of document is read: its declaration, and what people call one and its file."""

    model: type[Model]
    noun: str
    file: str


class Problem(NamedTuple):
    """One mistake in a document; line and column count from 1, ``path`` is such as ``spec.pools[0].name``."""

    line: int
    column: int
    path: str
    what: str


class BadDocument(BadInput):
    """A document that cannot be used: every problem, sorted by line; the text has one line for each."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.name = name
        self.problems = problems
        super().__init__("")
        TidegateError.__init__(self, *self._lines())
        self.what = str(self)

    def _lines(self) -> list[str]:
        told = self.problems[:MISTAKES_MOST]
        lines = [f"{self.name}:{line}:{column}: {path and path + ': '}{what}" for line, column, path, what in told]
        return [*lines, f"{self.name}: and more; mend these first"] if len(told) < len(self.problems) else lines


class Document(NamedTuple, Generic[Model]):
    """A good document, and where in its file everything stands."""

    value: Model
    name: str
    places: dict[Path, Place]

    def bad(self, path: Path, what: str) -> BadDocument:
        """The error for something found wrong with a value later on."""
        line, column = nearest(self.places, path)
        return BadDocument(self.name, (Problem(line, column, dotted(path), what),))


def read_document(path: str | pathlib.Path, form: Form[Model]) -> Document[Model]:
    """The document in a file. Raises BadDocument with every mistake, or BadInput when the file cannot be read."""
    name = str(path).encode("utf-8", "backslashreplace").decode()
    try:
        with open(path, "rb") as file:
            return parse_document(decode(file.read(READ_MOST), name), name, form)
    except OSError as error:
        what = (error.strerror or type(error).__name__).lower()
        remedy = f"give the path of a {form.file}"
        raise BadInput(f"cannot be read: {what}", where=name, remedy=remedy) from error


def decode(raw: bytes, name: str) -> str:
    """The text of a file, with or without a byte order mark. Raises BadDocument when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise BadDocument(name, (Problem(line, column, "", "not UTF-8 text; save the file as UTF-8"),)) from None


def parse_document(text: str, name: str, form: Form[Model]) -> Document[Model]:
    """The document in a text; ``name`` stands for the file in messages. Raises BadDocument with every mistake."""
    try:
        tree = read_tree(text, form.noun)
    except Unreadable as error:
        raise BadDocument(name, _sorted(error.mistakes)) from None
    value, mistakes = validated(tree, form.model)
    if mistakes or value is None:
        raise BadDocument(name, _sorted(mistakes))
    return Document(value, name, tree.places)


def _sorted(mistakes: Iterable[Mistake]) -> tuple[Problem, ...]:
    return tuple(sorted(Problem(*place, dotted(path), what) for place, path, what in mistakes))
