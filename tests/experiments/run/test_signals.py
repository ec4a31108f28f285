"""Ctrl-C and SIGTERM: noted where a run can save, ending it elsewhere; a second Ctrl-C kills."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.run import signals
from experiments.run.signals import Signals, Stopped

ROOT = Path(signals.__file__).parents[2]
BOTH = [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]


@pytest.mark.parametrize("number, status", BOTH)
def test_where_nothing_is_to_be_saved_a_signal_ends_the_run(number: int, status: str) -> None:
    with Signals() as taken, pytest.raises(Stopped) as stopped:
        signal.raise_signal(number)
    assert (str(stopped.value), taken.status) == (status, status)


@pytest.mark.parametrize("number, status", BOTH)
def test_where_something_is_to_be_saved_it_is_noted(
    number: int, status: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Signals() as taken:
        with taken.noted():
            assert taken.status is None
            signal.raise_signal(number)
            assert taken.status == status
        assert capfd.readouterr().err == "\nsaving, then stopping; Ctrl-C stops at once\n"


def test_noting_ends_with_its_context() -> None:
    with Signals() as taken:
        with taken.noted():
            pass
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)


def test_a_second_sigterm_adds_nothing() -> None:
    with Signals() as taken, taken.noted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert taken.status == "interrupted"


def test_signals_are_as_before_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with Signals() as taken, taken.noted():
        assert [signal.getsignal(number) for number in numbers] != before
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in numbers] == before
    with pytest.raises(Stopped), Signals():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("number, status", BOTH)
def test_a_signal_during_garbage_collection_is_not_lost(
    number: int, status: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def once(*_: object) -> None:
        gc.callbacks.remove(once)
        signal.raise_signal(number)

    def work() -> None:
        gc.callbacks.append(once)
        gc.collect()
        time.sleep(10)

    began = time.monotonic()
    with Signals() as taken, pytest.raises(Stopped) as stopped:
        work()
    assert time.monotonic() - began < 5
    assert (str(stopped.value), taken.status) == (status, status)
    assert capfd.readouterr().err == ""


def test_what_else_cannot_be_raised_is_told_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    told = []

    class Faulty:
        def __del__(self) -> None:
            raise RuntimeError("dropped")

    before, sys.unraisablehook = sys.unraisablehook, lambda args: told.append(args.exc_type)
    try:
        with Signals():
            Faulty()
    finally:
        sys.unraisablehook = before
    assert told == [RuntimeError]


def test_stopped_is_not_taken_for_an_error() -> None:
    assert not issubclass(Stopped, Exception)


WAITS = """
import time
from experiments.run.signals import Signals
with Signals() as taken, taken.noted():
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
        if taken.status:
            print(taken.status, flush=True)
            time.sleep(60)
"""


@pytest.mark.parametrize("number, status", BOTH)
def test_a_second_interrupt_kills(number: int, status: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, number)
        assert process.stdout.readline() == f"{status}\n"
        os.kill(process.pid, signal.SIGTERM)
        time.sleep(0.1)
        assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
