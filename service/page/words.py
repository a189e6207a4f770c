"""What the page says in sentences, and names as a hostlist. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby

from basics.text import count
from models.handovers import Direction
from models.nodes import Side
from models.plans import Plan, Reason

_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})")
NAMES = {Side.HPC: "HPC", Side.KUBERNETES: "Kubernetes"}


def folded(names: Iterable[str]) -> str:
    """Names as a hostlist, such as ``gpu[01-03,7],login``; those that end in digits are folded, digits kept."""
    numbers: dict[tuple[str, int], list[int]] = defaultdict(list)
    plain: list[str] = []
    for name in sorted(set(names)):
        if (found := _NUMBERED.fullmatch(name)) is None:
            plain.append(name)
        else:
            numbers[found[1], len(found[2])].append(int(found[2]))
    folds = [f"{before}{_ranges(sorted(those), width)}" for (before, width), those in sorted(numbers.items())]
    return ",".join([*folds, *plain])


def _ranges(numbers: list[int], width: int) -> str:
    """Numbers that follow one another as ranges, in brackets where there are several."""
    runs: list[list[int]] = []
    for _, run in groupby(enumerate(numbers), key=lambda one: one[1] - one[0]):
        runs.append([number for _, number in run])
    texts = [f"{run[0]:0{width}d}" if len(run) == 1 else f"{run[0]:0{width}d}-{run[-1]:0{width}d}" for run in runs]
    return texts[0] if len(numbers) == 1 else f"[{','.join(texts)}]"


def moment(at_s: int) -> str:
    """A time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"


def sentence(owners: Mapping[str, int], plan: Plan | None, moving: bool) -> str:
    """Who owns what of a pool, and why, in one sentence. ``owners`` counts nodes by owner; ``moving`` is whether plans
    are carried out."""
    first = _who_has(owners)
    if plan is None:
        return f"{first}; there is no plan yet." if first else "Nobody has told yet who owns what."
    return f"{first or 'Who owns what is not told yet'}; {_why(plan, moving)}."


def _who_has(owners: Mapping[str, int]) -> str:
    whole = sum(owners.values())
    if not whole:
        return ""
    parts = [f"HPC has {owners.get(Side.HPC, 0)} and Kubernetes {owners.get(Side.KUBERNETES, 0)} of {whole} nodes"]
    if number := owners.get("moving", 0):
        parts.append(f"{number} {'is' if number == 1 else 'are'} being handed over")
    if number := owners.get("nobody", 0):
        parts.append(f"{number} {'is' if number == 1 else 'are'} open to neither")
    if number := owners.get("both", 0):
        parts.append(f"{number} {'is' if number == 1 else 'are'} open to both")
    return ", ".join(parts)


def _why(plan: Plan, moving: bool) -> str:
    if plan.moves:
        verb = "should go" if plan.holds or not moving else "goes" if len(plan.moves) == 1 else "go"
        held = f", but moves are held ({plan.holds[0].switch})" if plan.holds else ""
        return f"{' and '.join(_moved(plan, verb))}{held}: {_lower(plan.moves[0].text)}"
    if plan.holds:
        return f"nothing moves: {_lower(plan.holds[0].text)}"
    reasons: dict[Reason, int] = defaultdict(int)
    for one in plan.rejections:
        reasons[one.reason] += len(one.nodes)
    known = [one for one in plan.rejections if one.reason is not Reason.IN_HANDOVER]
    if not known:
        return "nothing else moves"
    most = max(known, key=lambda one: reasons[one.reason])
    return f"nothing {'else ' if reasons[Reason.IN_HANDOVER] else ''}moves, because {_lower(most.text)}"


def _moved(plan: Plan, verb: str) -> Iterator[str]:
    for direction in Direction:
        if number := sum(one.direction is direction for one in plan.moves):
            yield f"{count(number, 'node')} {verb} to {NAMES[direction.target]}"


def _lower(text: str) -> str:
    """A text that stands within a sentence; names of sides and schedulers keep their capitals."""
    text = text.rstrip(". ")
    first, _, _ = text.partition(" ")
    return text[:1].lower() + text[1:] if first[1:].islower() and first not in ("Kubernetes", "Slurm") else text
