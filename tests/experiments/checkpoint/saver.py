"""A process to be killed or starved: saves `draw(step)`, step after step, and tells of each.

    python -m tests.experiments.checkpoint.saver FOLDER FIRST LAST [BYTES]

A line "begun STEP" before each save, "saved STEP" when `newest` is that step; "failed ..." and
status 1 for SaveFailed. No file may grow beyond BYTES after the first save.
"""

import resource
import sys
from pathlib import Path

import jax

from experiments.checkpoint import Checkpoints, SaveFailed
from tests.experiments.checkpoint.states import draw


def main(folder: str, first: str, last: str, limit: str = "") -> int:
    jax.config.update("jax_num_cpu_devices", 2)
    try:
        with Checkpoints(Path(folder), keep=2) as checkpoints:
            for step in range(int(first), int(last)):
                tell(f"begun {step}")
                checkpoints.save(step, draw(step), {"metrics": step})
                checkpoints.wait()
                tell(f"saved {checkpoints.newest}")
                if limit:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    except SaveFailed as error:
        tell(f"failed {error}")
        return 1
    return 0


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
