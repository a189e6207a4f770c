"""What lasts is in the log once when it begins, once when it is another, and once when it is over."""

from __future__ import annotations

import logging
import re

import pytest

from basics.log_once import Trouble

LOG = logging.getLogger("tidegate.test")
AGE = re.compile(r"[0-9]+ s ago")


@pytest.mark.parametrize(
    ("trouble", "met", "said"),
    [
        pytest.param(Trouble(LOG, "a"), ["x", "x"], ["a: x"], id="the same"),
        pytest.param(Trouble(LOG, "a"), ["x", "y"], ["a: x", "a: y"], id="another"),
        pytest.param(Trouble(LOG, "a"), ["3 of 7", "4 of 7"], ["a: 3 of 7"], id="another number"),
        pytest.param(Trouble(LOG, "a"), [""], ["a: "], id="without a reason"),
        pytest.param(Trouble(LOG), ["x"], ["x"], id="only the reason"),
        pytest.param(Trouble(LOG, ignoring=AGE), ["n1, 3 s ago", "n1, 4 s ago"], ["n1, 3 s ago"], id="another age"),
        pytest.param(Trouble(LOG, ignoring=AGE), ["n1", "n2"], ["n1", "n2"], id="another name"),
        pytest.param(Trouble(LOG, ignoring=None), ["1", "2"], ["1", "2"], id="numbers that matter"),
        pytest.param(Trouble(LOG, "a"), ["x", None, None, "x"], ["a: x", "a: no trouble any more", "a: x"], id="again"),
        pytest.param(Trouble(LOG, over="well"), [None, "x", None], ["x", "well"], id="in words of its own"),
    ],
)
def test_what_is_said(trouble: Trouble, met: list[str | None], said: list[str], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    for error in met:
        if error is None:
            trouble.over()
        else:
            trouble.met(error)
        assert trouble.lasts is (error is not None)
    assert caplog.messages == said
