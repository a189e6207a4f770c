"""An API server over sockets: what is sent, and what is said of each way in which no answer comes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.kube.access import http_api
from connectors.kube.access.api import MERGE_PATCH, Answer, ApiRefused
from connectors.kube.access.config import open_access
from connectors.kube.access.http_api import HttpApi
from connectors.kube.settings import KubernetesSettings
from models.errors import Unreachable
from tests.connectors.kube import fake_http
from tests.connectors.kube.fake_api import FakeApi, refused
from tests.connectors.kube.fake_http import TOKEN, FakeHttp, Wrong, made_certificate, serving
from tests.connectors.kube.test_config import Clock
from tests.patience import LONG_S, until

SHORT_S = 0.3  # how long an answer is waited for that does not come
NODES = "/api/v1/nodes"


@pytest.fixture
def server() -> Iterator[FakeHttp]:
    with serving(FakeApi()) as made:
        made.tokens = {TOKEN}
        yield made


@pytest.fixture
def api(server: FakeHttp, tmp_path: Path) -> Iterator[HttpApi]:
    made = opened(server.url, tmp_path)
    yield made
    made.close()


def opened(url: str, folder: Path, clock: Clock | None = None, ca: Path | None = None) -> HttpApi:
    file = folder / "token"
    if not file.exists():
        file.write_text(TOKEN + "\n")
    told = {"server": url, "tokenFile": str(file)} | ({} if ca is None else {"caFile": str(ca)})
    settings, monotonic = KubernetesSettings.model_validate(told), clock or Clock()
    return HttpApi(lambda: open_access(settings, monotonic=monotonic), monotonic=monotonic)


def test_bodies_stay_raw_and_queries_are_sent(server: FakeHttp, api: HttpApi):
    server.api.put("pods", {"metadata": {"name": "p", "namespace": "a"}, "spec": {"nodeName": "n 1&"}})
    server.api.put("pods", {"metadata": {"name": "q", "namespace": "a"}})
    answer = api.ask("GET", "/api/v1/pods", query={"fieldSelector": "spec.nodeName=n 1&"}, timeout_s=LONG_S)
    assert answer.ok
    assert answer.date
    assert [one["metadata"]["name"] for one in json.loads(answer.body)["items"]] == ["p"]
    assert server.headers[-1]["authorization"] == f"Bearer {TOKEN}"
    assert "accept-encoding" not in server.headers[-1] or server.headers[-1]["accept-encoding"] == "identity"


def test_a_merge_patch_is_sent_as_one(server: FakeHttp, api: HttpApi):
    server.api.put("nodes", {"metadata": {"name": "n1", "annotations": {"a": "1", "b": "2"}}})
    body = {"metadata": {"annotations": {"a": None, "c": "3"}}, "spec": {"taints": [{"key": "k"}]}}
    answer = api.ask("PATCH", f"{NODES}/n1", body=body, content_type=MERGE_PATCH, timeout_s=LONG_S)
    assert answer.status == 200
    assert server.headers[-1]["content-type"] == MERGE_PATCH
    assert server.api.get("nodes", "n1")["metadata"]["annotations"] == {"b": "2", "c": "3"}


def test_a_no_is_an_answer_and_is_asked_once(server: FakeHttp, api: HttpApi):
    busy = refused(429, "TooManyRequests", "later", retry_after_s=3600)
    server.instead[NODES] = lambda request: request.say(busy)
    answer = api.ask("GET", NODES, timeout_s=LONG_S)
    assert (answer.status, answer.retry_after_s) == (429, 3600.0)
    assert len(server.headers) == 1


def test_connections_are_kept(server: FakeHttp, api: HttpApi, monkeypatch: pytest.MonkeyPatch):
    opened_: list[object] = []
    connect = socket.create_connection
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *a, **k: opened_.append(a) or connect(*a))
    for _ in range(3):
        api.ask("GET", NODES, timeout_s=LONG_S)
    assert len(server.headers) == 3
    assert len(opened_) <= 1


def test_a_token_that_was_renewed_is_read_again_on_the_first_no(server: FakeHttp, tmp_path: Path):
    clock = Clock()
    api = opened(server.url, tmp_path, clock)
    assert api.ask("GET", NODES, timeout_s=LONG_S).ok
    server.tokens = {"another"}
    (tmp_path / "token").write_text("another")
    clock.now_s += 10
    assert api.ask("POST", NODES, body={"metadata": {"name": "n1"}}, timeout_s=LONG_S).status == 201
    with api.watch(NODES, query={}, silence_s=LONG_S) as lines:
        assert b'"n1"' in next(lines)
    assert [one["authorization"] for one in server.headers] == [f"Bearer {TOKEN}"] * 2 + ["Bearer another"] * 2
    api.close()


def test_who_is_not_known_is_told_what_to_do(server: FakeHttp, tmp_path: Path):
    clock = Clock()
    api = opened(server.url, tmp_path, clock)
    server.tokens = {"another"}
    for _ in range(3):
        with pytest.raises(Unreachable, match=r"does not know us \(401 to GET /api/v1/nodes\).*renew it") as met:
            api.ask("GET", NODES, timeout_s=LONG_S)
        assert TOKEN not in str(met.value)
    clock.now_s += 10
    (tmp_path / "token").unlink()
    with pytest.raises(Unreachable, match=r"does not know us any more .*cannot be read"):
        api.ask("GET", NODES, timeout_s=LONG_S)
    api.close()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param(fake_http.silence, "it was silent for", id="silence"),
        pytest.param(fake_http.half, "the connection broke off", id="half an answer"),
        pytest.param(fake_http.hang_up, "the connection broke off", id="no answer"),
    ],
)
def test_no_answer(server: FakeHttp, api: HttpApi, wrong: Wrong, says: str):
    server.instead[NODES] = wrong
    with pytest.raises(Unreachable, match=f"gave no answer to GET {NODES}: {says}"):
        api.ask("GET", NODES, timeout_s=SHORT_S if wrong is fake_http.silence else LONG_S)


def test_an_answer_that_trickles_ends_with_its_time(server: FakeHttp, tmp_path: Path):
    clock = Clock()
    api = opened(server.url, tmp_path, clock)

    def trickle(request: fake_http.Request) -> None:
        request.begin()
        for _ in range(1000):
            clock.now_s += 1
            request.chunk(b" ")
        request.server.over.wait(LONG_S)

    server.instead[NODES] = trickle
    with pytest.raises(Unreachable, match="it was silent for"):
        api.ask("GET", NODES, timeout_s=LONG_S)
    api.close()


def test_an_answer_without_end_is_not_kept(server: FakeHttp, api: HttpApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_api, "ANSWER_MOST", 100)
    server.api.put("nodes", {"metadata": {"name": "n" * 200}})
    with pytest.raises(Unreachable, match="larger than 100 bytes"):
        api.ask("GET", NODES, timeout_s=LONG_S)


def test_a_redirection_is_not_followed(server: FakeHttp, api: HttpApi):
    server.instead["/api/v1/pods"] = fake_http.elsewhere
    assert api.ask("GET", "/api/v1/pods", timeout_s=LONG_S).status == 302
    assert len(server.headers) == 1


@pytest.mark.parametrize(
    ("wrong", "says", "silence_s"),
    [
        pytest.param(fake_http.silent_stream, "it was silent for", SHORT_S, id="silence"),
        pytest.param(fake_http.cut_stream, "the connection broke off", LONG_S, id="cut"),
        pytest.param(fake_http.hang_up, "the connection broke off", LONG_S, id="hung up before it began"),
    ],
)
def test_a_watch_that_breaks(server: FakeHttp, api: HttpApi, wrong: Wrong, says: str, silence_s: float):
    server.instead[NODES] = wrong
    with pytest.raises(Unreachable, match=says), api.watch(NODES, query={}, silence_s=silence_s) as lines:
        list(lines)


class Hurries(Clock):
    """Each look at it takes a while."""

    def __call__(self) -> float:
        self.now_s += LONG_S / 20
        return self.now_s


def test_bytes_that_make_no_line_are_silence(server: FakeHttp, tmp_path: Path):
    api = opened(server.url, tmp_path, Hurries())

    def trickle(request: fake_http.Request) -> None:
        request.begin()
        for _ in range(100):
            request.chunk(b" ")
        request.server.over.wait(LONG_S)

    server.instead[NODES] = trickle
    with pytest.raises(Unreachable, match="silent"), api.watch(NODES, query={}, silence_s=LONG_S) as lines:
        list(lines)
    api.close()


def test_a_watch_that_is_refused(server: FakeHttp, api: HttpApi):
    server.api.refuse("GET", NODES)
    with pytest.raises(ApiRefused) as met, api.watch(NODES, query={}, silence_s=LONG_S):
        pass
    assert met.value.status == 403


def test_a_watch_ends_with_its_stream_and_the_next_goes_on(server: FakeHttp, api: HttpApi):
    for name in ("n1", "n2"):
        server.api.put("nodes", {"metadata": {"name": name}})
        with api.watch(NODES, query={}, silence_s=LONG_S) as lines:
            assert f'"{name}"'.encode() in list(lines)[-1]


def test_close_ends_who_waits_for_a_line(server: FakeHttp, api: HttpApi):
    server.instead[NODES] = fake_http.silent_stream
    ended: list[str] = []
    begun = threading.Event()

    def follow() -> None:
        try:
            with api.watch(NODES, query={}, silence_s=LONG_S) as lines:
                begun.set()
                list(lines)
        except Unreachable as error:
            ended.append(str(error))

    thread = threading.Thread(target=follow)
    thread.start()
    until(begun.is_set)
    api.close()
    thread.join(LONG_S)
    assert len(ended) == 1
    with pytest.raises(Unreachable, match="is closed"):
        api.ask("GET", NODES)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param(lambda: f"http://127.0.0.1:{free_port()}", "the connection was refused", id="refused"),
        pytest.param(lambda: "https://nowhere.invalid:6443", "its name cannot be resolved", id="no such name"),
    ],
)
def test_nobody_there(tmp_path: Path, url: Callable[[], str], says: str):
    certificate, _ = made_certificate(tmp_path)
    api = opened(url(), tmp_path, ca=certificate)
    with pytest.raises(Unreachable, match=says):
        api.ask("GET", NODES)
    api.close()


@pytest.mark.parametrize(
    ("names", "ca", "says"),
    [
        pytest.param("IP:127.0.0.1", "server", "", id="right"),
        pytest.param("IP:127.0.0.2", "server", "its certificate is for another name", id="another name"),
        pytest.param("IP:127.0.0.1", "other", "its certificate was not signed by the CA that we have", id="another CA"),
    ],
)
def test_certificates(tmp_path: Path, names: str, ca: str, says: str):
    for name in ("server", "other"):
        (tmp_path / name).mkdir()
    made = made_certificate(tmp_path / "server", names)
    other, _ = made_certificate(tmp_path / "other")
    with serving(FakeApi(), made) as server:
        api = opened(server.url, tmp_path, ca=made[0] if ca == "server" else other)
        if not says:
            assert api.ask("GET", NODES, timeout_s=LONG_S).ok
        else:
            with pytest.raises(Unreachable, match=says):
                api.ask("GET", NODES, timeout_s=LONG_S)
        api.close()


def test_a_server_without_tls(tmp_path: Path):
    certificate, _ = made_certificate(tmp_path)
    with serving(FakeApi()) as server:
        api = opened(server.url.replace("http", "https"), tmp_path, ca=certificate)
        with pytest.raises(Unreachable, match="it speaks no TLS"):
            api.ask("GET", NODES, timeout_s=LONG_S)
        api.close()


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b"[]"], ids=["a page to log in", "nothing", "a list"])
def test_a_write_is_done_only_where_an_api_server_says_so(server: FakeHttp, api: HttpApi, body: bytes):
    server.instead[NODES] = lambda request: request.say(Answer(200, body))
    with pytest.raises(Unreachable, match="no API server answered PATCH"):
        api.ask("PATCH", NODES, body={}, content_type=MERGE_PATCH, timeout_s=LONG_S)
