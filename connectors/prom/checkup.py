"""The checkup of Prometheus: whether it answers, and what each signal's query gives, how old and in what unit."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

from basics.text import count, some
from connectors.checkup.format import span_text
from connectors.checkup.guard import Findings
from connectors.prom.client import Prometheus
from connectors.prom.past import read_past
from connectors.prom.past_queries import past_queries
from connectors.prom.settings import PrometheusSettings
from connectors.prom.signals import single
from connectors.prom.units import unlikely_unit
from models.errors import Unreachable
from models.findings import Finding, warning, well, wrong
from models.nodes import Side
from models.past import PastPolicy
from models.pools import PoolPolicy
from models.signals import SignalPolicy

DAY_S = 86_400

CHECK, SIGNALS, PAST = "prometheus", "prometheus.signals", "prometheus.past"
SKEW_MOST_S = 10  # of its clock and ours: what is of a later time than ours would be taken for new for so long


def prometheus_findings(
    settings: PrometheusSettings | None, pools: Collection[PoolPolicy], clock: Callable[[], float]
) -> Findings:
    """What is found of a site's Prometheus, of each signal and each pool's past; nothing where there is none of it."""
    wanted = [pool.name for pool in pools if pool.signals or pool.past is not None]
    if settings is None:
        if wanted:
            yield wrong(
                CHECK,
                f"the policy has signals or a past for pool {some(wanted)}, and the site file names no Prometheus",
                "Give its url as spec.prometheus.url, or take them out of the policy.",
            )
        return
    if settings.in_the_clear():
        yield warning(CHECK, f"the token goes to {settings.url} unencrypted", "Let Prometheus be asked over https.")
    for path in settings.exposed():
        command = f"chmod o-rwx {shlex.quote(str(path))}"
        yield warning(CHECK, f"everybody on this machine can read the token in {path}", "", command)
    with closing(Prometheus(settings)) as prometheus:
        try:
            yield _reached(prometheus, clock)
        except Unreachable as error:
            yield wrong(CHECK, str(error), "Mend spec.prometheus in the site file, or Prometheus.")
            return
        for pool in pools:
            for signal in pool.signals:
                yield from _signal(prometheus, pool.name, signal)
            if pool.past is not None:
                yield from _past(prometheus, pool.name, pool.past, round(clock()))


def _reached(prometheus: Prometheus, clock: Callable[[], float]) -> Finding:
    before_s = clock()
    reading = single(prometheus.at("vector(time())"), round(before_s))
    after_s = clock()
    if reading.value is None:
        return wrong(CHECK, f"{prometheus.url} does not tell its time: {reading.why}", "Look at what answers there.")
    off_s = max(reading.value - after_s, before_s - reading.value)
    if off_s > SKEW_MOST_S:
        what = f"{prometheus.url} answers, and its clock is {span_text(off_s)} off ours"
        return warning(CHECK, what, "Let both machines keep their time by NTP: a value's age would be wrong by that.")
    return well(CHECK, f"{prometheus.url} answers")


def _signal(prometheus: Prometheus, pool: str, signal: SignalPolicy) -> Iterator[Finding]:
    told = f"signal {signal.name} of pool {pool}"
    try:
        answer = prometheus.at(signal.query)
        reading = single(answer, 0)
        if reading.value is None:
            yield wrong(SIGNALS, f"{told}: {reading.why}", "Try the query in Prometheus, and mend it in the policy.")
            return
        age_s = _age_s(prometheus, signal)
    except Unreachable as error:
        yield wrong(SIGNALS, f"{told}: {error}", "Try the query in Prometheus, and mend it in the policy.")
        return
    for text in answer.warnings:
        yield warning(SIGNALS, f"{told}: Prometheus says: {text}", "Mend the query in the policy.")
    if (why := unlikely_unit(signal.query, signal.unit)) is not None:
        yield warning(SIGNALS, f"{told}: {why}", "Mend the query or the unit in the policy.")
    value = f"{told} is {reading.value:g} {signal.unit}"
    if age_s > signal.max_age / 2:
        yield warning(
            SIGNALS,
            f"{value}, {span_text(age_s)} old: with maxAge {span_text(signal.max_age)} it will often be unknown",
            "Let maxAge be at least four times as long as between two scrapes.",
        )
    else:
        yield well(SIGNALS, f"{value}, {span_text(age_s)} old" if age_s >= 1 else value)


def _past(prometheus: Prometheus, pool: str, past: PastPolicy, now_s: int) -> Iterator[Finding]:
    """Whether the past of each side can be read: what it is now, and how many of its days there is something of."""
    days = range(now_s - past.span // DAY_S * DAY_S, now_s + 1, DAY_S)
    for side in Side:
        queries = past_queries(past, side)
        if queries is None:
            continue
        told = f"the past of side {side} of pool {pool}"
        try:
            known = read_past(prometheus, side, queries, days)
        except Unreachable as error:
            yield wrong(PAST, f"{told}: {error}", "Try the query in Prometheus, and mend it in the policy.")
            continue
        if now_s not in known:
            yield warning(PAST, f"{told} is unknown now", "See whether what it is from is scraped.")
            continue
        one = known[now_s]
        nodes = f"{one.running:g} nodes in use and {one.waiting:g} waited for now"
        yield well(PAST, f"{told}: {nodes}, known at this hour of {len(known)} of {count(len(days), 'day')}")


def _age_s(prometheus: Prometheus, signal: SignalPolicy) -> float:
    """How old the sample of the query's value is; 0 where only the query's own time can be seen, as of a sum."""
    ages = prometheus.at(f"time() - timestamp({signal.query}\n)").series.values()
    return max((age_s for points in ages for age_s in points.values() if age_s is not None), default=0.0)
