"""``tidegate handovers`` and the audit of a replay, as a user types them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cli.audit.format import clock, span_text
from cli.replaying.options import audited
from connectors.local import audit_file
from connectors.local.audit_file import AuditFile, read_audit
from connectors.local.audit_json import encode
from models.acts import Act, Outcome, Verb
from models.audit import Answered, Asked, Decided, Dropped, Entered, Entry, Fenced, LeftAlone
from models.handovers import Direction, Handover, Stage, Why
from models.nodes import HpcNode, KubernetesNode, Node
from models.plans import DropReason
from simulator.replay import Replay
from tests.cli.whole_command import Ran, runner
from tests.simulator.small_worlds import small_world

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return runner(monkeypatch, capsys)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit of a small replay, with the forecast that needs no model."""
    from simulator.forecasters import forecaster_for  # noqa: PLC0415

    path = tmp_path_factory.mktemp("replayed") / "audit.jsonl"
    world, audit = small_world(1), AuditFile(path, sync=False)
    Replay(world, "persistence", lambda machine: forecaster_for("persistence", world, machine), audit).run()
    audit.close()
    return path


# ---- a made-up audit with every way to end ----


def node(name: str, *, drain: str | None = None, closed_by: str | None = "tidegate:i", pods: int = 0) -> Node:
    return Node(name, HpcNode(name, "", drain, drain is None, None), KubernetesNode(name, closed_by, False, pods))


def course(ident: str, name: str, *stages: tuple[int, Stage], why: Why | None = None, **more: object) -> list[Entry]:
    """The stages of one hand-over to Kubernetes, each at its second."""
    begun_s, emptied_s, entries = stages[0][0], None, []
    for at_s, stage in stages:
        emptied_s = at_s if stage is Stage.DRAINED else emptied_s
        turned = why if stage in (Stage.CANCELLING, Stage.CANCELLED, Stage.STUCK) else None
        values = {"emptied_s": emptied_s, "why": turned, "epoch": 1, **more}
        direction = Direction.TO_KUBERNETES
        handover = Handover(ident, "1.p1", name, direction, stage, begun_s, at_s, begun_s + 14_400, **values)
        entries.append(Entered(at_s, handover))
    return entries


def acted(ident: str, verb: Verb, at_s: int, outcome: Outcome | None, seen: Node, after: Node | None) -> list[Entry]:
    act = Act(verb, seen.name, "tidegate:1.p1")
    asked = Asked(at_s, 1, ident, act, seen)
    return [asked] if outcome is None else [asked, Answered(at_s + 4, 1, ident, act, outcome, after)]


S = Stage
MADE_UP = [
    *course("1.1", "gpu001", (300, S.DRAINING)),
    *acted("1.1", Verb.NOTE, 300, Outcome.UNKNOWN, node("gpu001"), None),
    *acted("1.1", Verb.DRAIN, 310, Outcome.DONE, node("gpu001"), node("gpu001", drain="tidegate:1.p1")),
    *course(
        "1.1", "gpu001", (300, S.DRAINED), (1000, S.DRAINED), (1006, S.SETTLED), (1010, S.OPENING), (90_000, S.DONE)
    )[1:],
    *course("1.2", "gpu002", (600, S.DRAINING), (700, S.CANCELLING), (760, S.CANCELLED), why=Why.NOT_WANTED),
    *course("1.3", "gpu003", (900, S.DRAINING), (960, S.DRAINED), (1000, S.OPENING), (2000, S.STUCK), why=Why.LATE),
    *acted("1.3", Verb.OPEN, 1000, Outcome.REFUSED, node("gpu003", drain="tidegate:1.p1"), node("gpu003")),
    *course("1.m4", "gpu004", (1200, S.DRAINED), (1300, S.DONE), repair=True),
    *course("1.5", "gpu005", (1500, S.DRAINING)),
    *acted("1.5", Verb.DRAIN, 1500, None, node("gpu005"), None),
    *acted("", Verb.RELEASE, 1600, Outcome.DONE, node("gpu006"), None),
    *acted("0.9", Verb.NOTE, 1600, Outcome.DONE, node("gpu009"), None),
]


