"""A slurmctld that is away holds up what shares our thread once, not once for every node that is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.sources.circuit_breaker import RESTS
from models.acts import Outcome
from models.errors import Unreachable
from tests.connectors.slurm import fake
from tests.connectors.slurm.fake import NAMES, Fake, Request, rest

MARK = "tidegate:1.p1"
FAILS_S = 9.0
GONE = fake.fault(1800, 502)


class World:
    """A port on a slurmrestd whose slurmctld can go, and a clock that the test sets."""

    def __init__(self, server: Fake, folder: Path) -> None:
        self.server = server
        self.now_s = 0.0
        self.fails_s = FAILS_S
        self.port = SlurmScheduler(RestTransport(rest(server, folder)), monotonic=lambda: self.now_s)

    def goes(self) -> None:
        paths = ("diag", "nodes/", "jobs/", "partitions/", "reservations/", *(f"node/{name}" for name in NAMES))
        self.server.instead = {f"GET {path}": self.fail for path in paths}

    def returns(self) -> None:
        self.server.instead.clear()

    def looks(self) -> int:
        """Look at every node, in vain; how often slurmrestd was asked for that."""
        before = len(self.server.asked)
        for name in NAMES:
            with pytest.raises(Unreachable, match="1800"):
                self.port.look(name)
        return len(self.server.asked) - before

    def fail(self, request: Request) -> None:
        self.now_s += self.fails_s
        GONE(request)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fake.serving() as server:
        world = World(server, tmp_path)
        world.port.read()
        world.goes()
        yield world


def test_while_slurmctld_is_away_a_look_at_one_node_tells_of_all(world: World):
    assert world.looks() == 1
    assert world.now_s == FAILS_S
    assert world.looks() == 0
    world.now_s += RESTS * FAILS_S
    assert world.looks() == 1


def test_what_a_poll_found_out_need_not_be_found_out_again(world: World):
    with pytest.raises(Unreachable):
        world.port.read()
    assert world.looks() == 0


def test_a_slurmctld_that_is_back_is_seen_by_the_next_poll_or_by_a_look_soon_after(world: World):
    world.looks()
    world.returns()
    world.port.read()
    assert all(world.port.look(name) for name in NAMES)
    world.goes()
    world.looks()
    world.returns()
    world.now_s += RESTS * FAILS_S
    assert all(world.port.look(name) for name in NAMES)


def test_a_poll_and_an_act_are_never_held_back(world: World):
    world.looks()
    world.returns()
    assert world.port.drain(["n01"], mark=MARK)["n01"] is Outcome.DONE
    assert world.port.look("n02"), "it is seen to be back"
    world.goes()
    world.looks()
    before = len(world.server.asked)
    with pytest.raises(Unreachable):
        world.port.read()
    assert len(world.server.asked) == before + 1


def test_that_the_jobs_are_too_many_says_nothing_of_a_look(world: World):
    """At nodes that were seen drained and empty, that is: any other can have a job that its flags do not tell of."""
    world.returns()
    for name in NAMES:
        world.server.drain(name, MARK)
    world.port.read()
    world.server.instead["GET jobs/"] = world.fail
    with pytest.raises(Unreachable):
        world.port.read()
    assert all(world.port.look(name) for name in NAMES)


def test_what_fails_at_once_is_asked_again_at_once(world: World):
    """A token that has expired, say: with a new one the next look is answered."""
    world.fails_s = 1.0
    assert world.looks() == len(NAMES)
    world.returns()
    assert world.port.look(NAMES[0]) is not None
