"""Who a pool is: its site's name and its own, which every id, mark, key and source carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

SCOPE_MOST = 48  # characters: with it a mark has at most 80, all that PBS keeps of a comment
CONNECTOR, FORECASTING, CONTROLLER = "connector", "forecasting", "controller"  # the parts that tell events
_DIGEST = 8
_SOURCE = re.compile(r"/tidegate/([^/]+)/([^/]+)/[^/]+").fullmatch
_LOCAL = re.compile(r"[0-9]+\.[mp]?[0-9]+")  # of one pool: an epoch, and a number with what it counts


@dataclass(frozen=True, slots=True)
class PoolId:
    """A pool by name, so that two pools, or two sites, never meet on one bus, in one lease store or at one hook.

    A site's name has lower-case letters, digits, dots and dashes; a pool's may have capitals and underscores, too.
    """

    site: str
    pool: str

    @property
    def key(self) -> str:
        """What the keys of its events begin with, or are."""
        return f"{self.site}/{self.pool}"

    @property
    def scope(self) -> str:
        """Both names as ids and marks carry them, in at most SCOPE_MOST characters: a digest ends what is longer.

        A site has no underscore in its name, so the first one parts the two.
        """
        whole = f"{self.site}_{self.pool}"
        if len(whole) <= SCOPE_MOST:
            return whole
        return f"{whole[: SCOPE_MOST - _DIGEST - 1]}-{sha256(whole.encode()).hexdigest()[:_DIGEST]}"

    def source(self, part: str) -> str:
        """Which part of which Tidegate tells an event."""
        return f"/tidegate/{self.site}/{self.pool}/{part}"

    def old_source(self, part: str) -> str:
        """The same in release 0.1.0, which knew one pool a site and did not name it."""
        return f"/tidegate/{self.site}/{part}"

    @staticmethod
    @lru_cache(maxsize=64)
    def of_source(source: str) -> PoolId | None:
        """The pool that a source names; None where it names none."""
        named = _SOURCE(source)
        return None if named is None else PoolId(named[1], named[2])


def scope_of(name: str) -> str | None:
    """Whose an id or a batch is, such as ``campus_a100`` of ``campus_a100.7.p3``; None where that cannot be told.

    Empty for those of release 0.1.0, such as ``7.p3``, and for a word, such as a person may give.
    """
    scope, local = split_name(name)
    if _LOCAL.fullmatch(local):
        return scope
    return None if "." in name else ""


def split_name(name: str) -> tuple[str, str]:
    """The scope of an id or a batch, and what it is called within."""
    scope, dot, number = name.rpartition(".")
    scope, _, epoch = scope.rpartition(".")
    return scope, f"{epoch}{dot}{number}"