def write(path: Path, *entries: Entry) -> Path:
    path.write_bytes(b"".join(map(encode, entries)))
    return path


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.jsonl", *MADE_UP)


def test_the_list_of_a_made_up_audit(run, made_up: Path):
    ran = run("handovers", made_up)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.split() for line in ran.out.splitlines() if line.strip()]
    assert lines[0] == ["id", "node", "to", "ended", "begun", "emptying", "opening", "back", "why"]
    assert lines[2:7] == [
        ["1.1", "gpu001", "kubernetes", "done", "0", "00:05:00", "11:40", "24:43:20", "–"],
        ["1.2", "gpu002", "kubernetes", "cancelled", "0", "00:10:00", "–", "–", "1:00", "not-wanted"],
        ["1.3", "gpu003", "kubernetes", "stuck", "0", "00:15:00", "1:00", "–", "–", "late"],
        ["1.m4", "gpu004", "kubernetes", "done", "0", "00:20:00", "0:00", "1:40", "–", "repair"],
        ["1.5", "gpu005", "kubernetes", "open", "0", "00:25:00", "–", "–", "–"],
    ]
    assert ran.out.splitlines()[-4:] == [
        "5 hand-overs: 2 done, 1 cancelled, 1 stuck, 1 open (1 not-wanted, 1 late)",
        "empty to open, to kubernetes: median 24:43:20, p90 24:43:20, of 1",
        "6 acts: 3 done, 1 refused, 1 unknown; 1 asked and never answered",
        "1 hand-over left out: no stage of it is in this file",
    ]
    assert max(map(len, ran.out.splitlines())) <= 80


def test_long_names_still_fit_80_columns(run, tmp_path: Path):
    name = "gpu001.rack-17.cluster.example.org"
    stages = ((300, S.DRAINING), (400, S.DRAINED), (40_000, S.CANCELLING), (990_000, S.CANCELLED))
    ran = run("handovers", write(tmp_path / "a", *course("12.1234", name, *stages, why=Why.NOT_WANTED)))
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    at = lines[0].index("node")
    rows = lines[2 : next(number for number, line in enumerate(lines) if line.startswith("no room"))]
    assert "".join(row[at:].split()[0] for row in rows if row.strip()) == name
    assert "not-wanted" in ran.out
    assert "no room here for: emptying, back\n" in ran.out


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("at_s", [0, 1_700_000_000], ids=["a replay", "a service"])
@pytest.mark.parametrize("before", ["", "a" * 30], ids=["short ids", "long ids"])
def test_ids_are_whole_at_any_width_and_what_has_no_room_is_named(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, at_s: int, before: str
):
    idents = [f"{before}.1.m{number}" for number in (7, 1234)] + [f"b{before}.2.m9"]  # two pools: nothing is shared
    entries = [
        entry
        for number, ident in enumerate(idents)
        for entry in course(ident, f"gpu{number:03}", (at_s, S.DRAINED), (at_s + 9, S.DONE), repair=True)
    ]
    entries += course("c.1.1", "gpu009", (at_s, S.DRAINING), (at_s + 9, S.CANCELLED), why=Why.NOT_WANTED)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("handovers", write(tmp_path / "a", *entries)).out.splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("4 hand-overs"))
    heads, above = lines[0].split(), "\n".join(lines[:end])
    assert max(map(len, lines[:end])) <= max(width, 40)
    for whole in idents if width >= max(map(len, idents)) else ():
        assert f"\n{whole}" in above
    told = above.partition("no room here for: ")[2].replace(",", " ").split()
    assert {*heads, *told} == {"id", "node", "to", "ended", "begun", "emptying", "opening", "why"}
    for whole in ("repair", "not-wanted") if "why" in heads else ():
        assert whole in above


