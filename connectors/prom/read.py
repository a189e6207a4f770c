"""What Prometheus answers, made into values: pure, and strict about what is not known.

NaN, an infinite value and a series without a sample are unknown, which is not zero. What is no answer of Prometheus is
Unreachable, in words that are short and steer no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from basics.text import clean, some
from models.errors import Unreachable
from models.signals import VALUE_MOST

TEXT_MOST = 300  # characters of what Prometheus has to say
LABELS_MOST = 200  # characters of a series' labels, as a person reads them

Labels = tuple[tuple[str, str], ...]


class _Data(Struct):
    resultType: str
    result: Raw


class _Envelope(Struct):
    status: str
    data: _Data | None = None
    errorType: str = ""
    error: str = ""
    warnings: list[str] = []
    infos: list[str] = []


class _Item(Struct):
    """One series of a vector, which has a value, or of a matrix, which has several."""

    metric: dict[str, str]
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says of itself: its type, and what Prometheus warns of."""

    kind: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Series by their labels, each with its values by their time in seconds since 1970; None is unknown."""

    series: Mapping[Labels, Mapping[float, float | None]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def said(status: int, body: bytes) -> Said:
    """What the answer with this HTTP status says of itself. Raises Unreachable for one that has no series in it."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreachable(_no_answer(status, body)) from error
    if status != 200 or envelope.status != "success" or envelope.data is None:
        why = f"{envelope.errorType}: {envelope.error}" if envelope.error else "no reason given"
        raise Unreachable(f"Prometheus says no, with HTTP status {status}: {short(why)}")
    kind = envelope.data.resultType
    if kind not in ("vector", "matrix"):
        advice = "; write vector(...) around it" if kind == "scalar" else ""
        raise Unreachable(f"the query's result is a {short(kind)}, not series by their labels{advice}")
    warnings = tuple(short(one) for one in (*envelope.warnings, *envelope.infos))
    return Said(kind, warnings)


def series_of(result: Any) -> Mapping[Labels, Mapping[float, float | None]]:
    """The series of a result, by their labels. Raises Unreachable where one is not as Prometheus writes it."""
    try:
        items = msgspec.convert(result, list[_Item])
        return {_labels(item): _points(item) for item in items}
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unreachable(f"Prometheus' answer cannot be read: {short(str(error))}") from error


def labels_text(labels: Labels) -> str:
    """Labels as people read them, cut where they are many."""
    name = next((value for key, value in labels if key == "__name__"), "")
    rest = some(f'{key}="{value}"' for key, value in labels if key != "__name__")
    text = f"{clean(name)}{{{rest}}}"
    return text if len(text) <= LABELS_MOST else f"{text[: LABELS_MOST - 1]}…"


def short(text: str) -> str:
    """What others wrote, on one line, capped."""
    text = clean(text[: TEXT_MOST + 1])
    return text if len(text) <= TEXT_MOST else f"{text[: TEXT_MOST - 1]}…"


def _labels(item: _Item) -> Labels:
    return tuple(sorted(item.metric.items()))


def _points(item: _Item) -> Mapping[float, float | None]:
    if item.value is None and not item.values:
        raise ValueError("a series has no plain values; native histograms cannot be used")
    values = item.values if item.value is None else [item.value]
    return {at_s: _number(text) for at_s, text in values}


def _number(text: str) -> float | None:
    """The value that the text says; None where it says that there is none. Raises ValueError for any other text."""
    value = float(text)
    return value if abs(value) <= VALUE_MOST else None


def _no_answer(status: int, body: bytes) -> str:
    if status in (401, 403):
        return f"Prometheus wants to know who asks (HTTP status {status}): give it a token, as tokenFile"
    if body.lstrip()[:1] == b"<":
        return f"a web page answers with HTTP status {status} instead of Prometheus: a login, or a proxy, is before it"
    beginning = short(body[:TEXT_MOST].decode(errors="replace"))
    return f"what answers with HTTP status {status} is not Prometheus: {beginning}"
