"""``python -m dashboards [--check]``: write the dashboards, or end with 1 when one is not up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboards.boards import stale, write

FOLDER = Path(__file__).parents[1] / "helm" / "monitoring" / "dashboards"

if sys.argv[1:] == ["--check"]:
    if names := stale(FOLDER):
        sys.exit(f"not up to date: {', '.join(names)}; run make generate")
else:
    write(FOLDER)
