"""The beginning of a run, from everything that an earlier process may have left on disk."""

import contextlib
import dataclasses
import io
import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experiments.build import Build
from experiments.checkpoint import RunLock, manifest
from experiments.config import dump
from experiments.config.schema import OutputSettings
from experiments.run.begin import outcome
from experiments.run.logs import Log
from experiments.run.run import BadInput, Failed
from experiments.text import TextFile
from lstm_jax.training import SGD, TrainSettings
from tests.conftest import COMPLETE
from tests.experiments.run.scripted import BATCH, EXPERIMENT, play

OFTEN = dataclasses.replace(
    EXPERIMENT,
    train=TrainSettings(batch_size=BATCH, max_sequences=9 * BATCH, log_every=4, seeds=2),
    output=OutputSettings(checkpoint_seconds=1e-9, keep_checkpoints=3),
)
"""Nine steps, a checkpoint after each, lines at 4, 8 and 9."""
ANEW = "begun anew"


@dataclasses.dataclass(frozen=True)
class Left:
    """What a run left that must be the same however often it was interrupted."""

    metrics: bytes
    summary: dict[str, Any]
    leaves: dict[str, Any]

    @classmethod
    def by(cls, run: Path) -> "Left":
        summary = json.loads((run / "summary.json").read_text())
        lasting = {key: each for key, each in summary.items() if key not in ("times", "resumes")}
        newest = max((run / "checkpoints").glob("[0-9]" * 8))
        leaves = manifest.verify(newest, int(newest.name)).leaves
        return cls((run / "metrics.jsonl").read_bytes(), lasting, leaves)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `OFTEN` that nothing disturbed."""
    run = tmp_path_factory.mktemp("begin") / "run"
    assert play(run, OFTEN) == "completed"
    return run


@pytest.fixture(scope="module")
def straight(done: Path) -> Left:
    return Left.by(done)


@pytest.fixture
def half(done: Path, tmp_path: Path) -> Path:
    """A run that was killed after step 8 or so: with lines, checkpoints and no end."""
    run = tmp_path / "run"
    shutil.copytree(done, run)
    shutil.rmtree(run / "checkpoints" / f"{9:08}")
    (run / "summary.json").write_text('{"status": "running"}')
    return run


def resumed(run: Path, **script: Any) -> str:
    """Goes on with a run of `OFTEN` to its end; what the terminal showed."""
    screen = io.StringIO()
    assert play(run, OFTEN, screen=screen, resume=True, **script) == "completed"
    return screen.getvalue()


# -------------------------------------------------------- where nothing had been written


def only(*names: str) -> Callable[[Path], None]:
    def make(run: Path) -> None:
        run.mkdir()
        for name in names:
            content = dump(OFTEN) if name == "config.yaml" else ""
            (run / name).write_text(content)

    return make


def with_checkpoints(*folders: str) -> Callable[[Path], None]:
    def make(run: Path) -> None:
        only("lock", "config.yaml", "environment.json", "metrics.jsonl", "timings.jsonl")(run)
        (run / "checkpoints").mkdir()
        for folder in folders:
            (run / "checkpoints" / folder).mkdir()

    return make


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "make, said",
    [
        (lambda _: None, "holds no run"),
        (only("lock", "config.yaml.partial"), "holds no run"),
        (only("lock", "config.yaml", "environment.json"), "had written nothing yet"),
        (with_checkpoints("00000000.orbax-checkpoint-tmp-1"), "had written nothing yet"),
        (only(), "holds no run"),
        (only("lock"), "holds no run"),
        (only("lock", "config.yaml"), "had written nothing yet"),
        (only("lock", "config.yaml", "environment.json.partial"), "had written nothing yet"),
        (only("config.yaml", "environment.json", "metrics.jsonl"), "had written nothing yet"),
        (with_checkpoints(), "had written nothing yet"),
        (with_checkpoints("00000000"), "had written nothing yet"),
    ],
)
def test_where_nothing_was_written_a_run_is_begun_anew(
    make: Callable[[Path], None], said: str, tmp_path: Path, straight: Left
) -> None:
    run = tmp_path / "run"
    make(run)
    assert resumed(run).startswith(f"{run} {said}: {ANEW}\n")
    assert Left.by(run) == straight
    assert json.loads((run / "summary.json").read_text())["resumes"] == []


def test_a_checkpoint_of_the_beginning_is_gone_on_with(tmp_path: Path, straight: Left) -> None:
    class Killed(BaseException):
        pass

    def kill(_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        play(tmp_path / "run", OFTEN, at_call=kill)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == b""
    said = resumed(tmp_path / "run")
    assert f"resumed at step 0 of {tmp_path / 'run'}\n" in said
    assert Left.by(tmp_path / "run") == straight


# ------------------------------------------------------------------- between two writes


@contextlib.contextmanager
def copied_around_writes(run: Path, copies: Path) -> Iterator[list[Path]]:
    """Copies a run before and after every write of the main thread."""
    made: list[Path] = []
    known = set()

    def copy() -> None:
        if threading.current_thread() is not threading.main_thread() or not run.exists():
            return
        with contextlib.suppress(OSError):  # the saving thread renames and prunes
            names = tuple(sorted(str(path) for path in run.rglob("*")))
            metrics = run / "metrics.jsonl"
            state = (names, metrics.stat().st_size if metrics.exists() else None)
            if state not in known:
                known.add(state)
                made.append(copies / str(len(made)))
                shutil.copytree(run, made[-1])

    def around(function: Callable) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            copy()
            try:
                return function(*arguments, **options)
            finally:
                copy()

        return call

    with (
        mock.patch.object(Path, "replace", around(Path.replace)),
        mock.patch.object(Path, "write_text", around(Path.write_text)),
        mock.patch.object(Log, "__enter__", around(Log.__enter__)),
        mock.patch.object(Log, "write", around(Log.write)),
    ):
        yield made


def test_a_kill_between_any_two_writes_costs_nothing(tmp_path: Path, straight: Left) -> None:
    run = tmp_path / "run"
    with copied_around_writes(run, tmp_path / "copies") as killed:
        assert play(run, OFTEN) == "completed"
    assert len(killed) >= 15
    for copy in killed if COMPLETE else [*killed[:8], *killed[8::8]]:
        resumed(copy)
        assert Left.by(copy) == straight, copy


def test_a_kill_while_a_longer_run_begins_costs_nothing(tmp_path: Path) -> None:
    def run_of(steps: int) -> Any:
        train = dataclasses.replace(OFTEN.train, max_sequences=steps * BATCH)
        return dataclasses.replace(OFTEN, train=train)

    assert play(tmp_path / "straight", run_of(16)) == "completed"
    run = tmp_path / "run"
    assert play(run, run_of(8)) == "completed"
    copies = tmp_path / "copies"
    with copied_around_writes(run, copies) as killed:
        assert play(run, run_of(16), resume=True) == "completed"
    assert Left.by(run) == Left.by(tmp_path / "straight")
    for copy in killed if COMPLETE else killed[:4]:
        assert play(copy, run_of(16), resume=True) == "completed"
        assert Left.by(copy) == Left.by(tmp_path / "straight")


# ---------------------------------------------------------------- where much was written


def test_a_run_goes_on_from_its_newest_checkpoint(half: Path, straight: Left) -> None:
    said = resumed(half)
    assert said.startswith(f"resumed at step 8 of {half}\n")
    assert Left.by(half) == straight
    (resumption,) = json.loads((half / "summary.json").read_text())["resumes"]
    assert resumption.keys() == {"step", "time", "last_bits_may_differ"}
    assert (resumption["step"], resumption["last_bits_may_differ"]) == (8, None)


def test_every_resumption_is_told(half: Path) -> None:
    def stop(_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    assert play(half, OFTEN, at_call=stop, resume=True) == "terminated"
    resumed(half)
    resumes = json.loads((half / "summary.json").read_text())["resumes"]
    assert [each["step"] for each in resumes] == [8, 9]


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    half: Path, straight: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next(path for path in sorted((half / "checkpoints" / f"{8:08}").rglob("*/d/*")))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert f"resumed at step 7 of {half}\n" in resumed(half)
    warning = capsys.readouterr().err
    assert warning.startswith("warning: ")
    assert "00000008" in warning
    assert Left.by(half) == straight


def test_other_devices_are_told(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = Build.surroundings.fget
    assert now is not None
    other = property(lambda self: now(self) | {"devices": 4, "device": "TPU v5e"})
    monkeypatch.setattr(Build, "surroundings", other)
    resumed(half)
    (resumption,) = json.loads((half / "summary.json").read_text())["resumes"]
    told = resumption["last_bits_may_differ"]
    assert told.startswith("devices was 1 and is 4; device was ")
    assert told.endswith(" and is TPU v5e")


# -------------------------------------------------------------------------- refused


def content(folder: Path) -> dict[str, bytes]:
    """All files of a run but its lock."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path): path.read_bytes() for path in paths}


