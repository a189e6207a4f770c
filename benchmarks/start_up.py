"""How long the command takes to show its help, as a whole process, against Python with what the help is made with.

The bar is 2.0 times ``python -c 'import typer, rich'``, pair by pair, the median. It is told and not enforced, because
it depends on the machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

PAIRS = 20
BAR = 2.0
FLOOR = [sys.executable, "-c", "import typer, rich"]
HELP = [sys.executable, "-m", "cli.main", "--help"]


def wall_s(command: Sequence[str]) -> float:
    """Seconds from the start of the process to its end."""
    began_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began_s


def main() -> None:
    """Measure the pairs in turn, after one of each that does not count, and print the medians."""
    wall_s(HELP), wall_s(FLOOR)
    pairs = [(wall_s(HELP), wall_s(FLOOR)) for _ in range(PAIRS)]
    shown_s, floor_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(shown / floor for shown, floor in pairs)
    print(f"tidegate --help: {shown_s * 1000:.0f} ms; import typer, rich: {floor_s * 1000:.0f} ms")
    print(f"ratio, pair by pair, median of {PAIRS}: {ratio:.2f} (the bar is {BAR:.1f})")


if __name__ == "__main__":
    main()
