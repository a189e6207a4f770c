"""The time that users request for a job, given how long it will run.

This model is ours, from two observations. The accuracy of requests (run time over requested time) is spread over
its whole range about evenly: A. W. Mu'alem, D. G. Feitelson, IEEE Transactions on Parallel and Distributed Systems
12(6), 2001. And users choose from a handful of round values, up to the longest that is allowed: D. Tsafrir, Y.
Etsion, D. G. Feitelson, "Modeling user runtime estimates", JSSPP 2005. So: accuracy uniform in (0, 1], the request
rounded up to the next popular value. What the second paper fits beyond that (how often each value is chosen, users
who stay with one value) is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MINUTE_S, HOUR_S = 60, 3600

POPULAR_S = np.array(
    [minutes * MINUTE_S for minutes in (5, 10, 15, 20, 30)]
    + [hours * HOUR_S for hours in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 24, 36, 48)],
    dtype=np.int64,
)
"""The values that are requested, seconds; the last is the longest allowed."""


def requested_s(stream: np.random.Generator, runs_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """A requested time for each run time, both of shape (n,), seconds; never below the run time.

    The longest run time of the job model, 45 hours, is below the longest popular value.
    """
    wished_s = np.minimum(runs_s / (1 - stream.random(runs_s.size)), POPULAR_S[-1])
    requested: NDArray[np.int64] = POPULAR_S[np.searchsorted(POPULAR_S, wished_s)]
    return requested
