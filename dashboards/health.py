"""Whether the service sees, hears, decides and leads."""

from __future__ import annotations

from dashboards.shape import Dashboard, Panel, Query, increase


def _age(metric: str, *labels: str) -> Query:
    by = ", ".join(("job", "pool", *labels))
    legend = " ".join(f"{{{{{label}}}}}" for label in ("pool", *labels))
    return Query(f"time() - max by ({by}) ({metric}{{<pool>}})", legend)


def _bus(name: str) -> Query:
    metric = f"tidegate_bus_{name}_total"
    return Query(f"sum by (job, role) (rate({metric}{{<job>}}[$__rate_interval]))", f"{{{{role}}}} {name}")


def _lost(name: str) -> Query:
    metric = f"tidegate_bus_{name}_total"
    return Query(f"sum by (job, role) (increase({metric}{{<job>}}[$__rate_interval]))", f"{{{{role}}}} {name}")


BOARD = Dashboard(
    "tidegate-health",
    "Tidegate: health",
    "Whether the service sees both sides, hears the bus, decides and leads.",
    (
        Panel(
            "How old what each side showed is",
            "It is looked at again for each decision at the latest.",
            "s",
            (_age("tidegate_source_read_timestamp_seconds", "side"),),
        ),
        Panel(
            "Sides that cannot be read",
            "1 where the last try failed: what was shown before still stands.",
            "none",
            (Query("max by (job, pool, side) (tidegate_source_unread{<pool>})", "{{pool}} {{side}}"),),
        ),
        Panel(
            "Life that the token has left",
            "After that the side is neither seen nor moved.",
            "s",
            (Query("min by (job, side) (tidegate_token_expiry_timestamp_seconds{<job>}) - time()", "{{side}}"),),
        ),
        Panel(
            "Age of the last forecast",
            "Of each side.",
            "s",
            (_age("tidegate_forecast_made_timestamp_seconds", "side"),),
        ),
        Panel(
            "Age of the last decision",
            "By pool.",
            "s",
            (_age("tidegate_plan_made_timestamp_seconds"),),
        ),
        Panel(
            "Decisions",
            "How many were taken.",
            "none",
            (increase("tidegate_plans_total"),),
        ),
        Panel(
            "Who leads",
            "1 for the process that leads a pool.",
            "none",
            (Query("max by (job, pool, instance) (tidegate_leads{<pool>})", "{{pool}} {{instance}}"),),
        ),
        Panel(
            "What holds moves",
            "1 for each switch that does.",
            "none",
            (Query("max by (job, pool, switch) (tidegate_moves_held{<pool>})", "{{pool}} {{switch}}"),),
        ),
        Panel(
            "Messages not read yet",
            "By reader of the bus.",
            "none",
            (Query("max by (job, role, reader) (tidegate_bus_lag_messages{<job>})", "{{role}} {{reader}}"),),
        ),
        Panel(
            "Messages put aside, lost or not understood",
            "Dead letters, events lost as too many waited, gaps, and types that this release does not know.",
            "none",
            (_lost("dead_letters"), _lost("dropped"), _lost("gaps"), _lost("unknown")),
        ),
        Panel(
            "Events on the bus",
            "Told, delivered, kept on disk for a while, and heard, per second.",
            "cps",
            (_bus("published"), _bus("delivered"), _bus("spooled"), _bus("received")),
            24,
        ),
    ),
)
