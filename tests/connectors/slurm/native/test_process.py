"""The port over a process with a stand-in of pyslurm, which hangs, dies and fails as it is told to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.slurm.native import process as native
from connectors.slurm.native.process import Process
from connectors.slurm.native.transport import NativeTransport
from connectors.slurm.native.worker import Unusable, check
from connectors.slurm.scheduler import SlurmScheduler
from models.acts import Outcome
from models.errors import BadInput, Unreachable
from models.nodes import HpcNode
from tests.patience import LONG_S

STANDIN = Path(__file__).parent / "standin"
ROOT = Path(__file__).parents[4]
MARK, OTHER = "tidegate:1.p1", "tidegate:1.p2"
DONE, REFUSED, UNKNOWN = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN

Open = Callable[..., SlurmScheduler]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the port; what goes wrong is given by what the stand-in calls it, without STANDIN_."""
    processes: list[Process] = []

    def start(*, timeout_s: float = LONG_S, **wrong: str) -> SlurmScheduler:
        monkeypatch.setenv("PYTHONPATH", f"{STANDIN}:{ROOT}")
        for name, value in wrong.items():
            monkeypatch.setenv(f"STANDIN_{name}", value)
        processes.append(Process())
        return SlurmScheduler(NativeTransport(processes[-1], timeout_s=timeout_s, bulk_s=timeout_s))

    yield start
    for one in processes:
        one.close()


def look(port: SlurmScheduler, name: str) -> HpcNode:
    shown = port.look(name)
    assert shown is not None
    return shown


def test_everything_is_read_and_done_through_it(opened: Open):
    port = opened()
    assert sorted(port.read().nodes) == ["n01", "n02", "n03"]
    assert port.drain(["n01", "n02"], mark=MARK) == {"n01": DONE, "n02": DONE}
    assert look(port, "n01").drain_reason == MARK
    assert port.undrain("n01", mark=OTHER) is REFUSED
    assert port.undrain("n01", mark=MARK) is DONE
    assert port.reserve("n03", start_s=4_000_000_000, mark=MARK) is DONE
    assert look(port, "n03").booked_by == MARK
    assert port.release("n03", mark=MARK) is DONE
    assert look(port, "n03").booked_by is None


def test_a_node_that_there_is_not(opened: Open):
    port = opened()
    assert port.look("n09") is None
    assert port.drain(["n09"], mark=MARK)["n09"] is REFUSED


@pytest.mark.parametrize(
    ("number", "outcome"), [("2010", REFUSED), ("2018", REFUSED), ("1007", UNKNOWN), ("5004", UNKNOWN), ("11", UNKNOWN)]
)
def test_only_slurmctlds_own_no_is_a_no(opened: Open, number: str, outcome: Outcome):
    assert opened(FAILS=f"update_node={number}").drain(["n01"], mark=MARK)["n01"] is outcome


def test_an_undrain_that_slurm_refuses_and_has_carried_out_is_done(opened: Open):
    """As Slurm 25.11.7 answers for a node that has not registered since slurmctld began."""
    port = opened(ENDED="2028")
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE
    assert port.undrain("n01", mark=MARK) is DONE
    assert look(port, "n01").drain_reason is None


def test_of_a_node_that_pyslurm_cannot_read_the_way_out_is_told(opened: Open):
    """With one such node of the cluster none is told, whosever it is: pyslurm 25.11.2 fails on gres with no_consume."""
    with pytest.raises(Unreachable, match=r"no_consume.*spec\.slurm\.commands can, and over: rest"):
        opened(NODE="invalid literal for int() with base 10: 'no_consume'").read()


def test_who_may_not_drain_is_told_so(opened: Open, caplog: pytest.LogCaptureFixture):
    opened(FAILS="update_node=2010").drain(["n01"], mark=MARK)
    assert "is no Slurm administrator" in caplog.text


@pytest.mark.parametrize("what", ["diag", "load_nodes", "load_jobs", "load_partitions", "load_reservations"])
def test_nothing_is_told_of_a_poll_of_which_a_part_failed(opened: Open, what: str):
    with pytest.raises(Unreachable, match="1007"):
        opened(FAILS=f"{what}=1007").read()


def test_what_hangs_is_ended_and_begun_anew(opened: Open):
    port = opened(HANGS="update_node load_jobs")
    patience = port._slurm._timeout_s
    port._slurm._timeout_s = port._slurm._bulk_s = 1.0
    assert port.drain(["n01"], mark=MARK)["n01"] is UNKNOWN
    with pytest.raises(Unreachable, match="in time"):
        port.read()
    port._slurm._timeout_s = patience
    assert port.undrain("n01", mark=MARK) is DONE, "it shows no drain"


def test_what_dies_says_why_and_is_begun_anew(opened: Open):
    port = opened(DIES="load_jobs")
    with pytest.raises(Unreachable, match=r"ended with 1: .*fatal: load_jobs"):
        port.read()
    assert port.drain(["n01"], mark=MARK)["n01"] is DONE


def test_a_library_that_ends_its_process_at_once_does_not_end_ours(opened: Open):
    with pytest.raises(Unreachable, match="fatal: init"):
        opened(DIES="init")


@pytest.mark.parametrize("version", ["24.5.1", "26.5.0", "25.5.0"])
def test_a_pyslurm_of_another_release(opened: Open, version: str):
    with pytest.raises(BadInput, match=rf"pyslurm {version} is installed, and Tidegate speaks to 25\.11 only"):
        opened(VERSION=version)


def test_no_pyslurm(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    without = "import sys; sys.modules['pyslurm'] = None; from connectors.slurm.native import worker; worker.main()"
    process = Process(command=(sys.executable, "-c", without))
    with pytest.raises(BadInput, match=r"pyslurm cannot be imported.*install pyslurm 25\.11"):
        NativeTransport(process)


def test_a_configuration_that_there_is_not(tmp_path: Path):
    with pytest.raises(BadInput, match=r"slurm\.conf"):
        NativeTransport(Process(conf=tmp_path / "slurm.conf"))


@pytest.mark.parametrize(("release", "library"), [("25.11.2", 44), ("25.11.0", 44), ("25.11.2", None)])
def test_releases_that_fit(release: str, library: int | None):
    check(release, library)


@pytest.mark.parametrize("library", [42, 43, 45])
def test_a_pyslurm_on_another_libslurm_than_it_was_built_for_is_not_used(library: int):
    with pytest.raises(Unusable, match=f"libslurm here is {library}"):
        check("25.11.2", library)


def test_a_limit_on_what_is_listened_to(opened: Open, monkeypatch: pytest.MonkeyPatch):
    port = opened()
    monkeypatch.setattr(native, "ANSWER_MOST", 100)
    with pytest.raises(Unreachable, match="larger than 100 bytes"):
        port.read()


def test_what_the_library_complains_of_is_logged(opened: Open, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with pytest.raises(Unreachable):
        opened(DIES="diag").read()
    assert "libslurm: fatal: diag" in caplog.text
