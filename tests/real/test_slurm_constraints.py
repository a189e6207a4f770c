"""B12, B13 on real Slurms: what jobs insist on, nodes that are one user's, partitions that are hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import product
from pathlib import Path

import pytest

from connectors.slurm.constraints import could_have, kinds_of
from connectors.slurm.rest.client import Rest
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.slurm.transport import Transport
from connectors.slurm.wire import Job
from models.acts import Outcome
from models.hostlists import hosts
from models.work import WorkState
from tests.real.slurm import commands
from tests.real.slurm.cluster import Cluster, CommandError
from tests.real.slurm.conf import Node
from tests.real.slurm.fixtures import running
from tests.real.slurm.install import RELEASES
from tests.real.slurm_bench import client, tells

pytestmark = pytest.mark.both_releases("data parsers, and how commands tell of nodes that are one user's")
MARK = "tidegate:9.p1"
GPUS, PLAIN, USERS, EVERY = "n[01-02]", "n[03-05]", "n[04-05]", "n[01-05]"
NODES = (
    *(Node(name, gpus=4, features="a100,ib,rack1") for name in hosts(GPUS)),
    Node("n03", features="ib,rack2"),
    *(Node(name, features="rack2") for name in hosts(USERS)),
)
PARTITIONS = {
    "batch": f"Nodes={EVERY} Default=YES",
    "users": f"Nodes={EVERY} ExclusiveUser=YES",
    "secret": f"Nodes={EVERY} Hidden=YES",
}
PLAINLY = (
    *("a100", "A100", "rack2", "a100&ib", "a100,ib", "a100&rack2", "a100|rack2", "rack2|ib&a100", "rack2|(ib&a100)"),
    *(
        "(a100&ib)|rack2",
        "ib&(a100|rack2)",
        "[rack1|rack2]",
        "[a100|rack2]",
        "[(rack1&ib)|rack2]",
        "!a100",
        "a100&",
        "a100|",
    ),
    *("(a100", "[a100&ib]", "nothing"),
)
COUNTED = (
    *(("rack1*2", 2), ("rack1*2", 5), ("a100*3", 3), ("a100*3", 5), ("a100*1", 4), ("[a100*2|ib*3]", 3)),
    *(("[rack1*2&rack2*2]", 4), ("[rack1*2&rack2*3]", 5), ("[rack1*3&rack2*1]", 4), ("[rack1*1&rack2*4]", 5)),
    *(("[(rack1&ib)*2&rack2*2]", 4), ("[(rack1&ib)*3&rack2*1]", 4), ("[(rack2&ib)*1&rack1*2]", 3)),
)


@pytest.fixture(scope="module", params=RELEASES)
def slurm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, slurm_logs: None
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("slurm-constraints")
    settings = {"Licenses": "matlab:1"}
    with running(folder, request.param, nodes=NODES, partitions=PARTITIONS, settings=settings) as cluster:
        with closing(client(cluster, folder)) as rest:
            cluster.wait(lambda: tells(SlurmScheduler(RestTransport(rest))), "slurmctld tells since when it runs")
        yield cluster


@pytest.fixture(autouse=True)
def cleared(slurm: Cluster) -> Iterator[None]:
    yield
    for user in ("root", "ada", "ben", "cyd"):
        slurm.run("scancel", f"--user={user}")
    slurm.wait(lambda: all(slurm.flags(node.name) == {"IDLE"} for node in NODES), "all nodes are idle")


@pytest.fixture
def ways(slurm: Cluster, tmp_path: Path) -> Iterator[dict[str, Transport]]:
    """Through each version of the data, and through Slurm's commands."""
    with ExitStack() as stack:
        found: dict[str, Transport] = {}
        for version in slurm.data_parsers:
            rest = stack.enter_context(closing(client(slurm, tmp_path)))
            rest.version = version
            found[version] = RestTransport(rest)
        rest = stack.enter_context(closing(client(slurm, tmp_path)))
        yield found | {"commands": commands.transport(slurm, rest, tmp_path)}


def waits(way: Transport, nodes: str) -> set[str]:
    """What waits for these nodes and could start on them; what is larger than all of them could not."""
    records, most = SlurmScheduler(way, nodes).read().records, len(hosts(nodes))
    return {record.id for record in records if record.state is WorkState.ELIGIBLE and record.nodes <= most}


def takes(slurm: Cluster, features: str, nodes: int) -> bool:
    """Whether Slurm takes such a job, of a cluster that has nothing else to do."""
    try:
        slurm.submit(f"--constraint={features}", nodes=nodes)
    except CommandError:
        return False
    return True


def test_features_are_understood_as_slurm_does(slurm: Cluster, tmp_path: Path):
    """Slurm refuses at once what none of its nodes could ever have."""
    with closing(client(slurm, tmp_path)) as rest:
        kinds = kinds_of(RestTransport(rest).nodes().nodes or ())
    for features, nodes in (*product(PLAINLY, (1, 3, 5)), *COUNTED):
        job = Job(1, ("PENDING",), features=features)
        assert could_have(job, (), nodes, kinds) is takes(slurm, features, nodes), f"{nodes} nodes with {features}"