def dropped(at_s: int, name: str, reason: DropReason, seen: Node | None) -> Dropped:
    return Dropped(at_s, 1, name, Direction.TO_KUBERNETES, reason, seen)


@pytest.fixture
def with_drops(tmp_path: Path) -> Path:
    drops = [
        dropped(600, "gpu002", DropReason.NODE_CHANGED, node("gpu002", drain="maintenance")),
        dropped(900, "gpu007", DropReason.NODE_GONE, None),
        *(dropped(1200 + number, f"gpu01{number}", DropReason.UNREACHABLE, None) for number in range(3)),
        dropped(1300, "gpu007", DropReason.NODE_GONE, None),
    ]
    return write(tmp_path / "dropped.jsonl", *MADE_UP, *drops)


def test_moves_that_never_began_are_told_with_what_was_seen_the_newest_in_full(run, with_drops: Path):
    ran = run("handovers", with_drops)
    lines = ran.out.splitlines()
    at = lines.index("6 moves dropped before they began: 3 unreachable, 2 node-gone, 1 node-changed")
    assert lines[at + 1 :] == [
        "  0 00:15:00  gpu007 to kubernetes (node-gone): not seen",
        "  0 00:20:00  gpu010 to kubernetes (unreachable): not seen",
        "  0 00:20:01  gpu011 to kubernetes (unreachable): not seen",
        "  0 00:20:02  gpu012 to kubernetes (unreachable): not seen",
        "  0 00:21:40  gpu007 to kubernetes (node-gone): not seen",
    ]


@pytest.mark.parametrize(
    ("options", "last"),
    [
        (["--node", "gpu002"], ["1 move dropped before it began: 1 node-changed", "0 00:10:00"]),
        (["--node", "gpu007"], ["2 moves dropped before they began: 2 node-gone", "0 00:15:00", "0 00:21:40"]),
        (["--node", "gpu001"], []),
        (["--stage", "done"], []),
    ],
)
def test_a_part_of_the_dropped_moves(run, with_drops: Path, options: list[str], last: list[str]):
    """Of a node that never got as far as a hand-over, too."""
    ran = run("handovers", with_drops, *options)
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    told = ran.out.partition(" before ")
    assert bool(told[1]) is bool(last)
    assert [line for line in last if line not in ran.out] == []


LEFT = LeftAlone(
    900, 4, "gpu005", "the record is of node gpu007", "kubectl annotate node gpu005 tidegate.dev/handover-"
)


@pytest.mark.parametrize("over", [False, True])
def test_a_node_that_is_left_alone_is_told_with_the_command_until_it_is_not(run, tmp_path: Path, over: bool):
    entries = [LEFT, *([LeftAlone(950, 4, "gpu005")] if over else [])]
    ran = run("handovers", write(tmp_path / "alone.jsonl", *MADE_UP, *entries))
    told = " ".join(line.strip() for line in ran.out.splitlines())
    text = f"node gpu005 is left alone since 0 00:15:00: {LEFT.error}; if nobody needs it, run: {LEFT.command}"
    assert (text in told) is not over
    found = json.loads(
        run("handovers", tmp_path / "alone.jsonl", "--json", *([] if over else ["--node", "gpu005"])).out
    )
    assert found["left_alone"] == (
        [] if over else [{"at_s": 900, "node": "gpu005", "error": LEFT.error, "command": LEFT.command}]
    )


def test_pods_that_came_late_are_told(run, tmp_path: Path):
    late = [Fenced(900, 1, "1.4", "gpu005", 2, 1), Fenced(950, 1, "1.4", "gpu006", 1, 0)]
    told = run("handovers", write(tmp_path / "late.jsonl", *MADE_UP, *late)).out
    assert "3 pods came late to nodes that were fenced off; 1 of them nothing makes again" in told
    assert "came late" not in run("handovers", write(tmp_path / "none.jsonl", *MADE_UP)).out


