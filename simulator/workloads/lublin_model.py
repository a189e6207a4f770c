"""The distributions of the model of Lublin and Feitelson: sizes, run times, gaps between arrivals.

Source: U. Lublin, D. G. Feitelson, "The workload on parallel supercomputers: modeling the characteristics of rigid
jobs", Journal of Parallel and Distributed Computing 63(11), 2003, pp. 1105-1122, and the authors' reference program
``lublin99.c``. The constants bear that program's names and are its values for the whole workload, batch and
interactive jobs not told apart, fitted to machines of about 128 processors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulator.workloads.requested_times import requested_s

# Size: 1 with SERIAL_PROB, a power of two with POW2_PROB; log2 of a parallel size is two-stage uniform.
SERIAL_PROB, POW2_PROB = 0.244, 0.576
ULOW, UPROB = 0.8, 0.86
UMED_BELOW_UHI = 2.5  # UHI is log2 of the machine; the authors advise an UMED of 1.5 to 3.5 below it

# Run time: its logarithm is gamma(A1, B1) with probability PA * size + PB, else gamma(A2, B2), never above the bound.
A1, B1, A2, B2, PA, PB = 4.2, 0.94, 312.0, 0.03, -0.0054, 0.78
TOO_MUCH_TIME = 12.0

# Arrivals: the logarithm of a gap in the rush hours is gamma(AARR * ARAR, BARR), never above the bound; the jobs of a
# day are spread over its half hours in the shape of gamma(ANUM, BNUM).
AARR, BARR, ANUM, BNUM, ARAR = 10.2303, 0.4871, 8.1737, 3.9631, 1.0225
TOO_MUCH_ARRIVE_TIME = 13.0

Whole = NDArray[np.int64]

_BLOCK = 4096  # Jobs are drawn so many at a time; another number gives other jobs for the same seed.


class Draws:
    """Endless jobs of one seed: gaps in points, sizes, run times, requested times, users; drawn block by block.

    Each comes from its own stream, so that a change of the machine's size leaves arrivals as they are.
    """

    def __init__(self, procs: int, seed: int, users: int) -> None:
        self._streams = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(5)]
        self._procs = procs
        self._users = users
        self.gaps = np.empty(0)
        self.sizes = np.empty(0, dtype=np.int64)
        self.runs_s = np.empty(0, dtype=np.int64)
        self.limits_s = np.empty(0, dtype=np.int64)
        self.users = np.empty(0, dtype=np.int64)

    def extend(self) -> None:
        """Draw as many jobs again as there are, at least one block."""
        blocks = [self._block() for _ in range(max(1, self.gaps.size // _BLOCK))]
        gaps, sizes, runs_s, limits_s, users = zip(*blocks, strict=True)
        self.gaps = np.concatenate([self.gaps, *gaps])
        self.sizes = np.concatenate([self.sizes, *sizes])
        self.runs_s = np.concatenate([self.runs_s, *runs_s])
        self.limits_s = np.concatenate([self.limits_s, *limits_s])
        self.users = np.concatenate([self.users, *users])

    def _block(self) -> tuple[NDArray[np.float64], Whole, Whole, Whole, Whole]:
        gaps, sizes, runs, limits, users = self._streams
        block_sizes = _sizes(sizes, self._procs)
        block_runs_s = _runs_s(runs, block_sizes)
        return (
            _gaps_s(gaps),
            block_sizes,
            block_runs_s,
            requested_s(limits, block_runs_s),
            _users(users, self._users),
        )


def _gaps_s(stream: np.random.Generator) -> NDArray[np.float64]:
    """One block of gaps between arrivals in the rush hours, seconds."""
    logs = stream.gamma(AARR * ARAR, BARR, _BLOCK)
    while (high := np.flatnonzero(logs > TOO_MUCH_ARRIVE_TIME)).size:
        logs[high] = stream.gamma(AARR * ARAR, BARR, high.size)
    return np.asarray(np.exp(logs))


def _sizes(stream: np.random.Generator, procs: int) -> Whole:
    """One block of sizes in 1..procs.

    On a machine too small for the advice on UMED, UMED moves up to 1.5 below its log2, and to ULOW at least. What
    rounding takes beyond the machine is brought back to it, for a power of two to the largest that fits.
    """
    uhi = math.log2(procs)
    umed = uhi - UMED_BELOW_UHI if uhi - UMED_BELOW_UHI >= ULOW else max(uhi - 1.5, ULOW)
    kind, stage, within = stream.random((3, _BLOCK))
    low = np.where(stage <= UPROB, ULOW, umed)
    high = np.where(stage <= UPROB, umed, max(uhi, umed))
    exponent = low + within * (high - low)
    power = np.minimum(np.floor(exponent + 0.5), math.floor(uhi))
    sizes = np.floor(np.exp2(np.where(kind <= SERIAL_PROB + POW2_PROB, power, exponent)) + 0.5)
    sizes[kind <= SERIAL_PROB] = 1
    within_machine: Whole = np.minimum(sizes, procs).astype(np.int64)
    return within_machine


def _runs_s(stream: np.random.Generator, sizes: Whole) -> Whole:
    """Run times for one block of sizes, 1 s to exp(TOO_MUCH_TIME) s (45 hours): the hyper-gamma distribution.

    As in the reference program the probability is cut to [0, 1]: from 145 processors on every job is a long one.
    """
    first = stream.random(_BLOCK) <= np.clip(PA * sizes + PB, 0, 1)
    shape, scale = np.where(first, A1, A2), np.where(first, B1, B2)
    logs = stream.gamma(shape, scale)
    while (high := np.flatnonzero(logs > TOO_MUCH_TIME)).size:
        logs[high] = stream.gamma(shape[high], scale[high])
    runs_s: Whole = np.exp(logs).astype(np.int64)
    return runs_s


def _users(stream: np.random.Generator, users: int) -> Whole:
    """One block of user numbers from 0; user k in proportion to 1 / (k + 1)."""
    shares = np.cumsum(1 / np.arange(1, users + 1))
    return np.searchsorted(shares / shares[-1], stream.random(_BLOCK), side="right").astype(np.int64)
