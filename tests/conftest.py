"""What all tests need before the first of them is read."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# Their assertions tell more once they are rewritten, which must be said before anybody imports them.
pytest.register_assert_rewrite("tests.conformance.bus_suite", "tests.conformance.inspection_suite")

# How long an example takes says nothing of the code, on a machine that does other things, too.
settings.register_profile("no-clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-clock")