def test_dropped_moves_as_json(run, with_drops: Path):
    found = json.loads(run("handovers", with_drops, "--json", "--node", "gpu002").out)
    assert found["dropped"] == [
        {"at_s": 600, "node": "gpu002", "direction": "hpc->kubernetes", "reason": "node-changed"}
    ]


@pytest.mark.parametrize(
    ("options", "ids", "line"),
    [
        (["--node", "gpu002"], ["1.2"], "1 hand-over: 0 done, 1 cancelled, 0 stuck, 0 open (1 not-wanted)"),
        (["--stage", "done"], ["1.1", "1.m4"], "2 hand-overs: 2 done, 0 cancelled, 0 stuck, 0 open"),
        (["--stage", "draining"], ["1.5"], "1 act: 0 done, 0 refused, 0 unknown; 1 asked and never answered"),
        (["--stage", "opening"], [], "0 hand-overs: 0 done, 0 cancelled, 0 stuck, 0 open"),
        (["--limit", "2"], ["1.m4", "1.5"], "the newest 2 of 5; --limit 5 lists them all"),
    ],
)
def test_a_part_of_the_list(run, made_up: Path, options: list[str], ids: list[str], line: str):
    ran = run("handovers", made_up, *options)
    assert ran.code == 0
    assert [text.split()[0] for text in ran.out.splitlines() if text.startswith("1.")] == ids
    assert line in ran.out.splitlines()


def test_the_list_as_json(run, made_up: Path):
    ran = run("handovers", made_up, "--json", "--limit", 3)
    found = json.loads(ran.out)
    assert [one["id"] for one in found["handovers"]] == ["1.3", "1.m4", "1.5"]
    assert found["handovers"][0] == {
        "id": "1.3",
        "node": "gpu003",
        "direction": "hpc->kubernetes",
        "stage": "stuck",
        "why": "late",
        "repair": False,
        "started_s": 900,
        "ended_s": 2000,
        "emptying_s": 60,
        "opening_s": None,
        "back_s": None,
        "acts": 1,
    }
    assert found["summary"] == {
        "handovers": 5,
        "ended": {"done": 2, "cancelled": 1, "stuck": 1, "open": 1},
        "empty_to_open_s": {"hpc->kubernetes": {"count": 1, "median": 89_000, "p90": 89_000}},
        "acts": {"done": 3, "refused": 1, "unknown": 1, "never answered": 1},
    }


def test_the_story_of_one(run, made_up: Path):
    ran = run("handovers", made_up, "--show", "1.1")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    told = " ".join(ran.out.split())
    for part in (
        "hand-over 1.1 of node gpu001, hpc -> kubernetes: done after 24:55:00",
        "begun 0 00:05:00 by plan 1.p1, in epoch 1; turns back when the node is not empty by 0 04:05:00",
        "0 00:05:00 draining, for 11:40: the HPC side is closed to new jobs; running ones go on",
        "0 00:05:00 note (tidegate:1.p1): unknown, 0:04 later before: HPC open, busy; Kubernetes closed (tidegate:i), 0"
        " pods after: not seen",
        "0 00:05:10 drain (tidegate:1.p1): done, 0:04 later before: HPC open, busy; Kubernetes closed (tidegate:i), 0"
        " pods after: HPC closed (tidegate:1.p1), empty; Kubernetes closed (tidegate:i), 0 pods",
        "0 00:16:50 opening, for 24:43:10: the new side has been asked to open the node",
        "1 01:00:00 done: the new side has the node",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("ident", "parts"),
    [
        ("1.2", ["cancelled after 2:40 (not-wanted)", "cancelling (not-wanted), for 1:00: it turns back"]),
        ("1.3", ["stuck after 18:20 (late)", "open (tidegate:1.p1): refused, 0:04 later"]),
        ("1.m4", ["done after 1:40 (repair)", "begun 0 00:20:00 to mend the node"]),
        ("1.5", ["open, in stage draining", "drain (tidegate:1.p1): never answered, so it may have happened",
                 "as far as it goes, the hand-over is under way"]),
    ],
)  # fmt: skip
def test_stories_that_end_otherwise(run, made_up: Path, ident: str, parts: list[str]):
    told = " ".join(run("handovers", made_up, "--show", ident).out.split())
    assert [part for part in parts if part not in told] == []


