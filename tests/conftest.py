"""What all tests need before the first of them is read."""

from __future__ import annotations

import pytest

# Their assertions tell more once they are rewritten, which must be said before anybody imports them.
pytest.register_assert_rewrite("tests.conformance.bus_suite", "tests.conformance.inspection_suite")
