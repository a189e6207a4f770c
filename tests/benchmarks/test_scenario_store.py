"""What is kept: it is found under the same code, world and policy alone, and is not run again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.scenarios import workers
from benchmarks.scenarios.runs import SPLITS, Result, run
from benchmarks.scenarios.store import Store, code_digest, key
from benchmarks.scenarios.workers import Wanted, results
from models.errors import BadInput
from simulator.world import World
from tests.benchmarks.scenario_worlds import AtOnce, tiny_window

TINY = tiny_window()


def quiet(_: str) -> None:
    pass


def with_another_job(world: World) -> World:
    jobs = world.workload.jobs
    longer = replace(jobs[0], run_s=jobs[0].run_s + 1)
    return replace(world, workload=replace(world.workload, jobs=(longer, *jobs[1:])))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda world: replace(world, seed=7), id="seed"),
        pytest.param(lambda world: replace(world, handover_s=601), id="hand-over"),
        pytest.param(lambda world: replace(world, kubernetes_nodes_first=1), id="beginning"),
        pytest.param(lambda world: replace(world, span_s=(world.span_s or 0) - 1), id="span"),
        pytest.param(lambda world: replace(world, policy=TINY.world(3.5).policy), id="weight"),
        pytest.param(with_another_job, id="one second of one job"),
    ],
)
def test_another_world_has_another_key(change: Callable[[World], World]):
    world = TINY.world(3)
    assert key(world, "reactive") != key(change(world), "reactive")


def test_the_same_made_anew_has_the_same_key_and_another_policy_another():
    assert key(TINY.world(3), "oracle") == key(tiny_window().world(3), "oracle")
    assert len({key(TINY.world(3), policy) for policy in ("oracle", "reactive", SPLITS)}) == 3


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param("x = 1\n", True, id="the same"),
        pytest.param("# why\nx  =  1\n", True, id="a comment and layout"),
        pytest.param("x = 2\n", False, id="another value"),
    ],
)
def test_a_digest_of_code_is_of_what_it_does(tmp_path: Path, text: str, same: bool):
    before, after = tmp_path / "before", tmp_path / "after"
    for root, code in ((before, "x = 1\n"), (after, text)):
        (root / "part").mkdir(parents=True)
        (root / "part" / "one.py").write_text(code)
    assert (code_digest(("part", "absent"), before) == code_digest(("part", "absent"), after)) is same


def test_a_file_more_is_other_code(tmp_path: Path):
    before, after = tmp_path / "before", tmp_path / "after"
    for root, names in ((before, ["one.py"]), (after, ["one.py", "two.py"])):
        (root / "part").mkdir(parents=True)
        for name in names:
            (root / "part" / name).write_text("")
    assert code_digest(("part",), before) != code_digest(("part",), after)


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path):
    store, result = Store(tmp_path / "a" / "b"), Result({"3": {"moves": 2, "unmet_cost": 1.5}}, 0.25)
    assert store.get("k") is None
    store.put("k", result)
    assert Store(tmp_path / "a" / "b").get("k") == result


def interrupt_at_the_second(text: str) -> None:
    if text.startswith("2/"):
        raise KeyboardInterrupt


def test_after_an_interrupt_only_the_rest_is_run(tmp_path: Path):
    wanted = [Wanted(policy, TINY.world(3), policy) for policy in (SPLITS, "reactive", "oracle")]
    rest, none = AtOnce(), AtOnce()
    with pytest.raises(KeyboardInterrupt):
        results(wanted, Store(tmp_path), AtOnce(), interrupt_at_the_second)
    assert len(list(tmp_path.glob("*.json"))) == 2
    found = results(wanted, Store(tmp_path), rest, quiet)
    assert len(rest.ran) == 1
    assert [one.figures for one in found] == [run(one.world, one.policy).figures for one in wanted]
    assert results(wanted, Store(tmp_path), none, quiet) == found
    assert none.ran == []


def test_what_is_wanted_twice_is_run_once(tmp_path: Path):
    executor = AtOnce()
    one = Wanted("a", TINY.world(3), "reactive")
    found = results([one, replace(one, name="b")], Store(tmp_path), executor, quiet)
    assert executor.ran == ["reactive"]
    assert found[0] == found[1]


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(BadInput, match="distributed, which is not installed"), workers.dask(workers.HERE, 1):
        pass


@pytest.mark.parametrize(
    ("address", "given"),
    [
        pytest.param(
            workers.HERE, {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": None}, id="processes here"
        ),
        pytest.param("tcp://scheduler:8786", {"address": "tcp://scheduler:8786"}, id="workers of a scheduler"),
    ],
)
def test_dask_gets_what_was_asked_and_gives_an_executor(
    monkeypatch: pytest.MonkeyPatch, address: str, given: dict[str, object]
):
    executor = AtOnce()
    told: list[dict[str, object]] = []

    class Client:
        def __init__(self, **where: object) -> None:
            told.append(where)

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            told.append({"closed": True})

        def get_executor(self) -> Executor:
            return executor

    module = type(pytest)("distributed")
    module.Client = Client
    monkeypatch.setitem(__import__("sys").modules, "distributed", module)
    with workers.dask(address, 3) as found:
        assert found is executor
    assert told == [given, {"closed": True}]
