"""A site in the process: a slurmrestd and an API server that do what they are told to, and what opens its processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.open_process import open_process
from service.policy_file import read_policy
from service.process import Process
from service.roles import Role
from service.site import read_site
from tests.connectors.slurm import fake, makers
from tests.connectors.slurm.fake import Fake
from tests.service.kube_site import KubeSite, kube_site

SITE = "spec: {slurm: {url: '%s', tokenFile: token, poll: 1s}, kubernetes: %s%s}\n"
MOVES = "{every: 10s, settle: {hpc: 6s, kubernetes: 6s}, dwell: 0s, readyFor: 0s, leadTime: 1m, atOnce: 100%}"

Opening = Callable[..., Process]


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
def opening(tmp_path: Path, server: Fake, kube: KubeSite) -> Iterator[Opening]:
    """Opens processes of one site."""
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text(fake.TOKEN)
    with ExitStack() as at_end:

        def opened(
            role: Role = Role.ALL,
            spec: str = "",
            site: str = "",
            every: str = "10s",
            there: str = kube.text,
            once: bool = False,
        ) -> Process:
            (tmp_path / "site.yaml").write_text(SITE % (server.url, there, site))
            (tmp_path / "policy.yaml").write_text(f"spec: {{moves: {MOVES.replace('10s', every)}{spec}}}")
            place, policy = read_site(tmp_path / "site.yaml"), read_policy(tmp_path / "policy.yaml")
            return open_process(role, place, policy, None, at_end, once=once)

        yield opened
