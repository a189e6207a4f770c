"""Logs for people: one line for each thing, in UTC, on stderr."""

from __future__ import annotations

import logging
import time

LOUD = ("apscheduler", "kafka")  # libraries that tell of every step they take


def log_to_stderr() -> None:
    """Log what Tidegate does; of the libraries only what went wrong."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
