"""Results on disk, each under a hash of all that it depends on: the code, the world and the policy.

What has not changed is found again, whoever asked for it first and whatever stopped the run since.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from basics.whole_file import write_atomically
from benchmarks.scenarios.runs import SPLITS, Result
from simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
ALL_CODE = ("models", "basics", "simulator", "controller", "forecasting", "benchmarks/scenarios/runs.py")
CODE_OF_SPLITS = ("models", "basics", "simulator", "controller/whatif", "benchmarks/scenarios/runs.py")


class Store:
    """A folder of results, a small JSON file each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def get(self, key: str) -> Result | None:
        """The result, None when there is none."""
        path = self._folder / f"{key}.json"
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return Result(found["figures"], found["cpu_s"])

    def put(self, key: str, result: Result) -> None:
        """Keep the result, whole or not at all. Raises BadInput when the disk does not let us."""
        write_atomically(self._folder / f"{key}.json", json.dumps(asdict(result), allow_nan=False))


def key(world: World, policy: str) -> str:
    """What a result goes by: equal for equal code, world and policy."""
    code = code_digest(CODE_OF_SPLITS if policy == SPLITS else ALL_CODE)
    parts = {
        "code": code,
        "versions": versions(),
        "policy": policy,
        "workload": _digest_of_workload(world),
        "rules": world.policy.model_dump(mode="json", by_alias=True),
        "nodes": repr(world.kinds),
        "shape": repr(world.shape),
        "span_s": world.span_s,
        "handover_s": world.handover_s,
        "seed": world.seed,
        "discipline": world.discipline,
        "shared_cores": world.shared_cores,
        "first": world.kubernetes_nodes_first,
    }
    return _digest([json.dumps(parts, sort_keys=True)])


def versions() -> dict[str, str]:
    """What a figure depends on beside our own code."""
    return {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "scikit-learn")}}


@cache
def code_digest(parts: tuple[str, ...], root: Path = ROOT) -> str:
    """Of all Python files in these folders, or that these are, comments and layout apart; what is not there counts as
    nothing."""
    files = [path for part in parts for path in (sorted((root / part).rglob("*.py")) or [root / part])]
    return _digest(
        f"{path.relative_to(root)} {ast.dump(ast.parse(path.read_text(encoding='utf-8')))}"
        for path in files
        if path.is_file()
    )


_digests: dict[int, tuple[object, str]] = {}


def _digest_of_workload(world: World) -> str:
    """Kept by the workload itself: a hundred runs have the same one."""
    known = _digests.get(id(world.workload))
    if known is None or known[0] is not world.workload:
        known = _digests[id(world.workload)] = (world.workload, _digest([repr(world.workload)]))
    return known[1]


def _digest(texts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode())
    return found.hexdigest()[:32]
