"""The whole data path: twin, feed, bus, forecasting, bus, controller; the same figures as without it, whoever lies."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli import main as command
from cli.replaying import bus_path
from cli.replaying.bus_path import BusPath, PathThrough, replay_bus, usable_bus
from connectors.bus.open_bus import open_bus
from forecasting.forecast_publisher import ForecastPublisher
from models.audit import Entry, Unaudited
from models.demand import Demand
from models.errors import BusUnavailable
from models.events import Event, Topic
from models.forecasts import Forecast, Source, flat
from models.nodes import HpcNode, KubernetesNode, Side
from models.observations import Observation
from models.ports import Forecaster, HpcScheduler, Kubernetes
from models.work import WorkRecord, WorkState
from simulator.compare import compare, replay
from simulator.forecasters import forecaster_for
from simulator.replay import Replay
from simulator.world import World
from tests.list_bus import ListBus
from tests.patience import LONG_S, until
from tests.simulator.small_worlds import DAY_S, small_world
from tests.simulator.test_twin_invariants import Observer
from tests.values import replace

ROOT = Path(__file__).parents[2]
POLICIES = ("reactive", "persistence", "predictive", "perfect")
NEVER_LATER = 2**62 - 1


def in_memory() -> BusPath:
    return BusPath(open_bus("memory"), "pool")


class Between:
    """A path with something done before or after each telling, as the port ``Forecaster``."""

    def __init__(
        self,
        path: BusPath,
        before: Callable[[BusPath, int], None] | None = None,
        after: Callable[[BusPath, int], None] | None = None,
    ) -> None:
        self.path = path
        self._before = before or (lambda *_: None)
        self._after = after or (lambda *_: None)

    def forecaster(self, forecaster: Forecaster, hpc: HpcScheduler, kubernetes: Kubernetes) -> Forecaster:
        self._inner = self.path.forecaster(forecaster, hpc, kubernetes)
        return self

    def audit(self, audit):
        return self.path.audit(audit)

    def observe(self, observation: Observation) -> None:
        self._before(self.path, observation.at_s)
        self._inner.observe(observation)
        self._after(self.path, observation.at_s)

    def forecast(self, now_s: int) -> Mapping[Side, Forecast]:
        return self._inner.forecast(now_s)


def through(world: World, name: str, path: object) -> dict:
    @contextmanager
    def opened(_: str) -> Iterator[object]:
        yield path

    return dict(replay(world, name, open_path=opened).figures)


# ---- the same figures ----


@pytest.mark.parametrize(
    ("name", "bus"),
    [
        *((name, "memory") for name in POLICIES),
        ("persistence", "sqlite"),
        *(pytest.param(name, "sqlite", marks=pytest.mark.full) for name in POLICIES if name != "persistence"),
    ],
)
def test_the_figures_are_the_same_through_the_bus(name: str, bus: str, tmp_path: Path):
    world = small_world(4, nodes=12, days=2)
    path = BusPath(open_bus("memory" if bus == "memory" else f"sqlite:{tmp_path / 'events.db'}"), "pool")
    assert through(world, name, path) == replay(world, name).figures
    path.close()
    assert path.bus.counts.dead_letters == path.bus.counts.dropped == path.bus.counts.gaps == 0


def test_the_command_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Figures and audit, each policy in a process and with topics of its own."""
    inputs = written(tmp_path, 119)
    found = []
    for bus in ([], ["--bus", f"sqlite:{tmp_path / 'events.db'}"]):
        out = tmp_path / "out.json"
        arguments = ["--compare", "static,reactive,persistence", "--audit", tmp_path / "audit", "--quiet"]
        assert ran(monkeypatch, "replay", *inputs, "--json", out, *arguments, *bus) == 0
        found.append((out.read_bytes(), (tmp_path / "audit").read_bytes()))
        (tmp_path / "audit").unlink()
    assert found[0] == found[1]
    assert b'"moves": 0' not in found[0][0].rpartition(b'"reactive"')[2]


