"""Every combination of the values that are varied, each as a policy that was validated before anything is replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import typer

from cli.planning.settings import Setting, settings_of, with_settings
from models.errors import BadInput
from models.policies import Policy

COMBINATIONS_MOST = 1000  # a replay takes seconds to minutes


@dataclass(frozen=True, slots=True)
class Combination:
    """One of them: the values as they were typed, by key, and the policy that they make."""

    values: tuple[tuple[str, str], ...]
    policy: Policy

    @property
    def name(self) -> str:
        """Such as ``spec.moves.minGain=0.2 spec.moves.dwell=1h``; different for any two."""
        return " ".join(f"{key}={value}" for key, value in self.values)


def varied(texts: Sequence[str]) -> list[list[Setting]]:
    """The values of each ``--vary``. Raises BadParameter, also for a key that is varied twice, or too many of all."""
    found = [settings_of(text) for text in texts]
    keys = [settings[0].path for settings in found]
    if len(set(keys)) < len(keys):
        raise typer.BadParameter("a key is in --vary twice; write all its values in one")
    if (count := prod(map(len, found))) > COMBINATIONS_MOST:
        raise typer.BadParameter(
            f"these are {count:,} combinations, more than {COMBINATIONS_MOST:,}; vary less at once"
        )
    return found


def combinations(policy: Policy, settings: Sequence[Sequence[Setting]], nodes: int) -> list[Combination]:
    """All combinations, the last key varying fastest. Raises BadInput where one is no policy for so many nodes."""
    document, found = policy.model_dump(mode="json", by_alias=True), []
    for chosen in product(*settings):
        values = tuple((key, value) for key, _, value in (one.typed.partition("=") for one in chosen))
        made = with_settings(document, chosen, "--vary")
        one = Combination(values, made)
        try:
            made.spec.pools[0].bounds(nodes)
        except ValueError as error:
            raise BadInput(f"--vary {one.name}: {error}") from None
        found.append(one)
    return found
