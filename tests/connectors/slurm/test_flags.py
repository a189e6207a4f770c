"""A node's state as a set of flags."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from connectors.slurm import flags

HARMLESS = ("DRAIN", "COMPLETING", "RESERVED", "PLANNED", "CLOUD", "DYNAMIC_FUTURE", "DYNAMIC_NORM")
HARMFUL = (
    *("NOT_RESPONDING", "FAIL", "POWERED_DOWN", "POWERING_UP", "POWERING_DOWN", "POWER_DOWN", "POWER_UP"),
    *("POWER_DRAIN", "POWER_DOWN_ASAP", "POWER_DOWN_FORCE", "REBOOT_REQUESTED", "REBOOT_ISSUED", "REBOOT_CANCELED"),
    *("MAINTENANCE", "INVALID_REG", "INVALID", "UNDRAIN", "RESUME", "BLOCKED", "SOME_NEW_FLAG", ""),
)
BASES = ("DOWN", "UNKNOWN", "FUTURE", "ERROR", "EXTERNAL")
WORKING = ("IDLE", "ALLOCATED", "MIXED")


@pytest.mark.parametrize("base", WORKING)
def test_every_mixture_of_harmless_flags_is_ready(base: str):
    for more in chain.from_iterable(combinations(HARMLESS, count) for count in range(len(HARMLESS) + 1)):
        assert flags.is_ready(flags.flags_of((base, *more)))


@pytest.mark.parametrize("flag", HARMFUL)
@pytest.mark.parametrize("base", WORKING)
def test_any_other_flag_makes_the_node_no_candidate(base: str, flag: str):
    for more in HARMLESS:
        assert not flags.is_ready(flags.flags_of((base, flag, more)))


@pytest.mark.parametrize("base", BASES)
def test_a_node_that_does_not_work_is_not_ready(base: str):
    assert not flags.is_ready(flags.flags_of((base,)))
    assert not flags.is_ready(flags.flags_of((base, "DRAIN")))


def test_no_flag_at_all_is_not_ready():
    assert not flags.is_ready(flags.flags_of(()))


@pytest.mark.parametrize(
    ("state", "busy"),
    [
        (("IDLE",), False),
        (("IDLE", "DRAIN"), False),
        (("IDLE", "COMPLETING", "DRAIN"), True),
        (("ALLOCATED", "DRAIN"), True),
        (("MIXED",), True),
        (("DOWN", "COMPLETING"), True),
        (("idle", "completing"), True),
    ],
)
def test_a_node_is_busy_until_its_last_epilog_has_ended(state: tuple[str, ...], busy: bool):
    assert flags.is_busy(flags.flags_of(state)) is busy


@pytest.mark.parametrize(
    ("state", "wakes"),
    [
        (("ALLOCATED", "POWERED_DOWN"), True),
        (("ALLOCATED", "POWERING_UP", "NOT_RESPONDING"), True),
        (("IDLE", "POWERING_UP"), False),
        (("ALLOCATED", "POWER_DOWN"), False),
        (("ALLOCATED",), False),
    ],
)
def test_a_node_wakes_for_work_while_its_power_is_switched_on_for_a_job(state: tuple[str, ...], wakes: bool):
    assert flags.is_waking_for_work(flags.flags_of(state)) is wakes
