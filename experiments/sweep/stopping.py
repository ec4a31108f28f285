"""StopRequests to a sweep: the first asks its trials to save, the second ends them at once."""

import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequests:
    """Takes Ctrl-C and SIGTERM while the context lasts; for the main thread."""

    def __init__(self) -> None:
        self.received: list[int] = []

    @property
    def status(self) -> int:
        """The exit status that shells give to the first signal."""
        return 128 + self.received[0]

    def __enter__(self) -> "StopRequests":
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._take) for number in SIGNALS
        }
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
