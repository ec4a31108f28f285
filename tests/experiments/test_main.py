"""The command line, run for real on problems of seconds: what it leaves, says and returns."""

import contextlib
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import pytest

from experiments import __main__ as command_line
from experiments.__main__ import main, parse
from experiments.config import load
from experiments.run import session
from experiments.run.session import Session

ROOT = Path(command_line.__file__).parents[1]

ADDING = """
title: Adding two numbers, far too briefly
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: sgd, learning_rate: 0.1}
train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}
"""
TEXT = """
task: {name: text, window: 8, held_out: 0.2, target_bits: 0.5}
model: {cell: lstm, hidden_size: 2, embedding_size: 2}
optimizer: {name: adam, learning_rate: 0.01}
train: {batch_size: 4, max_sequences: 24, log_every: 2, evaluate_every: 4}
"""


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """XLA without its optimisations, which take longer than the runs; and the devices there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_NUM_CPU_DEVICES", "2")
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # for commands of their own process
        jax.config.update("jax_disable_most_optimizations", True)
        yield
        jax.config.update("jax_disable_most_optimizations", False)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


class Done(NamedTuple):
    """A command that has ended, and the run directory it was given."""

    status: int
    out: str
    err: str
    run: Path


def call(run: Path, config: Path, *overrides: str, resume: bool = False) -> Done:
    """`run` in this process."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        further = ["--resume"] if resume else []
        status = main(["run", str(config), *overrides, "--out", str(run), *further])
    return Done(status, out.getvalue(), err.getvalue(), run)


