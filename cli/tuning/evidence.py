"""A tuned policy as text, and what was found in words: a sentence, and comments for who reads the file later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from basics.documents.writer import document_text
from basics.text import clean, count
from cli.tuning.parts import Parts
from models.fields import share_text
from models.policies import Policy
from simulator.tuning import Served, Split, Tried, cheapest


@dataclass(frozen=True, slots=True)
class Checked:
    """The later part: under the policy as it is written, whose price follows, and with the fixed split of the earlier
    part."""

    policy: Served
    split: Split | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """All that was found. ``split`` is the fixed split of equal service on the earlier part; ``checked`` is None where
    the search was interrupted."""

    parts: Parts
    at_most: float
    tried: tuple[Tried, ...]
    best: Tried
    split: Split | None = None
    checked: Checked | None = None

    @property
    def unit(self) -> str:
        """What the share is of."""
        return "Kubernetes' node-hours" if self.parts.tuned.workload.gangs else "requests"


def sentence(tuned: Tuned) -> str:
    """What it is worth."""
    best, split = tuned.best.served, tuned.split
    at_most = share_text(tuned.at_most).replace("%", " %")
    share = at_most if best.unmet > tuned.at_most / 2 else f"{_percent(best)} (of {at_most} that may be)"
    head = f"At {share} of {tuned.unit} unmet, HPC jobs wait {_wait(best)}"
    if split is None:
        return f"{head}; no fixed split serves as much."
    fixed = f"with a fixed split of {count(split.nodes, 'node')} for Kubernetes"
    if split.served.wait_s < best.wait_s:
        return f"{head}; {fixed} they wait {_minutes(split.served)}."
    return f"{head} instead of {_minutes(split.served)} {fixed}."


def on_the_later_part(tuned: Tuned) -> str:
    """What the search never saw."""
    checked = tuned.checked
    if checked is None:
        return "Not checked on the later part: the search was interrupted."
    kept = "" if checked.policy.meets(tuned.at_most) else " The level did not hold there."
    split = "" if checked.split is None else f"; that fixed split: {_served(tuned, checked.split.served)}"
    return f"On the later part, the price following: {_served(tuned, checked.policy)}{split}.{kept}"


def policy_text(tuned: Tuned) -> str:
    """The policy with the level and the price, under its evidence as comments."""
    return "".join(f"# {line}\n" for line in _evidence(tuned)) + document_text(_written(tuned_policy(tuned)))


def tuned_policy(tuned: Tuned) -> Policy:
    """The policy of the replays, its pool at the price that was found, from which it follows the level."""
    policy = tuned.parts.tuned.policy
    pool = policy.spec.pools[0].at_price(tuned.best.price)
    kubernetes = pool.kubernetes.model_copy(update={"unmet_at_most": tuned.at_most})
    pools = (pool.model_copy(update={"kubernetes": kubernetes}), *policy.spec.pools[1:])
    return policy.model_copy(update={"spec": policy.spec.model_copy(update={"pools": pools})})


def rows(tried: Sequence[Tried], at_most: float) -> Iterator[tuple[str, str, str, str, str]]:
    """For each price the share that was unmet, HPC's mean wait, jobs that still waited, and whether it was taken."""
    best = cheapest(tried, at_most)
    for one in sorted(tried, key=lambda one: one.price):
        taken = "taken" if one is best else ""
        yield f"{one.price:g}", _percent(one.served), _wait(one.served), str(one.served.waiting), taken


def _evidence(tuned: Tuned) -> Iterator[str]:
    yield f"Tuned by tidegate tune {version('tidegate')} to {share_text(tuned.at_most)} of {tuned.unit} unmet at most."
    yield f"Replayed: {clean(tuned.parts.in_words)}."
    yield "Each price, the share unmet at it, HPC's mean wait, and jobs that still waited at the end:"
    for row in rows(tuned.tried, tuned.at_most):
        yield "  ".join(part for part in row if part)
    yield sentence(tuned)
    yield on_the_later_part(tuned)


def _written(policy: Policy) -> dict[str, Any]:
    head = {"apiVersion": policy.api_version, "kind": policy.kind}
    return {**head, **_without_empty(policy.model_dump(mode="json", by_alias=True, exclude_unset=True))}


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings without parts that say nothing."""
    found = {}
    for key, value in data.items():
        kept = _kept(value)
        if kept not in (None, {}):
            found[key] = kept
    return found


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_empty(value)
    return [_kept(item) for item in value] if isinstance(value, list) else value


def _served(tuned: Tuned, served: Served) -> str:
    waiting = f", {count(served.waiting, 'job')} still waiting at its end" if served.waiting else ""
    return f"{_percent(served)} of {tuned.unit} unmet, HPC jobs wait {_wait(served)}{waiting}"


def _percent(served: Served) -> str:
    return f"{100 * served.unmet:.2f} %"


def _wait(served: Served) -> str:
    return f"{_minutes(served)} minutes"


def _minutes(served: Served) -> str:
    minutes = served.wait_s / 60
    return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.1f}"
