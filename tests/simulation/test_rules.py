"""Every safety rule is needed: switched off, the simulation finds a violation; switched on, it does not."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import RULES, first_violation

SEEDS = range(12)


@pytest.mark.parametrize("name", RULES)
def test_without_the_rule_something_that_must_never_happen_happens(name: str):
    rule = RULES[name]
    found = first_violation(rule, SEEDS, off=True)
    assert found is not None, f"nothing goes wrong without the rule {name}: it is not tested"
    assert found[1].invariant in rule.breaks


@pytest.mark.parametrize("name", RULES)
def test_with_the_rule_the_same_worlds_are_safe(name: str):
    assert first_violation(RULES[name], SEEDS, off=False) is None
