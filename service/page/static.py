"""The page's own files, and plotly's JavaScript from its wheel: compressed once, and called by their hash."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from string import Template

ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "charts.js": "text/javascript"}
PLOTLY = "plotly.js"
_MAPS = re.compile(rb'getElementById\("([0-9a-f]{64})"\)')
"""Where plotly looks for the style of its maps: it adds it if nothing is there, which our policy forbids."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent, compressed."""

    kind: str
    packed: bytes


class Static:
    """The page itself, and what it loads, by path."""

    def __init__(self) -> None:
        folder = files("service.page") / "assets"
        sources = {name: ((folder / name).read_bytes(), kind) for name, kind in ASSETS.items()}
        sources[PLOTLY] = _plotly(), "text/javascript"
        self.assets: dict[str, Asset] = {}
        paths: dict[str, str] = {}
        for name, (raw, kind) in sources.items():
            stem, _, ending = name.partition(".")
            path = f"/assets/{stem}.{hashlib.sha256(raw).hexdigest()[:16]}.{ending}"
            self.assets[path] = Asset(f"{kind}; charset=utf-8", gzip.compress(raw, 6, mtime=0))
            paths[stem if ending == "js" else "style"] = path
        maps = _MAPS.search(sources[PLOTLY][0])
        paths["maps"] = "no-maps" if maps is None else maps[1].decode()
        text = (folder / "index.html").read_text(encoding="utf-8")
        self.index = Template(text).substitute(paths).encode()


def _plotly() -> bytes:
    """Plotly's file as it is in the wheel: importing the package would take a second and 40 MB."""
    return Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js"))).read_bytes()
