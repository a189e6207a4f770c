"""``tidegate run`` as a user types it, on a slurmrestd that does what it is told to and the bus in a file."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from connectors.local.audit_file import AuditFile
from models.errors import TidegateError
from tests.connectors.slurm import fake, makers
from tests.connectors.slurm.fake import Fake
from tests.patience import LONG_S, until
from tests.service.kube_site import KubeSite, kube_site

SITE = "spec: {slurm: {url: '%s', tokenFile: token, poll: 1s}, kubernetes: %s}\n"


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake.serving() as one:
        one.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        yield one


@pytest.fixture
def kube(tmp_path: Path, server: Fake) -> Iterator[KubeSite]:
    with kube_site(tmp_path, server.nodes) as one:
        yield one


@pytest.fixture
def site(tmp_path: Path, server: Fake, kube: KubeSite) -> Path:
    (tmp_path / "site.yaml").write_text(SITE % (server.url, kube.text))
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text(fake.TOKEN)
    return tmp_path


def policy(site: Path, mode: str) -> Path:
    moves = "{every: 10s, settle: {hpc: 6s, kubernetes: 6s}, dwell: 0s, readyFor: 0s, leadTime: 1m, atOnce: 100%}"
    (site / "policy.yaml").write_text(f"spec: {{mode: {mode}, moves: {moves}}}")
    return site / "policy.yaml"


def once(site: Path, mode: str = "recommend") -> Result:
    files = ["--site", str(site / "site.yaml"), "--policy", str(policy(site, mode))]
    return CliRunner().invoke(app, ["run", *files, "--once"], env={"COLUMNS": "80"})


def test_recommending_tells_the_plan_and_touches_nothing(site: Path, server: Fake):
    told = once(site)
    assert told.exit_code == 0, told.output
    assert "Kubernetes has 0 nodes and should have 1; hpc->kubernetes: n0" in told.output
    assert "Nothing was moved: the policy's mode is not auto." in told.output
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert [asked for asked in server.asked if not asked.startswith("GET")] == []


def test_one_turn_tells_what_nobody_can_serve_and_why(site: Path, server: Fake):
    server.jobs = [makers.job(1, tres_req_str="cpu=9,mem=9G,node=9")]
    told = once(site)
    assert told.exit_code == 0, told.output
    assert re.search(r"^ *nobody can serve +9\.0 +0\.0 *$", told.stdout, re.MULTILINE)
    text = "nobody can serve: 1 job asks for more than HPC can ever have of this pool"
    assert text in " ".join(told.stdout.split())
    assert max(map(len, told.stdout.splitlines()[1:])) <= 80


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("{name}", "", id="all are there"),
        pytest.param("{name}.nowhere", "is the policy's kubernetesName right?", id="none is there"),
    ],
)
def test_nodes_that_kubernetes_has_not_are_told(site: Path, caplog: pytest.LogCaptureFixture, name: str, says: str):
    (site / "named.yaml").write_text(f"spec: {{pools: [{{name: pool, kubernetesName: '{name}'}}]}}")
    files = ["--site", str(site / "site.yaml"), "--policy", str(site / "named.yaml")]
    assert CliRunner().invoke(app, ["run", *files, "--once"]).exit_code == 0
    told = [one.getMessage() for one in caplog.records if "Kubernetes has no" in one.getMessage()]
    assert len(told) == bool(says)
    assert all(says in one and ".nowhere" in one for one in told)


def test_one_node_that_kubernetes_has_not_is_told(site: Path, kube: KubeSite, caplog: pytest.LogCaptureFixture):
    kube.api.drop("nodes", "n02")
    assert once(site).exit_code == 0
    assert "pool pool: Kubernetes has no node n02; the pool is without it" in caplog.messages


def test_a_token_for_kubernetes_that_everybody_can_read_is_told(site: Path):
    assert "everybody on this machine" not in once(site).stderr
    file = site / "kube-token"
    file.chmod(0o644)
    assert f"warning: everybody on this machine can read the secret in {file} (chmod 600" in once(site).stderr


def test_observing_tells_of_no_plan(site: Path, server: Fake):
    told = once(site, "observe")
    assert (told.exit_code, told.stdout) == (
        0,
        "Both sides were read, and demand was forecast; mode observe plans nothing.\n",
    )
    assert [asked for asked in server.asked if not asked.startswith("GET")] == []


def test_slurm_alone_is_observed_and_more_is_refused_with_what_it_needs(site: Path, server: Fake):
    (site / "site.yaml").write_text(f"spec: {{slurm: {{url: '{server.url}', tokenFile: token}}}}\n")
    told = once(site, "observe")
    assert (told.exit_code, told.stdout.partition(",")[0]) == (0, "The HPC side was read")
    told = once(site, "recommend")
    assert isinstance(told.exception, TidegateError)
    assert "tidegate rights --mode recommend | kubectl apply -f -" in told.exception.told


def test_auto_moves_a_node_over_two_starts(site: Path, server: Fake):
    first = once(site, "auto")
    assert first.exit_code == 0, first.output
    (drained,) = [node for node in server.nodes.values() if "DRAIN" in node["state"]]
    assert drained["reason"].startswith("tidegate:site_pool.1.")
    state = site / "tidegate-state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {path.name for path in state.iterdir()} >= {"audit.jsonl", "bus.db", "lock"}
    second = once(site, "auto")
    assert second.exit_code == 0, second.output
    assert len([node for node in server.nodes.values() if "DRAIN" in node["state"]]) == 1, "it goes on with that one"


def test_two_processes_do_not_share_one_state(site: Path, server: Fake):
    (site / "tidegate-state").mkdir()
    other = AuditFile(site / "tidegate-state" / "audit.jsonl")
    try:
        told = once(site)
    finally:
        other.close()
    assert isinstance(told.exception, TidegateError)
    assert "audit.jsonl: another process writes it (end that process" in str(told.exception)
    assert server.asked == [], "nothing of the state was read before, as the other may be changing it"


def test_a_token_that_everybody_can_read_is_warned_of(site: Path):
    assert "warning" not in once(site).stderr
    (site / "token").chmod(0o644)
    told = once(site)
    assert told.exit_code == 0
    assert f"warning: everybody on this machine can read the secret in {site / 'token'} (chmod 600" in told.stderr


def test_nodes_that_slurm_does_not_have_are_warned_of(site: Path):
    (site / "policy.yaml").write_text("spec: {pools: [{name: a, nodes: 'n[01-05]'}]}")
    command = [sys.executable, "-m", "cli.main", "run", "--once", "--site", str(site / "site.yaml")]
    told = subprocess.run([*command, "--policy", str(site / "policy.yaml")], capture_output=True, text=True, check=True)
    assert "pool a: Slurm has no 2 nodes (n[04-05]); the pool is without them" in told.stderr


def test_a_pool_of_nodes_that_slurm_does_not_have_is_told_as_that(site: Path):
    (site / "policy.yaml").write_text("spec: {pools: [{name: a, nodes: 'x[01-02]'}]}")
    files = ["--site", str(site / "site.yaml"), "--policy", str(site / "policy.yaml")]
    told = CliRunner().invoke(app, ["run", *files, "--once"])
    assert isinstance(told.exception, TidegateError)
    assert str(told.exception).startswith("pool a (x[01-02]): no node of the pool is known to Slurm")
    assert "name its nodes in spec.pools of the policy" in str(told.exception)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda site: (site / "kube-token").unlink(), "kube-token"),
        (lambda site: (site / "token").unlink(), "token"),
        (lambda site: (site / "site.yaml").write_text("spec: {}"), "spec.slurm: missing"),
        (lambda site: (site / "site.yaml").write_text(""), "1:1: the document is empty; write a site into it"),
        (lambda site: (site / "site.yaml").write_text(SITE % ("http://127.0.0.1:9", "{}")), "127.0.0.1:9"),
        (lambda site: (site / "tidegate-state").write_text(""), "tidegate-state: cannot be made"),
    ],
    ids=[
        "no token for Kubernetes",
        "no token",
        "a site of nothing",
        "an empty site",
        "nobody listens",
        "a file for a folder",
    ],
)
def test_what_is_wrong_is_told_with_its_place(site: Path, spoil: object, said: str):
    spoil(site)
    told = once(site)
    assert isinstance(told.exception, TidegateError), told.output
    assert said in str(told.exception)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda ca: None, "cannot be read: No such file or directory"),
        (lambda ca: ca.write_text("not PEM"), "holds no certificate"),
        (lambda ca: ca.write_bytes(b"\xff\0"), "holds no certificate"),
        (lambda ca: ca.write_text(""), "holds no certificate"),
        (lambda ca: ca.mkdir(), "ca.pem: "),
    ],
    ids=["missing", "no PEM", "bytes", "empty", "a folder"],
)
def test_a_ca_that_cannot_be_used_is_told_as_that(site: Path, make: Callable[[Path], object], said: str):
    make(site / "ca.pem")
    text = (SITE % ("https://127.0.0.1:9", "{}")).replace("poll: 1s", "poll: 1s, caFile: ca.pem")
    (site / "site.yaml").write_text(text)
    told = once(site)
    assert isinstance(told.exception, TidegateError), told.output
    assert f"spec.slurm.caFile {site / 'ca.pem'}: " in str(told.exception)
    assert said in str(told.exception)
    assert "in PEM" in str(told.exception)


@contextmanager
def running(site: Path, mode: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The service in a process of its own, and its log."""
    files = ["--site", str(site / "site.yaml"), "--policy", str(policy(site, mode))]
    log = site / "run.log"
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "cli.main", "run", *files]
        process = subprocess.Popen(command, stderr=stderr, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            yield process, log
        finally:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    def runs() -> None:
        assert process.poll() is None, log.read_text()

    until(condition, runs)


def test_a_second_interrupt_ends_it_at_once_and_the_next_start_goes_on(site: Path, server: Fake):
    hanging, ended = threading.Event(), threading.Event()

    def hang(request: fake.Request) -> None:
        hanging.set()
        ended.wait(LONG_S)

    with running(site, "auto") as (process, log):
        wait_until(lambda: any("DRAIN" in node["state"] for node in server.nodes.values()), process, log)
        server.instead["GET jobs/"] = hang
        wait_until(hanging.is_set, process, log)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "SIGINT: ending in order" in log.read_text(), process, log)
        assert process.poll() is None, "it waits for the step"
        process.send_signal(signal.SIGINT)
        assert process.wait(LONG_S) == 130
        ended.set()
    text = log.read_text()
    assert text.splitlines()[-1].startswith("interrupted: ended at once")
    assert "ended at once" not in text.split("ending in order")[0]
    assert "Traceback" not in text
    del server.instead["GET jobs/"]
    again = once(site, "auto")
    assert again.exit_code == 0, again.output
    assert len([node for node in server.nodes.values() if "DRAIN" in node["state"]]) == 1


def test_floors_that_leave_no_split_are_told(site: Path):
    (site / "policy.yaml").write_text("spec: {pools: [{name: a, floor: {hpc: 9, kubernetes: 9}}]}")
    files = ["--site", str(site / "site.yaml"), "--policy", str(site / "policy.yaml")]
    told = CliRunner().invoke(app, ["run", *files, "--once"])
    assert isinstance(told.exception, TidegateError)
    assert "leave no split" in str(told.exception)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_until_it_is_asked_to_end(site: Path, server: Fake, number: int):
    with running(site, "auto") as (process, log):
        wait_until(lambda: any("DRAIN" in node["state"] for node in server.nodes.values()), process, log)
        process.send_signal(number)
        assert process.wait(LONG_S) == 0, log.read_text()
    text = log.read_text()
    assert "moves are held" not in text, "nobody led before"
    assert "ending in order" in text
    assert "Traceback" not in text
    assert fake.TOKEN not in text