def written(folder: Path, jobs: int) -> list[str]:
    """A trace of so many jobs, one each 700 s, and rates until the last; the options that name them."""
    lines = [
        f"{n} {700 * n} -1 {300 + 977 * n % 9000} {1 + n % 7} -1 -1 {1 + n % 7} 9600 -1 1 {n % 5} 1 1 1 -1 -1 -1"
        for n in range(1, jobs + 1)
    ]
    (folder / "jobs.swf").write_text("\n".join(lines) + "\n")
    rates = [f"{600 * n},{10 * (n * n % 9)}" for n in range(jobs * 7 // 6 + 2)]
    (folder / "rates.csv").write_text("seconds,requests_per_second\n" + "\n".join(rates) + "\n")
    return ["--hpc", str(folder / "jobs.swf"), "--requests", str(folder / "rates.csv"), "--nodes", "12"]


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["tidegate", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code is None or isinstance(end.value.code, int)
    return end.value.code or 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("replay", "--hpc", "x", "--bus", "carrier pigeon"), 1, "kafka:broker1:9092"),
        (("demo", "--bus", "kafka:broker"), 1, "kafka:broker1:9092"),
        (("replay", "--hpc", "x", "--compare", "static", "--bus", "memory"), 2, "--bus needs a policy that moves"),
        (("replay", "--hpc", "x", "--hpc-only", "--bus", "memory"), 2, "--bus needs a policy that moves"),
        (("replay", "--hpc", "x", "--bus-settings", "x"), 2, "--bus-settings needs a bus that can be reached"),
        (("demo", "--bus-settings", "x"), 2, "--bus-settings needs a bus that can be reached"),
        (("demo", "--bus-settings", "x", "--bus", "memory"), 2, "--bus-settings needs a bus that can be reached"),
        (("replay", "--hpc", "x", "--bus", "sqlite:a/b", "--bus-settings", "x"), 1, "x: cannot be read: no such file"),
        (("replay", "--hpc", "x", "--bus", "sqlite:/dev/null/b"), 1, "/dev/null/b cannot be opened for writing"),
        (("demo", "--bus", "sqlite:/dev/null/b"), 1, "/dev/null/b cannot be opened for writing"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(monkeypatch, capsys, arguments: tuple[str, ...], code: int, said: str):
    for reads in ("cli.replay.replay_task", "cli.demo.lublin_jobs"):
        monkeypatch.setattr(reads, lambda *_, **__: pytest.fail("what was asked for makes no sense"))
    assert ran(monkeypatch, *arguments) == code
    assert said in " ".join(capsys.readouterr().err.split())


# ---- what is on the bus ----


def test_the_nodes_on_the_bus_are_what_the_twin_shows():
    path = in_memory()
    world = small_world(2, nodes=12, days=0.5)
    run = Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine), None, path)
    run.run()
    run.forecaster.observe(Observation(run.machine.now_s, {}))  # what changed after the last turn
    shown = {f"twin/pool/{Side.HPC}/{name}": node for name, node in run.hpc.read().nodes.items()}
    shown |= {f"twin/pool/{Side.KUBERNETES}/{name}": node for name, node in run.kubernetes.read().nodes.items()}
    assert {key: event.payload for key, event in path.bus.latest_state(Topic.NODES).items()} == shown
    assert any(node.record for node in run.kubernetes.read().nodes.values())


def test_work_plans_and_handovers_are_on_the_bus():
    path, world = in_memory(), small_world(2, nodes=12, days=0.5)
    run = Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine), None, path)
    figures = run.run().figures
    run.forecaster.observe(Observation(run.machine.now_s, {}, run.machine.take_records()))
    work = [event.payload for event in path.bus.latest_state(Topic.WORK).values()]
    states = [record.state for record in work if record.side is Side.HPC]
    assert states.count(WorkState.RUNNING) == figures["hpc_jobs_running"]
    assert states.count(WorkState.ELIGIBLE) == figures["hpc_jobs_queued"]
    assert 0 < states.count(WorkState.ENDED) < figures["hpc_jobs_finished"]  # only those of the last hour
    subscription = path.bus.subscribe([Topic.PLANS, Topic.HANDOVERS], "test")
    told = [event for _ in range(20) for event in subscription.poll(0.0).events]
    assert sum(event.topic is Topic.PLANS for event in told) == DAY_S // 2 // run.every_s
    done = {event.payload.id for event in told if event.topic is Topic.HANDOVERS and event.payload.stage == "done"}
    assert len(done) == figures["moves"] > 0


# ---- what goes wrong ----


def restarted(world: World, name: str, at_s: int) -> dict:
    """The forecaster's process ends, and another one begins with nothing but the bus."""

    def restart(path: BusPath, now_s: int) -> None:
        if now_s == at_s:
            fresh = forecaster_for(name, world, world.machine())
            path.following = ForecastPublisher(path.bus, fresh, path.pool, group="another")

    return through(world, name, Between(in_memory(), before=restart))


