"""Nothing but our own sentence reaches the terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.checkpoint.quiet import reason

ROOT = Path(__file__).parents[3]

HOOKED = """
import sys
from types import SimpleNamespace as Unraisable
sys.unraisablehook = lambda it: print("told", it.exc_value, flush=True)
import experiments.checkpoint, logging
sys.unraisablehook(Unraisable(exc_value=RuntimeError("Event loop is closed")))
sys.unraisablehook(Unraisable(exc_value=RuntimeError("something else")))
logging.getLogger("absl").error("from orbax")
logging.getLogger("asyncio").error("_GatheringFuture exception was never retrieved")
logging.getLogger("asyncio").error("something else")
logging.getLogger("other").error("from others")
"""
ERRORS = "ERROR:asyncio:something else\nERROR:other:from others\n"


def test_what_is_not_orbax_still_reaches_the_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", HOOKED], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("told something else\n", ERRORS)


@pytest.mark.parametrize(
    "error, told",
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("while saving: [Errno 28] no space: 'a'"), "No space left on device"),
        (ValueError("Failed to write \"a\": Disk [os_error_code='27']\nmore"), "File too large"),
        (ValueError("one\ntwo"), "one"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_reason_is_one_line(error: BaseException, told: str) -> None:
    assert reason(error) == told
