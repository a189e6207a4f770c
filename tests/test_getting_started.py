"""The page that new sites begin with: its files are valid, its commands are ours, and they do what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from connectors.kube.names import HPC, NO_SCHEDULE, SIDE
from connectors.kube.rights import ACCOUNT
from models.handovers import ours
from models.hostlists import hosts
from models.identity import PoolId
from service.policy_file import read_policy
from service.site import Site, read_site
from tests.connectors.kube.checkup.cluster import healthy
from tests.connectors.kube.fake_http import serving as kubernetes_serving
from tests.connectors.kube.objects import node, taint
from tests.connectors.slurm import fake, makers

PAGE = Path(__file__).parents[1] / "docs" / "getting-started.md"
ETC = "/etc/tidegate"
HPCS = ("gpu01", "gpu02", "gpu03")


def blocks(language: str) -> list[str]:
    """The page's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[list[str]]:
    """What the page runs of a program, each by its words; of a pipe the first."""
    lines = [line.partition("#")[0].partition("|")[0] for block in blocks("sh") for line in block.splitlines()]
    found = [re.search(rf"(?:^|-- )({program} .*)", line) for line in lines]
    return [one[1].split() for one in found if one]


SITE, POLICY = blocks("yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """What stands in for /etc/tidegate, at a site where all was done that the page says."""
    api = healthy(names=[])
    with fake.serving() as slurm, kubernetes_serving(api) as kubernetes:
        names = hosts(re.findall(r'nodes: "([^"]*)"', POLICY)[0])
        slurm.nodes = {name: makers.node(name) for name in names}
        slurm.instead["GET diag"] = lambda request: request.say(200, makers.diagnosis(int(time.time())))
        slurm.instead["POST node/tidegate-doctor"] = fake.fault(2018, 500)
        batch = makers.partition(nodes="gpu[01-08]", maximums={"time": makers.number(60)})
        slurm.instead["GET partitions/"] = fake.say(200, {"partitions": [batch]})
        slurm.versions = {"v0.0.42"}
        for name in names:
            mine = name in HPCS
            closed = [taint("tidegate.dev/side", value="hpc")] if mine else []
            offers = {"allocatable": {"cpu": "64", "memory": "250Gi", "nvidia.com/gpu": "4"}}
            api.put("nodes", node(name, taints=closed, status=offers))
            if not mine:
                slurm.drain(name, "tidegate:initial")
        text = SITE.replace("http://slurm.example.org:6820", slurm.url).replace("caFile: kube-ca.pem, ", "")
        text = text.replace("https://kubernetes.example.org:6443", kubernetes.url).replace("page: {}", "")
        (tmp_path / "site.yaml").write_text(text.replace("/var/lib/tidegate", str(tmp_path / "state")))
        (tmp_path / "policy.yaml").write_text(POLICY)
        for name in ("slurm-token", "kube-token"):
            (tmp_path / name).touch(mode=0o600)
            (tmp_path / name).write_text(fake.TOKEN)
        yield tmp_path


def run(words: list[str], folder: Path) -> Result:
    told = [word.replace(ETC, str(folder)) for word in words[1:]]
    told = [str(folder / word) if word.endswith(".yaml") and "/" not in word else word for word in told]
    return CliRunner().invoke(app, told, env={"COLUMNS": "80"})


def test_the_site_file_has_six_lines_and_the_policy_recommends(tmp_path: Path):
    assert len(SITE.splitlines()) == 6
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "policy.yaml").write_text(POLICY)
    site, policy = read_site(tmp_path / "site.yaml"), read_policy(tmp_path / "policy.yaml")
    assert isinstance(site, Site)
    assert policy.spec.mode == "recommend"
    kubernetes = site.spec.kubernetes
    assert kubernetes is not None
    written = {word for block in blocks("sh") for word in re.findall(r"[\w-]+-token|kube-ca\.pem", block)}
    assert {path.name for path in (kubernetes.ca_file, kubernetes.token_file, site.spec.slurm.token_file) if path} == {
        *(word for word in written if "token" in word), "kube-ca.pem"}  # fmt: skip


@pytest.mark.parametrize("words", commands("tidegate"), ids=" ".join)
def test_a_command_of_ours_does_what_the_page_says(words: list[str], folder: Path):
    done = run(words, folder)
    assert done.exit_code == 0, done.output
    if words[1] == "doctor":
        assert "ok       kubernetes.sides: pool gpu: HPC has 3 nodes, Kubernetes 5" in done.output
    if "--once" in words:
        assert done.output.startswith("pool gpu: Kubernetes has 5 nodes")
        assert "Nothing was moved: the policy's mode is not auto." in done.output


def test_there_are_commands_of_every_kind():
    assert {words[1] for words in commands("tidegate")} == {"rights", "doctor", "run"}
    assert len(commands("kubectl")) == 4


def test_nodes_are_marked_so_that_tidegate_takes_them_over():
    (close,) = [words for words in commands("kubectl") if words[1] == "taint"]
    assert " ".join(close) == f"kubectl taint node {' '.join(HPCS)} {SIDE}={HPC}:{NO_SCHEDULE}"
    (drain,) = [words for words in commands("scontrol") if words[1] == "update"]
    told = dict(word.split("=", 1) for word in drain[2:])
    assert ours(told["reason"], PoolId("campus", "gpu").scope)
    pool = re.findall(r'nodes: "([^"]*)"', POLICY)[0]
    assert sorted([*HPCS, *hosts(told["nodename"])]) == sorted(hosts(pool))


def test_the_account_is_the_one_that_rights_makes():
    (words,) = [words for words in commands("kubectl") if words[1:3] == ["create", "token"]]
    assert words[3:6] == [ACCOUNT, "-n", ACCOUNT]


def test_the_unit_runs_what_was_installed_on_the_files_that_were_written():
    (unit,) = blocks("ini")
    keys = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    files = f"--site {ETC}/site.yaml --policy {ETC}/policy.yaml"
    assert keys["ExecStart"] == f"/opt/tidegate/bin/tidegate run {files}"
    assert f"/var/lib/{keys['StateDirectory']}" in SITE
    assert keys["User"] == ACCOUNT
