"""A Prometheus of the distribution's, on loopback, that scrapes one target each second, to be asked over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.patience import until
from tests.real import packages, ports

JOB = "tidegate"
ENDS_S = 30.0


class Prometheus:
    """Its data and log are in ``folder``; ``target`` is the HOST:PORT that it scrapes; ``rules`` is a file of rules."""

    def __init__(self, folder: Path, target: str, rules: Path | None = None) -> None:
        for command in ("prometheus", "promtool"):
            packages.need(command, "prometheus")
        self._folder = folder
        self._address = f"127.0.0.1:{ports.free(1)[0]}"
        self._process: subprocess.Popen[bytes] | None = None
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [] if rules is None else [str(rules)],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    @property
    def url(self) -> str:
        return f"http://{self._address}"

    def remember(self, past: str) -> None:
        """Before the start: what it knows from the beginning, as OpenMetrics text with times."""
        (self._folder / "past.txt").write_text(past)
        command = [_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with (self._folder / "prometheus.log").open("wb") as log:
            command = [_program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
            command += ["--storage.tsdb.retention.time=200d", f"--web.listen-address={self._address}"]
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        until(self._is_ready, self._check)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(ENDS_S)
            self._process = None

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

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://{self._address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _check(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()[-2000:]


def _program(name: str) -> str:
    return shutil.which(name) or name
