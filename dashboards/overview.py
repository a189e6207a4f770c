"""Who owns what, demand against the forecast's band into the future, and what moves."""

from __future__ import annotations

from dashboards.shape import WHOLE_WIDTH, Dashboard, Panel, Query, increase

HORIZONS = ("15m", "30m", "1h", "2h")  # as a policy has them that names no others
TOP, MIDDLE, BOTTOM = "95 %", "median", "5 %"
LEVELS = {TOP: "0.95", MIDDLE: "0.5", BOTTOM: "0.05"}


def ahead(side: str, level: str) -> str:
    """What was forecast for each instant, also for those to come: the shortest horizon that reaches it says it."""
    picked = f'side="{side}",level="{level}"'
    parts = (
        f'max by (job, pool) (tidegate_forecast_nodes{{<pool>,{picked},horizon="{horizon}"}} offset {horizon})'
        for horizon in HORIZONS
    )
    return " or ".join(parts)


def _demand(side: str, name: str) -> Panel:
    came = f'sum by (job, pool) (max by (job, pool, work) (tidegate_demand_nodes{{<pool>,side="{side}"}}))'
    bands = [Query(ahead(side, level), legend) for legend, level in LEVELS.items()]
    about = (
        f"Nodes that {name} could use, and what was forecast for the same instant. Right of now is what is "
        "forecast; it reaches as far as the longest horizon, two hours."
    )
    queries = (Query(came, "came"), *bands)
    return Panel(
        f"Demand of {name} against its forecast, $pool", about, "none", queries, band=(TOP, BOTTOM), repeats=True
    )


BOARD = Dashboard(
    "tidegate-overview",
    "Tidegate: overview",
    "Who owns the nodes, what demand is and will be, and what moves.",
    (
        Panel(
            "Pools without a leader",
            "Pools that no process leads. In mode recommend there is nothing to lead.",
            "none",
            (Query("count(max by (job, pool) (tidegate_leads{<pool>}) < 1) or vector(0)", "pools"),),
            6,
            bad_from=1,
        ),
        Panel(
            "Hand-overs that need a person",
            "Stuck, or past their deadline with the node out of sight.",
            "none",
            (Query("sum(max by (job, pool) (tidegate_handovers_stuck{<pool>})) or vector(0)", "hand-overs"),),
            6,
            bad_from=1,
        ),
        Panel(
            "Nodes open to both sides",
            "Both schedulers may start work there, which must not be.",
            "none",
            (Query('sum(max by (job, pool) (tidegate_nodes{<pool>,owner="both"})) or vector(0)', "nodes"),),
            6,
            bad_from=1,
        ),
        Panel(
            "Switches that hold moves",
            "Reasons for which nothing may begin now: a pause, failures in a row, a side not seen, and others.",
            "none",
            (Query("sum(max by (job, pool, switch) (tidegate_moves_held{<pool>})) or vector(0)", "switches"),),
            6,
            bad_from=1,
        ),
        Panel(
            "Who owns the nodes",
            "Nodes by who may start work on them. The sum is the pool.",
            "none",
            (Query("max by (job, pool, owner) (tidegate_nodes{<pool>})", "{{pool}} {{owner}}"),),
            WHOLE_WIDTH,
            stacked=True,
        ),
        _demand("hpc", "HPC"),
        _demand("kubernetes", "Kubernetes"),
        Panel(
            "Hand-overs begun",
            "By direction.",
            "none",
            (increase("tidegate_handovers_begun_total", "direction"),),
        ),
        Panel(
            "Nodes of Kubernetes, and how many the plan wants",
            "Those on their way to it included.",
            "none",
            (Query("max by (job, pool, which) (tidegate_plan_kubernetes_nodes{<pool>})", "{{pool}} {{which}}"),),
        ),
        Panel(
            "Moves that the last plan wants",
            "Done in mode auto, and only recommended in mode recommend.",
            "none",
            (Query("max by (job, pool, direction) (tidegate_plan_moves{<pool>})", "{{pool}} {{direction}}"),),
        ),
        Panel(
            "Why nodes stay where they are",
            "Nodes that the last plan does not move, by reason. tidegate plan --explain tells of each one.",
            "none",
            (Query("max by (job, pool, reason) (tidegate_plan_rejected_nodes{<pool>}) > 0", "{{pool}} {{reason}}"),),
            stacked=True,
        ),
        Panel(
            "Work that no move can serve",
            "What it asks for, in nodes, by side and reason, and how many jobs or pods it is.",
            "none",
            (
                Query("max by (job, pool, side, reason) (tidegate_unserved_nodes{<pool>}) > 0", "{{side}} {{reason}}"),
                Query("sum by (job, pool, side) (tidegate_unserved_work{<pool>}) > 0", "{{side}} jobs or pods"),
            ),
        ),
        Panel(
            "Takeovers",
            "By phase.",
            "none",
            (Query("max by (job, pool, phase) (tidegate_takeovers{<pool>})", "{{pool}} {{phase}}"),),
        ),
        Panel(
            "Loans",
            "Nodes of the HPC side that are reserved for Kubernetes from a date on.",
            "none",
            (Query("max by (job, pool) (tidegate_loans{<pool>})", "{{pool}}"),),
        ),
        Panel(
            "Until the earliest date of a loan",
            "Below zero its hand-over is late.",
            "s",
            (Query("min by (job, pool) (tidegate_loans_earliest_timestamp_seconds{<pool>}) - time()", "{{pool}}"),),
        ),
        Panel(
            "Service level of Kubernetes",
            "The share of its demand that waited too long lately, and the share that may.",
            "percentunit",
            (
                Query("max by (job, pool) (tidegate_unmet_share{<pool>})", "{{pool}} waited"),
                Query("max by (job, pool) (tidegate_unmet_at_most{<pool>})", "{{pool}} may"),
            ),
        ),
        Panel(
            "Price of unmet demand",
            "What one node of Kubernetes' unmet demand counts for an hour; it follows the service level.",
            "none",
            (Query("max by (job, pool) (tidegate_unmet_price{<pool>})", "{{pool}}"),),
        ),
    ),
    until="now+2h",
)
