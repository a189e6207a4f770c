"""How good forecasts have been, and whether the model is trusted."""

from __future__ import annotations

from dashboards.shape import Dashboard, Panel, Query, increase

_BY = "max by (job, pool, side, horizon)"
_BY_WHOSE = "max by (job, pool, side, horizon, of)"
_EACH = "{{pool}} {{side}} {{horizon}}"
_SIDE = "{{pool}} {{side}}"


def _by_horizon(title: str, about: str, metric: str) -> Panel:
    return Panel(title, about, "percentunit", (Query(f"{_BY} ({metric}{{<pool>}})", _EACH),))


BOARD = Dashboard(
    "tidegate-forecasts",
    "Tidegate: forecast quality",
    "How good what was forecast turned out to be, against rolling persistence.",
    (
        Panel(
            "What was forecast an hour ago, and what came",
            "The median of then and the demand of now. Needs the recording rules.",
            "none",
            (
                Query("tidegate:demand_nodes:sum{<pool>}", f"{_SIDE} came"),
                Query('tidegate:forecast_1h_ago_nodes{<pool>,level="0.5"}', f"{_SIDE} forecast"),
            ),
        ),
        Panel(
            "How far that was off",
            "What came less what was forecast, and its mean size over a day. Needs the recording rules.",
            "none",
            (
                Query("tidegate:forecast_1h_ago_error_nodes{<pool>}", f"{_SIDE} now"),
                Query("tidegate:forecast_1h_ago_error_nodes:abs_avg1d{<pool>}", f"{_SIDE} mean size, 1 d"),
            ),
        ),
        Panel(
            "How often that was within the band",
            "The share of a day in which what came lay between 5 % and 95 %, of which nine tenths would be right.",
            "percentunit",
            (Query("tidegate:forecast_1h_ago_covered:avg1d{<pool>}", _SIDE),),
        ),
        _by_horizon(
            "Skill against rolling persistence",
            "Above 0 the forecast was better, 1 were it perfect. Over all that came true.",
            "tidegate_forecast_skill",
        ),
        Panel(
            "Mean error of the median, and persistence's",
            "In nodes, over all that came true.",
            "none",
            (Query(f"{_BY_WHOSE} (tidegate_forecast_error_nodes{{<pool>}})", f"{_EACH} {{{{of}}}}"),),
        ),
        Panel(
            "Coverage",
            "The share of what came true within the outermost quantiles, and what it should be.",
            "percentunit",
            (
                Query(f"{_BY} (tidegate_forecast_coverage{{<pool>}})", _EACH),
                Query("max by (job, pool) (tidegate_forecast_coverage_wanted{<pool>})", "should be"),
            ),
        ),
        _by_horizon(
            "Weight of the model",
            "Beside rolling persistence, as it has lately earned it.",
            "tidegate_forecast_model_share",
        ),
        Panel(
            "Whether the model is trusted",
            "1 where the forecast counts as the model's, 0 where rolling persistence stands in for it.",
            "none",
            (Query("max by (job, pool, side) (tidegate_forecast_trusted{<pool>})", _SIDE),),
        ),
        Panel(
            "Forecasts whose hour has come",
            "By horizon: how many there are to judge by.",
            "none",
            (increase("tidegate_forecast_scored_total", "side", "horizon"),),
        ),
        Panel(
            "Fits, and events that were refused",
            "Models are fitted anew once a day or more often. Events that cannot be true are left out of forecasts.",
            "none",
            (
                increase("tidegate_forecast_fits_total", legend="fits"),
                increase("tidegate_forecast_events_refused_total", legend="events refused"),
            ),
        ),
    ),
)
