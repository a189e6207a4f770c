"""The past of one side's demand, as Prometheus tells it, on a regular grid."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.prom.client import Prometheus
from connectors.prom.past_queries import PastQueries
from connectors.prom.signals import only_series
from models.demand import Demand
from models.fields import NODES_MOST
from models.nodes import Side


def read_past(prometheus: Prometheus, side: Side, queries: PastQueries, times_s: range) -> Mapping[int, Demand]:
    """The demand at those of the times at which all is known of it: unknown is not zero. Raises Unreachable."""
    running = _known(prometheus, queries.running, times_s)
    waiting = dict.fromkeys(times_s, 0.0) if queries.waiting is None else _known(prometheus, queries.waiting, times_s)
    known = running.keys() & waiting.keys()
    return {at_s: Demand(side, at_s, running[at_s], waiting[at_s]) for at_s in times_s if at_s in known}


def _known(prometheus: Prometheus, query: str, times_s: range) -> Mapping[int, float]:
    """Nodes by time; without what is unknown, and without what no site can have."""
    answer = prometheus.over(query, times_s[0], times_s[-1], times_s.step)
    values = {round(at_s): nodes for at_s, nodes in only_series(answer).items()}
    return {at_s: nodes for at_s, nodes in values.items() if nodes is not None and 0 <= nodes <= NODES_MOST}
