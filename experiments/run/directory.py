"""A run directory: what a run leaves behind, readable whenever the run ends.

config.yaml        the config as resolved, every default filled in
environment.json   versions, platform, devices, commit, command; one more, with its time, for each
                   resumption
metrics.jsonl      a line every `train.log_every` steps; the same bytes however often the run was
                   interrupted
timings.jsonl      when each of these lines was written
summary.json       what came of it; status "running" until then
curves.png         the learning curves of all members
checkpoints/       what `--resume` goes on from
curriculum/        the runs of the stages that came before, by number
lock               held while a process writes here
"""

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from experiments.files import write
from experiments.run.environment import environment
from experiments.run.logs import Log, as_json

LOGS = ("metrics.jsonl", "timings.jsonl")

CURRICULUM = "curriculum"
"""Where the stages are, which hold what they have learnt whatever becomes of the run."""

FINISHED = ("completed", "diverged")
"""What summary.json says of a run that nothing stopped."""


class RecordFailed(Exception):
    """Something of a run that could not be written, in one sentence."""


class RunDirectory:
    """An open run directory; use as a context manager so that its files are closed."""

    def __init__(
        self, path: Path, config: str, positions: dict[str, dict[str, Any]] | None = None
    ) -> None:
        """Begin a run in a directory, or go on at the `positions` of its logs.

        Raises RecordFailed if it cannot be written, LogChanged if the logs are not what they were
        at these positions.
        """
        self.path = path
        name = "environment.json" if positions is None else f"environment-{_now()}.json"
        with failing_as_record(path), ExitStack() as opened:
            path.mkdir(parents=True, exist_ok=True)
            if positions is not None:
                self._open(opened, positions)
                (path / "summary.json").unlink(missing_ok=True)  # of a config that may have changed
            write(path / "config.yaml", config)
            write(path / name, as_json(environment(), indent=2))
            if positions is None:
                self._open(opened, dict.fromkeys(LOGS))
            self._opened = opened.pop_all()

    def _open(self, opened: ExitStack, positions: Mapping[str, dict[str, Any] | None]) -> None:
        logs = {name: Log(self.path / name, position) for name, position in positions.items()}
        self._logs = {name: opened.enter_context(log) for name, log in logs.items()}

    def __enter__(self) -> "RunDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics that there are."""
        return [json.loads(line) for line in (self.path / LOGS[0]).read_text().splitlines()]

    @property
    def positions(self) -> dict[str, dict[str, Any]]:
        """Where the logs end; all before that is on disk."""
        with failing_as_record(self.path):
            for log in self._logs.values():
                log.sync()
        return {name: log.position for name, log in self._logs.items()}

    def log(self, metrics: dict[str, Any], timing: dict[str, Any]) -> None:
        """Append a line of metrics and what it took."""
        with failing_as_record(self.path):
            for log, content in zip(self._logs.values(), (metrics, timing), strict=True):
                log.write(content)

    def summarise(self, summary: dict[str, Any]) -> None:
        """Write the summary, replacing an earlier one."""
        with failing_as_record(self.path):
            write(self.path / "summary.json", as_json(summary, indent=2))


class Unwritten(RunDirectory):
    """The directory of a run to a process that writes nothing there, as another one does."""

    def __init__(self, path: Path, *_: Any) -> None:
        self.path = path
        self._logs, self._opened = {}, ExitStack()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return []

    def log(self, metrics: dict[str, Any], timing: dict[str, Any]) -> None:
        return

    def summarise(self, summary: dict[str, Any]) -> None:
        return


@contextmanager
def failing_as_record(run: Path) -> Iterator[None]:
    """RecordFailed for whatever of a run directory cannot be written in this context."""
    try:
        yield
    except OSError as error:
        what = error.filename or run
        raise RecordFailed(f"{what} cannot be written: {error.strerror or error}") from error


def is_free(path: Path) -> bool:
    """Whether a run may begin in a directory: there is none, or nothing that a run could lose."""
    if not path.exists():
        return True
    harmless = {"lock", "config.yaml.partial", CURRICULUM}
    return path.is_dir() and {each.name for each in path.iterdir()} <= harmless


def whole(path: Path) -> Path:
    """The directory of the run that goes on where this one does: of a stage, that of all of them.

    >>> whole(Path("runs/a/curriculum/2")).as_posix(), whole(Path("runs/a")).as_posix()
    ('runs/a', 'runs/a')
    """
    return path.parent.parent if path.parent.name == CURRICULUM else path


def default_path(config: Path) -> Path:
    """A directory under `runs/` named by the config and the time."""
    stem = Path("runs", f"{config.stem}-{_now()}")
    taken = (Path(f"{stem}-{number}") for number in range(2, 1000))
    return stem if not stem.exists() else next(path for path in taken if not path.exists())


def latest_path(config: Path) -> Path | None:
    """The newest directory that `default_path` gave a run of a config."""
    found = {}
    for path in Path("runs").glob("*"):
        name = re.fullmatch(rf"{re.escape(config.stem)}-(\d{{8}}-\d{{6}})(?:-(\d+))?", path.name)
        if name and any((path / each).exists() for each in ("config.yaml", CURRICULUM)):
            found[name[1], int(name[2] or 1)] = path
    return found[max(found)] if found else None


def _now() -> str:
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
