"""Any role shows its metrics where the site file says, whether it lives, and whether it is ready."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families

from models.errors import BadInput
from service.metric_catalogue import of_parts
from service.page.headers import ALWAYS
from service.page.vitals import STALLED_S
from service.parts.metrics import DRAW_S, FIRST_S, MetricsPart
from service.parts.page import PagePart
from service.parts.slurm import SlurmPart
from service.process import Process
from service.roles import PARTS, Role, in_order_of_need
from service.running import read_once
from service.site import MetricsSettings
from tests.connectors.slurm.fake import Fake

Opening = Callable[..., Process]

METRICS = ", metrics: {listen: '127.0.0.1:0'}"
PAGE = ", page: {listen: '127.0.0.1:0'}"


def asked(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """The status and the text of an answer, which has the headers of all answers."""
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        assert all(answer.getheader(name) == value for name, value in ALWAYS.items())
        if path == "/metrics" and answer.status == 200:
            assert answer.getheader("Content-Type") == CONTENT_TYPE_LATEST
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("role", Role)
def test_every_role_shows_what_its_parts_count_once_it_has_taken_its_steps(opening: Opening, role: Role):
    process = opening(role, spec=", mode: auto", site=METRICS)
    part = process.part(MetricsPart)
    assert asked(part.port, "/metrics")[0] == 503
    assert asked(part.port, "/readyz") == (503, "it has only begun\n")
    assert asked(part.port, "/livez") == (200, "ok\n")
    read_once(process)
    (step,) = part.steps()
    assert (step.take(), step.after_s) == (DRAW_S, FIRST_S)
    status, text = asked(part.port, "/metrics")
    assert status == 200
    families = {one.name for one in text_string_to_metric_families(text)}
    assert families == of_parts(in_order_of_need(PARTS[role])).keys()
    assert asked(part.port, "/readyz") == (200, "ok\n")


@pytest.mark.parametrize("role", [Role.ALL, Role.PAGE])
def test_a_page_and_the_metrics_both_answer(opening: Opening, role: Role):
    process = opening(role, spec=", mode: auto", site=METRICS + PAGE)
    metrics, page = process.part(MetricsPart), process.part(PagePart)
    assert metrics.port != page.port
    read_once(process)
    metrics.draw()
    page.look()
    for path in ("/metrics", "/livez"):
        assert (asked(metrics.port, path)[0], asked(page.port, path)[0]) == (200, 200)
    assert (asked(metrics.port, "/")[0], asked(page.port, "/")[0]) == (404, 200)


@pytest.mark.parametrize(("site", "once"), [("", False), (METRICS, True)], ids=["not set", "a single turn"])
def test_without_the_setting_and_for_a_single_turn_nothing_listens(opening: Opening, site: str, once: bool):
    process = opening(Role.FORECAST, site=site, once=once)
    assert [part.name for part in process.parts] == ["bus", "forecasting"]


def test_what_cannot_be_read_is_not_ready_and_lives(opening: Opening, server: Fake):
    process = opening(Role.CONNECT, site=METRICS)
    part = process.part(MetricsPart)
    server.instead["GET nodes/"] = lambda request: request.say(500, {})
    process.part(SlurmPart).paced._due_s = 0.0
    read_once(process)
    part.draw()
    assert asked(part.port, "/readyz") == (503, "slurm: cannot be read for pool pool\n")
    assert asked(part.port, "/livez") == (200, "ok\n")
    del server.instead["GET nodes/"]
    process.part(SlurmPart).paced._due_s = 0.0
    read_once(process)
    part.draw()
    assert asked(part.port, "/readyz") == (200, "ok\n")


def test_one_that_takes_no_steps_neither_lives_nor_is_ready_and_shows_what_was_drawn_last(opening: Opening):
    now_s = [0.0]
    process = opening(Role.FORECAST, site=METRICS)
    part = process.part(MetricsPart)
    part.vitals._monotonic = lambda: now_s[0]
    part.draw()
    drawn = asked(part.port, "/metrics")
    process.parts.clear()
    assert asked(part.port, "/metrics") == drawn, "no request looks at the parts"
    now_s[0] = STALLED_S
    assert asked(part.port, "/livez") == (200, "ok\n")
    now_s[0] = STALLED_S + 1.0
    assert asked(part.port, "/livez") == (503, "no step was taken for 181 s\n")
    assert asked(part.port, "/readyz") == (503, "no step was taken for 181 s\n")


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/metrics", 405), ("GET", "/api/status", 404)])
def test_nothing_else_is_answered(opening: Opening, method: str, path: str, status: int):
    port = opening(Role.FORECAST, site=METRICS).part(MetricsPart).port
    got, text = asked(port, path, method)
    assert got == status
    assert json.loads(text).keys() == {"error"}


@pytest.mark.parametrize(
    ("role", "address"),
    [
        (Role.ALL, ("h:1", "listen")),
        (Role.CONNECT, ("h:2", "connect")),
        (Role.FORECAST, ("h:3", "forecast")),
        (Role.CONTROL, ("h:4", "control")),
        (Role.PAGE, ("h:5", "page")),
    ],
)
def test_a_role_listens_where_it_is_told_or_else_where_all_do(role: Role, address: tuple[str, str]):
    all_told = MetricsSettings(listen="h:1", connect="h:2", forecast="h:3", control="h:4", page="h:5")
    assert all_told.of(role) == address
    assert MetricsSettings(listen="h:1").of(role) == ("h:1", "listen")


def test_roles_of_one_site_file_each_have_their_own_and_one_that_is_taken_is_named(opening: Opening):
    first = opening(Role.CONNECT, site=METRICS).part(MetricsPart)
    site = f", metrics: {{listen: '127.0.0.1:{first.port}', forecast: '127.0.0.1:0'}}"
    assert opening(Role.FORECAST, site=site).part(MetricsPart).port != first.port
    with pytest.raises(BadInput, match=r"cannot be listened on: Address already in use.*spec\.metrics\.listen"):
        opening(Role.CONTROL, site=site)
