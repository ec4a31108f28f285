"""Become a command that is asked to end when the process that started it is gone.

    python -m experiments.sweep.launch PARENT COMMAND ...

On Linux a sweep that is killed leaves no trial behind that goes on by itself; PARENT is the
process id of the one to follow. Elsewhere nothing but the command is run.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent ends; it outlasts execve(2)."""


def follow(parent: int) -> None:
    """Have SIGTERM sent to this process at its parent's end; exits if that has come already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    follow(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
