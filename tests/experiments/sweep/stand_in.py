"""Stands in for `python -m experiments run TRIAL.yaml --resume --out DIR`, without training.

The trial's hidden size says how it goes: 3 is killed in its first attempt, 4 fails, 5 goes on
until it is asked to end, 6 diverges, 7 is killed in every attempt; any other is done at once. A
trial goes on from its checkpoint, a file, and counts its attempts there.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path


def main(config: Path, out: Path) -> int:
    text = config.read_text()
    hidden = int(re.search(r"hidden_size: (\d+)", text)[1])
    seeds = int(re.search(r"\n  seeds: (\d+)", text)[1])
    members = seeds * max(1, len(re.findall(r"\n  - \{", text)))
    out.mkdir(exist_ok=True)
    checkpoint = out / "checkpoint"
    attempt = len(checkpoint.read_text().split()) + 1 if checkpoint.exists() else 1
    with checkpoint.open("a") as file:
        file.write(f"{os.getpid()} ")
    sys.stdout.write(f"attempt {attempt} of {hidden}\n")
    sys.stdout.flush()
    (out / "devices").write_text(os.environ.get("JAX_NUM_CPU_DEVICES", ""))
    (out / "metrics.jsonl").write_text('{"sequences": 50}\n')
    if hidden == 7 or (hidden == 3 and attempt == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if hidden == 4:
        sys.stdout.write("no space left on device\n")
        return 1
    if hidden == 5 and attempt == 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        (out / "waiting").touch()
        while True:
            time.sleep(0.02)
    needed = [100 * (n + 1) if n % 2 == 0 else None for n in range(members)]
    summary = {
        "status": "diverged" if hidden == 6 else "completed",
        "seeds": list(range(members)),
        "solved": [n is not None for n in needed],
        "sequences_to_solve": needed,
        "sequences_before": [0] * members,
        "final": {"test_error": [0.01 * (n + 1) for n in range(members)]},
        "times": {"wall_seconds": 12.5},
    }
    (out / "summary.json").write_text(json.dumps(summary))
    return 1 if hidden == 6 else 0


if __name__ == "__main__":
    trial, _, _, directory = sys.argv[1:]
    sys.exit(main(Path(trial), Path(directory)))
