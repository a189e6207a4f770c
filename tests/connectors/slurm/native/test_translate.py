"""What pyslurm shows in our words, and that it has all that we ask it for."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.slurm import amounts, wire
from connectors.slurm import job_states as words
from connectors.slurm.jobs import NEVER_S, pieces
from connectors.slurm.native import translate
from connectors.slurm.native import translate_checkup as translate_seen
from models.errors import Unreachable
from models.work import WorkState
from tests.connectors.slurm.makers import NOW_S, POOL

HERE = Path(__file__).parent
NAMES: dict[str, dict[str, list[str]]] = json.loads((HERE / "pyslurm-25.11.2.json").read_text())
SHOWN = {
    "Node": translate.NodeShown,
    "Job": translate.JobShown,
    "Partition": translate.PartitionShown,
    "Reservation": translate.ReservationShown,
    "Statistics": translate.StatisticsShown,
    "TrackableResources": translate.Resources,
    "TrackableResource": translate.Amount,
    "GPU": translate.Amount,
}
SEEN = {
    "Node": translate_seen.NodeSeen,
    "Partition": translate_seen.PartitionSeen,
    "Reservation": translate_seen.ReservationSeen,
}


def amount(count: int) -> SimpleNamespace:
    return SimpleNamespace(count=count)


def resources(cpu: int, mem: int, node: int, **gres: int) -> SimpleNamespace:
    counted = {name.replace("_", ":"): amount(count) for name, count in gres.items()}
    return SimpleNamespace(cpu=amount(cpu), mem=amount(mem), node=amount(node), gres=counted)


def job(**more: Any) -> SimpleNamespace:
    """A pending job for one whole node, as pyslurm shows one."""
    shown = dict.fromkeys(translate.JobShown.__annotations__)
    shown |= {"id": 7, "state": "PENDING", "state_reason": "Resources", "priority": 5, "partition": "batch"}
    shown |= {"num_nodes": 1, "ntasks": 1, "cpus": 1, "memory": 4000, "resource_sharing": "NO"}
    shown |= {"gres_per_node": {}, "constraints": []}
    shown |= {"requested_tres": resources(1, 4000, 1), "submit_time": NOW_S - 100, "eligible_time": NOW_S - 100}
    return SimpleNamespace(**(shown | {"time_limit": 10} | more))


def running(**more: Any) -> SimpleNamespace:
    told = {"state": "RUNNING", "state_reason": None, "allocated_nodes": "n01", "start_time": NOW_S - 60}
    return job(**(told | {"end_time": NOW_S + 540, "allocated_tres": resources(64, 256_000, 1)} | more))


def records(*shown: SimpleNamespace) -> list[tuple[str, WorkState, float]]:
    told = pieces([translate.job(one, "ada") for one in shown], POOL, NOW_S)
    return [(piece.record.id, piece.record.state, piece.record.nodes) for piece in told]


# ---- the names ----


@pytest.mark.parametrize(("name", "shown"), [*SHOWN.items(), *SEEN.items()])
def test_pyslurm_shows_all_that_is_read(name: str, shown: type):
    assert set(shown.__annotations__) <= set(NAMES[name]["read"])


def test_pyslurm_takes_all_that_is_set_and_called():
    assert {"state", "reason"} <= set(NAMES["Node"]["written"])
    assert {"name", "nodes", "users", "start_time", "end_time", "flags"} <= set(NAMES["Reservation"]["written"])
    assert {"create", "delete"} <= set(NAMES["Reservation"]["called"])
    assert "IGNORE_RUNNING_JOBS" in NAMES["ReservationFlags"]["constants"]
    assert {"errno", "msg"} <= set(NAMES["RPCError"]["read"])
    assert "user_id" in NAMES["Job"]["read"]
    assert {"load", "modify"} <= set(NAMES["Nodes"]["called"])
    for name in ("Node", "Jobs", "Partitions", "Reservations"):
        assert "load" in NAMES[name]["called"]


def test_the_standin_has_no_name_that_pyslurm_has_not():
    spec = importlib.util.spec_from_file_location("standin", HERE / "standin" / "pyslurm.py")
    assert spec is not None
    assert spec.loader is not None
    standin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(standin)
    for name, one in (("Node", standin.Node("n01")), ("Reservation", standin.Reservation("x"))):
        known = set(NAMES[name]["read"])
        assert set(vars(one)) <= known
    for name in ("Node", "Nodes", "Jobs", "Partitions", "Reservation", "Reservations"):
        own = {key for key in vars(getattr(standin, name)) if not key.startswith("_")}
        assert own <= set(NAMES[name]["called"])


# ---- nodes, partitions, reservations ----


def node(**more: Any) -> SimpleNamespace:
    shown = {"name": "n01", "state": "IDLE+DRAIN", "total_cpus": 64, "real_memory": 256_000, "reason": "tidegate:1.p1"}
    shown |= {"configured_gres": {"gpu:a100": 4}, "available_features": ["a100", "ib"], "partitions": ["batch"]}
    return SimpleNamespace(**(shown | more))


def test_a_node():
    shown = translate.node(node())
    expected = wire.Node(
        "n01", ("IDLE", "DRAIN"), 64, 256_000, "gpu:a100:4", ("a100", "ib"), ("batch",), "tidegate:1.p1"
    )
    assert shown == expected
    assert amounts.gpus(shown.gres) == 4


def test_a_node_that_says_nothing_of_itself():
    shown = translate.node(node(real_memory=None, configured_gres={}, available_features=[], reason=None))
    assert (shown.real_memory, shown.gres, shown.features, shown.reason) == (0, "", (), "")


def test_gres_that_pyslurm_cannot_read_are_not_taken_for_none():
    class Unread:
        name = "n01"

        @property
        def configured_gres(self) -> dict[str, int]:
            raise ValueError("invalid literal for int(): '4G'")

    with pytest.raises(Unreachable, match="gres of node n01"):
        translate.node(Unread())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("oversubscribe", "whole"), [("EXCLUSIVE", True), ("NO", False), ("FORCE:4", False), (None, False)]
)
def test_a_partition(oversubscribe: str | None, whole: bool):
    shown = SimpleNamespace(name="batch", nodes="n[01-08]", state="UP", oversubscribe=oversubscribe)
    told = translate.partition(shown)
    assert (told.name, told.nodes.configured, told.partition.state) == ("batch", "n[01-08]", ("UP",))
    assert (told.maximums.shares == 0) is whole


def test_a_reservation():
    told = translate.reservation(SimpleNamespace(name="a", nodes=None, start_time=5, end_time=9, users=["ann", "bob"]))
    assert (told.name, told.node_list, told.start_time.value) == ("a", "", 5)
    assert (told.end_time.value, told.users) == (9, "ann,bob")


# ---- jobs ----


def test_what_waits_and_what_runs():
    assert records(job()) == [("7", WorkState.ELIGIBLE, 1.0)]
    assert records(running()) == [("7", WorkState.RUNNING, 1.0)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((flag, WorkState.RUNNING) for flag in words.RUNS),
        ("SUSPENDED", WorkState.RUNNING),
        ("COMPLETING", WorkState.ENDED),
        ("STAGE_OUT", WorkState.ENDED),
        ("TIMEOUT", WorkState.ENDED),
    ],
)
def test_a_flag_hides_the_state_of_a_job_that_has_nodes(state: str, expected: WorkState):
    assert [record[1] for record in records(running(state=state))] == [expected]


@pytest.mark.parametrize("state", ["REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "REQUEUE_FED"])
def test_a_flag_hides_the_state_of_a_job_that_is_held(state: str):
    assert [record[1] for record in records(job(state=state))] == [WorkState.HELD]


def test_a_state_that_is_not_known_is_not_guessed():
    with pytest.raises(Unreachable):
        records(job(state="LEVITATING"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, WorkState.ELIGIBLE),  # pyslurm takes "None" for nothing
        ("Priority", WorkState.ELIGIBLE),
        ("ReqNodeNotAvail, UnavailableNodes:n[05-08]", WorkState.ELIGIBLE),
        (
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
            WorkState.ELIGIBLE,
        ),
        ("Dependency", WorkState.HELD),
        ("Job's account not permitted to use this partition", WorkState.HELD),
    ],
)
def test_why_a_job_waits(text: str | None, expected: WorkState):
    assert [record[1] for record in records(job(state_reason=text))] == [expected]


def test_a_job_that_is_held_has_no_priority():
    assert records(job(priority=0, state_reason=None))[0][1] is WorkState.HELD


def test_the_tasks_of_an_array():
    waits = job(array_id=7, array_tasks_waiting="3-1000", array_tasks_parallel=2)
    runs = [running(id=8, array_id=7, array_task_id=None), running(id=9, array_id=7, array_task_id=2)]
    told = {ident: (state, nodes) for ident, state, nodes in records(waits, *runs)}
    assert told["7_0"] == (WorkState.RUNNING, 1.0), "pyslurm shows the first task as none"
    assert told["7_2"] == (WorkState.RUNNING, 1.0)
    assert told["7_limited"] == (WorkState.HELD, 998.0), "two run, and no more may"


def test_what_nothing_bounds_never_ends():
    told = pieces([translate.job(running(time_limit=None), "ada")], POOL, NOW_S)
    assert (told[0].ends_s, told[0].record.limit_s) == (NEVER_S, None)


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ({"requested_tres": resources(16, 4000, 1)}, 0.25),
        ({"requested_tres": resources(1, 128_000, 1)}, 0.5),
        ({"requested_tres": resources(1, 4000, 1, gpu=3, gpu_a100=3)}, 0.75),
        ({"requested_tres": resources(1, 4000, 1), "gres_per_node": {"gres/gpu:a100": 2}}, 0.5),
        ({"requested_tres": resources(1, 4000, 1), "gres_per_node": {"gres/gpu": 1}}, 0.25),
        ({"requested_tres": None}, 1.0),
    ],
)
def test_how_large_a_job_is_that_shares_its_node(shown: dict[str, Any], size: float):
    assert records(job(resource_sharing="OK", **shown))[0][2] == size


@pytest.mark.parametrize(
    ("shown", "counts"),
    [
        ({}, True),
        ({"constraints": ["a100"]}, False),
        ({"constraints": ["a100|", "ib"]}, False),
        ({"excluded_nodes": "n[01-07]"}, True),
        ({"excluded_nodes": "n[01-08]"}, False),
        ({"gres_per_node": {"gres/gpu:a100": 4}}, True),
        ({"gres_per_node": {"gres/gpu:h100": 4}}, False),
    ],
)
def test_what_a_job_insists_on(shown: dict[str, Any], counts: bool):
    """The pool is of eight nodes without features and with GPUs of one type."""
    assert bool(records(job(**shown))) is counts


def test_an_expression_of_features_is_put_together_again():
    assert translate.job(job(constraints=["a100", "ib"]), "ada").features == "a100,ib"


@pytest.mark.parametrize(("word", "shared"), [("OK", ()), ("NO", ("none",)), ("USER", ("user",)), ("YES", ())])
def test_who_shares_its_nodes(word: str, shared: tuple[str, ...]):
    assert translate.job(job(resource_sharing=word), "ada").shared == shared


def test_amounts_that_pyslurm_stumbles_over():
    class Unread(SimpleNamespace):
        @property
        def requested_tres(self) -> Any:
            raise TypeError("int() argument must be a string, not 'NoneType'")

    shown = vars(job(cpus=32, memory=None, resource_sharing="OK"))
    del shown["requested_tres"]
    assert records(Unread(**shown))[0][2] == 0.5
