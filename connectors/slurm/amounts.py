"""Amounts as Slurm writes them: what a node has (gres), what a job asks for or has (TRES), the tasks of an array."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import inf
from types import MappingProxyType

_UNITS = {"": 1, "K": 1 / 1024, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}  # MiB; a bare number is MiB too
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGTP]?)B?\Z")
_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGTP]?)\Z")
_PARENTHESES = re.compile(r"\([^()]*\)")
_THOUSANDS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5}
_TASKS = re.compile(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+))?)?\Z")
NO_GRES = frozenset(("cpu", "mem", "node", "billing"))  # what may stand beside generic resources
KEPT = 8192  # texts whose meaning is remembered: of many jobs few differ in what they ask for


@lru_cache(KEPT)
def gpus(text: str, node: str = "") -> float:
    """The GPUs of ``gpu:a100:4(S:0-1),gpu:h100:2,craynetwork:4``, of any type, or the part of ``node``'s in shards."""
    return _in_gpus(_counts(text), node)


@lru_cache(KEPT)
def tres_gpus(text: str, node: str) -> float:
    """Likewise of ``cpu=4,gres/gpu=2,gres/gpu:a100=2``, in which all of a name stand beside those of a type, or not."""
    told = tres(text)
    asked = {name: max(both := told.get(f"gres/{name}", 0.0), count - both) for name, count in _counts(text).items()}
    return _in_gpus(asked, node)


def _in_gpus(asked: Mapping[str, float], node: str) -> float:
    has = _counts(node)
    return max(asked["gpu"], *(has["gpu"] * asked[part] / (has[part] or inf) for part in ("shard", "mps")))


def _counts(text: str) -> dict[str, float]:
    found = dict.fromkeys(("gpu", "shard", "mps"), 0.0)  # no job asks for more than one of them
    for name, _, count in gres(text):
        if name in found:
            found[name] += count
    return found


def gres(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, type and count of each: ``gpu``, ``gpu:4``, ``gpu:a100``, ``gpu:a100:4``, with ``gres/`` before or not."""
    for part in _PARENTHESES.sub("", text).replace("=", ":").split(","):
        name, *more = part.strip().removeprefix("gres/").removeprefix("gres:").split(":")
        if name:
            last = _count(more[-1]) if more else None
            yield name, ":".join(more if last is None else more[:-1]), 1 if last is None else int(last)


@lru_cache(KEPT)
def tres(text: str) -> Mapping[str, float]:
    """The numbers of ``cpu=4,mem=16000M,node=1,gres/gpu=2``; memory in MiB. What is no number is left out."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, amount = part.partition("=")
        value = memory_mib(amount) if name == "mem" else _count(amount)
        if value is not None:
            found[name] = value
    return MappingProxyType(found)


def memory_mib(text: str) -> float | None:
    """``200G`` in MiB; None where it is no amount."""
    match = _MEMORY.match(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match else None


def tasks(text: str) -> tuple[int, bool]:
    """How many tasks ``1-40,50-60:2%3`` lists, without listing them, and whether these are all of them."""
    listed, _, _ = text.partition("%")
    found, whole = 0, True
    for part in listed.split(","):
        if match := _TASKS.match(part.strip()):
            first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
            found += max(0, (last - first) // max(step, 1) + 1)
        else:
            whole = False
    return found, whole


def _count(text: str) -> float | None:
    match = _COUNT.match(text.strip())
    return float(match[1]) * _THOUSANDS[match[2]] if match else None
