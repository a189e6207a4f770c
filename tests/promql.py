"""What a query names: metrics with the labels that are matched, and the labels by which is grouped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from models.metrics import Family, Kind
from service.metric_catalogue import families

SCRAPED = {"job", "instance"}  # Prometheus adds them
_SELECTOR = re.compile(r"\b(tidegate[\w:]*)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def names_of(family: Family) -> tuple[str, ...]:
    """The names of its samples."""
    if family.kind is Kind.HISTOGRAM:
        return tuple(f"{family.name}_{end}" for end in ("bucket", "sum", "count"))
    return (family.shown_as,)


DECLARED = {name: family for family in families().values() for name in names_of(family)}


def selected(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of ours that is named, with the labels that are matched."""
    for name, matchers in _SELECTOR.findall(query):
        yield name, set(_MATCHER.findall(re.sub(r'"[^"]*"', '""', matchers)))


def unknown(query: str, recorded: Iterable[str] = ()) -> list[str]:
    """What of a query is not declared: metrics, and labels that no metric of the query has."""
    text = re.sub(r"\s+", " ", query)
    wrong, has = [], set(SCRAPED)
    for name, matched in selected(text):
        if name in recorded:
            has |= {label.name for family in DECLARED.values() for label in family.labels}
        elif name in DECLARED:
            own = {label.name for label in DECLARED[name].labels} | SCRAPED
            own |= {"le"} if DECLARED[name].kind is Kind.HISTOGRAM else set()
            has |= own
            wrong += [f"{name}{{{label}}}" for label in sorted(matched - own)]
        else:
            wrong.append(name)
    grouped = {label.strip() for found in _GROUPED.findall(text) for label in found.split(",") if label.strip()}
    return wrong + sorted(grouped - has)
