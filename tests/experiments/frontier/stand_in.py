"""Stands in for `python -m experiments run TRIAL.yaml --resume --out DIR`, without training.

An Elman network solves lengths to 20, a GRU to 30, an LSTM all of them; of the variants of a trial
the first one alone does. A hidden size of 4 fails, one of 5 goes on until it is asked to end.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

REACH = {"elman": 20, "gru": 30, "lstm": 1000}
NOTED = {
    "python": "3.13.1",
    "versions": {"jax": "0.12.0"},
    "cores": 64,
    "backend": "cpu",
    "devices": ["cpu:0"],
    "commit": "07a6b12716da62ad33263b87797d0d954f85f4c1",
}


def main(config: Path, out: Path) -> int:
    text = config.read_text()
    out.mkdir(exist_ok=True)
    with (out / "attempts").open("a") as file:
        file.write(f"{os.getpid()} ")
    (out / "environment.json").write_text(json.dumps(NOTED))
    hidden = re.search(r"hidden_size: (\d+)", text)[1]
    if hidden == "4":
        sys.stdout.write("no space left on device\n")
        return 1
    if hidden == "5":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        (out / "waiting").touch()
        while True:
            time.sleep(0.02)
    seeds = int(re.search(r"\n  seeds: (\d+)", text)[1])
    members = seeds * max(1, len(re.findall(r"\n  - \{", text)))
    length = int(re.search(r"\n  length: (\d+)", text)[1])
    solved = length <= REACH[re.search(r"cell: (\w+)", text)[1]]
    summary = {
        "status": "completed",
        "sequences_to_solve": [
            length * 10 if solved and n < seeds else None for n in range(members)
        ],
        "sequences_before": [0] * members,
        "final": {"test_error": [0.5] * members},
        "times": {"wall_seconds": 12.5},
    }
    (out / "summary.json").write_text(json.dumps(summary))
    return 0


if __name__ == "__main__":
    trial, _, _, directory = sys.argv[1:]
    sys.exit(main(Path(trial), Path(directory)))