def begin(run: Path, config: Path, *overrides: str) -> "subprocess.Popen[str]":
    """`python -m experiments run` in a process of its own."""
    command = [sys.executable, "-m", "experiments", "run", str(config), *overrides]
    return subprocess.Popen(
        [*command, "--out", str(run)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def reject(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(), parse_constant=reject)


def metrics(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=reject) for line in lines]


def assert_complete(done: Done, *files: str) -> dict[str, Any]:
    """All that a completed run promises; gives its summary."""
    assert (done.status, done.err) == (0, "")
    names = {
        *("config.yaml", "environment.json", "metrics.jsonl", "timings.jsonl", "summary.json"),
        *("curves.png", "checkpoints", "lock"),
    }
    assert {path.name for path in done.run.iterdir()} == names | {*files}
    summary = read_json(done.run / "summary.json")
    assert summary.keys() >= {
        *("status", "seeds", "solved", "sequences_to_solve", "sequences_seen", "failed"),
        *("final", "times", "error", "chance", "threshold", "members", "resumes"),
    }
    assert summary["status"] == "completed"
    assert 0 < summary["times"]["compile_seconds"] < summary["times"]["wall_seconds"]
    assert (done.run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert read_json(done.run / "environment.json")["backend"] == jax.default_backend()
    for line in metrics(done.run):
        assert line.keys() >= {"step", "sequences"}
        for key in ("loss", "error", "correct", "solved"):
            assert len(line[key]) == len(summary["seeds"])
    return summary


@pytest.fixture(scope="module")
def compiled() -> list[str]:
    """The names of what was compiled in `trained`."""
    return []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, compiled: list[str]) -> Done:
    """The adding config with other seeds."""

    def note(event: str, _: float, **details: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(details["fun_name"])

    folder = tmp_path_factory.mktemp("adding")
    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        config = write(folder / "adding.yaml", ADDING)
        return call(folder / "runs" / "one", config, "train.first_seed=3")
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def test_a_run_leaves_all_its_files(trained: Done) -> None:
    summary = assert_complete(trained)
    assert summary["seeds"] == [3, 4]
    assert summary["solved"] == [False, False]
    assert summary["sequences_to_solve"] == [None, None]
    assert summary["sequences_seen"] == [40, 40]
    assert all(0 < error < 10 for error in summary["final"]["test_error"])
    assert [line["sequences"] for line in metrics(trained.run)] == [16, 32, 40]


def test_the_config_it_leaves_is_the_one_it_was_given(trained: Done) -> None:
    config = trained.run.parents[1] / "adding.yaml"
    left = load(trained.run / "config.yaml")
    assert left == load(config, ["train.first_seed=3"])
    assert left != load(config)


def test_a_run_compiles_each_function_once(trained: Done, compiled: list[str]) -> None:
    """Start, steps and scores; calls of different lengths included."""
    assert trained.status == 0
    functions = ("start_all", "run_all", "evaluate_all")
    counts = {name: sum(name in each for each in compiled) for name in functions}
    assert counts == dict.fromkeys(functions, 1)


def test_a_run_that_a_signal_ends_goes_on_with_the_same_bits(
    trained: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, advance = trained.run.parents[1] / "adding.yaml", Session.advance

    def advance_and_be_told(self: Session) -> Any:
        if self.step == 6:
            signal.raise_signal(signal.SIGTERM)
        return advance(self)

    monkeypatch.setattr(session, "CALL_SECONDS", 0.0)  # one step a call
    monkeypatch.setattr(Session, "advance", advance_and_be_told)
    ended = call(tmp_path / "run", config, "train.first_seed=3")
    assert (ended.status, ended.err) == (143, "")
    goes_on = f"terminated at step 7: the same with --resume --out {tmp_path / 'run'} goes on"
    assert goes_on in ended.out.splitlines()
    monkeypatch.undo()
    (done, again) = (
        call(tmp_path / "run", config, "train.first_seed=3", resume=True) for _ in range(2)
    )
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"resumed at step 7 of {tmp_path / 'run'}\n")
    for name in ("metrics.jsonl", "config.yaml"):
        assert (tmp_path / "run" / name).read_bytes() == (trained.run / name).read_bytes()
    summaries = [read_json(run / "summary.json") for run in (tmp_path / "run", trained.run)]
    for summary in summaries:
        del summary["times"], summary["resumes"]
    assert summaries[0] == summaries[1]
    assert (again.status, again.err) == (0, "")
    assert again.out == f"{tmp_path / 'run'} is completed: nothing is left to do\n"


def test_a_run_says_what_it_does_and_how_it_went(trained: Done) -> None:
    first, course, *_, picture = trained.out.splitlines()
    assert first.startswith("Adding two numbers, far too briefly: 2 seeds of 43 parameters")
    assert "16 seq  loss" in course
    assert picture == f"picture: {trained.run / 'curves.png'}"


def test_a_text_run_from_a_shell_leaves_a_sample(tmp_path: Path) -> None:
    corpus = "the quick brown fox – jumps over the lazy dog. " * 20
    config = write(tmp_path / "text.yaml", TEXT)
    run, text = tmp_path / "run", tmp_path / "a.txt"
    text.write_text(corpus, "utf-8")
    process = begin(run, config, f"task.file={text}")
    out, err = process.communicate(timeout=120)
    summary = assert_complete(Done(process.returncode, out, err, run), "sample.txt")
    assert len(summary["final"]["test_error"]) == 1
    assert ["test_error" in line for line in metrics(run)] == [False, True, False]
    sample = (run / "sample.txt").read_text("utf-8")
    assert len(sample) == 500
    assert set(sample) <= set(corpus)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "task",
    [
        "{name: continual_reber, window: 8, test_length: 20}",
        "{name: counting, language: anbncn, longest: 3}",
        "reber",
        "{name: selective_copying, length: 6, copied: 2}",
        "{name: long_lag, variant: 2a, p: 4}",
        "{name: long_lag, variant: 2b, p: 4}",
        "{name: distractors, q: 2, p: 2}",
        "{name: two_sequences, variant: 3c, length: 10, stop: st1}",
        "{name: multiplication, length: 20}",
        "{name: temporal_order, variant: 6b, length: 10}",
        "{name: continual_temporal_order, variant: 6a, length: 10, test_sequences: 2}",
        "{name: spike_delays, shortest: 2, intervals: 2}",
        "{name: timed_spikes, shortest: 2, intervals: 2}",
        "{name: periodic_function, shape: cosine, period: 4, periods: 2}",
        "{name: formal_language, language: binary_addition, longest: 5, test_longest: 43}",
        "{name: stories, story: room, distance: 2}",
        "{name: associative_recall, length: 16, vocabulary: 20}",
        "{name: induction_heads, length: 12}",
        "{name: flip_flop, length: 12}",
        "{name: warping, variant: padded, letters: 5, longest: 3}",
    ],
)
def test_every_task_trains(tmp_path: Path, task: str) -> None:
    lines = ADDING.replace("{name: adding, variant: bai2018, length: 20}", task)
    config = write(tmp_path / "task.yaml", lines)
    summary = assert_complete(call(tmp_path / "run", config, "model.hidden_size=4"))
    assert all(0 <= error < 10 for error in summary["final"]["test_error"])
    assert summary["threshold"] is None or 0 <= summary["threshold"] < 1


def test_an_interrupt_from_the_keyboard_leaves_a_readable_run(tmp_path: Path) -> None:
    config, run = write(tmp_path / "adding.yaml", ADDING), tmp_path / "run"
    endless = ("train.max_sequences=1000000000", "train.log_every=1")
    with begin(run, config, *endless) as process:
        try:
            log, deadline = run / "metrics.jsonl", time.monotonic() + 120
            while not log.exists() or b"\n" not in log.read_bytes():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "\nsaving, then stopping; Ctrl-C stops at once\n"
    summary = read_json(run / "summary.json")
    goes_on = f"interrupted at step {summary['step']:,}: the same with --resume --out {run} goes on"
    assert goes_on in out
    assert summary["status"] == "interrupted"
    assert summary["sequences_seen"][0] >= metrics(run)[-1]["sequences"] > 0
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_whose_members_all_fail_ends_as_diverged(tmp_path: Path) -> None:
    config = write(tmp_path / "adding.yaml", ADDING)
    done = call(tmp_path / "run", config, "optimizer.learning_rate=1e30", "train.log_every=1")
    assert (done.status, done.err) == (1, "")
    assert "diverged: no member has a result" in done.out.splitlines()
    summary = read_json(done.run / "summary.json")
    assert summary["status"] == "diverged"
    steps = [failure["step"] for failure in summary["failed"]]
    assert all(1 <= step < 10 for step in steps)
    for seed, failure in enumerate(summary["failed"]):
        bad = f"{failure['first_bad']} is not finite"
        assert f"seed_{seed} stopped before step {failure['step']}: {bad}" in done.out
    assert all(loss is not None for loss in summary["final"]["train_loss"])
    for line in metrics(done.run):
        assert [loss is None for loss in line["loss"]] == [line["step"] > step for step in steps]


def test_list_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    words = capsys.readouterr().out.split()
    assert {"adding", "copying", "text", "lstm", "scan", "adam", "rmsprop", "sgd"} <= {*words}


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.yaml", "train.seeds=2", "model.hidden_size=4", "--out", "b"],
        ["a.yaml", "--out", "b", "train.seeds=2", "model.hidden_size=4"],
        ["--out", "b", "a.yaml", "train.seeds=2", "model.hidden_size=4"],
        ["a.yaml", "train.seeds=2", "--out", "b", "model.hidden_size=4"],
    ],
)
def test_overrides_may_stand_anywhere_behind_the_config(arguments: list[str]) -> None:
    options = parse(["run", *arguments])
    assert (options.config, options.out) == (Path("a.yaml"), Path("b"))
    assert options.overrides == ["train.seeds=2", "model.hidden_size=4"]
