"""Nodes of a real Kubernetes that are made anew, or die, under hand-overs."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from models.acts import Verb
from models.handovers import Stage, Why
from tests.real.kube import nodes
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube.handing_over import HandingOver, handing_over
from tests.real.test_kube_faults import check

pytestmark = pytest.mark.long("rows of the catalogue of faults beyond the first")


def stages(pool: HandingOver) -> dict[str, Stage | None]:
    return {name: pool.stage(name) for name in pool.names}


@pytest.mark.parametrize("lent", [0, 3], ids=["to-kubernetes", "to-hpc"])
def test_a_node_that_is_made_anew_is_another(kube: ControlPlane, lent: int):
    """C10: the hand-over of the old one is void; what nobody closed any more is closed again."""
    called = ["n01", "n02", "n03"]
    with handing_over(kube, called, lent=lent, jobs=lent) as pool:
        pool.want(3 - lent)
        pool.wait_for("n01", Stage.EMPTY if lent else Stage.DRAINED)
        make_anew(kube, "n01")
        pool.wait_ended(*called)
        assert stages(pool) == {"n01": Stage.CANCELLED, "n02": Stage.DONE, "n03": Stage.DONE}
        if lent:
            make_anew(kube, "n02")
            pool.wait(lambda: pool.closed_by("n02") == "hpc", "it is closed again")
            assert "n01" not in pool.observer.ever_open()
        else:
            pool.wait(lambda: pool.closed_by("n01") == "hpc", "it is closed again")
        pool.observer.wait_for(5)
        check(pool, *(["n02"] if lent else ["n01"]))
        jobs = pool.machine.counts
        assert (jobs.killed, jobs.died) == (0, 0)


def make_anew(kube: ControlPlane, name: str) -> None:
    nodes.delete(kube, name)
    nodes.create(kube, name)


LEASES = {"lease_s": 6, "unready_s": 10}


def test_a_node_that_is_not_ready_is_not_given_and_goes_back(own_kube: Callable[..., ControlPlane]):
    """C11: its lease gets old while it is opened. One comes back, and joins once it has been Ready for long enough."""
    kube = own_kube(nodes=2, **LEASES)
    moves = {"ready_for": 5, "fit_deadline": 60, "drain_deadline": 45}
    with handing_over(kube, ["n01", "n02"], moves=moves) as pool:

        def die(name: str) -> None:
            nodes.silence(kube, name)
            nodes.wait_not_ready(kube, name)

        for name in pool.names:
            pool.kubernetes.after[Verb.OPEN, name] = lambda name=name: die(name)  # type: ignore[misc]
        pool.want(2)
        pool.wait(lambda: not pool.kubernetes.after, "they are opened, and are not ready")
        pool.observer.wait_for(5)
        assert Stage.DONE not in stages(pool).values()
        nodes.revive(kube, "n01")
        nodes.wait_ready(kube, ["n01"])
        ready_s = time.monotonic()
        pool.wait_for("n01", Stage.DONE)
        assert time.monotonic() - ready_s >= 3.5, "readyFor, in whole seconds, from when we saw it"
        pool.wait_for("n02", Stage.CANCELLED, timeout_s=90)
        assert pool.why("n02") is Why.UNHEALTHY
        assert (pool.closed_by("n02"), pool.drained_by("n02")) == ("hpc", None)
        check(pool)


def test_too_many_nodes_that_are_not_ready_stop_all_moves(own_kube: Callable[..., ControlPlane]):
    """C12: more than unreadyMax."""
    kube = own_kube(nodes=6, **LEASES)
    with handing_over(kube, nodes.names(6), lent=6, jobs=6, safety={"unready_max": 2}) as pool:
        for name in ("n01", "n02"):
            nodes.annotate(kube.admin, name, **dict.fromkeys(nodes.KWOK))
        nodes.silence(kube, "n03")
        for name in ("n01", "n02", "n03"):
            nodes.wait_not_ready(kube, name)
        pool.wait(lambda: not pool.port.read().nodes["n03"].ready, "it is told")
        plan = pool.want(0)
        assert plan is not None
        assert [hold.switch.value for hold in plan.holds] == ["unready"]
        assert pool.kubernetes.acts == []
        nodes.revive(kube, "n03")
        nodes.wait_ready(kube, ["n03"])
        pool.wait(lambda: (plan := pool.want(0)) is not None and not plan.holds, "moves go on")
        pool.wait_ended("n04", "n05", "n06")
        assert {pool.stage(name) for name in ("n04", "n05", "n06")} == {Stage.DONE}
        check(pool)
