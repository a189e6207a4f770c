"""The API and the page over HTTP, in this process: what is answered, to whom, and to requests that make no sense."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from starlette.testclient import TestClient

from models.errors import BadInput
from models.leadership import Orders, Pause
from models.nodes import Side
from service.page.app import BODY_MOST, make_app
from service.page.endpoints import ENDPOINTS
from service.page.openapi import document
from service.page.shown import Shown
from service.page.sse import HEARTBEAT_S, Stream
from service.page.static import Static
from tests.service.page_sample import NOW_S, TOKEN, Book, events, heard_of, request, show, shown_of

STATIC = Static()
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
ORDERS = [
    ("POST", "/api/handovers/campus_a100.7.4/cancel"),
    ("POST", "/api/pause"),
    ("POST", "/api/resume"),
    ("POST", "/api/takeovers"),
    ("DELETE", "/api/takeovers/1"),
]
TAKEOVER = {"pool": "a100", "side": "hpc", "nodes": "all", "at_s": NOW_S + 3600, "for_s": 7200}


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def shown(tmp_path: Path, book: Book) -> Shown:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return shown_of(heard_of(events(8, days=0.2)), tmp_path / "token", book)


@pytest.fixture
def client(shown: Shown) -> Iterator[TestClient]:
    with TestClient(make_app(shown, STATIC), raise_server_exceptions=False) as one:
        yield one


def test_the_page_loads_what_it_names_and_nothing_from_elsewhere(client: TestClient):
    page = client.get("/")
    assert page.status_code == 200
    paths = [part.split('"')[0] for part in page.text.split('="/')[1:]]
    assets = [f"/{path}" for path in paths if path.startswith("assets/")]
    assert len(assets) == 4
    for path in assets:
        found = client.get(path)
        assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
        assert client.get(path, headers={"Accept-Encoding": "identity"}).content == found.content
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert " style=" not in page.text
    assert "<script>" not in page.text


def test_what_is_answered_is_what_the_openapi_document_says(client: TestClient, shown: Shown):
    described = client.get("/api/openapi.json").json()
    assert described == json.loads(json.dumps(document()))
    places = {"{pool}": "a100", "{id}": next(iter(shown.handovers))}
    for one in ENDPOINTS:
        if one.method != "GET" or one.media != "application/json":
            continue
        path = one.path
        for name, value in places.items():
            path = path.replace(name, value)
        answer = client.get(path)
        assert answer.status_code == 200, path
        content = described["paths"][one.path]["get"]["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(answer.json(), {**content["schema"], "components": described["components"]})


@pytest.mark.parametrize(("method", "path"), ORDERS)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_an_order_without_the_token_is_refused_and_changes_nothing(
    client: TestClient, book: Book, method: str, path: str, header: str
):
    answer = client.request(method, path, headers={"Authorization": header.encode("latin-1")}, content=b"{not json")
    assert answer.status_code == 401
    assert answer.json().keys() == {"error"}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert book.count == 0


@pytest.mark.parametrize(
    ("file", "why"), [(None, "only shows"), ("", "cannot be read"), ("short", "cannot be read")], ids=str
)
def test_without_a_token_in_a_file_nobody_orders_anything(tmp_path: Path, book: Book, file: str | None, why: str):
    path = None if file is None else tmp_path / "token"
    if path is not None:
        path.write_text(file or "")
    shown = shown_of(heard_of(events(8, days=0.1)), path, book)
    for given in ("", file or "", TOKEN):
        answer = TestClient(make_app(shown, STATIC)).post("/api/pause", headers={"Authorization": f"Bearer {given}"})
        assert answer.status_code == 401
        assert why in answer.json()["error"]
    assert book.count == 0


def test_orders_are_written_as_the_commands_write_them(client: TestClient, book: Book):
    def ordered(method: str, path: str, body: object = None) -> str:
        answer = client.request(method, path, headers=WITH_TOKEN, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["done"]

    assert ordered("POST", "/api/pause", {"by": "ops", "why": "a leak"}) == "moves are paused; open hand-overs finish"
    noted = book.orders.ordered
    assert noted is not None
    assert (book.orders, noted.by, noted.why) == (Orders(Pause.FINISH, ordered=noted), "ops", "a leak")
    assert "pool a100" in ordered("POST", "/api/pause", {"pool": "a100", "open": "revert"})
    assert book.orders.pools["a100"].paused is Pause.REVERT
    assert "stay paused" in ordered("POST", "/api/resume", {"pool": "a100"})
    assert ordered("POST", "/api/resume", {}) == "moves may begin again"
    assert (book.orders.paused, book.orders.resumes) == (None, 1)
    assert ordered("POST", "/api/takeovers", TAKEOVER).startswith("request 1 is announced: all nodes of pool a100")
    (made,) = book.orders.takeovers
    assert (made.side, made.at_s, made.for_s, made.by) == (Side.HPC, NOW_S + 3600, 7200, "the status page")
    assert ordered("DELETE", "/api/takeovers/1") == "request 1 is cancelled"
    assert book.orders.takeovers == ()


@pytest.mark.parametrize(
    ("ident", "status", "says"),
    [
        ("campus_a100.7.4", 200, "is ordered back"),
        ("campus_a100.7.5", 409, "no such hand-over is under way"),
        ("h9", 409, "no such hand-over is under way"),
    ],
    ids=["draining", "stuck", "unknown"],
)
def test_one_hand_over_is_ordered_back(client: TestClient, book: Book, ident: str, status: int, says: str):
    answer = client.post(f"/api/handovers/{ident}/cancel", headers=WITH_TOKEN)
    assert answer.status_code == status
    assert says in answer.text
    assert book.orders.turned_back == ((ident,) if status == 200 else ())


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/api/pause", '{"pool": 5}', 400, "Expected `str | null`, got `int` - at `$.pool`"),
        ("/api/pause", '{"poll": "a100"}', 400, "unknown field `poll`"),
        ("/api/pause", '{"open": "kill"}', 400, "Invalid enum value"),
        ("/api/pause", "{", 400, "truncated"),
        ("/api/pause", "[" * 9000, 400, "the body is not what is taken"),
        ("/api/pause", '"\xff"', 400, "the body is not what is taken"),
        ("/api/pause", "x" * (BODY_MOST + 1), 413, "larger than"),
        ("/api/pause", '{"pool": "other"}', 409, "no pool is called other; there are: a100"),
        ("/api/takeovers", "{}", 400, "missing required field `pool`"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "nodes": 0}), 400, "Expected `int` >= 1"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "nodes": 480}), 409, "pool a100 has 8 nodes, not 480"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "for_s": -1}), 409, "it lasts -1 s"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "at_s": 5}), 409, "over already"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "at_s": 10**30}), 409, "more than 400 days"),
        ("/api/takeovers", json.dumps({**TAKEOVER, "by": "\n"}), 409, "printable"),
        ("/api/nothing", "{}", 404, "Not Found"),
        ("/api/status", "{}", 405, "Method Not Allowed"),
    ],
)
def test_a_malformed_order_is_answered_with_what_is_wrong(
    client: TestClient, book: Book, path: str, body: str, status: int, says: str
):
    headers = {**WITH_TOKEN, "Content-Type": "application/json; charset=utf-8"}
    answer = client.post(path, headers=headers, content=body.encode("latin-1"))
    assert (answer.status_code, answer.json().keys()) == (status, {"error"}), answer.text
    assert says in answer.json()["error"]
    assert book.count == 0


def test_a_body_that_is_no_json_is_not_guessed_at(client: TestClient, book: Book):
    answer = client.post("/api/pause", headers={**WITH_TOKEN, "Content-Type": "text/plain"}, content=b"{}")
    assert answer.status_code == 415
    assert book.count == 0


def test_what_cannot_be_written_is_told(client: TestClient, book: Book):
    book.wrong = BadInput("nobody has led by this lock yet", where="/state/lock")
    answer = client.post("/api/pause", headers=WITH_TOKEN)
    assert (answer.status_code, answer.json()) == (409, {"error": "/state/lock: nobody has led by this lock yet"})


def test_where_nothing_is_moved_there_is_nothing_to_order(tmp_path: Path):
    (tmp_path / "token").write_text(TOKEN)
    shown = shown_of(heard_of(events(8, days=0.1)), tmp_path / "token", None, mode="recommend")
    answer = TestClient(make_app(shown, STATIC)).post("/api/pause", headers=WITH_TOKEN)
    assert answer.status_code == 409
    assert "mode is not auto" in answer.json()["error"]


def test_what_has_not_changed_is_not_sent_again(client: TestClient, shown: Shown, book: Book):
    first = client.get("/api/status")
    again = client.get("/api/status", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    heard = heard_of(events(8, days=0.2))
    show(shown, heard)
    assert client.get("/api/status").headers["etag"] == first.headers["etag"]
    book.orders = replace(book.orders, takeovers=(request(),))
    shown.read_orders()
    show(shown, heard)
    later = client.get("/api/status", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    assert [one["id"] for one in later.json()["takeovers"] if one["id"]] == ["1"]


def test_before_the_first_reading_there_is_an_answer_too(tmp_path: Path):
    shown = replace(shown_of(heard_of(events(8, days=0.1)), None, None), status=None, documents={}, handovers={})
    client = TestClient(make_app(shown, STATIC))
    assert [client.get(path).status_code for path in ("/api/status", "/api/charts", "/api/pools/a100")] == [
        503,
        503,
        404,
    ]
    assert client.get("/api/handovers").json() == []
    shown.vitals._taken_s -= 200.0
    assert client.get("/livez").status_code == 503


def read(stream: Stream, last_id: str, most: int) -> list[str]:
    async def listening() -> list[str]:
        found = []
        async for one in stream.events(last_id):
            found.append(one.decode())
            if len(found) == most:
                break
        return found

    return asyncio.run(listening())


def test_events_say_what_is_newer_and_a_client_that_comes_back_has_missed_nothing(shown: Shown):
    stream = Stream(shown, look_s=0.0)
    retry, changed = read(stream, "", 2)
    assert retry.startswith("retry: ")
    ident = changed.split("\n")[0].removeprefix("id: ")
    assert json.loads(changed.split("data: ")[1]) == {"run": "run1", "status": 1, "charts": 1}
    assert read(stream, f"{ident}-of another run", 2)[1] == changed
    shown.closing = True
    assert read(stream, ident, 9) == [retry], "nothing is new, and the server closes"
    assert stream.clients == 0


def test_a_heartbeat_comes_while_nothing_changes(shown: Shown):
    stream = Stream(shown, look_s=0.0)
    ident = read(stream, "", 2)[1].split("\n")[0].removeprefix("id: ")

    class Hurried(float):
        """A pause of no time that counts as a long one."""

        def __radd__(self, other: float) -> float:
            return other + HEARTBEAT_S

    stream._look_s = Hurried(0.0)
    assert read(stream, ident, 2)[1] == f"event: heartbeat\ndata: {NOW_S}\n\n"


WORDS = ["api", "status", "pause", "takeovers", "handovers", "pools", "a100", "..", "%2e%2e", "%00", "%ff", "assets",
         "é", "{id}",
         "1", "-1", "plotly.js", "events.", "metrics", "livez", "openapi.json", "'", '"<script>', " ", ";", "~",
         "x" * 300]  # fmt: skip
BODIES = [b"", b"{}", b"null", b"[]", b"{", b"\xff\xfe", b'{"pool": null}', b'{"pool": ""}', b'{"open": 1e999}',
          b"[" * 5000, b"1" * 9000, b'{"pool": "\\ud800"}', b'{"nodes": "all"}', b'{"at_s": 1.5}', b"x" * 20_000,
          b'{"pool":"a100","pool":5}']  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PAUSE"]
KINDS = ["", "application/json", "text/plain", "application/json;;", "\xff", "multipart/form-data"]


def malformed(random_: random.Random) -> dict[str, object]:
    """A request that has something of the right ones."""
    path = "/" + "/".join(random_.choice(WORDS) for _ in range(random_.randint(0, 4)))
    if random_.random() < 0.5:
        path = random_.choice([one.path for one in ENDPOINTS if one.name != "events"])
    headers = {"Content-Type": random_.choice(KINDS), "If-None-Match": random_.choice(WORDS), "Accept-Encoding": "gzip"}
    token = random_.choice(["", "Bearer ", f"Bearer {TOKEN[:-1]}", f"bearer  {TOKEN}{TOKEN}", "\xff"])
    sent = {**headers, "Authorization": token}
    return {
        "method": random_.choice(METHODS),
        "url": path + random_.choice(["", "?", "?a=%zz", "?pool=a100&pool=", "#x"]),
        "content": random_.choice(BODIES),
        "headers": {name: value.encode("latin-1", "replace") for name, value in sent.items()},
    }


@pytest.mark.parametrize("number", [500, pytest.param(10_000, marks=pytest.mark.full)])
def test_malformed_requests_leave_it_as_it_was(client: TestClient, shown: Shown, book: Book, number: int):
    before = client.get("/api/status").content, book.orders, shown.versions()
    random_ = random.Random(17)
    statuses: dict[int, int] = {}
    for _ in range(number):
        asked = malformed(random_)
        answer = client.request(**asked, follow_redirects=False)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, asked
        if answer.status_code >= 400 and asked["method"] != "HEAD":
            assert set(answer.json()) == {"error"}, asked
    assert (client.get("/api/status").content, book.orders, shown.versions()) == before
    assert book.count == 0
    assert {200, 401, 404, 405} <= statuses.keys(), statuses
