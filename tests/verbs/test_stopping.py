"""A signal at a moment where Python has nobody to tell of an exception."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from litebert.training.interrupts import TRY_AGAIN
from litebert.verbs.stopping import going_on_later


class Cleared:
    """SIGTERM comes while this is cleaned up."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)


def test_a_stop_that_comes_while_an_object_is_cleaned_up_is_not_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    usual = sys.unraisablehook
    with pytest.raises(SystemExit) as end, going_on_later():
        one = Cleared()
        del one
        for _ in range(1000):
            time.sleep(0.01)
        pytest.fail("it went on as if nobody had asked")
    assert end.value.code == TRY_AGAIN
    said = capsys.readouterr().err
    assert said == "stopped by SIGTERM; nothing is lost, and the same command goes on\n"
    assert sys.unraisablehook is usual and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_mishaps_of_cleaning_up_are_told_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    class Odd:
        def __del__(self) -> None:
            raise ValueError("in cleaning up")

    with going_on_later():
        one = Odd()
        del one
    assert "ValueError: in cleaning up" in capsys.readouterr().err
