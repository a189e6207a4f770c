"""The client against a slurmrestd that does wrong things."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.slurm import wire
from connectors.slurm.rest import client
from connectors.slurm.rest.client import Denied, NotOffered, Rest
from connectors.slurm.token import TokenFile, expiry
from models.errors import BadInput, Unreachable
from tests.connectors.slurm import fake
from tests.connectors.slurm.fake import TOKEN, Fake, Handler, rest, token
from tests.connectors.slurm.makers import node

SECRET = "SECRETSIGNATURE"  # noqa: S105 - of nobody
WAITS = {"no answer", "a byte at a time"}


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake.serving() as one:
        yield one


def test_all_nodes_are_read_over_one_connection(server: Fake, tmp_path: Path):
    one = rest(server, tmp_path)
    for _ in range(3):
        assert [told.name for told in one.get("nodes/", wire.Nodes).nodes or ()] == ["n01", "n02", "n03"]
    assert server.asked == ["GET ping", "GET nodes/", "GET nodes/", "GET nodes/"]


@pytest.mark.parametrize("number", [0, 1])
def test_an_error_beside_an_empty_list_is_no_empty_list(server: Fake, tmp_path: Path, number: int):
    told = {"jobs": [], "errors": [{"error_number": number, "error": "", "description": "failed"}]}
    server.instead["GET jobs/"] = fake.say(200, told)
    with pytest.raises(Unreachable, match="could not tell jobs/"):
        rest(server, tmp_path).get("jobs/", wire.Jobs)


@pytest.mark.parametrize(
    "url", ["http://h:99999", "http://h:0", "http://[::1", "ftp://h:1", "http://ada@h:1", "http://:1"]
)
def test_an_address_that_is_none_is_told_at_once(tmp_path: Path, url: str):
    with pytest.raises(BadInput, match="no address of slurmrestd"):
        Rest(url, tmp_path / "token")


def test_the_token_and_who_asks_are_in_the_headers(server: Fake, tmp_path: Path):
    rest(server, tmp_path, user="tidegate").get("nodes/", wire.Nodes)
    assert server.headers[-1]["X-SLURM-USER-TOKEN"] == TOKEN
    assert server.headers[-1]["X-SLURM-USER-NAME"] == "tidegate"
    rest(server, tmp_path).get("nodes/", wire.Nodes)
    assert "X-SLURM-USER-NAME" not in server.headers[-1]


@pytest.mark.parametrize(
    ("spoken", "chosen"),
    [
        ({"v0.0.40", "v0.0.41", "v0.0.42"}, "v0.0.42"),
        ({"v0.0.42", "v0.0.43", "v0.0.44", "v0.0.45"}, "v0.0.44"),
        ({"v0.0.45", "v0.0.46"}, "v0.0.45"),
        ({"v0.0.40"}, "v0.0.40"),
    ],
)
def test_the_version_that_tells_most_is_chosen(server: Fake, tmp_path: Path, spoken: set[str], chosen: str):
    server.versions = spoken
    one = rest(server, tmp_path)
    one.get("nodes/", wire.Nodes)
    assert one.version == chosen


def test_after_an_upgrade_the_version_is_chosen_anew(server: Fake, tmp_path: Path):
    server.versions = {"v0.0.40"}
    one = rest(server, tmp_path)
    one.get("nodes/", wire.Nodes)
    server.versions = {"v0.0.43"}
    assert one.get("nodes/", wire.Nodes).nodes
    assert one.version == "v0.0.43"


def test_a_server_that_speaks_nothing_we_know(server: Fake, tmp_path: Path):
    server.versions = {"v0.0.39", "v0.0.99"}
    with pytest.raises(Unreachable, match=r"speaks none of v0\.0\.40"):
        rest(server, tmp_path).get("nodes/", wire.Nodes)


def test_what_a_release_has_not_is_told_apart(server: Fake, tmp_path: Path):
    server.instead["POST reservation"] = fake.say(404, b"Unable find requested URL.")
    with pytest.raises(NotOffered, match=r"has no /slurm/v0\.0\.44/reservation"):
        rest(server, tmp_path).write("POST", "reservation", {"name": "x"})


def test_an_old_connection_that_has_ended_is_made_anew(server: Fake, tmp_path: Path):
    one = rest(server, tmp_path)
    one.get("nodes/", wire.Nodes)

    def say_and_hang_up(request: fake.Request) -> None:
        request.say(200, {"nodes": []})
        fake.hang_up(request)

    server.instead["GET nodes/"] = say_and_hang_up
    one.get("nodes/", wire.Nodes)
    del server.instead["GET nodes/"]
    assert one.get("nodes/", wire.Nodes).nodes


@pytest.mark.parametrize(
    ("what", "handler"),
    [
        ("no answer", fake.silence),
        ("hang up", fake.hang_up),
        ("half a body", fake.half),
        ("a byte at a time", fake.trickle),
        ("no JSON", fake.say(200, b"<html>")),
        ("half of JSON", fake.say(200, b'{"nodes": [{"name": "n01", "state": ["IDLE"]}')),
        ("another shape", fake.say(200, {"nodes": {"n01": 1}})),
        ("a required field is missing", fake.say(200, {"nodes": [node(), {"name": "n02"}]})),
        ("service unavailable", fake.say(503, b"busy")),
        ("slurmctld cannot be reached", fake.fault(1007, 500)),
        ("an error beside the data", fake.say(200, {"nodes": [node()], "errors": [{"error_number": 1800}]})),
        ("a redirection", fake.say(303, b"")),
        ("nothing", fake.say(200, b"")),
    ],
)
def test_whatever_goes_wrong_nothing_is_told_and_soon(server: Fake, tmp_path: Path, what: str, handler: Handler):
    one, ended = rest(server, tmp_path), threading.Event()
    one.get("nodes/", wire.Nodes)

    def wrong(request: fake.Request) -> None:
        handler(request)
        ended.set()

    server.instead["GET nodes/"] = wrong
    with pytest.raises(Unreachable) as caught:
        one.get("nodes/", wire.Nodes, timeout_s=0.3)
    assert what not in WAITS or not ended.is_set(), "it was not waited for"
    assert SECRET not in str(caught.value)
    del server.instead["GET nodes/"]
    assert one.get("nodes/", wire.Nodes).nodes, "and then it is told again"


def test_an_answer_that_is_too_large_is_not_listened_to(server: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "ANSWER_MOST", 10_000)
    server.nodes = {f"n{number}": node(f"n{number}") for number in range(1000)}
    with pytest.raises(Unreachable, match="larger than 10000 bytes"):
        rest(server, tmp_path).get("nodes/", wire.Nodes)


def test_nobody_listens(tmp_path: Path):
    with fake.serving() as gone:
        one = rest(gone, tmp_path)
    with pytest.raises(Unreachable, match="gave no answer"):
        one.get("nodes/", wire.Nodes)


@pytest.mark.parametrize("status", [401, 403, 511])
def test_a_token_that_is_not_accepted_names_its_file_and_never_itself(server: Fake, tmp_path: Path, status: int):
    one = rest(server, tmp_path)
    server.instead["GET nodes/"] = fake.say(status, b"Authentication failure")
    with pytest.raises(Denied) as caught:
        one.get("nodes/", wire.Nodes)
    assert f"{tmp_path / 'token'} is not accepted" in str(caught.value)
    assert "(write a new one into it: scontrol token username=" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_tls_to_a_server_that_speaks_none_is_told_as_that(server: Fake, tmp_path: Path):
    (tmp_path / "token").write_text(TOKEN)
    one = Rest(server.url.replace("http:", "https:"), tmp_path / "token")
    with closing(one), pytest.raises(Unreachable, match=r"it speaks no TLS \(use http://127") as caught:
        one.get("nodes/", wire.Nodes)
    assert isinstance(caught.value.__cause__, ssl.SSLError)


@pytest.mark.parametrize("url", ["", "slurm:6820", "ftp://slurm", "http://", "http://me:pw@slurm", "http://slurm?x=1"])
def test_what_is_no_address(tmp_path: Path, url: str):
    with pytest.raises(BadInput):
        Rest(url, tmp_path / "token")


# ---- the token ----


def write(path: Path, text: str, at_s: int) -> None:
    path.write_text(text)
    os.utime(path, (at_s, at_s))


def test_a_new_token_is_used_as_soon_as_it_is_there(server: Fake, tmp_path: Path):
    one = rest(server, tmp_path)
    one.get("nodes/", wire.Nodes)
    server.tokens = {token(99)}
    with pytest.raises(Denied):
        one.get("nodes/", wire.Nodes)
    write(tmp_path / "token", f"SLURM_JWT={token(99)}\n", 5)
    assert one.get("nodes/", wire.Nodes).nodes


@pytest.mark.parametrize("text", ["", "\n", "two words", "a\r\nX-Evil: 1", "x" * 20_000, "tök"])
def test_a_file_without_a_token_is_named(tmp_path: Path, text: str):
    write(tmp_path / "token", text, 1)
    with pytest.raises(Unreachable, match=str(tmp_path)):
        TokenFile(tmp_path / "token").token(0)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "it is not a file"),
        (os.mkfifo, "it is not a file"),  # it is not waited for
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
    ids=["not there", "a folder", "a pipe", "a link to itself"],
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, make: Callable[[Path], object], why: str):
    path = tmp_path / "token"
    make(path)
    with pytest.raises(Unreachable) as caught:
        TokenFile(path).token(0)
    told = f"the token for Slurm in {path} cannot be read: {why} (write what `scontrol token` says into that file)"
    assert str(caught.value) == told


def test_a_file_that_may_not_be_read_is_another_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", forbidden)
    with pytest.raises(Unreachable, match=r"token cannot be read: Permission denied \(let this user read that file\)"):
        TokenFile(tmp_path / "token").token(0)


@pytest.mark.parametrize(
    ("text", "expires_s"),
    [(token(4711), 4711), ("abc", None), ("a.b.c", None), ("a.e30.c", None), ("a.W10.c", None), ("a.____.c", None)],
)
def test_a_token_says_when_it_expires(text: str, expires_s: int | None):
    assert expiry(text) == expires_s


def test_one_that_is_about_to_expire_is_complained_about_once_and_again_when_it_has_until_it_is_renewed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file = TokenFile(tmp_path / "token")
    write(tmp_path / "token", token(2000), 1)
    for now_s in (1000, 1699):
        file.token(now_s)
    assert not caplog.records
    for now_s in (1701, 1800, 2100, 2200):
        file.token(now_s)
    assert caplog.messages == [
        f"the token for Slurm in {tmp_path / 'token'}: it {when} and was not renewed: write a new one into it"
        for when in ("expires in 299 s", "expired 100 s ago")
    ]
    write(tmp_path / "token", token(4000), 2)
    file.token(2100)
    assert (file.expires_s, len(caplog.records)) == (4000, 2)
    file.token(4100)
    assert "expired 100 s ago" in caplog.records[-1].getMessage()


def test_the_token_is_in_no_log_no_error_and_no_repr(server: Fake, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    one = rest(server, tmp_path)
    one.get("nodes/", wire.Nodes)
    server.tokens = set()
    with pytest.raises(Denied) as caught:
        one.get("nodes/", wire.Nodes)
    told = [repr(one), repr(one.tokens), str(caught.value), repr(caught.value), caplog.text]
    assert not any(SECRET in text for text in told)
