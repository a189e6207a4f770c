"""A process of a comparison that is ended lets go of what it has open, and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import LONG_S

ROOT = Path(__file__).parents[2]
BEGIN = "from simulator import compare; compare._begin_worker(None, 1)"
WAIT = "print('ready', flush=True)\n    signal.pause()"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("tidying takes too long", f"try:\n    {WAIT}\nfinally:\n    time.sleep(36000)"),
        ("the end was not heard", f"try:\n    {WAIT}\nexcept SystemExit:\n    pass\ntime.sleep(36000)"),
    ],
)
def test_it_does_not_stay_behind(what: str, code: str):
    with subprocess.Popen(
        [sys.executable, "-c", f"import signal, time\n{BEGIN}\n{code}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        process.terminate()
        assert process.wait(timeout=LONG_S) == -signal.SIGALRM