@pytest.mark.parametrize("name", ["reactive", "persistence"])
def test_a_forecaster_that_is_restarted_in_between_changes_nothing(name: str):
    world = small_world(4, nodes=12, days=1.5)
    assert restarted(world, name, DAY_S) == replay(world, name).figures


def test_a_fitted_forecaster_that_is_restarted_goes_on_with_what_the_bus_remembers():
    """It is not the same: what the queue was before is not known again, and the model does without."""
    world = small_world(4, nodes=12, days=1.5)
    figures = restarted(world, "predictive", DAY_S + 7200)
    assert figures["killed"] == 0
    assert figures["moves"] > 0


def test_events_that_the_bus_loses_are_told_anew():
    world, bus = small_world(4, nodes=12, days=1), ListBus()

    def lose(path: BusPath, now_s: int) -> None:
        if now_s == DAY_S // 2:
            bus.log = [event for event in bus.log if not event.topic.state]
            for subscription in bus.subscriptions:
                subscription.read_again()
            bus.lost |= {Topic.WORK, Topic.NODES, Topic.HANDOVERS}

    path = Between(BusPath(bus, "pool"), before=lose)
    run = Replay(world, "persistence", lambda machine: forecaster_for("persistence", world, machine), None, path)
    assert run.run().figures == replay(world, "persistence").figures
    assert len(bus.latest_state(Topic.NODES)) == 2 * world.nodes
    assert bus.latest_state(Topic.HANDOVERS)


def test_a_bus_that_goes_away_ends_the_replay_and_says_so():
    world, bus = small_world(4, nodes=12, days=0.2), ListBus()

    def leave(path: BusPath, now_s: int) -> None:
        bus.away = now_s >= 7200

    with pytest.raises(BusUnavailable, match="do not come"):
        through(world, "reactive", Between(BusPath(bus, "pool"), after=leave))
    bus.away = False
    bus.undelivered = 1
    with pytest.raises(BusUnavailable, match="1 events did not get to the bus"):
        through(world, "reactive", BusPath(bus, "pool"))


def test_a_forecast_that_does_not_come_is_not_made_up():
    path = BusPath(ListBus(), "pool")
    world = small_world(4, nodes=12, days=0.2)
    path.following = None
    run = Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine), None, path)
    path.following = None
    with pytest.raises(BusUnavailable, match="no forecasts of 0 s"):
        run.run()


def test_what_was_not_told_is_told_of_at_the_end():
    class Full(Unaudited):
        def append(self, entry: Entry) -> None:
            bus.wanting = 1

    bus = ListBus()
    path = Between(BusPath(bus, "pool"), before=lambda *_: setattr(bus, "wanting", 0))
    world = small_world(4, nodes=12, days=0.05)
    Replay(world, "reactive", lambda machine: forecaster_for("reactive", world, machine), Full(), path).run()
    with pytest.raises(BusUnavailable, match="did not get to the bus"):
        path.path.close()


def test_an_opener_leaves_nothing_behind(tmp_path: Path):
    assert usable_bus(None, None, quiet=True) is None
    assert replay_bus("memory") != replay_bus("memory")  # no two comparisons share topics
    address = f"sqlite:{tmp_path / 'events.db'}"
    bus = replay_bus(address)
    with PathThrough(bus, "pool")("reactive") as path:
        path.feed.tell_work(0, [WorkRecord("job/1", Side.HPC, WorkState.ELIGIBLE, 1.0, 0)], order=0)
        assert path.bus.flush(10) == 0
        assert len(open_bus(address, f"{bus.run}-reactive.").latest_state(Topic.WORK)) == 1
    assert dict(open_bus(address, f"{bus.run}-reactive.").latest_state(Topic.WORK)) == {}


def test_who_is_stopped_while_a_bus_opens_leaves_no_topics_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file, opened = tmp_path / "events.db", []

    def stopped_at_first(*how: Any) -> Any:
        opened.append(open_bus(*how))
        if len(opened) == 1:
            raise SystemExit(1)
        return opened[-1]

    monkeypatch.setattr(bus_path, "open_bus", stopped_at_first)
    with pytest.raises(SystemExit), replay_bus(f"sqlite:{file}").opened("reactive"):
        pytest.fail("it was stopped before")
    assert topics(file) == 0
    opened[0].close()


