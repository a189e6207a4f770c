"""What each policy is worth over many windows.

    python -m benchmarks.scenarios quick|full [--traces DIR] [--only WINDOW ...] [--processes N | --dask [ADDRESS]]

Results are kept in --store: what has not changed is not run again, and the same command goes on after Ctrl-C. Prints a
summary, and writes all figures (--json) and a page (--page).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from basics.whole_file import write_atomically
from benchmarks.scenarios.page import drawing, page, tables
from benchmarks.scenarios.plan import SIZES, Size, run_all
from benchmarks.scenarios.store import ALL_CODE, ROOT, Store, code_digest, versions
from benchmarks.scenarios.summary import summary
from benchmarks.scenarios.windows import window
from benchmarks.scenarios.workers import HERE, dask, processes
from models.errors import TidegateError

TRACES = ROOT.parent / "shared" / "traces"
OUT = ROOT / "out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, tell and write; 1 with a reason where that cannot be done, 130 after Ctrl-C."""
    asked = options().parse_args(arguments)
    try:
        document = measured(asked, size_of(asked))
        name = Path(f"scenarios-{asked.size}")
        write(asked.json or OUT / name.with_suffix(".json"), json.dumps(document, indent=1, allow_nan=False) + "\n")
        at = asked.page or OUT / name.with_suffix(".md")
        chart = drawing(document)
        if chart:
            write(at.with_suffix(".svg"), chart)
        write(at, page(document, at.with_suffix(".svg").name if chart else ""))
    except TidegateError as error:
        print(error.told, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was run is kept, and the same command goes on from here", file=sys.stderr)
        return 130
    print(tables(document))
    return 0


def options() -> argparse.ArgumentParser:
    """What can be asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("size", choices=sorted(SIZES))
    parser.add_argument("--traces", type=Path, default=TRACES, help="the folder of the recorded traces")
    parser.add_argument("--only", nargs="+", metavar="WINDOW", help="these windows, of the size's or others")
    parser.add_argument("--weights", nargs="+", type=float, metavar="W", help="instead of the size's")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="instead of the size's")
    parser.add_argument("--store", type=Path, default=OUT / "scenarios", help="where results are kept")
    parser.add_argument("--json", type=Path, help="where all figures go")
    parser.add_argument("--page", type=Path, help="where the page goes")
    parser.add_argument("--processes", type=int, metavar="N", help="as many as there are cores without it")
    parser.add_argument(
        "--dask", nargs="?", const=HERE, metavar="ADDRESS", help="Dask's workers, here or of a scheduler"
    )
    return parser


def size_of(asked: argparse.Namespace) -> Size:
    """The size, and what was asked to be otherwise."""
    size = SIZES[asked.size]
    return replace(
        size,
        windows=tuple(dict.fromkeys(asked.only or size.windows)),
        weights=tuple(sorted(set(asked.weights or size.weights))),
        seeds=tuple(sorted(set(asked.seeds or size.seeds))),
    )


def measured(asked: argparse.Namespace, size: Size) -> dict[str, object]:
    """Run what is not kept, and sum up. Raises BadInput."""
    begun_s = time.monotonic()
    windows = [window(name, asked.traces) for name in size.windows]
    with workers(asked) as executor:
        ran = run_all(windows, size, Store(asked.store), executor, tell)
    return {
        "size": asked.size,
        "windows_run": list(size.windows),
        "weights": list(size.weights),
        "seeds": list(size.seeds),
        "code": code_digest(ALL_CODE),
        "versions": versions(),
        "cpu_s": round(ran.cpu_s, 1),
        "wall_s": round(time.monotonic() - begun_s, 1),
        **summary(ran),
    }


def workers(asked: argparse.Namespace) -> AbstractContextManager[Executor]:
    """Whoever does the work."""
    return processes(asked.processes) if asked.dask is None else dask(asked.dask, asked.processes)


def tell(text: str) -> None:
    """Progress, for a terminal or a log."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all, in a folder that may have to be made. Raises BadInput."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


if __name__ == "__main__":
    sys.exit(main())
