"""A run directory: what a run leaves behind, readable whenever the run ends.

config.yaml        the config as resolved, every default filled in
environment.json   versions, platform, devices, commit, command
metrics.jsonl      a line per compiled call, written as it happens
summary.json       what came of it; status "running" until then
curves.png         the learning curves of all seeds
"""

import datetime
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax

import lstm_jax

PACKAGES = ("jax", "jaxlib", "flax", "optax", "chex", "numpy")


class RunDirectory:
    """An open run directory; use as a context manager so that its files are closed."""

    def __init__(self, path: Path, config: str) -> None:
        """Create the directory; FileExistsError if there is something in it already."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise FileExistsError(
                f"{path} exists and is not an empty folder; name another with --out"
            )
        surroundings = environment()
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._metrics = (path / "metrics.jsonl").open("w", encoding="utf-8")
        write(path / "config.yaml", config)
        write(path / "environment.json", _json(surroundings, indent=2))

    def __enter__(self) -> "RunDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self._metrics.close()

    def log(self, metrics: dict[str, Any]) -> None:
        """Append a line of metrics, on disk at once."""
        self._metrics.write(_json(metrics) + "\n")
        self._metrics.flush()

    def summarise(self, summary: dict[str, Any]) -> None:
        """Write the summary, replacing an earlier one."""
        write(self.path / "summary.json", _json(summary, indent=2))


def default_path(config: Path) -> Path:
    """A directory under `runs/` named by the config and the time."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    stem = Path("runs", f"{config.stem}-{now}")
    taken = (Path(f"{stem}-{number}") for number in range(2, 1000))
    return stem if not stem.exists() else next(path for path in taken if not path.exists())


def environment() -> dict[str, Any]:
    """Everything outside the config that a result may depend on."""
    return {
        "command": [sys.executable, "-m", "experiments", *sys.argv[1:]],
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {"lstm_jax": lstm_jax.__version__}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "platform": platform.platform(),
        "cores": cores(),
        "backend": jax.default_backend(),
        "devices": [str(device) for device in jax.devices()],
        "commit": commit(),
    }


def cores() -> int:
    """The CPU cores that this process may use, where the system tells; else all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> str | None:
    """The commit of the checkout, marked where files differ from it; None outside one."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _json(value: Any, indent: int | None = None) -> str:
    """JSON as the standard has it: a number that is not finite becomes null."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [finite(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(finite(value), indent=indent, allow_nan=False)
