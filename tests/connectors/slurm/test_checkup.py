"""A checkup of Slurm over REST, whatever is wrong on the way to it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.slurm.checkup import inventory as things
from connectors.slurm.checkup import reachability as reach
from connectors.slurm.checkup.checkup import Checkup
from connectors.slurm.rest.client import Rest
from connectors.slurm.settings import SlurmSettings
from connectors.slurm.wire import Diagnosis, decode
from models.errors import Unreachable
from models.findings import Finding, Level
from models.policies import Mode, Policy, Spec
from tests.connectors.slurm import fake
from tests.connectors.slurm.fake import Fake, Handler
from tests.connectors.slurm.makers import diagnosis, node, number, partition

SECRET = "SECRETSIGNATURE"  # noqa: S105 - of nobody
ADMINISTRATOR, ANYBODY = fake.fault(2018, 422), fake.fault(2010, 422)
CONF = {"slurm_conf": {"StateSaveLocation": "/var/lib/slurm", "AuthAltTypes": ["auth/jwt"], "ReturnToService": "none"}}
UNREACHED = {
    "slurm.rights",
    "slurm.clock",
    "slurm.nodes",
    "slurm.states",
    "slurm.drains",
    "slurm.reservations",
    "slurm.partitions",
    "slurm.conf",
}


def diag(off_s: int = 0, release: str = "26.05.5") -> Handler:
    """The answer of a slurmctld of that release whose clock is off."""

    def say(request: fake.Request) -> None:
        request.say(200, {"meta": {"slurm": {"release": release}}} | diagnosis(int(time.time()) + off_s))

    return say


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Fake]:
    """One of which nothing bad can be said, and a token for it that is good for an hour."""
    token = fake.token(int(time.time()) + 3600)
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(0o600)
    with fake.serving() as one:
        one.tokens = {token}
        one.instead = {
            "POST node/tidegate-doctor": ADMINISTRATOR,
            "GET diag": diag(),
            "GET conf/": fake.say(200, CONF),
            "GET partitions/": fake.say(
                200, {"partitions": [partition(nodes="n[01-03]", maximums={"time": number(60)})]}
            ),
        }
        yield one


Clock = Callable[[], float]


@pytest.fixture
def look(server: Fake, tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """What is found, by the name of the check; where it finds several things, the last of them."""

    def found(policy: Policy | None = None, clock: Clock = time.time, **more: Any) -> dict[str, Finding]:
        settings = SlurmSettings(**{"url": server.url, "token_file": str(tmp_path / "token")} | more)
        findings = list(Checkup(settings, policy, False, clock).findings())
        assert not any(SECRET in f"{one}" for one in findings)
        return {one.check: one for one in findings}

    return found


Look = Callable[..., dict[str, Finding]]


def levels(found: dict[str, Finding]) -> set[Level]:
    return {one.level for one in found.values()}


def test_all_is_well_and_nothing_is_changed(server: Fake, look: Look):
    found = look()
    assert levels(found) == {Level.OK}, found
    assert set(found) == UNREACHED | {"slurm.token", "slurm.rest", "slurm.controller", "slurm.release"}
    assert found["slurm.release"].what == "Slurm 26.05.5, data parsers v0.0.44, v0.0.45; v0.0.44 is used"
    assert server.writes() == ["POST node/tidegate-doctor"]
    assert [body for body in server.bodies if body is not None] == [{}]


def test_what_is_asked_of_slurm_costs_it_little(server: Fake, look: Look):
    look()
    assert len([asked for asked in server.asked if asked != "GET ping"]) == 7
    assert "GET jobs/" not in server.asked


def test_commands_are_tried_where_the_site_names_them(look: Look, tmp_path: Path):
    assert look(commands=str(tmp_path))["slurm.commands"].level is Level.ERROR


# ---- who asks ----


@pytest.mark.parametrize(
    ("mode", "level"), [(None, Level.ERROR), (Mode.AUTO, Level.ERROR), (Mode.OBSERVE, Level.WARNING)]
)
def test_no_administrator(server: Fake, look: Look, mode: Mode | None, level: Level):
    server.instead["POST node/tidegate-doctor"] = ANYBODY
    found = look(None if mode is None else Policy(spec=Spec(mode=mode)))["slurm.rights"]
    assert (found.level, found.what.startswith("root is no Slurm administrator")) == (level, True)
    assert found.commands == ("sacctmgr modify user where name=root set adminlevel=admin",)


def test_rights_that_cannot_be_told(server: Fake, look: Look):
    server.instead["POST node/tidegate-doctor"] = fake.fault(1234, 500)
    assert look()["slurm.rights"].level is Level.SKIPPED


@pytest.mark.parametrize(
    ("left_s", "level", "said"),
    [
        (3600, Level.OK, "is root's and ends in 1 h"),
        (120, Level.WARNING, "ends in"),
        (-7200, Level.ERROR, "ended 2 h ago"),
    ],
)
def test_when_the_token_ends(server: Fake, look: Look, tmp_path: Path, left_s: int, level: Level, said: str):
    now_s = int(time.time())
    token = fake.token(now_s + left_s)
    (tmp_path / "token").write_text(token)
    server.tokens = {token}
    found = look(clock=lambda: now_s)["slurm.token"]
    assert (found.level, said in found.what) == (level, True), found


def test_a_token_that_everybody_can_read(server: Fake, look: Look, tmp_path: Path):
    (tmp_path / "token").chmod(0o644)
    settings = SlurmSettings(url=server.url, token_file=str(tmp_path / "token"))
    first = next(Checkup(settings, None, False, time.time).findings())
    assert (first.level, first.commands) == (Level.WARNING, (f"chmod o-rwx {tmp_path / 'token'}",))


@pytest.mark.parametrize("text", [None, "", "two words"])
def test_no_token(look: Look, tmp_path: Path, text: str | None):
    os.unlink(tmp_path / "token")
    if text is not None:
        (tmp_path / "token").write_text(text)
    found = look()
    assert found["slurm.token"].level is Level.ERROR
    assert {check for check, one in found.items() if one.level is Level.SKIPPED} == UNREACHED | {"slurm.rest"}


def test_a_token_that_is_not_accepted(server: Fake, look: Look):
    server.tokens = set()
    found = look()
    assert (found["slurm.rest"].level, "is not accepted" in found["slurm.rest"].what) == (Level.ERROR, True)
    assert {check for check, one in found.items() if one.level is Level.SKIPPED} == UNREACHED


# ---- the way there ----


def test_nobody_listens(look: Look):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = look(url=f"http://127.0.0.1:{taken.getsockname()[1]}")["slurm.rest"]
    assert (found.level, found.what.endswith("nothing listens there")) == (Level.ERROR, True)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "host name is not known here (Name or service not known)"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "it does not speak TLS with us"),
        (TimeoutError("timed out"), "no answer in time"),
        (http.client.BadStatusLine("SSH-2.0"), "does not speak HTTP"),
        (OSError(113, "No route to host"), "it cannot be connected to (No route to host)"),
    ],
)
def test_each_way_to_fail_has_words_of_its_own(cause: Exception, said: str):
    error = Unreachable("no answer")
    error.__cause__ = cause
    found = reach.unreached("http://slurm:6820", error)
    assert (found.level, said in found.what, bool(found.remedy)) == (Level.ERROR, True, True), found


@pytest.mark.parametrize(
    ("handler", "check", "said"),
    [
        (fake.fault(1800, 502), "slurm.controller", "no slurmctld does"),
        (fake.fault(5004, 504), "slurm.controller", "does not answer them"),
        (fake.fault(1, 500), "slurm.controller", "answer 500 when asked how it is"),
        (fake.hang_up, "slurm.rest", "does not speak HTTP"),
        (fake.silence, "slurm.rest", "no answer in time"),
    ],
)
def test_slurmctld_apart_from_slurmrestd(
    server: Fake, look: Look, monkeypatch: pytest.MonkeyPatch, handler: Handler, check: str, said: str
):
    send = Rest._send
    monkeypatch.setattr(Rest, "_send", lambda self, *words: fake.unless_silent(server, partial(send, self), *words))
    server.instead["GET diag"] = handler
    found = look()
    assert (found[check].level, said in found[check].what) == (Level.ERROR, True), found[check]
    assert {name for name, one in found.items() if one.level is Level.SKIPPED} == UNREACHED


def test_a_server_that_is_no_slurmrestd_or_speaks_what_we_do_not(server: Fake, look: Look):
    server.versions = {"v0.0.39"}
    found = look()["slurm.rest"]
    assert (found.level, "speaks none of" in found.what) == (Level.ERROR, True)


def test_a_ca_that_is_none(look: Look, tmp_path: Path):
    found = look(url="https://127.0.0.1:1", ca_file=str(tmp_path / "token"))["slurm.rest"]
    assert (found.level, f"spec.slurm.caFile {tmp_path / 'token'}: holds no certificate" in found.what) == (
        Level.ERROR,
        True,
    )
    assert found.remedy == "Mend spec.slurm.caFile."


def test_a_backup_that_is_silent(server: Fake, look: Look):
    pings = [{"hostname": "a", "responding": True}, {"hostname": "b", "responding": False}]
    server.instead["GET ping"] = fake.say(200, {"pings": pings})
    found = look()["slurm.controller"]
    assert (found.level, found.what.startswith("slurmctld on b does not answer")) == (Level.WARNING, True)


@pytest.mark.parametrize(
    ("release", "level"),
    [
        ("24.11.0", Level.OK),
        ("25.11.3", Level.OK),
        ("26.05.5", Level.OK),
        ("23.11.10", Level.WARNING),
        ("26.11.0", Level.WARNING),
        ("", Level.WARNING),
    ],
)
def test_releases_that_were_not_tried(server: Fake, look: Look, release: str, level: Level):
    server.instead["GET diag"] = diag(release=release)
    assert look()["slurm.release"].level is level


@pytest.mark.parametrize(("waiting", "level"), [(4000, None), (4001, Level.WARNING)])
def test_more_jobs_than_slurmrestd_can_well_tell(server: Fake, look: Look, waiting: int, level: Level | None):
    told = diagnosis(int(time.time()))
    told["statistics"]["jobs_pending"] = waiting
    server.instead["GET diag"] = fake.say(200, told)
    found = look().get("slurm.jobs")
    assert (found and found.level) == level
    assert found is None or "spec.slurm.commands" in found.remedy


@pytest.mark.parametrize("moves", [{"reserveAhead": True}, {"loans": "dueDates"}], ids=str)
def test_a_release_that_cannot_reserve_where_the_policy_wants_it(server: Fake, look: Look, moves: dict[str, object]):
    server.versions = {"v0.0.41", "v0.0.42"}
    server.instead["GET diag"] = diag(release="24.11.5")
    ahead = Policy.model_validate({"spec": {"moves": moves}})
    assert "nothing is reserved ahead" in look(ahead)["slurm.release"].what
    assert look()["slurm.release"].level is Level.OK


@pytest.mark.parametrize(
    ("told_s", "level", "said"),
    [
        (1000, Level.OK, "the same, within 1 s"),
        (999, Level.OK, "the same, within 1 s"),
        (1007, Level.WARNING, "7 s ahead of"),
        (990, Level.WARNING, "10 s behind"),
        (1000 + 3 * 3600, Level.ERROR, "3 h ahead of"),
        (1000 - 3 * 3600, Level.ERROR, "3 h behind"),
    ],
)
def test_clocks_that_differ(told_s: int, level: Level, said: str):
    """We asked at 1000.4 and had the answer at 1000.6; a second is told from its beginning on."""
    told = decode(json.dumps(diagnosis(told_s)).encode(), Diagnosis)
    (only,) = reach.clock_findings(told, 1000.4, 1000.6)
    assert (only.level, said in only.what) == (level, True), only


# ---- what there is ----


def test_a_node_list_that_cannot_be_read(server: Fake, look: Look):
    server.instead["GET nodes/"] = fake.half
    found = look()
    assert found["slurm.nodes"].level is Level.ERROR
    assert {name for name, one in found.items() if one.level is Level.SKIPPED} == set(things.CHECKS[1:])


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b'{"meta": {}'])
def test_what_answers_may_not_be_slurmrestd(server: Fake, look: Look, body: bytes):
    server.instead["GET diag"] = fake.say(200, body)
    found = look()
    assert {name for name, one in found.items() if one.level is Level.ERROR} == {"slurm.rest"}
    assert "is not slurmrestd" in found["slurm.rest"].what


@pytest.mark.parametrize("path", ["reservations/", "partitions/", "conf/"])
def test_one_check_that_fails_leaves_the_others_to_run(server: Fake, look: Look, path: str):
    server.instead[f"GET {path}"] = fake.say(200, b"{")
    found = look()
    assert [one.level for one in found.values()].count(Level.ERROR) == 1
    assert found[f"slurm.{path.rstrip('/')}"].level is Level.ERROR
    assert found[f"slurm.{path.rstrip('/')}"].remedy
    assert Level.SKIPPED not in levels(found)


def test_a_bug_of_ours_is_a_finding(server: Fake, look: Look, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reach, "clock_findings", lambda *_: 1 / 0)
    found = look()
    assert "the check itself failed: ZeroDivisionError" in found["slurm.clock"].what
    assert found["slurm.nodes"].level is Level.OK


def test_the_nodes_of_the_policy_are_looked_at(server: Fake, look: Look):
    server.nodes["m1"] = node("m1", "DOWN")
    policy = Policy.model_validate({"spec": {"pools": [{"name": "a", "nodes": "n[01-03]"}]}})
    assert look(policy)["slurm.states"].level is Level.OK
    assert look()["slurm.states"].what == "DOWN: node m1"


# ---- settings ----


def test_settings_come_from_slurmctld_where_it_tells_them(server: Fake, look: Look, tmp_path: Path):
    server.instead["GET conf/"] = fake.say(200, {"slurm_conf": CONF["slurm_conf"] | {"ReturnToService": "all"}})
    assert "ReturnToService=2" in look(conf=str(tmp_path / "gone.conf"))["slurm.conf"].what


def test_settings_come_from_slurm_conf_where_it_does_not(server: Fake, look: Look, tmp_path: Path):
    server.versions = {"v0.0.44"}
    found = look()["slurm.conf"]
    assert (found.level, "spec.slurm.conf" in found.remedy) == (Level.SKIPPED, True)
    (tmp_path / "slurm.conf").write_text("AuthAltTypes=auth/jwt\nStateSaveLocation=/s\nReturnToService=2\n")
    assert "ReturnToService=2" in look(conf=str(tmp_path / "slurm.conf"))["slurm.conf"].what
    gone = look(conf=str(tmp_path / "gone.conf"))["slurm.conf"]
    assert (gone.level, "gone.conf: cannot be read" in gone.what) == (Level.ERROR, True)
    server.instead["GET diag"] = fake.fault(1800, 502)
    assert "ReturnToService=2" in look(conf=str(tmp_path / "slurm.conf"))["slurm.conf"].what


def test_power_saving_that_spares_the_partition_is_no_mistake(server: Fake, look: Look):
    saving = {"SuspendProgram": "/s", "ResumeProgram": "/r", "SuspendTime": number(600)}
    server.instead["GET conf/"] = fake.say(200, {"slurm_conf": CONF["slurm_conf"] | saving})
    found = look()["slurm.conf"]
    assert (found.level, "powers down n[01-03] when idle" in found.what) == (Level.ERROR, True)
    spared = saving | {"SuspendExcParts": ["batch"]}
    server.instead["GET conf/"] = fake.say(200, {"slurm_conf": CONF["slurm_conf"] | spared})
    assert look()["slurm.conf"].level is Level.OK
