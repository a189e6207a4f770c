"""The memory of the stand-in for Kubernetes in a file that several processes share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from basics.file_lock import try_lock
from models.acts import Outcome
from models.errors import BadInput, Unreachable
from models.nodes import NodeShape
from simulator import stand_in_file
from simulator.machine import INITIAL_MARK
from simulator.stand_in_file import StandInFile
from simulator.standin import KeptNode, Memory, StandIn
from tests.patience import LONG_S

SHAPE = NodeShape(8000, 64_000, 0)
WRITES = 40
OTHER = """
import sys
from pathlib import Path
from simulator import stand_in_file
from models.nodes import NodeShape
from simulator.stand_in_file import StandInFile
from simulator.standin import StandIn
stand_in_file.PATIENCE_S = 600.0
path, name, writes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
port = StandIn(["n1", "n2"], NodeShape(8000, 64_000, 0), [], 1.0, store=StandInFile(path, lambda: 0), clock=lambda: 0)
done = 0
while done < writes:
    said = port.note(name, record=f"{name} {done}", version=port.look(name).version)
    done += said == "done"
"""


def stored(path: Path, now_s: int = 2000) -> StandInFile:
    return StandInFile(path, lambda: now_s)


def opened(path: Path) -> StandIn:
    return StandIn(["n1", "n2"], SHAPE, [], 1.0, store=stored(path), clock=lambda: 2000)


def test_what_is_kept_is_read_again(tmp_path: Path):
    path = tmp_path / "memory.json"
    memory = Memory(1000, {"n1": KeptNode(None, True, "text", 3), "n2": KeptNode("tidegate:1.p1")})
    store = stored(path)
    with store.changing():
        store.write(memory)
    assert stored(path).read() == memory
    assert store.read() == memory


def test_without_a_file_it_begins_now_and_goes_on_from_then(tmp_path: Path):
    assert stored(tmp_path / "new").read() == Memory(2000)
    assert stored(tmp_path / "new", 3000).read() == Memory(2000)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"begins_s": "x"}', '{"begins_s": 1, "nodes": {"n1": 3}}', "\xff"])
def test_a_file_that_is_none_is_told_at_the_start_and_is_no_answer_later(tmp_path: Path, text: str):
    path = tmp_path / "memory.json"
    store = stored(path)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"memory\.json"):
        stored(path)
    with pytest.raises(Unreachable, match=r"memory\.json"):
        store.read()


def test_what_cannot_be_kept_is_as_if_nobody_answered_and_changes_nothing(tmp_path: Path):
    port = opened(tmp_path / "memory.json")
    shown = port.look("n1")
    (tmp_path / "memory.json").unlink()
    (tmp_path / "memory.json").mkdir()
    with pytest.raises(Unreachable, match="stand-in"):
        port.open("n1", mark=INITIAL_MARK, record="r", version=shown.version)


def test_a_write_waits_for_another_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = stored(tmp_path / "memory.json")
    monkeypatch.setattr(stand_in_file, "PATIENCE_S", 0.02)
    held = try_lock(tmp_path / "memory.json.lock")
    assert held is not None
    with pytest.raises(Unreachable, match="busy"), store.changing():
        pytest.fail("another has it")


def test_one_process_sees_what_another_wrote_and_is_refused_on_an_old_look(tmp_path: Path):
    one, other = opened(tmp_path / "memory.json"), opened(tmp_path / "memory.json")
    old = other.look("n1").version
    assert one.open("n1", mark=INITIAL_MARK, record="r", version=one.look("n1").version) is Outcome.DONE
    assert (other.look("n1").closed_by, other.look("n1").record) == (None, "r")
    assert other.close("n1", mark="tidegate:x", record="s", version=old) is Outcome.REFUSED
    assert other.close("n1", mark="tidegate:x", record="s", version=other.look("n1").version) is Outcome.DONE
    assert (one.read().nodes["n1"].closed_by, one.look("n1").record) == ("tidegate:x", "s")


def test_two_processes_that_write_at_the_same_time_lose_nothing(tmp_path: Path):
    """Each writes its own node, and the whole file each time: what the other wrote meanwhile must stay."""
    path = tmp_path / "memory.json"
    processes = [subprocess.Popen([sys.executable, "-c", OTHER, str(path), name, str(WRITES)]) for name in ("n1", "n2")]
    assert [process.wait(LONG_S) for process in processes] == [0, 0]
    kept = stored(path).read().nodes
    assert {name: (node.record, node.version) for name, node in kept.items()} == {
        name: (f"{name} {WRITES - 1}", WRITES) for name in ("n1", "n2")
    }
