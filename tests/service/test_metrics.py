"""What a process shows to Prometheus and what is declared are the same: families, kinds, labels, values of labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from models.events import Topic
from models.metrics import Kind
from service.exposition import exposition, joined
from service.metric_catalogue import CATALOGUE, families, of_parts, roles_of
from service.parts.bus import BusPart
from service.parts.control import ControlPart
from service.parts.slurm import SlurmPart
from service.process import Process
from service.roles import NEEDS, Role
from service.running import read_once, run_once
from tests.connectors.slurm.fake import Fake
from tests.service.kube_site import KubeSite

Opening = Callable[..., Process]

BOUND = {
    "pool": r"a|b",
    "horizon": r"15m|30m|1h|2h",
    "level": r"0\.05|0\.25|0\.5|0\.75|0\.95",
    "role": "|".join(Role),
}
"""What labels can be here whose values the policy gives."""
POOLS = ", pools: [{name: a, nodes: n01}, {name: b, nodes: 'n[02-03]'}]"
PAGE = ", page: {listen: '127.0.0.1:0'}"
SELDOM = {  # what there is no sample of in a run of a minute on fakes
    *("tidegate_forecast_trusted", "tidegate_forecast_model_share"),  # a model takes a day
    *("tidegate_forecast_error_nodes", "tidegate_forecast_coverage", "tidegate_forecast_skill"),
    *("tidegate_loans_earliest_timestamp_seconds", "tidegate_token_expiry_timestamp_seconds"),
    *("tidegate_unmet_price", "tidegate_unmet_at_most", "tidegate_unmet_share"),
}


def shown(process: Process) -> dict[str, Metric]:
    """As Prometheus reads it."""
    metrics = list(text_string_to_metric_families(exposition(process.parts).decode()))
    names = [metric.name for metric in metrics]
    assert sorted(names) == sorted(set(names)), "each once"
    return {metric.name: metric for metric in metrics}


def undeclared(metrics: Iterable[Metric]) -> Iterable[str]:
    """What is shown and not as it is declared."""
    for metric in metrics:
        family = families()[metric.name]
        if (metric.type, metric.documentation) != (family.kind, family.help):
            yield metric.name
        labels = {label.name: label for label in family.labels}
        for sample in metric.samples:
            of_sample = {name: value for name, value in sample.labels.items() if name != "le"}
            known = of_sample.keys() == labels.keys() and all(
                value in labels[name].values or (not labels[name].values and re.fullmatch(BOUND[name], value))
                for name, value in of_sample.items()
            )
            if not known:
                yield f"{sample.name}{of_sample}"


@pytest.mark.parametrize("role", Role)
def test_a_role_shows_what_its_parts_declare_and_nothing_else(opening: Opening, role: Role):
    process = opening(role, spec=f", mode: auto{POOLS}", site=PAGE if role is Role.PAGE else "")
    metrics = shown(process)
    assert metrics.keys() == of_parts(tuple(part.name for part in process.parts)).keys()
    assert list(undeclared(metrics.values())) == []
    assert {name for name, family in families().items() if role in roles_of(family)} == metrics.keys()


@pytest.mark.parametrize("mode", ["auto", "recommend"])
def test_what_is_declared_is_shown_with_labels_that_are_declared(opening: Opening, kube: KubeSite, mode: str):
    kube.wait_for(1, "n02")
    process = opening(spec=f", mode: {mode}{POOLS}")
    run_once(process)
    process.part(BusPart).look_at_lag()
    metrics = shown(process)
    assert list(undeclared(metrics.values())) == []
    without = {name for name, metric in metrics.items() if not metric.samples}
    only_auto = {name for name, family in families().items() if "mode is auto" in family.lacks}
    assert without == SELDOM | (set() if mode == "auto" else only_auto | {"tidegate_handovers"})


def test_what_is_shown_is_what_was_decided(opening: Opening, kube: KubeSite):
    process = opening(spec=", mode: auto, pools: [{name: a}]")
    (decided,) = run_once(process)
    assert decided.plan.moves
    metrics = shown(process)

    def value(name: str, **labels: str) -> float:
        found = [one.value for one in metrics[name].samples if labels.items() <= one.labels.items()]
        return sum(found)

    assert value("tidegate_nodes", pool="a") == len(decided.snapshot.nodes)
    assert value("tidegate_nodes", owner="in-handover") == len(decided.plan.moves)
    assert value("tidegate_plan_moves", direction="hpc->kubernetes") == len(decided.plan.moves)
    assert value("tidegate_plan_rejected_nodes") + value("tidegate_plan_moves") == len(decided.snapshot.nodes)
    assert value("tidegate_plan_kubernetes_nodes", which="target") == decided.plan.target
    assert value("tidegate_plan_made_timestamp_seconds") == decided.plan.at_s
    assert value("tidegate_handovers_begun", direction="hpc->kubernetes") == len(decided.plan.moves)
    for side, view in decided.snapshot.sides.items():
        assert value("tidegate_demand_nodes", side=side) == pytest.approx(view.demand.nodes)
        (middle,) = (one for one in view.forecast.values[:1])
        assert value("tidegate_forecast_nodes", side=side, horizon="15m", level="0.5") == pytest.approx(middle[2])


def test_a_side_that_cannot_be_read_is_shown_so_with_when_it_was(opening: Opening, server: Fake):
    process = opening()
    read_once(process)
    read = {one.labels["side"]: one.value for one in shown(process)["tidegate_source_read_timestamp_seconds"].samples}
    assert read.keys() == {"hpc", "kubernetes"}
    server.instead["GET nodes/"] = lambda request: request.say(500, {})
    process.part(SlurmPart).paced._due_s = 0.0
    read_once(process)
    metrics = shown(process)
    unread = {one.labels["side"]: one.value for one in metrics["tidegate_source_unread"].samples}
    assert unread == {"hpc": 1.0, "kubernetes": 0.0}
    assert metrics["tidegate_source_read_timestamp_seconds"].samples[0].value == read["hpc"]


def test_who_has_not_read_the_bus_is_behind(opening: Opening):
    connect, control = opening(Role.CONNECT), opening(Role.CONTROL)
    read_once(connect)
    bus = control.part(BusPart)
    bus.look_at_lag()
    assert _lags(control)["events-for-control"] > 0
    control.part(ControlPart).listen()
    bus.look_at_lag()
    assert _lags(control) == {"events-for-control": 0.0, "forecasts-for-control": 0.0}
    assert connect.part(BusPart).bus.latest_state(Topic.NODES)


def _lags(process: Process) -> dict[str, float]:
    return {one.labels["reader"]: one.value for one in shown(process)["tidegate_bus_lag_messages"].samples}


def test_families_of_one_name_become_one():
    pools = [next(iter(CATALOGUE["kubernetes"]))] * 2
    collectors = [_Once(family.of([(("a", side), 1.0)])) for family, side in zip(pools, "xy", strict=True)]
    (metric,) = joined(collectors)  # type: ignore[arg-type]
    assert [one.labels["side"] for one in metric.samples] == ["x", "y"]


class _Once:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> list[Metric]:
        return [self._metric]


def test_names_units_and_kinds_agree():
    """As Prometheus has it: a counter ends with _total, a time with _timestamp_seconds, names are of one product."""
    for part, own in CATALOGUE.items():
        assert part in NEEDS
        for family in own:
            assert re.fullmatch(r"tidegate_[a-z0-9]+(_[a-z0-9]+)*", family.name)
            assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
            assert family.help.endswith(".")
            assert (family.kind is Kind.COUNTER) is family.shown_as.endswith("_total")
            assert family.unit != "seconds since 1970" or family.name.endswith("_timestamp_seconds")
            assert all(bool(label.values) is not bool(label.bound) for label in family.labels)
