"""Leading by a Lease of a real API server: the conformance suite, and processes that are killed, stopped, cut off."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from connectors.kube.access.http_api import HttpApi
from connectors.kube.lease import KubeLeaseStore
from connectors.kube.settings import KubernetesSettings
from models.acts import Outcome
from models.leadership import LeaseRecord, Orders, Pause
from service.kube_api import open_api
from tests.conformance.test_lease_store import *  # noqa: F403 - the suite
from tests.real.kube.account import rule
from tests.real.kube.control_plane import ControlPlane
from tests.real.kube_candidate import TERM, WRITE_LONGEST_S

TAKEN_OVER_S = 20.0
KILLS = 3
RIGHTS = (rule("coordination.k8s.io", "leases", "get create patch"),)
NUMBERS = count(1)


def reach(kubeconfig: Path) -> HttpApi:
    return open_api(KubernetesSettings.model_validate({"kubeconfig": str(kubeconfig)}))


class Bench:
    """A Lease in a namespace of the test's own, and a person's hand on it."""

    def __init__(self, kube: ControlPlane, space: str, api: HttpApi) -> None:
        self.port = KubeLeaseStore(api, space, "campus")
        self._kube = kube
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases/campus"

    def edit(self, lease: LeaseRecord | None) -> None:
        if lease is None:
            self._kube.admin.delete(self._path)
            return
        found = self.port.read()
        assert self.port.write(replace(lease, version="" if found is None else found.version)) is Outcome.DONE


@pytest.fixture(scope="module")
def limited(kube: ControlPlane) -> Path:
    """The kubeconfig of one who has the rights that the reference names, and no other."""
    return kube.kubeconfig_for(f"leads-{next(NUMBERS)}", RIGHTS)


@pytest.fixture
def bench(request: pytest.FixtureRequest, kube: ControlPlane, space: str, limited: Path) -> Iterator[Bench]:
    if "no-such-version" in request.node.name:
        pytest.skip("it gives out numbers only, and breaks off with 500 at a word: see below")
    api = reach(limited)
    yield Bench(kube, space, api)
    api.close()


def test_a_write_at_a_number_that_is_no_version_any_more_is_refused(bench: Bench):
    assert bench.port.write(LeaseRecord("a", 1, 0, 16.0)) is Outcome.DONE
    before = bench.port.read()
    assert bench.port.write(LeaseRecord("b", 2, 1, 16.0, version="1")) is Outcome.REFUSED
    assert bench.port.write(LeaseRecord("b", 2, 1, 16.0, version="9" * 18)) is Outcome.REFUSED
    assert bench.port.read() == before


# ---- processes ----


class Candidate:
    """A process that would lead, and what it wrote down: when, in which epoch, and whether it could act."""

    def __init__(self, kubeconfig: Path, space: str, log: Path) -> None:
        self.log = log
        log.touch()
        words = [str(kubeconfig), space, "campus", str(log)]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.real.kube_candidate", *words])

    def told(self) -> list[tuple[float, int, bool]]:
        lines = [line.split() for line in self.log.read_text().splitlines() if line.count(" ") == 2]
        return [(float(at), int(epoch), may == "1") for at, epoch, may in lines if may]

    @property
    def leads(self) -> bool:
        told = self.told()
        return bool(told) and told[-1][2] and time.monotonic() - told[-1][0] < 1.0

    def kill(self) -> float:
        """End it as the kernel does; when that was."""
        self.process.kill()
        self.process.wait()
        return time.monotonic()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30.0) == 0


Starting = Callable[[Path, str], Candidate]


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Starting]:
    """Starts candidates; what they wrote down is looked at in the end: nobody leads while another could write."""
    started: list[Candidate] = []
    with ExitStack() as at_end:

        def start(kubeconfig: Path, space: str) -> Candidate:
            one = Candidate(kubeconfig, space, tmp_path / f"candidate-{len(started)}")
            at_end.callback(one.kill)
            started.append(one)
            return one

        yield start
    told = [line for one in started for line in one.told()]
    for epoch in {epoch for _, epoch, _ in told if epoch}:
        first_led = min(at for at, led, _ in told if led == epoch)
        late = [at for at, earlier, may_act in told if may_act and earlier < epoch and at >= first_led]
        assert not late, f"while epoch {epoch} led, an earlier one could write"


def until_one_leads(*candidates: Candidate, seconds: float = 60.0) -> Candidate:
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        if leading := [one for one in candidates if one.leads]:
            assert len(leading) == 1
            return leading[0]
        time.sleep(0.05)
    raise AssertionError("nobody leads")


def gap_s(before: Candidate, after: Candidate) -> float:
    """From when one could last write to when the other began to lead."""
    acted = [at for at, _, may_act in before.told() if may_act]
    return next(at for at, epoch, _ in after.told() if epoch and at > acted[-1]) - acted[-1]


def test_after_kill_9_of_the_leader_another_leads_within_20_s(kube: ControlPlane, space: str, limited: Path, starting):
    candidates = [starting(limited, space) for _ in range(2)]
    took_s = []
    for _ in range(KILLS):
        leader = until_one_leads(*candidates)
        (other,) = (one for one in candidates if one is not leader)
        time.sleep(5.0)
        killed_s = leader.kill()
        until_one_leads(other, seconds=TAKEN_OVER_S + 10.0)
        took_s.append(next(at for at, _, may_act in other.told() if may_act and at > killed_s) - killed_s)
        assert gap_s(leader, other) >= WRITE_LONGEST_S
        candidates = [other, starting(limited, space)]
    print("another led after", [f"{seconds:.1f} s" for seconds in took_s])
    assert max(took_s) <= TAKEN_OVER_S
    assert [epoch for _, epoch, _ in candidates[0].told()][-1] == KILLS + 1


def test_one_that_is_stopped_in_the_middle_does_not_act_when_it_goes_on(
    kube: ControlPlane, space: str, limited: Path, starting: Starting
):
    one, other = starting(limited, space), starting(limited, space)
    leader = until_one_leads(one, other)
    other = other if leader is one else one
    leader.process.send_signal(signal.SIGSTOP)
    until_one_leads(other, seconds=TAKEN_OVER_S + 10.0)
    leader.process.send_signal(signal.SIGCONT)
    until = len(leader.told()) + 100
    kube.wait(lambda: len(leader.told()) >= until, "it goes on")
    assert not any(may_act for _, _, may_act in leader.told()[-99:])
    assert until_one_leads(other) is other


def test_an_end_in_order_lets_another_lead_at_once(kube: ControlPlane, space: str, limited: Path, starting: Starting):
    one, other = starting(limited, space), starting(limited, space)
    leader = until_one_leads(one, other)
    other = other if leader is one else one
    leader.stop()
    ended_s = time.monotonic()
    until_one_leads(other, seconds=10.0)
    assert time.monotonic() - ended_s < 5.0


def test_while_the_api_server_is_away_nobody_acts_and_then_the_same_goes_on(
    own_kube: Callable[..., ControlPlane], starting: Starting
):
    kube = own_kube(scheduler=False, controller_manager=False, kwok=False)
    leader = starting(kube.kubeconfig, "default")
    assert until_one_leads(leader) is leader
    kube.apiserver.kill()
    away_s = time.monotonic()
    kube.wait(lambda: leader.told()[-1][1] == 0, "its lease runs out")
    acted = [at for at, _, may_act in leader.told() if may_act]
    assert acted[-1] - away_s <= TERM.duration_s - TERM.margin_s
    kube.start_apiserver()
    assert until_one_leads(leader) is leader
    assert leader.told()[-1][1] == 1


# ---- persons ----

SITE = """spec:
  slurm: {{url: "http://127.0.0.1:9", tokenFile: none}}
  kubernetes: {{kubeconfig: {kubeconfig}}}
  leadership: {{lease: {{namespace: {space}, name: campus}}}}
"""


def test_a_pause_reaches_the_leader_and_a_resume_too(
    kube: ControlPlane, space: str, limited: Path, starting: Starting, tmp_path: Path
):
    leader = starting(limited, space)
    until_one_leads(leader)
    site = tmp_path / "site.yaml"
    site.write_text(SITE.format(kubeconfig=limited, space=space))
    store = KubeLeaseStore(api := reach(limited), space, "campus")
    none = LeaseRecord("", 0, 0, 0.0)
    for word, orders in (("pause", Orders(Pause.FINISH)), ("resume", Orders(None, 1))):
        result = CliRunner().invoke(app, [word, "--site", str(site)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        found = store.read() or none
        assert replace(found.orders, ordered=None) == orders
        kube.wait(lambda beat=found.beat: (store.read() or none).beat >= beat + 2, "the leader renews on it")
        assert replace((store.read() or none).orders, ordered=None) == orders
    api.close()
    assert until_one_leads(leader) is leader