def fails(run: Path, kind: type[Exception] = Failed, **changes: Any) -> str:
    """What is said of a run that cannot go on and is left as it was."""
    before = content(run)
    with pytest.raises(kind) as caught:
        play(run, changes.pop("experiment", OFTEN), resume=True, **changes)
    assert content(run) == before
    assert "\n" not in str(caught.value) or "no checkpoint" in str(caught.value)
    return str(caught.value)


def test_lines_without_a_checkpoint(half: Path) -> None:
    shutil.rmtree(half / "checkpoints")
    expected = f"there is no checkpoint in {half / 'checkpoints'} to resume from"
    assert fails(half) == expected


def test_lines_and_no_checkpoint_that_verifies(half: Path) -> None:
    for step in (half / "checkpoints").iterdir():
        (step / "manifest.json").write_text("{}")
    said = fails(half)
    assert said.startswith(f"no checkpoint in {half / 'checkpoints'} is to be trusted:\n")
    assert "00000008: its manifest.json is damaged" in said


def test_checkpoints_of_another_model(half: Path) -> None:
    """Whose config says otherwise."""
    other = dataclasses.replace(OFTEN, train=dataclasses.replace(OFTEN.train, seeds=3))
    (half / "config.yaml").write_text(dump(other))
    said = fails(half, experiment=other)
    assert f"{half / 'checkpoints' / '00000008'} does not fit: " in said


