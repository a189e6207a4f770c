"""What is logged for people: a line for each thing, whoever wrote the words in it."""

from __future__ import annotations

import logging
import threading
import time

from basics.text import clean

LOUD = ("apscheduler", "kafka")  # libraries that tell of every step they take
SERVICE = "%(asctime)sZ %(levelname)-7s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """Nothing that steers a terminal; what follows the line of a record, a traceback say, is indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        return clean(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """See the base."""
        return "\n  ".join(map(clean, super().format(record).splitlines()))


def clean_what_nobody_handles() -> None:
    """Let what is logged without a handler come as clean lines, too."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(LineFormatter())


def log_to_stderr() -> None:
    """Log what Tidegate does, of libraries only what went wrong; and what Python would print. Times are UTC."""
    handler, formatter = logging.StreamHandler(), LineFormatter(SERVICE, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(capture=True)
    threading.excepthook = lambda end: logging.critical("a thread has ended", exc_info=end.exc_value)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
