"""The metrics of forecasting: what demand is and will be, and how good what was forecast has been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from forecasting.forecast_publisher import ForecastPublisher
from forecasting.forecaster import DemandForecaster
from forecasting.trust import Skill
from models.demand import Demand
from models.durations import duration_text
from models.forecasts import Forecast, Source
from models.metrics import HORIZON, POOL, SIDE, Family, Kind, Label, Sample, Unit
from models.nodes import Side

RUNNING, WAITING = "running", "waiting"
OWN, PERSISTENCE = "forecast", "persistence"
LEVEL = Label("level", bound="the levels of a forecast's quantiles, five of them")
UNSCORED = "before a forecast's hour has come"


def _gauge(name: str, unit: Unit, text: str, *labels: Label, lacks: str = "") -> Family:
    return Family(f"tidegate_{name}", Kind.GAUGE, unit, text, (POOL, *labels), lacks)


DEMAND = _gauge(
    "demand_nodes",
    Unit.NODES,
    "Nodes that a side could use now, in node-equivalents: running work, and waiting work that may start.",
    SIDE,
    Label("work", (RUNNING, WAITING)),
    lacks="while it is not known",
)
FORECAST = _gauge(
    "forecast_nodes",
    Unit.NODES,
    "Quantiles of the demand of a side so long after now, in node-equivalents.",
    *(SIDE, HORIZON, LEVEL),
    lacks="before the first forecast",
)
MADE_AT = _gauge(
    "forecast_made_timestamp_seconds",
    Unit.TIME,
    "When the last forecast was made.",
    SIDE,
    lacks="before the first forecast",
)
TRUSTED = _gauge(
    "forecast_trusted",
    Unit.TRUTH,
    "Whether the last forecast counts as the model's: it has a tenth of the weight at one horizon at least. Else "
    "rolling persistence stands in for it.",
    SIDE,
    lacks="before a model is fitted, which takes a day of history",
)
MODEL_SHARE = _gauge(
    "forecast_model_share",
    Unit.SHARE,
    "The weight of the model beside rolling persistence, as it has lately earned it.",
    *(SIDE, HORIZON),
    lacks="before a model is fitted",
)
ERROR = _gauge(
    "forecast_error_nodes",
    Unit.NODES,
    "Mean absolute error of the middle quantile over all that came true, of the past that was read at the start, too.",
    *(SIDE, HORIZON),
    Label("of", (OWN, PERSISTENCE)),
    lacks=UNSCORED,
)
COVERAGE = _gauge(
    "forecast_coverage",
    Unit.SHARE,
    "The share of what came true that lay within the outermost quantiles.",
    *(SIDE, HORIZON),
    lacks=UNSCORED,
)
COVERAGE_WANTED = _gauge("forecast_coverage_wanted", Unit.SHARE, "What that share should be.", SIDE, HORIZON)
SKILL = _gauge(
    "forecast_skill",
    Unit.SHARE,
    "1 less pinball loss by that of rolling persistence: above 0 where the forecast was better, 1 were it perfect.",
    *(SIDE, HORIZON),
    lacks=UNSCORED,
)
SCORED = Family(
    "tidegate_forecast_scored",
    Kind.COUNTER,
    Unit.COUNT,
    "Forecasts whose hour has come.",
    (POOL, SIDE, HORIZON),
)
FITS = Family("tidegate_forecast_fits", Kind.COUNTER, Unit.COUNT, "Times that models were fitted.", (POOL,))
ABSURD = Family(
    "tidegate_forecast_events_refused",
    Kind.COUNTER,
    Unit.COUNT,
    "Events left out of forecasts, since they cannot be true: of a time that has not come, or beyond any size.",
    (POOL,),
)
FAMILIES = (
    *(DEMAND, FORECAST, MADE_AT, TRUSTED, MODEL_SHARE, ERROR, COVERAGE, COVERAGE_WANTED, SKILL, SCORED, FITS, ABSURD),
)

Forecasting = tuple[ForecastPublisher, DemandForecaster]


class ForecastMetrics(Collector):
    """Each pool's publisher and forecaster, and the horizons that all have."""

    def __init__(self, pools: Mapping[str, Forecasting], horizons_s: Sequence[int]) -> None:
        self._pools = pools
        self._horizons = [duration_text(horizon_s) for horizon_s in horizons_s]

    def collect(self) -> Iterator[Metric]:
        """What was published last, and every score so far."""
        told = {pool: publisher for pool, (publisher, _) in self._pools.items()}
        yield DEMAND.of(sample for pool, one in told.items() for sample in _demand(pool, one.demand))
        forecasts = [(pool, one) for pool, publisher in told.items() for one in publisher.latest.values()]
        yield FORECAST.of(sample for pool, one in forecasts for sample in _quantiles(pool, one))
        yield MADE_AT.of(((pool, one.side), one.made_at_s) for pool, one in forecasts)
        yield TRUSTED.of(
            ((pool, one.side), one.source is Source.MODEL)
            for pool, one in forecasts
            if one.side in self._pools[pool][1].fitted
        )
        yield from self._scores()
        yield FITS.of(((pool,), one.refits) for pool, (_, one) in self._pools.items())
        yield ABSURD.of(((pool,), one.absurd) for pool, one in told.items())

    def _scores(self) -> Iterator[Metric]:
        every = list(self._every_skill())
        fitted = {pool: one.fitted for pool, (_, one) in self._pools.items()}
        yield MODEL_SHARE.of((at, one.share) for at, one in every if at[1] in fitted[at[0]])
        yield COVERAGE_WANTED.of((at, one.coverage_wanted) for at, one in every)
        yield SCORED.of((at, one.scored) for at, one in every)
        scored = [(at, one) for at, one in every if one.scored]
        yield ERROR.of(
            ((*at, whose), error)
            for at, one in scored
            for whose, error in ((OWN, one.mae), (PERSISTENCE, one.mae_persistence))
        )
        yield COVERAGE.of((at, one.coverage) for at, one in scored)
        yield SKILL.of((at, one.pinball_skill) for at, one in scored)

    def _every_skill(self) -> Iterator[tuple[tuple[str, Side, str], Skill]]:
        for pool, (_, forecaster) in self._pools.items():
            for side, skills in forecaster.skill().items():
                for horizon, skill in zip(self._horizons, skills, strict=True):
                    yield (pool, side, horizon), skill


def _demand(pool: str, demand: Mapping[Side, Demand]) -> Iterator[Sample]:
    for side, one in demand.items():
        yield (pool, side, RUNNING), one.running
        yield (pool, side, WAITING), one.waiting


def _quantiles(pool: str, forecast: Forecast) -> Iterator[Sample]:
    for horizon_s, row in zip(forecast.horizons_s, forecast.values, strict=True):
        for level, value in zip(forecast.levels, row, strict=True):
            yield (pool, forecast.side, duration_text(horizon_s), f"{level:g}"), value
