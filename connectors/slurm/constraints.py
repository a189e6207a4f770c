"""What a waiting job insists on, and whether a pool has such nodes: features, generic resources, nodes left out.

Features are asked for as ``--constraint`` of sbatch(1) takes them: ``a100&ib``, ``(a100&ib)|h100``, ``rack1*2``,
``[rack1|rack2]`` (all nodes of the same one), ``[rack1*2&rack2*4]``; from left to right, no operator before another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from connectors.slurm import amounts, wire
from models.errors import BadInput

TEXT_MOST, CLAUSES_MOST, DEPTH_MOST = 2000, 256, 8  # of an expression that is read; Slurm itself takes depth 2
_TOKENS = re.compile(r"[&|,()\[\]]|\*[0-9]{1,6}|[^&|,()\[\]*\s]+")
_OPERATORS = ("&", "|", ",")
_CLOSING = {"(": ")", "[": "]"}

Clauses = frozenset[frozenset[str]]
"""Sets of features: a node fits that has every feature of one of them."""
ANY: Clauses = frozenset((frozenset(),))


@dataclass(frozen=True, slots=True)
class Kind:
    """Nodes of the same features and generic resources; ``gres`` as Slurm writes them."""

    features: frozenset[str]
    gres: str
    nodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What an expression says: all nodes fit the same one of ``options``, and of each of ``counts`` so many are there.

    A node that ``counts`` are about has to fit the option, too.
    """

    options: tuple[Clauses, ...] = (ANY,)
    counts: tuple[tuple[Clauses, int], ...] = ()


def kinds_of(nodes: Iterable[wire.Node]) -> tuple[Kind, ...]:
    """The kinds of these nodes, always in the same order."""
    found: dict[tuple[tuple[str, ...] | str, str], list[str]] = {}
    for node in nodes:
        found.setdefault((node.features, node.gres), []).append(node.name)
    kinds = (Kind(_features(told), gres, frozenset(names)) for (told, gres), names in found.items())
    return tuple(sorted(kinds, key=lambda kind: (sorted(kind.features), kind.gres, min(kind.nodes))))


def could_have(job: wire.Job, excluded: Collection[str], needed: int, kinds: Iterable[Kind]) -> bool:
    """Whether nodes of these kinds could be the ``needed`` ones of the job, if all of them were free.

    Where every node fits, there are enough. What Slurm's expression means cannot always be told: then they could not.
    """
    wanted = [text for text in (job.tres_per_node, job.tres_per_job, job.tres_per_task, job.tres_per_socket) if text]
    if not job.features and not excluded and not wanted:
        return True
    try:
        wish = wish_of(job.features)
    except BadInput:
        return False
    kinds = list(kinds)
    least = min(needed, sum(len(kind.nodes) for kind in kinds))
    free = [
        (kind.features, len(kind.nodes.difference(excluded)))
        for kind in kinds
        if all(_has(kind.gres, text, whole=text == job.tres_per_node) for text in wanted)
    ]
    return any(
        _count(free, option) >= least and all(_count(free, option, also) >= count for also, count in wish.counts)
        for option in wish.options
    )


@lru_cache(1024)
def wish_of(text: str) -> Wish:
    """What the expression asks for; nothing, if it is empty. Raises BadInput for one that is not understood."""
    tokens = _TOKENS.findall(text)
    if len(text) > TEXT_MOST or "".join(tokens) != text:
        raise BadInput(f"{text[:200]!r} is no expression of features")
    if len(tokens) > 1 and tokens[-1] in _OPERATORS:
        tokens.pop()  # Slurm takes no notice of it
    wish, rest = _level(tokens, "", 0) if tokens else (Wish(), [])
    if rest:
        raise BadInput(f"{text[:200]!r} has a bracket too many")
    return wish


def _level(tokens: list[str], closing: str, depth: int) -> tuple[Wish, list[str]]:
    """What stands up to ``closing``, and what comes after it."""
    wish, tokens = _item(tokens, depth)
    first, operators = wish, set[str]()
    options = list(wish.options)
    while tokens and tokens[0] in _OPERATORS:
        operator = "&" if tokens[0] == "," else tokens[0]
        operators.add(operator)
        more, tokens = _item(tokens[1:], depth)
        options += more.options
        wish = _both(wish, more) if operator == "&" else _either(wish, more)
    if closing:
        if not tokens or tokens[0] != closing:
            raise BadInput(f"an expression of features has no {closing}")
        tokens = tokens[1:]
    if closing == "]" and not wish.counts and wish != first:
        if operators != {"|"}:
            raise BadInput("without counts, square brackets hold nothing but alternatives")
        wish = Wish(tuple(options))
    return wish, tokens


def _item(tokens: list[str], depth: int) -> tuple[Wish, list[str]]:
    """A name or what is in brackets, and how many nodes shall be so."""
    if not tokens or depth > DEPTH_MOST:
        raise BadInput("an expression of features ends too soon, or is too deep")
    token, tokens = tokens[0], tokens[1:]
    if token in _CLOSING:
        wish, tokens = _level(tokens, _CLOSING[token], depth + 1)
    elif _TOKENS.fullmatch(token) and token[0] not in "&|,)]*":
        wish = Wish((frozenset((frozenset((token,)),)),))
    else:
        raise BadInput(f"an expression of features has {token} where a feature should be")
    if tokens and tokens[0][0] == "*":
        if wish.counts or len(wish.options) > 1:
            raise BadInput("an expression of features counts what is counted already")
        return Wish(counts=((wish.options[0], int(tokens[0][1:])),)), tokens[1:]
    return wish, tokens


def _both(one: Wish, other: Wish) -> Wish:
    pairs = product(one.options, other.options)
    return Wish(_few([_and(first, second) for first, second in pairs]), one.counts + other.counts)


def _either(one: Wish, other: Wish) -> Wish:
    if one.counts or other.counts:
        raise BadInput("an expression of features has a count in an alternative")
    return Wish(_few([_small(first | second) for first, second in product(one.options, other.options)]))


def _and(one: Clauses, other: Clauses) -> Clauses:
    return _small(frozenset(first | second for first, second in product(one, other)))


def _small(clauses: Clauses) -> Clauses:
    if len(clauses) > CLAUSES_MOST:
        raise BadInput(f"an expression of features has more than {CLAUSES_MOST} alternatives")
    return clauses


def _few(options: list[Clauses]) -> tuple[Clauses, ...]:
    if len(options) > CLAUSES_MOST:
        raise BadInput(f"an expression of features has more than {CLAUSES_MOST} alternatives")
    return tuple(options)


def _count(free: Iterable[tuple[frozenset[str], int]], *clauses: Clauses) -> int:
    """How many nodes fit all of these."""
    return sum(
        number
        for features, number in free
        if all(any(features.issuperset(clause) for clause in one) for one in clauses)
    )


@lru_cache(8192)
def _has(gres: str, wanted: str, *, whole: bool) -> bool:
    """Whether a node with ``gres`` has each that is wanted: as many, if ``whole``; else one of its name and type."""
    there = list(amounts.gres(gres))
    for name, kind, count in amounts.gres(wanted):
        if name in amounts.NO_GRES:
            continue
        has = sum(number for one, its_kind, number in there if one == name and kind in ("", its_kind))
        if has < (count if whole else 1):
            return False
    return True


def _features(told: tuple[str, ...] | str) -> frozenset[str]:
    return frozenset(name for name in (told.split(",") if isinstance(told, str) else told) if name)