def test_what_waits_counts_where_nodes_could_start_it(slurm: Cluster, ways: dict[str, Transport]):
    slurm.submit("--exclusive", "--licenses=matlab:1", nodes=len(NODES))
    slurm.wait(lambda: slurm.flags("n05") == {"ALLOCATED"}, "all nodes are taken")
    licence = slurm.submit("--licenses=matlab:1")
    slurm.wait(lambda: slurm.job(licence)["Reason"] == "Licenses", "a job waits for its licence")
    both = {slurm.submit(), slurm.submit("--constraint=[rack1|rack2]", nodes=2), slurm.submit("--constraint=ib")}
    only_gpus = {
        *(slurm.submit("--constraint=a100"), slurm.submit("--constraint=rack2|ib&a100")),
        *(slurm.submit("--gres=gpu:a100:2"), slurm.submit("--gpus=a100:1"), slurm.submit("--gpus-per-task=a100:1")),
        slurm.submit(f"--exclude={PLAIN}"),
    }
    only_plain = {
        *(slurm.submit("--constraint=rack2"), slurm.submit("--constraint=[rack1|rack2]", nodes=3)),
        *(slurm.submit("--exclude=n01,n02"), slurm.submit("--exclude=n[01,03]", nodes=2)),
    }
    neither = {slurm.submit("--constraint=ib", nodes=3), slurm.submit("--constraint=[rack1*2&rack2*2]", nodes=4)}
    for name, way in ways.items():
        assert waits(way, GPUS) == {str(number) for number in both | only_gpus}, name
        assert waits(way, PLAIN) == {str(number) for number in both | only_plain}, name
        assert waits(way, EVERY) == {str(number) for number in both | only_gpus | only_plain | neither}, name
        states = {record.id: record.state for record in SlurmScheduler(way).read().records}
        assert states[str(licence)] is WorkState.HELD, "nodes would not help it"


def test_a_node_that_is_one_users_counts_as_a_whole_one(slurm: Cluster, ways: dict[str, Transport]):
    """Of his partition, or as he asked for it; two of his jobs fit together."""
    ada = slurm.submit("--partition=users", "--nodelist=n04", user="ada")
    cyd = slurm.submit("--exclusive=user", "--nodelist=n05", user="cyd")
    slurm.wait(lambda: {slurm.job(one)["JobState"] for one in (ada, cyd)} == {"RUNNING"}, "two users have two nodes")
    more = ("--partition=users", f"--exclude={GPUS},n03")
    ben = [slurm.submit(*more, user="ben"), slurm.submit(*more, user="ben")]
    slurm.submit("--exclusive=user", f"--exclude={GPUS},n03", user="root")
    for name, way in ways.items():
        shown = SlurmScheduler(way, USERS).read()
        assert shown.demand.running == pytest.approx(2.0), name
        assert shown.demand.waiting == pytest.approx(2.0), name
        assert sum(shown.waiting.sizes) == pytest.approx(2.0), name
        assert [shown.nodes[node].busy for node in hosts(USERS)] == [True, True], name
        live = [record.nodes for record in shown.records if record.state is not WorkState.ENDED]
        assert live == [1 / 64] * 5, "jobs stay as large as they are"
    port = SlurmScheduler(next(iter(ways.values())), USERS)
    assert port.drain(["n04"], mark=MARK)["n04"] is Outcome.DONE
    assert not port.read().nodes["n04"].drained, "its user's job runs on"
    slurm.run("scancel", str(ada))
    slurm.wait(lambda: port.read().nodes["n04"].drained, "the node is drained")
    assert port.undrain("n04", mark=MARK) is Outcome.DONE
    slurm.wait(lambda: {slurm.job(one)["JobState"] for one in ben} == {"RUNNING"}, "one node does for both of ben's")


def test_what_waits_in_a_hidden_partition_counts_whoever_looks(
    slurm: Cluster, ways: dict[str, Transport], tmp_path: Path
):
    """To a user who is no operator, Slurm does not list it."""
    slurm.submit("--exclusive", "--partition=secret", nodes=len(NODES), user="ben")
    slurm.wait(lambda: slurm.flags("n05") == {"ALLOCATED"}, "all nodes are taken")
    slurm.submit("--exclusive", "--partition=secret", user="ben")
    (tmp_path / "ada").write_text(slurm.token(user="ada"))
    with closing(Rest(slurm.rest_url, tmp_path / "ada")) as rest:
        hers = RestTransport(rest)
        assert "secret" not in {partition.name for partition in hers.partitions().partitions or ()}
        for name, way in (ways | {"ada": hers}).items():
            shown = SlurmScheduler(way).read()
            assert (shown.demand.running, shown.demand.waiting) == (5.0, 1.0), name
