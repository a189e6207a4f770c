"""Batch jobs of a file in any form that is read here, found out by looking at its beginning."""

from __future__ import annotations

from pathlib import Path

from simulator.traces.sacct.columns import begins_document, begins_parsable
from simulator.traces.sacct.open_accounting import sacct_from
from simulator.traces.sacct.wanted import Wanted
from simulator.traces.swf import SwfTrace, swf_of
from simulator.traces.text import Lines, opened


def read_jobs(path: Path | str, *, strict: bool = False) -> SwfTrace:
    """Jobs from the Standard Workload Format, ``sacct -P`` or ``sacct --json``, plain or gzip.

    Raises BadInput as :func:`read_swf` and :func:`read_sacct` do; a file that looks like none of them is read as the
    first.
    """
    with opened(path) as stream:
        beginning = stream.peek()
        if begins_document(beginning) or begins_parsable(beginning):
            return sacct_from(stream, path, Wanted(), strict=strict).trace
        return swf_of(Lines(path, strict=strict, stream=stream))