def test_what_others_wrote_on_a_node_cannot_steer_the_terminal(run, tmp_path: Path):
    evil = "\x1b[2J[red]\r\nx"
    entries = [*course(evil, evil, (1, S.DRAINING)), *acted(evil, Verb.DRAIN, 1, None, node(evil, drain=evil), None)]
    path = write(tmp_path / "a", *entries)
    for options in ([], ["--show", evil]):
        ran = run("handovers", path, *options)
        assert ran.code == 0
        assert "[red]" in ran.out
        assert all(line.isprintable() for line in ran.out.splitlines())


# ---- ids with a site and a pool ----


def whole(*scopes: str) -> list[Entry]:
    """The same hand-over in each pool, and a second one in the first."""
    pairs = [(scope, "1.1") for scope in scopes] + [(scopes[0], "1.m2")]
    stages = ((300, S.DRAINING), (400, S.DRAINED), (500, S.DONE))
    return [entry for scope, ident in pairs for entry in course(f"{scope}.{ident}", f"n-{scope[-4:]}-{ident}", *stages)]


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        (["campus_a100"], ["1.1", "1.m2"]),
        (["campus_a100", "campus_h100"], ["a100.1.1", "h100.1.1", "a100.1.m2"]),
        (["a_x", "b_x"], ["a_x.1.1", "b_x.1.1", "a_x.1.m2"]),
    ],
    ids=["one pool", "two pools", "two sites"],
)
def test_the_list_leaves_out_what_all_ids_begin_with(run, tmp_path: Path, scopes: list[str], shown: list[str]):
    path = write(tmp_path / "audit.jsonl", *whole(*scopes))
    lines = [line.split() for line in run("handovers", path).out.splitlines() if line.strip()]
    assert [line[0] for line in lines[2 : 2 + len(shown)]] == shown
    for short in shown:
        told = " ".join(run("handovers", path, "--show", short).out.split())
        assert told.startswith(f"hand-over {next(s for s in scopes if short[0] in (s[0], s[7:8], '1'))}."), short
    found = json.loads(run("handovers", path, "--json").out)["handovers"]
    assert [one["id"].partition(".")[0] for one in found] == [*scopes, scopes[0]]


def test_the_end_of_an_id_is_enough_where_only_one_ends_so(run, tmp_path: Path):
    path = write(tmp_path / "audit.jsonl", *whole("campus_a100", "campus_h100"))
    assert "hand-over campus_a100.1.m2 of" in run("handovers", path, "--show", "1.m2").out
    ran = run("handovers", path, "--show", "1.1")
    assert ran.code == 1
    assert "2 hand-overs have an id that ends in '1.1' (close to it: campus_a100.1.1, campus_h100.1.1)" in ran.err
    ran = run("handovers", path, "--show", "1.11")
    assert "no hand-over has the id '1.11' (close to it: " in ran.err
    assert "campus_a100.1.1" in ran.err


def test_scopes_of_the_longest_kind_fit_80_columns(run, tmp_path: Path):
    path = write(tmp_path / "audit.jsonl", *whole("a" * 39 + "-01234567", "b" * 39 + "-01234567"))
    assert max(map(len, run("handovers", path).out.splitlines())) <= 80


