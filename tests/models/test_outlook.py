"""An outlook: as large as a message can hold and no larger, and with nothing in it that cannot be."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from models.forecasts import Source, flat
from models.nodes import Side
from models.outlook import ARRIVALS_MOST, DAY_S, HORIZONS_MOST, LEVELS_MOST, RUN_SAMPLES_MOST, Outlook

MESSAGE_MOST = 900_000  # bytes
HORIZONS = tuple(1800 * (1 + n) for n in range(HORIZONS_MOST))
LEVELS = tuple(round(0.05 * (1 + n), 2) for n in range(LEVELS_MOST))
LARGEST = Outlook(
    Side.HPC,
    10**9,
    HORIZONS,
    LEVELS,
    ((1234.5678901234567,) * LEVELS_MOST,) * HORIZONS_MOST,
    (0.1234567890123456,) * RUN_SAMPLES_MOST,
    (1234.5678901234567,) * ARRIVALS_MOST,
)


def test_the_largest_fits_into_a_message_many_times():
    assert len(json.dumps(asdict(LARGEST))) < MESSAGE_MOST / 8
    assert (HORIZONS[-1], ARRIVALS_MOST * 300) == (DAY_S, 7 * DAY_S)


def test_one_may_know_nothing():
    outlook = Outlook(Side.KUBERNETES, 300)
    assert (outlook.values, outlook.run_over_limit, outlook.arrivals) == ((), (), ())


WRONG = {
    "too many horizons": ({"horizons_s": tuple(range(1, HORIZONS_MOST + 2))}, "at most 48 horizons_s"),
    "too many levels": ({"levels": tuple(n / 100 for n in range(1, LEVELS_MOST + 2))}, "at most 19 levels"),
    "too many samples": ({"run_over_limit": (0.5,) * (RUN_SAMPLES_MOST + 1)}, "at most 512 run_over_limit"),
    "too many arrivals": ({"arrivals": (1.0,) * (ARRIVALS_MOST + 1)}, "at most 2016 arrivals"),
    "a horizon beyond a day": ({"horizons_s": (300, DAY_S + 1)}, "rise within a day"),
    "a horizon of now": ({"horizons_s": (0, 300)}, "rise within a day"),
    "horizons that fall": ({"horizons_s": (600, 300)}, "rise within a day"),
    "a level of all": ({"levels": (0.5, 1.0)}, "between 0 and 1"),
    "rows that lack": ({"horizons_s": (300,), "levels": (0.5,), "values": ()}, "horizons x levels"),
    "columns that lack": ({"horizons_s": (300,), "levels": (0.5, 0.6), "values": ((1.0,),)}, "horizons x levels"),
    "quantiles that cross": ({"horizons_s": (300,), "levels": (0.5, 0.6), "values": ((2.0, 1.0),)}, "not cross"),
    "demand below nothing": ({"horizons_s": (300,), "levels": (0.5,), "values": ((-1.0,),)}, "not negative"),
    "a share without end": ({"run_over_limit": (float("inf"),)}, "finite"),
    "an arrival that is no number": ({"arrivals": (float("nan"),)}, "finite"),
}


@pytest.mark.parametrize(("facts", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_is_refused(facts: dict[str, object], said: str):
    with pytest.raises(ValueError, match=said):
        Outlook(Side.HPC, 300, **facts)


def test_a_forecast_has_the_outlook_of_its_own_side():
    assert flat(Side.HPC, 600, 4.0, (300,), Source.NOW).outlook is None
    with pytest.raises(ValueError, match="of its own side"):
        replace(flat(Side.KUBERNETES, 600, 4.0, (300,), Source.NOW), outlook=LARGEST)
