"""``--set`` and ``--vary``: keys by their path in the document, values as YAML, mistakes as those of a file."""

from __future__ import annotations

import pytest
import typer

from cli.planning.settings import setting, settings_of, with_settings
from models.errors import BadInput
from models.policies import Policy

DOCUMENT = Policy().model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("typed", "where", "value"),
    [
        ("spec.moves.minGain=0.8", lambda spec: spec.moves.min_gain, 0.8),
        ("spec.moves.every=90s", lambda spec: spec.moves.every, 90),
        ("spec.moves.atOnce=25%", lambda spec: spec.moves.at_once, "25%"),
        ("spec.moves.atOnce=3", lambda spec: spec.moves.at_once, 3),
        ("spec.pools[0].unmetCost.kubernetes=10.0", lambda spec: spec.pools[0].unmet_cost.kubernetes, 10.0),
        ("spec.pools[0].floor={hpc: 2}", lambda spec: spec.pools[0].floor.hpc, 2),
        ("spec.pools[0].floor.hpc=null", lambda spec: spec.pools[0].floor.hpc, None),
        ("spec.forecast.horizons=[1h, 2h]", lambda spec: spec.forecast.horizons, (3600, 7200)),
        ("spec.pools[0].kubernetes.kueue.quota=none", lambda spec: spec.pools[0].kubernetes.kueue.quota, "none"),
        ("spec.moves.reserveAhead=true", lambda spec: spec.moves.reserve_ahead, True),
    ],
)
def test_a_value_is_put_where_its_path_says(typed, where, value):
    assert where(with_settings(DOCUMENT, [setting(typed)]).spec) == value


def test_settings_go_together_and_leave_the_document_as_it_was():
    both = with_settings(DOCUMENT, [setting("spec.pools[0].floor.hpc=5"), setting("spec.pools[0].ceiling.hpc=6")])
    assert (both.spec.pools[0].floor.hpc, both.spec.pools[0].ceiling.hpc) == (5, 6)
    assert Policy().model_dump(mode="json", by_alias=True) == DOCUMENT


def test_of_a_key_that_is_set_twice_the_last_counts():
    again = [setting("spec.moves.minGain=0.1"), setting("spec.moves.minGain=0.2")]
    assert with_settings(DOCUMENT, again).spec.moves.min_gain == 0.2


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("spec.moves.minGian=1", "--set spec.moves.minGian=1: unknown key; did you mean minGain?"),
        ("spec.move.minGain=1", "--set spec.move.minGain=1: spec.move: unknown key; did you mean moves?"),
        ("minGain=1", "--set minGain=1: unknown key here; it belongs in spec.moves"),
        ("spec.moves.minGain=-1", "--set spec.moves.minGain=-1: must be 0 or more, not -1"),
        ("spec.moves.every=5", "--set spec.moves.every=5: 5 is not a duration"),
        ("spec.pools[1].name=b", "--set spec.pools[1].name=b: spec.pools has no item [1]; it has 1, counted from 0"),
        ("spec.pools.name=b", "--set spec.pools.name=b: spec.pools is a list; write which item, as [0]"),
        ("spec.moves[0]=b", "--set spec.moves[0]=b: spec.moves is no list"),
        ("spec.moves.minGain.x=b", "--set spec.moves.minGain.x=b: spec.moves.minGain has no keys"),
    ],
)
def test_what_is_wrong_is_told_as_for_a_file(typed, told):
    with pytest.raises(BadInput) as error:
        with_settings(DOCUMENT, [setting(typed)])
    assert str(error.value).startswith(told)


@pytest.mark.parametrize("typed", ["spec.moves.minGain", "=1", "spec.moves.minGain=", "spec..x=1", "a[x]=1", "a={=1"])
def test_what_is_no_setting_is_wrong_usage(typed):
    with pytest.raises(typer.BadParameter):
        setting(typed)


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("spec.moves.minGain=0.2,0.35", [0.2, 0.35]),
        ("spec.moves.every=5m", ["5m"]),
        ("spec.forecast.horizons=[1h, 2h],[1h]", [["1h", "2h"], ["1h"]]),
        ("spec.pools[0].floor={hpc: 1, kubernetes: 2},{}", [{"hpc": 1, "kubernetes": 2}, {}]),
    ],
)
def test_values_to_vary_are_apart_by_commas(typed, values):
    assert [one.value for one in settings_of(typed)] == values


@pytest.mark.parametrize("typed", ["spec.moves.minGain", "spec.moves.minGain=", "a=1,1", "a=1,,2"])
def test_values_that_are_none_or_twice_there_are_wrong_usage(typed):
    with pytest.raises(typer.BadParameter):
        settings_of(typed)
