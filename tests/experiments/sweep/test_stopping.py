"""StopRequests are taken while a sweep is at work, and left to others after it."""

import os
import signal

import pytest

from experiments.sweep.stopping import StopRequests


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_gives_the_status(number: int, status: int) -> None:
    before = signal.getsignal(number)
    with StopRequests() as signals:
        assert signals.received == []
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)
    assert signals.received == [number, signal.SIGINT]
    assert signals.status == status
    assert signal.getsignal(number) is before
