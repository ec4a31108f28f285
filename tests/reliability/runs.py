"""Small runs to interrupt, and all in which one that was must equal one that was not."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orbax.checkpoint as ocp

from tests.reliability.commands import Ended, Running, experiments

OUTPUT = """\
output:
  checkpoint_seconds: 0.3
  keep_checkpoints: 3
"""

CONFIGS = {
    "adding": """\
title: Adam; seeds that solve their task on the way
task: {name: adding, variant: hochreiter1997, length: 20}
model: {cell: lstm, hidden_size: 8}
optimizer: {name: adam, learning_rate: 1e-2, clip_norm: 1.0}
train: {seeds: 5, batch_size: 8, max_sequences: 56000, log_every: 50}
""",
    "text": """\
title: Streams, whose state is carried from step to step, with noise and scores on the way
task: {name: text, file: TEXT, window: 16, target_bits: 0.5}
model: {cell: gru, hidden_size: 8, dropout: 0.2}
optimizer: {name: adam, learning_rate: 4e-3, schedule: cosine}
train: {seeds: 2, batch_size: 4, max_sequences: 24000, log_every: 100, evaluate_every: 500}
""",
    "variants": """\
title: Variants in one program, with snapshots to roll back to
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 4, bias: {name: forget, value: 1.0}}
optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9}
train: {seeds: 2, batch_size: 8, max_sequences: 56000, log_every: 50, on_nonfinite: rollback}
variants:
  - {optimizer.learning_rate: 0.05}
  - {optimizer.learning_rate: 0.2, model.bias.value: 2.0}
""",
}


def write_config(name: str, folder: Path) -> Path:
    """One of `CONFIGS` as a file in a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "text.txt"
    text.write_text("".join(chr(97 + (n * n + n // 7) % 23) for n in range(20_000)), "utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(CONFIGS[name].replace("TEXT", str(text)) + OUTPUT, "utf-8")
    return path


def resume(config: Path, run: Path, *more: str, **how: Any) -> Running:
    """Begin a run, or go on with it."""
    return experiments("run", config, *more, "--out", run, "--resume", **how)


def complete(config: Path, run: Path, *more: str, **how: Any) -> Ended:
    """Go on with a run to its end, which must be a good one."""
    ended = resume(config, run, *more, **how).wait()
    assert ended.status == 0, ended.said
    return ended


# ---------------------------------------------------------------------------- checkpoints


def sealed(run: Path) -> list[Path]:
    """The checkpoints of a run that have a manifest, oldest first."""
    folder = run / "checkpoints"
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if re.fullmatch(r"\d{8}", path.name) and is_sealed(path))


def is_sealed(path: Path) -> bool:
    return (path / "manifest.json").is_file()


def unsealed(run: Path) -> set[tuple[str, int]]:
    """Names and inodes of the saves that have not ended, or never did."""
    folder, found = run / "checkpoints", set()
    if not folder.is_dir():
        return found
    for path in folder.iterdir():
        try:
            if re.match(r"\d{8}", path.name) and path.is_dir() and not is_sealed(path):
                found.add((path.name, path.stat().st_ino))
        except FileNotFoundError:  # it got its last name meanwhile
            continue
    return found


def manifest(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / "manifest.json").read_text("utf-8"))


def leaves(checkpoint: Path) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint, each held to the hash in its manifest."""
    told = {each["path"]: each for each in manifest(checkpoint)["leaves"]}
    names = [name for name, each in told.items() if 0 not in each["shape"]]
    wanted = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in names}
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
        item = dict.fromkeys(names, 0)
        found = reader.restore(checkpoint, args=ocp.args.PyTreeRestore(item, restore_args=wanted))
    for name, array in found.items():
        assert array.dtype.name == told[name]["dtype"]
        assert list(array.shape) == told[name]["shape"]
        assert (
            hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
            == (told[name]["sha256"])
        )
    return found


# ---------------------------------------------------------------------------- results


class Result(NamedTuple):
    """What a run leaves behind that does not depend on how often it was interrupted."""

    metrics: bytes
    summary: Mapping[str, Any]
    step: int
    leaves: Mapping[str, tuple[str, tuple[int, ...], bytes]]
    others: Mapping[str, bytes]
    """The picture, and the sample of a text."""


def result(run: Path) -> Result:
    """That of a run which is completed."""
    newest = sealed(run)[-1]
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    return Result(
        metrics=(run / "metrics.jsonl").read_bytes(),
        summary={key: summary[key] for key in summary if key not in ("times", "resumes")},
        step=manifest(newest)["step"],
        leaves={
            name: (array.dtype.name, array.shape, array.tobytes())
            for name, array in leaves(newest).items()
        },
        others={
            path.name: path.read_bytes()
            for path in run.iterdir()
            if path.suffix in (".txt", ".png")
        },
    )


def assert_same(run: Path, other: Result) -> None:
    """The run ended with the bits of another one."""
    mine = result(run)
    assert mine.step == other.step
    assert mine.leaves.keys() == other.leaves.keys()
    assert [name for name in mine.leaves if mine.leaves[name] != other.leaves[name]] == []
    assert mine.metrics.split(b"\n") == other.metrics.split(b"\n")
    assert mine.summary == other.summary
    assert mine.others == other.others


def assert_readable(run: Path) -> None:
    """Whatever moment a run was killed at, its files are whole; the last line may not be."""
    for path in run.glob("*.json"):
        json.loads(path.read_text("utf-8"))
    for path in run.glob("*.jsonl"):
        *lines, _ = path.read_bytes().split(b"\n")
        steps = [json.loads(line)["step"] for line in lines]
        assert steps == sorted(set(steps)), path


def tree_hash(folder: Path) -> dict[str, str]:
    """Every file and folder below a folder but the lock, with what it holds."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        )
        for path in sorted(folder.rglob("*"))
        if path.name != "lock"
    }


def interrupted(config: Path, run: Path, checkpoints: int = 3) -> None:
    """A run that was killed once it had so many checkpoints."""
    running = resume(config, run)

    def enough() -> bool:
        found = sealed(run)
        return len(found) >= checkpoints and int(found[0].name) > 0

    assert running.until(enough), running.wait().said
    running.process.kill()
    running.wait()


def copy(run: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(run, to, symlinks=True)
    return to


def flip(path: Path, at: float = 0.5) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1
    path.write_bytes(content)
