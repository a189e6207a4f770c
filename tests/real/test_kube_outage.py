"""An API server that is silent, has forgotten, or is away: it is noticed, nothing is done meanwhile, all goes on."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.kube.watching.silence import Silence
from models.audit import Asked
from models.errors import Unreachable
from models.handovers import Stage
from tests.real.kube import nodes
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.handing_over import HandingOver, handing_over
from tests.real.kube.http_proxy import HttpProxy

WATCHES = "watch=true"
LISTS = r"sendInitialEvents=true|limit="
BRIEF = Silence((4, 6), slack_s=2.0, unknown_s=12.0)
OLD_SOON = {"stale_after": 8}
SLACK_S = 3.0
BACK_S = 20.0  # by when the next turn is taken once the server serves again: it is asked each 10 s at least
FOLLOWED_S = 5.0  # by when a change has been told


def is_told(pool: HandingOver, node: str) -> bool:
    """Whether it is known that a person cordoned the node."""
    try:
        return pool.port.read().nodes[node].cordoned
    except Unreachable:
        return False


def notices_silence(kube: ControlPlane, silence: Silence) -> None:
    """C4: a black hole in front of every watch; what was told before does not stand for ever."""
    wanted: dict[str, Any] = {"lent": 1, "silence": silence, "safety": OLD_SOON}
    with kube.proxy() as proxy, handing_over(kube, ["n01", "n02"], server=proxy.url, **wanted) as pool:
        proxy.rule("GET", WATCHES, silent=True)
        began_s = time.monotonic()
        nodes.cordon(kube.admin, "n02")
        pool.wait(lambda: pool.source.unread, "it is noticed", silence.unknown_s + SLACK_S)
        assert time.monotonic() - began_s <= silence.unknown_s + SLACK_S
        pool.want(2)
        assert [hold.switch.value for hold in pool.controller.holds] == ["stale"]
        assert asked(pool) == []
        proxy.heal()
        pool.wait(lambda: is_told(pool, "n02"), "what changed meanwhile is told", silence.watch_lasts_s[1] + 20.0)
        assert pool.observer.open_to_both() == []


def asked(pool: HandingOver) -> list[Asked]:
    return [entry for entry in pool.audit.entries if isinstance(entry, Asked)]


def test_a_silent_watch_is_noticed_and_what_it_kept_back_is_told(kube: ControlPlane):
    notices_silence(kube, BRIEF)


@pytest.mark.long("the silence of 150 s")
def test_a_silent_watch_is_noticed_within_150_s(kube: ControlPlane):
    notices_silence(kube, Silence())


@pytest.mark.parametrize(
    "told",
    [
        b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n',
        b'{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}\n',
        b'{"type":"ADDED","object":{"kind":"Node","metada',
        b'{"type":"SURPRISE","object":{"kind":"Node","metadata":{"name":"n01","resourceVersion":"1"}}}\n',
    ],
    ids=["expired", "internal-error", "half-a-line", "unknown-event"],
)
def test_an_error_in_a_watch_has_all_listed_anew(kube: ControlPlane, told: bytes):
    """C4: and no node is lost, or made of what cannot be read."""
    with kube.proxy() as proxy, handing_over(kube, ["n01", "n02"], lent=1, server=proxy.url, silence=BRIEF) as pool:
        before = pool.port.read().nodes.keys()
        odd = proxy.rule("GET", f"/nodes.*{WATCHES}", answer=200, body=told, most=1)
        nodes.cordon(kube.admin, "n02")
        kube.wait(lambda: odd.seen, "the next watch is told that", BRIEF.watch_lasts_s[1] + SLACK_S)
        pool.wait(lambda: is_told(pool, "n02"), "the change is told", FOLLOWED_S)
        assert pool.port.read().nodes.keys() == before
        assert pool.error is None


def test_a_server_that_has_forgotten_is_listed_anew(own_kube: Callable[..., ControlPlane]):
    """C4: etcd is compacted while nothing is heard, and the API server has a new memory: 410."""
    kube = own_kube(nodes=2)
    with kube.proxy() as proxy, handing_over(kube, ["n01", "n02"], lent=1, server=proxy.url) as pool:
        lists = proxy.count("GET", f"/nodes.*({LISTS})")
        silent = proxy.rule("GET", WATCHES, silent=True)
        nodes.cordon(kube.admin, "n02")
        for number in range(20):
            nodes.annotate(kube.admin, "n01", number=str(number))
        kube.compact()
        kube.apiserver.kill()
        proxy.lift(silent, lost=True)
        kube.start_apiserver()
        pool.wait(lambda: is_told(pool, "n02"), "what happened meanwhile is told", 30.0)
        assert 1 <= proxy.count("GET", f"/nodes.*({LISTS})") - lists <= 3
        pool.observer.wait_for(1)
        assert pool.observer.open_to_both() == []


# ---- away ----


def goes_on_after_an_outage(kube: ControlPlane, away_s: float) -> None:
    """C3: nothing is done meanwhile, then each kind is listed once, and the turn that could not be is not lost."""
    called = ["n01", "n02", "n03", "n04"]
    wanted: dict[str, Any] = {"lent": 4, "jobs": 4, "moves": {"drain_deadline": 3600}, "safety": {"stale_after": 45}}
    with kube.proxy() as proxy, handing_over(kube, called, server=proxy.url, **wanted) as pool:
        pool.want(2)
        pool.wait(lambda: Stage.EMPTY in stages(pool), "two are on their way")
        kube.apiserver.kill()
        with pool.standing_still():
            before, began_s = len(asked(pool)), time.monotonic()
            acts = len(pool.kubernetes.acts)
        pool.wait(lambda: time.monotonic() - began_s >= away_s, "it is away", away_s + 30.0)
        pool.want(0)
        assert [hold.switch.value for hold in pool.controller.holds] == ["stale"]
        assert (len(pool.kubernetes.acts) - acts, len(asked(pool)) - before) == (0, 0), "nothing is done meanwhile"
        heard = len(proxy.heard)
        kube.start_apiserver()
        back_s = time.monotonic()
        pool.wait(lambda: (plan := pool.want(0)) is not None and not plan.holds, "the turn that could not be is taken")
        assert time.monotonic() - back_s <= BACK_S
        pool.wait(lambda: pool.want(0) and stages(pool) == {Stage.DONE}, "all go on; nodes may be unready for a while")
        pool.observer.wait_for(2)
        assert lists_of(proxy, heard) == dict.fromkeys(lists_of(proxy, 0), 1)
        assert pool.observer.open_to_both() == []
        assert pool.observer.met() == []


def stages(pool: HandingOver) -> set[Stage | None]:
    return {pool.stage(name) for name in pool.names}


def lists_of(proxy: HttpProxy, since: int) -> Counter[str]:
    """How often each kind was listed, from the request of this number on."""
    listed = [one for one in proxy.heard[since:] if one.status == 200 and re.search(LISTS, one.path)]
    return Counter(urlsplit(one.path).path for one in listed)


def test_an_api_server_that_is_away_for_a_minute_costs_one_list_of_each_kind(own_kube: Callable[..., ControlPlane]):
    goes_on_after_an_outage(own_kube(nodes=4), 60.0)


@pytest.mark.long("ten minutes away")
def test_an_api_server_that_is_away_for_ten_minutes_costs_no_more(own_kube: Callable[..., ControlPlane]):
    goes_on_after_an_outage(own_kube(nodes=4), 600.0)
