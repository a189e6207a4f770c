"""Signals followed in a thread of their own: however long Prometheus takes, nobody waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from basics.log_once import Trouble
from connectors.prom.client import Prometheus
from connectors.prom.signals import Reading, half_age_s, read_signals
from models.signals import Signal, SignalPolicy

ENDS_S = 1.0  # how long the thread is waited for at the end; it holds nothing that would be lost

log = logging.getLogger("tidegate.prometheus")


class FollowedSignals:
    """The latest value of each signal, for as long as it is not too old. Equal signals of several pools are read once.

    ``start`` has them read every ``every_s`` until ``close``; without it ``read`` does so once.
    """

    def __init__(
        self,
        prometheus: Prometheus,
        signals: Iterable[SignalPolicy],
        *,
        clock: Callable[[], int],
        every_s: float,
    ) -> None:
        self._prometheus = prometheus
        self._signals = tuple(dict.fromkeys(signals))
        self._clock = clock
        self._every_s = every_s
        self._known: Mapping[SignalPolicy, Reading] = {}
        self._troubles = {signal: Trouble(log, f"signal {signal.name}") for signal in self._signals}
        self._first = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="signals", daemon=True)

    def start(self, wait_s: float) -> None:
        """Begin to follow them, and wait for the first round, no longer than that."""
        self._thread.start()
        self._first.wait(wait_s)

    def close(self) -> None:
        """Stop; a question that is under way is not waited for."""
        self._ended.set()
        if self._thread.ident is None:
            self._prometheus.close()
        else:
            self._thread.join(ENDS_S)

    def read(self) -> None:
        """Ask for all of them once; what gives nothing now keeps its last value until that is too old."""
        readings = read_signals(self._prometheus, self._signals, self._clock())
        known = dict(self._known)
        for signal, reading in readings.items():
            if reading.value is None:
                self._troubles[signal].met(reading.why)
            else:
                known[signal] = reading
                self._troubles[signal].over()
        self._known = known

    def at(self, signals: Iterable[SignalPolicy], now_s: int) -> tuple[Signal, ...]:
        """Those of the signals that are known at ``now_s``."""
        known, told = self._known, []
        for signal in signals:
            reading = known.get(signal)
            if reading is not None and reading.value is not None and now_s - reading.at_s <= half_age_s(signal):
                told.append(Signal(signal.name, reading.value, signal.unit))
        return tuple(told)

    def _follow(self) -> None:
        while not self._ended.is_set():
            self.read()
            self._first.set()
            self._ended.wait(self._every_s)
        self._prometheus.close()
