"""A headless Chromium of the distribution's, for pages as a person sees them."""

from __future__ import annotations

import shutil

import pytest

from tests.real import packages


def chromium() -> str:
    """The program, installed if need be; the test is skipped where it cannot be."""
    try:
        packages.need("chromium", "chromium")
    except packages.MissingError as error:
        pytest.skip(str(error))
    return shutil.which("chromium") or "chromium"
