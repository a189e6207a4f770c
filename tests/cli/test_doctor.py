"""``tidegate doctor`` as a user types it, and what it says of the files, the bus and the folder of the state."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.doctor import bus, files
from cli.doctor.format import document, line, summary
from cli.main import app
from connectors.bus.embedded.bus import SqliteBus
from connectors.local.lock_state import pause
from models.events import Event
from models.findings import Finding, Level, skipped, warning, well, wrong
from models.identity import PoolId
from models.leadership import Pause
from service.site import BusPlace, PageSettings
from tests.conformance.bus_suite import demand, told
from tests.connectors.kube import fake_http
from tests.connectors.kube.checkup.cluster import healthy
from tests.connectors.kube.fake_http import FakeHttp
from tests.connectors.kube.objects import node, taint
from tests.connectors.slurm import fake, makers
from tests.connectors.slurm.fake import Fake

POOLS = [PoolId("campus", "pool")]
SITE = """
metadata: {name: campus}
spec: {slurm: {url: '%s', tokenFile: token}, kubernetes: {server: '%s', tokenFile: kube-token}}
"""


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake.serving() as one:
        one.versions = {"v0.0.42"}
        limits = {"maximums": {"time": makers.number(60)}}
        one.instead["POST node/tidegate-doctor"] = fake.fault(2018, 500)
        one.instead["GET partitions/"] = fake.say(200, {"partitions": [makers.partition(nodes="n[01-03]", **limits)]})
        release = {"meta": {"slurm": {"release": "24.11.5"}}}
        one.instead["GET diag"] = lambda request: request.say(200, release | one_second())
        yield one


def one_second() -> dict[str, Any]:
    return makers.diagnosis(int(time.time()))


@pytest.mark.parametrize(
    ("mode", "mark", "level"),
    [
        pytest.param("auto", 0, Level.ERROR, id="auto does not start without it"),
        pytest.param("recommend", 0, Level.WARNING, id="recommend does not run it"),
        pytest.param("auto", 0o755, None, id="it is there"),
        pytest.param("auto", 0o777, Level.ERROR, id="anybody may write it"),
    ],
)
def test_programs_of_hooks_are_looked_at(tmp_path: Path, mode: str, mark: int, level: Level | None):
    program = tmp_path / "node-convert"
    if mark:
        program.touch()
        program.chmod(mark)
    pool = f"{{name: a, nodes: n1, hooks: {{before: {{command: [{program}, '{{node}}']}}}}}}"
    (tmp_path / "policy.yaml").write_text(f"spec: {{mode: {mode}, pools: [{pool}]}}")
    _, findings = files.policy_of(tmp_path / "policy.yaml")
    told = [one for one in findings if one.check == files.HOOKS]
    assert [one.level for one in told] == ([] if level is None else [level])
    assert all(f"pool a: {program}: hooks.before:" in one.what for one in told)


TOKENS = {
    "it is there": ("x" * 32, 0o600, Level.OK, "whoever gives this token may order by the page"),
    "it is not there": (None, 0, Level.ERROR, "the admin token cannot be read: no such file or directory"),
    "it is too short": ("short", 0o600, Level.ERROR, "is no admin token of 16 characters or more"),
    "everybody can read it": ("x" * 32, 0o644, Level.WARNING, "everybody on this machine can read"),
}


@pytest.mark.parametrize(("text", "mode", "level", "said"), TOKENS.values(), ids=TOKENS)
def test_the_admin_token_is_looked_at(tmp_path: Path, text: str | None, mode: int, level: Level, said: str):
    file = tmp_path / "admin token"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    (found,) = files.page_findings(PageSettings.model_validate({"adminToken": str(file)}))
    assert (found.check, found.level, said in found.what) == (files.PAGE, level, True)
    assert level is Level.OK or f"'{file}'" in found.commands[0], "the command can be pasted"


@pytest.mark.parametrize("page", [None, PageSettings()], ids=["no page", "a page that only shows"])
def test_without_an_admin_token_nothing_is_told_of_it(page: PageSettings | None):
    assert list(files.page_findings(page)) == []


def unstyle(text: str) -> str:
    """Without the colours that we gave it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def cluster() -> Iterator[FakeHttp]:
    """A Kubernetes with the same nodes, all of the HPC side."""
    api = healthy(names=[])
    allocatable = {"cpu": "64", "memory": "250Gi", "nvidia.com/gpu": "4"}
    for name in ("n01", "n02", "n03"):
        closed = [taint("tidegate.dev/side", value="hpc")]
        api.put("nodes", node(name, taints=closed, status={"allocatable": allocatable}))
    with fake_http.serving(api) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path, server: Fake, cluster: FakeHttp) -> Path:
    """A site of which only the settings of Slurm cannot be checked."""
    (tmp_path / "site.yaml").write_text(SITE % (server.url, cluster.url))
    (tmp_path / "policy.yaml").write_text("spec: {pools: [{name: a, nodes: 'n[01-03]'}]}")
    for name, token in (("token", fake.TOKEN), ("kube-token", fake_http.TOKEN)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(token)
    return tmp_path


def run(folder: Path, *more: str) -> Result:
    words = ["doctor", "--site", str(folder / "site.yaml"), *more]
    return CliRunner().invoke(app, words, catch_exceptions=False, env={"COLUMNS": "200"})


def with_policy(folder: Path, *more: str) -> Result:
    return run(folder, "--policy", str(folder / "policy.yaml"), *more)


def test_a_site_where_all_is_well(folder: Path):
    before = sorted(folder.rglob("*"))
    done = with_policy(folder)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "0 errors, 0 warnings, 31 ok, 1 not checked"
    assert sorted(folder.rglob("*")) == before, "nothing is made"


def test_an_error_ends_it_with_1_and_is_told_with_its_remedy(folder: Path, server: Fake):
    server.drain("n01", "disk")
    (folder / "policy.yaml").write_text("spec: {pools: [{name: a, nodes: 'n[01-04]'}]}")
    done = with_policy(folder)
    assert done.exit_code == 1
    assert "error    slurm.nodes: pool a: Slurm has no node n04\n           Mend nodes of pool a" in done.output
    assert "\n             scontrol update nodename=n01 state=undrain\n" in done.output
    assert "error    kubernetes.names: pool a: Kubernetes has no node n04\n" in done.output
    assert "2 errors, 1 warning, " in done.output


def test_warnings_alone_end_it_with_0(folder: Path, server: Fake):
    server.drain("n01", "disk")
    assert with_policy(folder).exit_code == 0


def test_json_has_the_same(folder: Path, server: Fake):
    server.drain("n01", "di\x1b[31msk")
    done = with_policy(folder, "--json")
    told_ = json.loads(done.output)
    assert sorted(told_) == ["counts", "findings", "version"]
    assert told_["version"] == 1
    assert told_["counts"] == {"ok": 30, "skipped": 1, "warning": 1, "error": 0}
    assert {tuple(sorted(one)) for one in told_["findings"]} == {("check", "commands", "level", "remedy", "what")}


def test_what_cannot_be_read_is_an_error_and_the_rest_is_looked_at(folder: Path):
    (folder / "policy.yaml").write_text("spec: {mode: fast, pool: []}")
    done = with_policy(folder)
    assert done.exit_code == 1
    assert done.output.count("error    policy: ") == 2
    assert "ok       slurm.rest: " in done.output


def test_a_site_file_that_cannot_be_used_is_all_there_is_to_say(folder: Path):
    (folder / "site.yaml").write_text("spec: {slurm: {token: abc}}")
    done = run(folder)
    assert (done.exit_code, "slurm.rest" in done.output) == (1, False)
    assert "error    site: " in done.output
    assert "docs/reference/site.md" in done.output


def test_without_a_policy_it_says_so(folder: Path):
    done = run(folder)
    assert done.exit_code == 0
    assert "skipped  policy: not checked: no policy was given" in done.output


def test_wrong_usage_ends_it_with_2():
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 2


# ---- words ----


def test_every_line_fits_in_80_columns_but_commands_which_stay_whole():
    command = "scontrol update nodename=" + "n" * 90
    text = unstyle(line(warning("slurm.drains", "word " * 60, "remedy " * 40, command), ["slurm.drains"], 80))
    lines = text.splitlines()
    assert [one.strip() for one in lines if len(one) > 80] == [command]
    assert lines[0].startswith("warning  slurm.drains: word")
    assert all(one.startswith(" " * 9) for one in lines[1:])


def test_what_strangers_wrote_does_not_steer_the_terminal():
    found = wrong("a", "x\x1b[2Jy\nz", "r\x07", "c\x1b]0;t\x07")
    assert not {char for char in unstyle(line(found, ["a"], 80)) if not char.isprintable()} - {"\n"}


def test_a_summary_counts_each_level():
    found = [well("a", ""), skipped("b", ""), warning("c", "", ""), wrong("d", "", ""), wrong("e", "", "")]
    assert summary(found) == "2 errors, 1 warning, 1 ok, 1 not checked"
    assert document(found)["counts"] == {"ok": 1, "skipped": 1, "warning": 1, "error": 2}


# ---- files ----


def only(found: Iterator[Finding]) -> Finding:
    (one,) = found
    return one


def test_the_folder_of_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert only(files.state_findings(tmp_path)).level is Level.OK
    assert "will be made" in only(files.state_findings(tmp_path / "a" / "b")).what
    (tmp_path / "file").touch()
    assert only(files.state_findings(tmp_path / "file" / "state")).level is Level.ERROR
    for kind, level in (("nfs4", Level.ERROR), ("tmpfs", Level.WARNING), ("ext4", Level.OK)):
        monkeypatch.setattr(files, "file_system", lambda _, kind=kind: kind)
        assert only(files.state_findings(tmp_path)).level is level
    monkeypatch.setattr(files, "FREE_LEAST", 2**62)
    assert only(files.state_findings(tmp_path)).level is Level.WARNING


def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount():
    assert (files.file_system(Path("/proc/self")), files.file_system(Path("/dev/shm"))) == ("proc", "tmpfs")  # noqa: S108


def test_a_pause_is_told(tmp_path: Path):
    pause(tmp_path / files.LOCK, Pause.FINISH)
    _, paused = files.state_findings(tmp_path)
    assert (paused.level, paused.commands) == (Level.WARNING, (f"tidegate resume {tmp_path / files.LOCK}",))
    pause(tmp_path / files.LOCK, Pause.FINISH, "a100")
    _, _, pool = files.state_findings(tmp_path)
    assert pool.what == "moves of pool a100 are paused by somebody"
    assert pool.commands == (f"tidegate resume {tmp_path / files.LOCK} --pool a100",)


def test_whether_somebody_leads(tmp_path: Path):
    assert files.leads(tmp_path) is False
    lock = tmp_path / f"{files.LOCK}.lock"
    lock.touch()
    assert files.leads(tmp_path) is False
    fd = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert files.leads(tmp_path) is True
    finally:
        os.close(fd)


# ---- bus ----


def test_a_bus_that_is_not_there_yet_is_made_by_the_first_who_publishes(tmp_path: Path):
    found = only(bus.bus_findings(BusPlace(address=f"sqlite:{tmp_path / 'bus.db'}"), POOLS))
    assert (found.level, "is not there yet" in found.what) == (Level.OK, True)
    assert list(tmp_path.iterdir()) == []


def of(at_h: float, key: str = "campus/pool/hpc") -> Event:
    """Demand of so many hours ago, told now."""
    at_s = time.time() - at_h * 3600
    return replace(demand(1, key), at_s=at_s, version=int(at_s))


def test_the_history_on_a_bus_is_as_long_as_the_time_that_it_tells_of(tmp_path: Path):
    with closing(SqliteBus(tmp_path / "bus.db")) as opened:
        place = BusPlace(address=f"sqlite:{tmp_path / 'bus.db'}")
        there, none = bus.bus_findings(place, POOLS)
        assert (there.level, "has 7 topics of ours" in there.what) == (Level.OK, True)
        assert none.what.startswith("no demand of pool campus/pool is on it yet")
        told(opened, [of(0.5), of(0)])
        _, some = bus.bus_findings(place, POOLS)
        assert some.what.startswith("0.5 h of demand of pool campus/pool are on it; the first model comes after 24 h")
        told(opened, [of(72), of(48)])  # history that was imported later than what is newer
        _, imported = bus.bus_findings(place, POOLS)
    assert imported.what == "72.0 h of demand of pool campus/pool are on it"


def test_what_a_forecaster_would_leave_out_is_no_history(tmp_path: Path):
    with closing(SqliteBus(tmp_path / "bus.db")) as opened:
        told(
            opened,
            [of(1), of(0), of(90, "campus/other/hpc"), of(-5), of(90, "campus/pool/kubernetes"), of(90, "pool/hpc")],
        )
        _, found = bus.bus_findings(BusPlace(address=f"sqlite:{tmp_path / 'bus.db'}"), POOLS)
    assert found.what.startswith("1.0 h of demand")


def test_a_bus_that_has_topics_with_another_prefix_only(tmp_path: Path):
    with closing(SqliteBus(tmp_path / "bus.db", prefix="campus.")):
        found = only(bus.bus_findings(BusPlace(address=f"sqlite:{tmp_path / 'bus.db'}"), POOLS))
    assert (found.level, "campus.tidegate.work" in found.remedy) == (Level.WARNING, True)


def test_a_bus_that_is_none(tmp_path: Path):
    (tmp_path / "bus.db").write_text("text " * 1000)
    found = only(bus.bus_findings(BusPlace(address=f"sqlite:{tmp_path / 'bus.db'}"), POOLS))
    assert found.level is Level.ERROR


def test_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("connectors.kafka_client.connect_errors.BOOTSTRAP_S", 0.1)
    found = only(bus.bus_findings(BusPlace(address="kafka:127.0.0.1:1"), POOLS))
    assert (found.level, "no broker answers at 127.0.0.1:1" in found.what) == (Level.ERROR, True)


def test_settings_of_a_bus_that_cannot_be_used(tmp_path: Path):
    (tmp_path / "bus.yaml").write_text("prefix: '*'\nspol: x")
    found = list(bus.bus_findings(BusPlace(address="kafka:127.0.0.1:1", settings=str(tmp_path / "bus.yaml")), POOLS))
    assert [one.level for one in found] == [Level.ERROR, Level.ERROR]