def test_a_hand_over_that_release_0_1_0_began_is_one_story_to_its_end(run, tmp_path: Path):
    began = course("1.9", "n1", (300, S.DRAINING))
    adopted = [
        *acted("campus_a100.1.9", Verb.NOTE, 400, Outcome.DONE, node("n1"), None),
        *course("campus_a100.1.9", "n1", (300, S.DRAINING), (500, S.DRAINED), (600, S.DONE))[1:],
    ]
    others = course("campus_a100.1.8", "n2", (300, S.DRAINING))
    path = write(tmp_path / "audit.jsonl", *course("1.8", "n1", (100, S.DONE)), *began, *adopted, *others)
    found = json.loads(run("handovers", path, "--json").out)["handovers"]
    assert [(one["id"], one["stage"]) for one in found] == [
        ("1.8", "done"), ("1.9", "done"), ("campus_a100.1.8", "draining"),
    ]  # fmt: skip
    assert found[1]["acts"] == 1


# ---- a decision taken again ----


def test_an_audit_of_release_0_1_0_is_listed_shown_and_explained(run):
    path = ROOT / "tests" / "recorded" / "audit-0.1.0.jsonl"
    assert "1 hand-over: 1 done" in run("handovers", path).out
    assert "hand-over 1.1 of node" in run("handovers", path, "--show", "1.1").out
    ran = run("handovers", path, "--explain", "1.1")
    assert ran.code == 0
    assert "of which 0 were; at most" in " ".join(ran.out.split())
    assert ran.out.endswith("Taken again from the same inputs, the plan is the same.\n")


def test_every_decision_of_a_replay_is_taken_again_the_same(run, replayed: Path):
    begun = [one["id"] for one in json.loads(run("handovers", replayed, "--json").out)["handovers"]]
    assert len(begun) > 20
    for ident in begun:
        ran = run("handovers", replayed, "--explain", ident)
        assert ran.code == 0, ran.out
        assert ran.out.endswith("Taken again from the same inputs, the plan is the same.\n")


def test_the_numbers_and_the_reasons_of_a_decision(run, replayed: Path):
    ident = json.loads(run("handovers", replayed, "--json").out)["handovers"][-1]["id"]
    ran = run("handovers", replayed, "--explain", ident)
    assert max(map(len, ran.out.splitlines())) <= 80
    told = " ".join(ran.out.split())
    for part in (f"hand-over {ident} of node n", "in nodes hpc kubernetes", "running", "expected in 1 h", "persistence",
                 "limits: Kubernetes has 0 to 16 of 16 nodes; at most 4 in hand-over at once",
                 "lead time: to kubernetes", "moves: n", "stays (busy):", "weighted node-hours"):  # fmt: skip
        assert part in told, part


def test_a_plan_that_comes_out_otherwise_ends_with_1(run, replayed: Path, tmp_path: Path):
    entries = []
    for entry in read_audit(replayed):
        if isinstance(entry, Decided) and entry.plan.moves:
            moves = tuple(replace(move, gain=move.gain + 1) for move in entry.plan.moves)
            entry = replace(entry, plan=replace(entry.plan, moves=moves, target=entry.plan.target + 1))  # noqa: PLW2901
        entries.append(entry)
    path = write(tmp_path / "changed", *entries)
    ident = json.loads(run("handovers", path, "--json").out)["handovers"][0]["id"]
    ran = run("handovers", path, "--explain", ident)
    assert ran.code == 1
    told = ran.out.partition("Taken again from the same inputs, the plan is another one:\n")[2]
    assert "  target was " in told
    assert " was worth " in told


def test_numbers_that_differ_in_their_last_digits_are_the_same(run, replayed: Path, tmp_path: Path):
    entries = []
    for entry in read_audit(replayed):
        if isinstance(entry, Decided):
            moves = tuple(replace(move, gain=move.gain * (1 + 1e-14)) for move in entry.plan.moves)
            entry = replace(entry, plan=replace(entry.plan, moves=moves))  # noqa: PLW2901
        entries.append(entry)
    path = write(tmp_path / "nearly", *entries)
    assert run("handovers", path, "--explain", "1.1").code == 0


