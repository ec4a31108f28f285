"""Ctrl-C and SIGTERM while a run goes on: the first asks it to save and end.

Where there is something to save the first signal is noted, and the run comes to it; elsewhere it
ends the run where it is. A second Ctrl-C kills the process at once; a second SIGTERM adds nothing.

Python drops an exception in some places: a signal during a long garbage collection is taken within
the callbacks of the collector. It is then sent once more, a moment later.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STATUS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
"""What became of a run that a signal ended."""
MOMENT = 0.01
"""Seconds after which a signal whose exception was dropped is sent again."""
NOTICE = b"\nsaving, then stopping; Ctrl-C stops at once\n"


class Stopped(BaseException):
    """A signal ended the run; the first argument is the status."""


class Signals:
    """Takes the signals while the context lasts; for the main thread."""

    def __init__(self) -> None:
        self.status: str | None = None
        """What will have become of the run, once a signal has come."""
        self._noting = False

    def __enter__(self) -> "Signals":
        self._before: dict[int, Any] = {each: signal.signal(each, self._take) for each in STATUS}
        self._hook, sys.unraisablehook = sys.unraisablehook, self._dropped
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Where a signal waits until the run asks for `status`."""
        self._noting = True
        try:
            yield
        finally:
            self._noting = False

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.status is not None:
            return
        self.status = STATUS[signal.Signals(number)]
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if not self._noting:
            raise Stopped(self.status)
        os.write(2, NOTICE)

    def _dropped(self, unraisable: Any) -> None:
        if unraisable.exc_type is not Stopped:
            self._hook(unraisable)
            return
        number = next(each for each, status in STATUS.items() if status == self.status)
        self.status = None
        signal.signal(signal.SIGINT, self._take)
        main = threading.main_thread().ident  # which may be waiting, and has to wake up
        threading.Timer(MOMENT, signal.pthread_kill, (main, number)).start()
