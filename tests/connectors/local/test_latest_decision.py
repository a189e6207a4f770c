"""The latest decision of each pool is kept whole beside the audit, once a minute, and is never in the way."""

from __future__ import annotations

import logging
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.local.latest_decision import EVERY_S, LatestDecisions, latest_file, read_latest
from models.audit import Decided, Entry
from models.errors import Unrecorded
from models.policies import PoolPolicy
from tests.connectors.local.entries import ENTERED, decided


class Kept:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.full = False

    def append(self, entry: Entry) -> None:
        if self.full:
            raise Unrecorded("the disk is full")
        self.entries.append(entry)


def of_pool(entry: Decided, name: str) -> Decided:
    return replace(entry, pool=PoolPolicy(name=name))


def test_one_that_changes_nothing_is_kept_too_and_whole(tmp_path: Path):
    audit, entry = Kept(), decided()
    assert not entry.plan.moves
    log = LatestDecisions(audit, tmp_path)
    log.append(ENTERED)
    log.append(entry)
    assert audit.entries == [ENTERED, entry]
    assert list(read_latest(tmp_path)) == [entry]
    assert stat.S_IMODE(latest_file(tmp_path, "a").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("after_s", "is_kept"),
    [(EVERY_S - 1, False), (EVERY_S, True), (-1, True)],
    ids=["too soon", "a minute later", "the clock was set back"],
)
def test_it_is_replaced_once_a_minute(tmp_path: Path, after_s: int, is_kept: bool):
    first, second = decided(now_s=1000), decided(now_s=1000 + after_s)
    log = LatestDecisions(Kept(), tmp_path)
    log.append(first)
    log.append(second)
    assert list(read_latest(tmp_path)) == [second if is_kept else first]


def test_each_pool_has_its_own(tmp_path: Path):
    log, entries = LatestDecisions(Kept(), tmp_path), [of_pool(decided(), name) for name in ("a", "b.c")]
    for entry in entries:
        log.append(entry)
    assert list(read_latest(tmp_path)) == entries


def test_what_the_audit_refuses_is_not_kept(tmp_path: Path):
    audit = Kept()
    audit.full = True
    with pytest.raises(Unrecorded):
        LatestDecisions(audit, tmp_path).append(decided())
    assert list(read_latest(tmp_path)) == []


def test_a_folder_that_cannot_be_written_is_told_once_and_hinders_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    audit, folder = Kept(), tmp_path / "gone"
    log = LatestDecisions(audit, folder)
    with caplog.at_level(logging.INFO, "tidegate.audit"):
        log.append(decided(now_s=300))
        log.append(decided(now_s=600))
        folder.mkdir()
        log.append(decided(now_s=900))
    assert len(audit.entries) == 3
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert [entry.plan.at_s for entry in read_latest(folder)] == [900]
