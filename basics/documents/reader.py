"""YAML text to plain data, and nothing more.

Only what a person needs to write a policy or settings is read: mappings with text keys, lists, text, numbers, true,
false and null, as the core schema of YAML 1.2 reads them (``no``, ``1:30`` and dates are text). Tags, anchors and
aliases are refused, so nothing can be constructed and nothing can grow; size, depth and number of values have limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from basics.documents.tree import Mistake, Path, Place, Tree, Unreadable

BYTES_MOST = 1 << 20  # a policy of 1000 pools takes about 200 KiB
DEPTH_MOST = 20  # a policy is 5 deep; reading is recursive, so this is also what protects the stack
EVENTS_MOST = 60_000  # about a second of parsing; a policy of 1000 pools takes about 25 000

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS_MOST = 40  # a longer number is text: no field holds one, and reading huge ones costs time


def read_tree(text: str, noun: str = "policy") -> Tree:
    """The data of one YAML document, a ``noun``. Raises Unreadable when it is none, or too large."""
    text = text.removeprefix("\ufeff")
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MOST:
        raise Unreadable([Mistake(Place(1, 1), (), f"larger than {BYTES_MOST >> 20} MiB, which no {noun} needs")])
    builder = _Builder(text, noun)
    try:
        return builder.tree()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, error.position - before.rfind("\n"))
        builder.stop(place, f"the character {chr(error.character)!r} is not allowed in YAML; remove it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.stop(_place(mark) if mark else builder.last, _syntax(error))
    except (ValueError, OverflowError) as error:  # PyYAML lets these through, for example for "\UFFFFFFFF"
        if isinstance(error, Unreadable):
            raise
        builder.stop(builder.last, "an escape or a number near here cannot be read; write it in another way")
    raise AssertionError("stop() raises")


def scalar(text: str) -> Any:
    """The value of an unquoted word, by the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) <= _DIGITS_MOST:
        if _INT.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if match := _NOT_FINITE.fullmatch(text):
            return float(f"{match[1]}inf" if match[2] else "nan")
    return text


class _Builder:
    """Builds data from PyYAML's events, one pass, so that a limit stops the parsing itself."""

    def __init__(self, text: str, noun: str) -> None:
        self._text = text
        self._noun = noun
        self._events: Iterator[yaml.Event] = iter(())
        self._count = 0
        self.last = Place(1, 1)
        self._found = Tree(None, {}, {}, [], set())

    def tree(self) -> Tree:
        self._events = yaml.parse(self._text, Loader=yaml.SafeLoader)
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            self.stop(Place(1, 1), f"the document is empty; write a {self._noun} into it")
        data = self._value(self._next(), ())
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self.stop(_place(after.start_mark), f"a second document begins here; keep one {self._noun} in one file")
        if data is None and not self._found.mistakes:
            self.stop(Place(1, 1), f"the document is empty; write a {self._noun} into it")
        return self._found._replace(data=data)

    def stop(self, place: Place, what: str, path: Path = ()) -> None:
        raise Unreadable([*self._found.mistakes, Mistake(place, path, what)])

    def _next(self) -> yaml.Event:
        event = next(self._events)
        self.last = _place(event.start_mark)
        self._count += 1
        if self._count > EVENTS_MOST:
            self.stop(self.last, f"more than {EVENTS_MOST} keys and values, which no {self._noun} needs")
        return event

    def _value(self, event: yaml.Event, path: Path) -> Any:
        self._found.places[path] = self.last
        self._refuse_marks(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.CollectionStartEvent) and len(path) >= DEPTH_MOST:
            self.stop(self.last, f"nested deeper than {DEPTH_MOST} levels, which no {self._noun} needs", path[:3])
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else None

    def _refuse_marks(self, event: yaml.Event, path: Path) -> None:
        """Tags, anchors and aliases."""
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            mark = "alias *" if isinstance(event, yaml.AliasEvent) else "anchor &"
            self._mistake(path, f"the {mark}{event.anchor[:40]} is refused, as all are; write the value out")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            tag = tag if tag.isprintable() else repr(tag)  # "%1B" in a tag is an escape character by now
            self._mistake(path, f"the tag {tag} is refused, as all are; remove it, and put text in quotes")

    def _mistake(self, path: Path, what: str) -> None:
        self._found.mistakes.append(Mistake(self.last, path, what))
        self._found.unread.add(path)

    def _list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._mistake(path, "a key must be a word; text that begins with { or [ needs quotes")
                self._skip(event)
                self._skip(self._next())
                continue
            key = (*path, event.value)
            if event.value in items:
                line = self._found.keys[key].line
                self._found.mistakes.append(
                    Mistake(self.last, key, f"written twice, first in line {line}; remove one of the two")
                )
                self._skip(self._next())
                continue
            self._found.keys[key] = self.last
            self._refuse_marks(event, key)
            items[event.value] = self._value(self._next(), key)
        return items

    def _skip(self, event: yaml.Event) -> None:
        """Reads to the end of a value without keeping it."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            if depth > DEPTH_MOST:
                self.stop(self.last, f"nested deeper than {DEPTH_MOST} levels, which no {self._noun} needs")
            event = self._next()


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "it stops here"
    if "'\\t'" in problem:
        return "a tab stands where YAML wants spaces; replace it by spaces"
    detail = "" if "<" in problem else f" ({problem})"  # in angle brackets stand the parser's own terms
    return f"not valid YAML here{detail}; look for a wrong indentation or a missing quote, bracket or colon"
