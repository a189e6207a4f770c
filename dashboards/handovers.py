"""Hand-overs: where they stand, how they end, how long they take."""

from __future__ import annotations

from dashboards.shape import Dashboard, Panel, Query, increase

_STAGES = "sum by (job, le, direction, stage) (rate(tidegate_handover_stage_seconds_bucket{<pool>}[$__rate_interval]))"
_PER_CHANGE = "sum by (job, pool, change)"


def _quantile(quantile: float) -> Query:
    return Query(f"histogram_quantile({quantile}, {_STAGES})", f"{{{{direction}}}} {{{{stage}}}} {quantile:.0%}")


BOARD = Dashboard(
    "tidegate-handovers",
    "Tidegate: hand-overs",
    "Where hand-overs stand, how they end, and how long they take.",
    (
        Panel(
            "Under way, by stage",
            "Hand-overs that have not ended.",
            "none",
            (Query("sum by (job, pool, direction, stage) (tidegate_handovers{<pool>})", "{{direction}} {{stage}}"),),
            stacked=True,
        ),
        Panel(
            "Ended, by how and why",
            "Done, cancelled or stuck.",
            "none",
            (increase("tidegate_handovers_ended_total", "direction", "stage", "why"),),
        ),
        Panel(
            "Begun",
            "By direction, repairs included.",
            "none",
            (increase("tidegate_handovers_begun_total", "direction"),),
        ),
        Panel(
            "Time in a stage",
            "Median and ninth tenth of the stages that were left.",
            "s",
            (_quantile(0.5), _quantile(0.9)),
        ),
        Panel(
            "Lead time",
            "From empty on one side to open on the other, as plans reckon with it.",
            "s",
            (
                Query(
                    "max by (job, pool, direction, level) (tidegate_lead_time_seconds{<pool>})",
                    "{{pool}} {{direction}} {{level}}",
                ),
            ),
        ),
        Panel(
            "Moves that were not begun after all",
            "As the node was no longer as planned, by reason.",
            "none",
            (increase("tidegate_moves_dropped_total", "reason"),),
        ),
        Panel(
            "Nodes that need a person",
            "Hand-overs that are stuck, and nodes left alone as their record cannot be read.",
            "none",
            (
                Query("max by (job, pool) (tidegate_handovers_stuck{<pool>})", "{{pool}} stuck"),
                Query("max by (job, pool) (tidegate_nodes_unreadable{<pool>})", "{{pool}} unreadable"),
            ),
        ),
        Panel(
            "Caught at the fence",
            "Pods that came late to a node of the HPC side, and nodes that were found open to both sides.",
            "none",
            (increase("tidegate_pods_fenced_total"), increase("tidegate_nodes_breached_total")),
        ),
        Panel(
            "Changes of HPC nodes",
            "Drains and undrains that were asked for.",
            "none",
            (increase("tidegate_hpc_changes_total", "change"),),
        ),
        Panel(
            "Time in which nobody looked, per change",
            "From the look before to the answer: what a person did within it may be undone.",
            "s",
            (
                Query(
                    f"{_PER_CHANGE} (rate(tidegate_hpc_changes_unseen_seconds_total{{<pool>}}[$__rate_interval]))"
                    f" / ({_PER_CHANGE} (rate(tidegate_hpc_changes_total{{<pool>}}[$__rate_interval])) > 0)",
                    "{{pool}} {{change}}",
                ),
            ),
        ),
    ),
)
