"""Nodes and jobs come from the commands, all else over REST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connectors.slurm.commands.jobs import EXCLUSIVE, OFFER
from connectors.slurm.commands.process import NAMES as NAMES_OF_COMMANDS
from connectors.slurm.commands.process import Commands
from connectors.slurm.commands.transport import CommandsTransport
from connectors.slurm.rest.transport import RestTransport
from connectors.slurm.scheduler import SlurmScheduler
from connectors.sources.standing import Standing
from models.acts import Outcome
from models.errors import Unreachable
from models.nodes import Side
from tests.connectors.slurm import fake
from tests.connectors.slurm.commands.test_printed_jobs import HEAD, record
from tests.connectors.slurm.commands.test_printed_nodes import START
from tests.connectors.slurm.fake import NAMES, Fake

MARK = "tidegate:1.p1"


class Printing(Commands):
    """Commands that print what they are told to; of nodes, three that are idle."""

    def __init__(self, folder: Path) -> None:
        for name in NAMES_OF_COMMANDS:
            (folder / name).touch(0o755)
        super().__init__(folder)
        self.jobs = b""
        self.nodes = b"".join(_line(name) for name in NAMES)
        self.asked: list[str] = []
        self.questions: list[str] = []
        self.broken = ""
        self.offer = f"OverSubscribe {EXCLUSIVE}"

    def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        if tuple(argv) == OFFER:
            return self.offer.encode()
        self.asked.append(argv[0])
        self.questions += [argv[-1]] if argv[0] == "squeue" else []
        if argv[0] == self.broken:
            raise Unreachable(f"{argv[0]} ended with 1: no word")
        return HEAD + self.jobs if argv[0] == "squeue" else self.nodes


def _line(name: str) -> bytes:
    return (START.replace("n01", name).replace("MIXED+DRAIN", "IDLE") + "\n").encode()


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake.serving() as one:
        yield one


@pytest.fixture
def printing(tmp_path: Path) -> Printing:
    return Printing(tmp_path)


@pytest.fixture
def port(server: Fake, printing: Printing, tmp_path: Path) -> SlurmScheduler:
    return SlurmScheduler(CommandsTransport(printing, RestTransport(fake.rest(server, tmp_path))))


def test_a_poll_asks_slurmrestd_for_neither_jobs_nor_nodes(server: Fake, printing: Printing, port: SlurmScheduler):
    printing.jobs = record(JobID="1", Exclusive="NODE") + record(JobID="2", Exclusive="NODE", PriorityLong="0")
    picture = port.read()
    assert (picture.demand.waiting, sorted(picture.nodes)) == (1.0, sorted(NAMES))
    assert printing.asked == ["scontrol", "squeue"]
    assert set(server.asked) == {"GET ping", "GET diag", "GET partitions/", "GET reservations/"}


@pytest.mark.parametrize("broken", ["scontrol", "squeue"])
def test_one_command_that_fails_is_no_poll_and_the_last_one_stands(
    printing: Printing, port: SlurmScheduler, broken: str
):
    printing.jobs = record(Exclusive="NODE")
    source = Standing(port, Side.HPC)
    before = source.read()
    printing.broken, printing.jobs = broken, b""
    with pytest.raises(Unreachable, match=broken):
        port.read()
    assert source.read() is before
    printing.broken = ""
    assert port.read().demand.waiting == 0


def test_another_release_of_squeue_may_come_while_we_run(printing: Printing, port: SlurmScheduler):
    """What OverSubscribe tells before 26.05, Exclusive tells since: NO is a job with whole nodes, then any job."""
    printing.offer, printing.jobs = "OverSubscribe", record(OverSubscribe="OK")
    before = port.read().demand.waiting
    printing.offer, printing.jobs = f"OverSubscribe {EXCLUSIVE}", record(OverSubscribe="NO", Exclusive="NO")
    assert port.read().demand.waiting == before < 1
    assert printing.questions[0] != printing.questions[1]


def test_a_scontrol_that_prints_nothing_is_no_cluster_without_nodes(
    server: Fake, printing: Printing, port: SlurmScheduler
):
    printing.nodes = b""
    assert set(port.drain(NAMES[:2], mark=MARK).values()) == {Outcome.UNKNOWN}


def test_acts_go_over_rest_and_are_looked_at_there(server: Fake, port: SlurmScheduler):
    assert port.drain([NAMES[0]], mark=MARK)[NAMES[0]] is Outcome.DONE
    assert server.nodes[NAMES[0]]["reason"] == MARK
    assert port.undrain(NAMES[0], mark=MARK) is Outcome.DONE