def test_inputs_that_were_changed_are_found_out(run, replayed: Path, tmp_path: Path):
    path = tmp_path / "changed"
    path.write_bytes(
        replayed.read_bytes().replace(b'"oversize":0', b'"oversize":1').replace(b'"pods":0,', b'"pods":2,')
    )
    ran = run("handovers", path, "--explain", "1.1")
    assert ran.code == 1
    assert f"{path}:1: the line was changed after it was written: the sha256 of its inputs differs" in ran.err


def test_what_has_no_decision_says_so(run, made_up: Path):
    mended = run("handovers", made_up, "--explain", "1.m4")
    assert mended.code == 1
    assert "no decision began hand-over 1.m4: it mends node gpu004" in mended.err
    elsewhere = run("handovers", made_up, "--explain", "1.1")
    assert elsewhere.code == 1
    assert "the decision at 0 00:05:00 that began hand-over 1.1 is not in this file (look in the file" in elsewhere.err


# ---- wrong input ----


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--show", "1.6"], "no hand-over has the id '1.6' (close to it: "),
        (["--explain", "zzz"], "no hand-over has the id 'zzz' (list them with: tidegate handovers "),
        (["--node", "gpu0001"], "no hand-over is of a node 'gpu0001' (close to it: gpu001"),
        (["--node", "zzz"], "no hand-over is of a node 'zzz' (give the name that the HPC scheduler has for it)"),
    ],
)
def test_who_is_not_there(run, made_up: Path, options: list[str], told: str):
    ran = run("handovers", made_up, *options)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"{made_up}: {told}")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, ": cannot be read: no such file or directory (give the file of an audit, such as tidegate replay"),
        (b"", ": is empty: nothing was ever recorded in it (give the file of an audit"),
        (encode(MADE_UP[0])[:50], ": is empty: nothing was ever recorded in it"),
        (b"seconds,requests_per_second\n1,2\n", ": holds something else than an audit"),
        (encode(MADE_UP[0]) + b'{"v":1,"kind":"asked"}\n', ":2: the line is no entry of an audit: "),
    ],
    ids=["missing", "empty", "torn", "another file", "damaged"],
)
def test_a_file_that_is_no_audit(run, tmp_path: Path, content: bytes | None, told: str):
    path = tmp_path / "audit.jsonl"
    if content is not None:
        path.write_bytes(content)
    ran = run("handovers", path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"{path}{told}")


def test_an_audit_without_a_hand_over_is_none_to_complain_about(run, tmp_path: Path, replayed: Path):
    path = write(tmp_path / "a", next(read_audit(replayed, {"decided"})))
    ran = run("handovers", path)
    assert ran.code == 0
    assert ran.out.startswith("0 hand-overs: 0 done")


@pytest.mark.parametrize(
    "options",
    [["--show", "1", "--explain", "1"], ["--json", "--show", "1"], ["--limit", "0"], ["--stage", "stk"], ["--frob"]],
    ids=" ".join,
)
def test_wrong_usage(run, made_up: Path, options: list[str]):
    ran = run("handovers", made_up, *options)
    assert (ran.code, ran.out) == (2, "")


def test_help_fits_80_columns(run):
    for arguments in (["handovers", "-h"], ["replay", "-h"], ["demo", "-h"]):
        assert max(map(len, run(*arguments).out.splitlines())) <= 80


@pytest.mark.parametrize(("at_s", "text"), [(0, "0 00:00:00"), (59, "0 00:00:59"), (90_061, "1 01:01:01")])
def test_times(at_s: int, text: str):
    assert clock(at_s) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0, "0:00"), (65, "1:05"), (3600, "1:00:00"), (90_061, "25:01:01")]
)
def test_lengths_of_time(seconds: int | None, text: str):
    assert span_text(seconds) == text


