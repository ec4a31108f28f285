"""Ctrl-C and SIGTERM while a run goes on: the first asks it to save and end.

Where there is something to save the first signal is noted, and the run comes to it; elsewhere it
ends the run where it is. A second Ctrl-C kills the process at once; a second SIGTERM adds nothing.

Python drops an exception in some places: a signal during a long garbage collection is taken within
the callbacks of the collector. The run is then reminded of it until it takes it.
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
"""Seconds between reminders of a signal whose exception was dropped."""
NOTICE = b"\nsaving, then stopping; Ctrl-C stops at once\n"


class Stopped(BaseException):
    """A signal ended the run; the first argument is the status."""


class Signals:
    """Takes the signals while the context lasts; for the main thread."""

    def __init__(self) -> None:
        self.status: str | None = None
        """What will have become of the run, once a signal has come."""
        self._noting = False
        self._owed: str | None = None
        """What is to be raised again, since Python dropped it."""
        self._over = threading.Event()
        self._reminder = threading.Thread(target=self._remind, daemon=True)

    def __enter__(self) -> "Signals":
        self._before: dict[int, Any] = {each: signal.signal(each, self._take) for each in STATUS}
        self._hook, sys.unraisablehook = sys.unraisablehook, self._dropped
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._reminder.is_alive():
            self._reminder.join()
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
        self.status, self._owed = self._owed or STATUS[signal.Signals(number)], None
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if not self._noting:
            raise Stopped(self.status)
        os.write(2, NOTICE)

    def _dropped(self, unraisable: Any) -> None:
        if unraisable.exc_type is not Stopped:
            self._hook(unraisable)
            return
        if not self._reminder.is_alive():
            self._reminder.start()
        signal.signal(signal.SIGINT, self._take)
        self._owed, self.status = self.status, None  # last: what is raised in here is dropped

    def _remind(self) -> None:
        """Send SIGTERM, of which one too many adds nothing, while there is something owed.

        One alone could come just before the main thread goes to sleep, and would not wake it.
        """
        main = threading.main_thread().ident
        assert main is not None
        while not self._over.wait(MOMENT):
            if self._owed is not None:
                signal.pthread_kill(main, signal.SIGTERM)
