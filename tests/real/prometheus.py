"""A Prometheus that scrapes one process each second, with our rules, to be asked over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.helm_monitoring import FOLDER
from tests.real import packages, ports

JOB = "tidegate"
WAIT_S = 90.0
Labels = Mapping[str, str]


class Prometheus:
    """Its data and log are in ``folder``; ``target`` is the HOST:PORT that it scrapes."""

    def __init__(self, folder: Path, target: str) -> None:
        for command in ("prometheus", "promtool"):
            packages.need(command, "prometheus")
        self._folder = folder
        self._target = target
        self._address = f"127.0.0.1:{ports.free(1)[0]}"
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copy(FOLDER / "rules.yaml", folder)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def remember(self, name: str, series: Sequence[tuple[Labels, float]], times_s: Sequence[int]) -> None:
        """Before the start: what it would know had it scraped at these times."""
        lines = [f"# TYPE {name} gauge"]
        for labels, value in series:
            named = {"job": JOB, "instance": self._target, **labels}
            text = ",".join(f'{label}="{one}"' for label, one in named.items())
            lines += [f"{name}{{{text}}} {value} {at_s}" for at_s in times_s]
        (self._folder / "before.txt").write_text("\n".join([*lines, "# EOF", ""]))
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "before.txt", "data"]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        with (self._folder / "prometheus.log").open("wb") as log:
            command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
            command.append(f"--web.listen-address={self._address}")
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        self.wait(lambda: self._answers("/-/ready"), "Prometheus is ready")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30.0)

    def ask(self, what: str, **parameters: object) -> Any:
        """What its API answers."""
        with urlopen(f"http://{self._address}/api/v1/{what}?{urlencode(parameters)}", timeout=30) as answer:
            told = json.loads(answer.read())
        assert told["status"] == "success", told
        return told["data"]

    def series(self, query: str, from_s: float, to_s: float) -> list[Any]:
        """The series of a query over a time, those that are nothing but NaN left out."""
        found = self.ask("query_range", query=query, start=from_s, end=to_s, step=5)["result"]
        return [one for one in found if any(value != "NaN" for _, value in one["values"])]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"it does not come: {what}"
            time.sleep(0.5)

    def _answers(self, path: str) -> bool:
        try:
            with urlopen(f"http://{self._address}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
