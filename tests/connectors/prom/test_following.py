"""Signals as they are followed: one value each, unknown where there is none, and nobody waits for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from connectors.prom.client import Prometheus
from connectors.prom.following import FollowedSignals
from connectors.prom.read import Answer
from connectors.prom.signals import single
from models.signals import Signal, SignalPolicy
from tests.connectors.prom.fake_prometheus import Fake, prometheus
from tests.patience import until

NOW_S = 1_796_063_893
HELD = SignalPolicy(name="held", query="sum(held)", unit="jobs")
USERS = SignalPolicy(name="users", query="count(users)", unit="users", max_age="30m")


class World:
    """A Prometheus, and two signals of it, with a clock that the test sets."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.now_s = NOW_S
        fake.series = {"sum(held)": lambda _: 3.0, "count(users)": lambda _: 0.0}
        self.followed = FollowedSignals(
            Prometheus(fake.settings, timeout_s=0.2), [HELD, USERS, HELD], clock=lambda: self.now_s, every_s=1000.0
        )

    def known(self) -> tuple[Signal, ...]:
        return self.followed.at([HELD, USERS], self.now_s)


@pytest.fixture
def world() -> Iterator[World]:
    with prometheus() as fake:
        one = World(fake)
        yield one
        one.followed.close()


def test_each_query_is_asked_once_for_the_time_that_our_clock_tells(world: World):
    world.followed.read()
    assert world.known() == (Signal("held", 3.0, "jobs"), Signal("users", 0.0, "users"))
    asked = [(params["query"], params["time"], params["lookback_delta"]) for _, params, _ in world.fake.asked]
    assert asked == [("sum(held)", str(NOW_S), "150s"), ("count(users)", str(NOW_S), "900s")]


def test_before_the_first_round_nothing_is_known(world: World):
    assert world.known() == ()


@pytest.mark.parametrize(
    ("after_s", "names"), [(0, ["held", "users"]), (150, ["held", "users"]), (151, ["users"]), (901, [])]
)
def test_a_value_that_is_too_old_is_unknown(world: World, after_s: int, names: list[str]):
    world.followed.read()
    world.now_s += after_s
    world.fake.status = 503
    world.fake.series.clear()
    world.followed.read()
    assert [one.name for one in world.known()] == names


def test_a_value_that_comes_back_counts_again(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "tidegate")
    held = world.fake.series.pop("sum(held)")
    for _ in range(2):
        world.followed.read()
    assert world.known() == (Signal("users", 0.0, "users"),)
    world.fake.series["sum(held)"] = held
    world.followed.read()
    assert len(world.known()) == 2
    assert [record.message for record in caplog.records] == [
        "signal held: no series: what it is of is not there, or not recent",
        "signal held: no trouble any more",
    ]


def test_a_query_that_is_wrong_leaves_the_others_alone(world: World):
    del world.fake.series["sum(held)"]
    world.fake.status, world.fake.body = 400, b'{"status":"error","errorType":"bad_data","error":"parse error"}'
    world.followed.read()
    assert [one.name for one in world.known()] == ["users"]


def test_after_one_question_that_nobody_answers_no_other_is_asked(world: World):
    world.fake.hangs = True
    world.followed.read()
    assert world.known() == ()
    assert len(world.fake.asked) == 1


def test_it_is_read_in_a_thread_that_ends(world: World):
    world.followed.start(wait_s=60.0)
    assert len(world.known()) == 2
    world.followed.close()
    assert not world.followed._thread.is_alive()


def test_nobody_waits_for_a_prometheus_that_hangs(world: World):
    world.fake.hangs = True
    world.followed.start(wait_s=0.01)
    assert world.known() == ()
    until(lambda: bool(world.fake.asked))


@pytest.mark.parametrize(
    ("answer", "value", "why"),
    [
        pytest.param(Answer({(): {1.0: 2.0}}), 2.0, "", id="one series"),
        pytest.param(Answer({(): {1.0: 0.0}}), 0.0, "", id="zero is a value"),
        pytest.param(Answer(), None, "no series", id="none"),
        pytest.param(Answer({(): {1.0: None}}), None, "NaN or infinite", id="not a number"),
        pytest.param(
            Answer({(("__name__", "up"), ("job", "a\x1b")): {1.0: 1.0}, (): {1.0: 1.0}}),
            None,
            '2 series, up{job="a?"} among them: aggregate',
            id="several",
        ),
    ],
)
def test_what_an_answer_comes_to(answer: Answer, value: float | None, why: str):
    reading = single(answer, 1)
    assert reading.value == value
    assert why in reading.why
    assert bool(reading.why) is (value is None)
