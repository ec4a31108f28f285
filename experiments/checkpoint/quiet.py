"""Keeps what orbax says off the terminal: whatever goes wrong is raised, in one sentence."""

import logging
import os
import re
import sys
from typing import Any


def quiet_orbax() -> None:
    """Leave out its log, and what it leaves behind when a save fails.

    It closes its event loop at the first file that cannot be written. Those of the other files
    that fail too are exceptions "never retrieved"; those that do not find the "event loop closed".
    """
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(lambda record: "never retrieved" not in record.msg)
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            before(unraisable)

    sys.unraisablehook = hook


def reason(error: BaseException) -> str:
    """What went wrong, in a line; what the system said, if tensorstore tells but its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if found := re.search(r"os_error_code='(\d+)'|\[Errno (\d+)\]", str(error)):
        return os.strerror(int(found[1] or found[2]))
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
