"""Weights & Biases: a run under RUN/wandb, offline unless WANDB_API_KEY or WANDB_MODE is set.

An offline run is uploaded with `wandb sync RUN/wandb/offline-run-*`. Without either variable
nothing looks for a network or a login. A server that does not answer leaves the run offline.
"""

import functools
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else it calls home, offline too

import wandb
from ruamel.yaml import YAML

from experiments.files import write
from experiments.sinks.base import Subject, scalars, warn

REACHED_WITHIN, UPLOADED_WITHIN = 10, 5
"""Seconds in which the server has to answer, and in which the rest has to be sent at the end."""


class WandB:
    """A view for Weights & Biases, of the same id however often the run is resumed.

    Offline, a resumed run gets its view anew, from `past`. Online, what is logged goes on where
    the server stands: a resumed run repeats its lines to the bit, so none is sent twice.
    """

    def __init__(self, subject: Subject) -> None:
        self._members = subject.members
        folder = subject.run / "wandb"
        folder.mkdir(exist_ok=True)
        for offline in folder.glob("offline-run-*"):
            shutil.rmtree(offline)
        settings = wandb.Settings(
            silent=True,
            console="off",
            init_timeout=REACHED_WITHIN,
            finish_timeout=UPLOADED_WITHIN,
        )
        wandb.setup(settings)  # silent from the start: `init` tells of a key that it finds
        begin = functools.partial(
            wandb.init,
            id=run_id(folder / "run_id"),
            project=os.environ.get("WANDB_PROJECT", "lstm_jax"),
            name=subject.run.resolve().name,
            notes=subject.title,
            config=YAML(typ="safe").load(subject.config),
            dir=subject.run,
            resume="allow",
        )
        try:
            self._run = begin(mode=mode())
        except wandb.Error as error:
            warn(f"wandb goes on offline: {error}")
            wandb.teardown()  # which still holds the id
            wandb.setup(settings)
            self._run = begin(mode="offline")
        self._next = self._run.starting_step
        for line in subject.past:
            self.log(line)

    def log(self, line: dict[str, Any]) -> None:
        if line["step"] >= self._next:
            self._run.log(scalars(line, self._members), step=line["step"], commit=True)

    def close(self, summary: dict[str, Any]) -> None:
        self._run.summary.update(summary)
        self._run.finish(exit_code=0 if summary.get("status") == "completed" else 1)


def mode() -> Any:
    """Online for those who set WANDB_API_KEY, unless WANDB_MODE says otherwise; else offline."""
    return os.environ.get("WANDB_MODE") or (
        "online" if os.environ.get("WANDB_API_KEY") else "offline"
    )


def run_id(path: Path) -> str:
    """The id kept in a file, which is written with a new one where there is none."""
    if not path.exists():
        write(path, secrets.token_hex(4))
    return path.read_text(encoding="utf-8")
