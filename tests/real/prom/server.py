"""A Prometheus of Debian's, on loopback, that scrapes what a test exposes; its past may be written before it starts."""

from __future__ import annotations

import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError
from urllib.request import urlopen

from tests.patience import until
from tests.real import packages, ports

CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
- {{job_name: site, honor_timestamps: true, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}
"""
ENDS_S = 30.0


class Exposed:
    """Metrics in Prometheus' text format, as a test sets them, over HTTP."""

    def __init__(self) -> None:
        self.text = ""
        exposed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exposed.text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Prometheus:
    """Started with ``start``; ``past`` is OpenMetrics text with times that it has from the beginning."""

    def __init__(self, folder: Path, past: str = "") -> None:
        packages.need("prometheus", "prometheus")
        self.folder = folder
        self.exposed = Exposed()
        [self.port] = ports.free(1)
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "prometheus.yml").write_text(CONFIG.format(port=self.exposed.port))
        if past:
            (folder / "past.om").write_text(past)
            program = shutil.which("promtool") or "promtool"
            blocks = [program, "tsdb", "create-blocks-from", "openmetrics", "past.om", "data"]
            subprocess.run(blocks, cwd=folder, check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with (self.folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    shutil.which("prometheus") or "prometheus",
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    "--storage.tsdb.retention.time=200d",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._is_ready, self._check)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(ENDS_S)
            self._process = None

    def close(self) -> None:
        """End it, and what it scrapes."""
        self.stop()
        self.exposed.close()

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/-/ready", timeout=5) as answer:  # noqa: S310 - an address of ours
                return answer.status == 200
        except (URLError, OSError):
            return False

    def _check(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "prometheus.log").read_text()[-2000:]
