"""A pool of Slurm whose work Slurm tells by itself, too, between two readings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.slurm.completions import Completions
from connectors.slurm.pool import Pool
from models.nodes import HpcNode
from models.reading import Picture, Source


class StreamedSource:
    """Another source with what the stream tells. Before the first reading the stream counts for nothing.

    ``pool`` tells what the pool is, as last read.
    """

    def __init__(self, source: Source[HpcNode], stream: Completions, pool: Callable[[], Pool]) -> None:
        self._source = source
        self._stream = stream
        self._pool = pool
        self._shown: Picture[HpcNode] | None = None
        self._read: Picture[HpcNode] | None = None

    def read(self) -> Picture[HpcNode]:
        """See the port."""
        picture = self._source.read()
        records = self._stream.merged(picture, self._pool())
        if self._shown is None or picture is not self._read or records is not self._shown.records:
            self._read, self._shown = picture, replace(picture, records=records)
        return self._shown