@pytest.mark.parametrize("log", ["metrics.jsonl", "timings.jsonl"])
def test_a_log_that_was_changed(half: Path, log: str) -> None:
    text = (half / log).read_text()
    (half / log).write_text(text.replace("4", "5", 1))
    assert fails(half) == f"{half / log} is not what it was when its run was saved"


def test_a_log_that_is_gone(half: Path) -> None:
    log = "timings.jsonl"
    (half / log).unlink()
    assert fails(half) == f"{half / log} is not what it was when its run was saved"


def test_a_run_that_goes_on_elsewhere(half: Path) -> None:
    with RunLock(half):
        assert f"{half} is in use by process " in fails(half, BadInput)


def test_another_text(tmp_path: Path) -> None:
    corpus = tmp_path / "a.txt"
    corpus.write_text("the quick brown fox " * 20)
    task = TextFile(target_bits=0.5, file=str(corpus), window=8)
    reading = dataclasses.replace(OFTEN, task=task)

    class Killed(BaseException):
        pass

    def kill(session: Any) -> None:
        if session.step == 6:
            raise Killed

    with pytest.raises(Killed):
        play(tmp_path / "run", reading, at_call=kill)
    corpus.write_text("the quick brown dog " * 20)
    said = fails(tmp_path / "run", BadInput, experiment=reading)
    assert "is that of another config, or of other data" in said


def test_a_checkpoint_of_another_config(half: Path) -> None:
    """In a directory whose config.yaml was changed too."""
    slower = dataclasses.replace(OFTEN, optimizer=SGD(0.1, momentum=0.5))
    (half / "config.yaml").write_text(dump(slower))
    said = fails(half, BadInput, experiment=slower)
    assert "is that of another config, or of other data" in said


# -------------------------------------------------------------------------- outcome


@pytest.mark.parametrize(
    "summary, expected",
    [
        ('{"status": "completed"}', "completed"),
        ('{"status": "diverged"}', "diverged"),
        ('{"status": "interrupted"}', None),
        ('{"status": "terminated"}', None),
        ('{"status": "failed"}', None),
        ('{"status": "running"}', None),
        ("{}", None),
        ("[]", None),
        ('{"status": ', None),
        (None, None),
    ],
)
def test_a_run_is_done_if_its_summary_says_so(
    summary: str | None, expected: str | None, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(dump(OFTEN))
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    assert outcome(OFTEN, tmp_path) == expected
    train = dataclasses.replace(OFTEN.train, max_sequences=80)
    assert outcome(dataclasses.replace(OFTEN, train=train), tmp_path) is None