# ---- writing it ----


def swf(path: Path) -> Path:
    lines = [
        f"{n} {400 * n} -1 {300 + 977 * n % 5000} {1 + n % 7} -1 -1 {1 + n % 7} 6000 -1 1 1 1 1 1 -1 -1 -1"
        for n in range(1, 150)
    ]
    path.write_text("; MaxNodes: 12\n" + "\n".join(lines) + "\n")
    return path


def rates(path: Path) -> Path:
    lines = [f"{600 * n},{10 * (n * n % 9)}" for n in range(100)]
    path.write_text("seconds,requests_per_second\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def arguments(tmp_path: Path) -> list[object]:
    inputs = ["--hpc", swf(tmp_path / "jobs.swf"), "--requests", rates(tmp_path / "rates.csv"), "--rate-per-node", 10]
    return ["replay", *inputs, "--handover", 5]


def test_the_audit_of_a_replay_is_written_and_changes_no_figure(run, arguments: list[object], tmp_path: Path):
    audit = tmp_path / "audit.jsonl"
    audit.write_text("an older file\n")
    audit.chmod(0o640)
    plain, with_audit = tmp_path / "plain.json", tmp_path / "audited.json"
    assert run(*arguments, "--compare", "reactive", "--json", plain, "--quiet").code == 0
    ran = run(*arguments, "--compare", "static,reactive", "--json", with_audit, "--audit", audit)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == f"audit of the reactive policy: {audit}"
    documents = [json.loads(path.read_text()) for path in (plain, with_audit)]
    assert documents[0]["results"]["reactive"] == documents[1]["results"]["reactive"]
    assert audit.stat().st_mode & 0o777 == 0o640
    listed = json.loads(run("handovers", audit, "--json").out)
    assert listed["summary"]["ended"]["done"] == json.loads(plain.read_text())["results"]["reactive"]["moves"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "audit.jsonl", "audited.json", "jobs.swf", "plain.json", "rates.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "of"),
    [
        (("static", "reactive", "predictive", "oracle"), "predictive"),
        (("oracle", "reactive"), "reactive"),
        (("oracle",), None),
        (("static", "persistence"), "persistence"),
        (("static",), None),
        (("easy",), None),
    ],
)
def test_which_policy_the_audit_is_of(names: tuple[str, ...], of: str | None):
    assert audited(names) == of


@pytest.mark.parametrize("options", [["--compare", "static"], ["--hpc-only"]], ids=" ".join)
def test_an_audit_of_what_moves_nothing_is_wrong_usage(
    run, arguments: list[object], tmp_path: Path, options: list[str]
):
    ran = run(*arguments, *options, "--audit", tmp_path / "a")
    assert ran.code == 2
    assert "needs a policy that" in ran.err


def test_a_full_disk_ends_the_replay_and_leaves_nothing(run, monkeypatch, arguments: list[object], tmp_path: Path):
    """A controller would hold still, and the figures would be others."""

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(audit_file.os, "write", full)
    out = tmp_path / "out.json"
    ran = run(*arguments, "--compare", "reactive", "--audit", tmp_path / "a", "--json", out)
    monkeypatch.undo()
    assert ran.code == 1
    assert f"{tmp_path / 'a'}: cannot be written: no space left on device (free space, or name a file" in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs.swf", "rates.csv"]


def test_an_error_in_another_process_is_told_as_well(run, arguments: list[object], tmp_path: Path):
    """The process that replays finds its audit gone bad: the file cannot grow beyond a limit that it inherits."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    code = f"{limit}; from cli.main import main; main()"
    folder = tmp_path / "out"
    folder.mkdir()
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            *map(str, arguments),
            "--compare",
            "static,reactive",
            "--audit",
            folder / "a",
            "--quiet",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "cannot be written: file too large" in ran.stderr
    assert list(folder.iterdir()) == []