def test_ctrl_c_leaves_no_topics_behind(tmp_path: Path):
    file, out = tmp_path / "events.db", tmp_path / "out.html"
    begins = f"from simulator import compare; compare.TIDIED_S = {LONG_S:.0f}; from cli.main import main; main()"
    command = [sys.executable, "-c", begins, "replay", *written(tmp_path, 6000), "--report", str(out)]
    with subprocess.Popen(
        [*command, "--compare", "reactive,persistence", "--bus", f"sqlite:{file}"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            until(lambda: topics(file, "-reactive.") > 0)  # one of the policies has begun
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=LONG_S)[1]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert topics(file) == 0
    assert not out.exists()


def topics(file: Path, part: str = "") -> int:
    """How many topics there are whose name has this in it."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as db:
        try:
            return int(db.execute("SELECT count(*) FROM topics WHERE instr(name, ?)", (part,)).fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # the file is being made


def test_policies_side_by_side_do_not_hear_one_another(tmp_path: Path):
    world, names = small_world(4, nodes=12, days=0.5), ("reactive", "persistence")
    opener = PathThrough(replay_bus(f"sqlite:{tmp_path / 'events.db'}"), "pool")
    apart = [outcome.figures for outcome in compare(world, names, processes=1)]
    assert [outcome.figures for outcome in compare(world, names, processes=2, open_path=opener)] == apart


# ---- who lies ----


def forge(path: BusPath, topic: Topic, key: str, payload: object, version: int = NEVER_LATER, at_s: int = 0) -> None:
    path.bus.publish(Event(topic, key, payload, version, "/elsewhere", float(at_s)))


def forge_nodes_and_work(path: BusPath, now_s: int) -> None:
    """Another program says that every node is drained and empty on one side and open on the other, and all work over;
    and nothing that is told later is newer."""
    if now_s % 3600:
        return
    for key, event in path.bus.latest_state(Topic.NODES).items():
        node = event.payload
        if isinstance(node, HpcNode):
            node = replace(node, drain_reason="tidegate:forged", busy=False, frees_at_s=None)
        elif isinstance(node, KubernetesNode):
            node = replace(node, closed_by=None, pods=0, record=None)
        forge(path, Topic.NODES, key, node, at_s=now_s)
    for key, event in path.bus.latest_state(Topic.WORK).items():
        if isinstance(event.payload, WorkRecord):
            forge(path, Topic.WORK, key, replace(event.payload, state=WorkState.ENDED, ended_s=now_s), at_s=now_s)


def forge_forecasts(path: BusPath, now_s: int) -> None:
    """Every hour it is the other side that is said to need everything."""
    wanted = list(Side)[now_s // 3600 % 2]
    for side in Side:
        nodes = 1000.0 if side is wanted else 0.0
        forecast = replace(flat(side, now_s + 5, nodes, (900, 7200), Source.MODEL), now=1000.0 - nodes)
        forge(path, Topic.FORECASTS, f"{path.pool.key}/{side}", forecast, at_s=now_s)
        forge(path, Topic.DEMAND, f"{path.pool.key}/{side}", Demand(side, now_s + 5, nodes, 0.0), at_s=now_s + 5)


@pytest.mark.parametrize("name", ["reactive", "persistence", "perfect"])
def test_forged_nodes_and_work_change_nothing(name: str):
    """What acts on a node looks at the node; these forecasts look at demand only."""
    world = small_world(5, nodes=12, days=1)
    path = Between(in_memory(), after=forge_nodes_and_work)
    assert through(world, name, path) == replay(world, name).figures


@pytest.mark.parametrize("name", ["predictive", "reactive"])
def test_whatever_is_forged_no_work_ends_and_no_node_is_open_to_both(name: str):
    """The observer counts again from the bare twin, at every instant."""

    def forge_all(path: BusPath, now_s: int) -> None:
        forge_nodes_and_work(path, now_s)
        forge_forecasts(path, now_s)

    world = small_world(5, nodes=12, days=1.2)
    path = Between(in_memory(), after=forge_all)
    run = Replay(world, name, lambda machine: forecaster_for(name, world, machine), None, path)
    observer = Observer(run)
    figures = run.run().figures
    observer.look()
    assert figures["killed"] == 0
    assert figures["moves"] > replay(world, name).figures["moves"]  # nodes move in vain: who may write is up to the bus
