"""A run under way: when it saves, what it writes in which order, what it tells of its members."""

import dataclasses
import io
import json
import signal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experiments.checkpoint import manifest
from experiments.config import Experiment
from experiments.config.laid_over import Keys
from experiments.config.schema import OutputSettings, Variant
from experiments.run import course
from experiments.run.logs import Log
from experiments.run.session import Session
from experiments.sinks import views
from experiments.sinks.base import Subject
from lstm_jax.training import SGD
from tests.experiments.run.scripted import EXPERIMENT, play


def saved(run: Path) -> list[int]:
    return sorted(int(path.name) for path in (run / "checkpoints").iterdir())


def summary(run: Path) -> dict[str, Any]:
    return json.loads((run / "summary.json").read_text())


def with_output(**output: Any) -> Experiment:
    return dataclasses.replace(EXPERIMENT, output=OutputSettings(**output))


# ------------------------------------------------------------------------- checkpoints


def test_a_short_run_is_saved_at_its_ends(tmp_path: Path) -> None:
    assert play(tmp_path / "run") == "completed"
    assert saved(tmp_path / "run") == [0, 26]


def test_a_run_is_saved_so_many_seconds_after_the_last_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call takes three seconds here, and every ten a checkpoint is due."""
    now = [0.0]
    monkeypatch.setattr(course.time, "monotonic", lambda: now[0])

    def at_call(_: Session) -> None:
        now[0] += 3.0

    experiment = with_output(checkpoint_seconds=10.0, keep_checkpoints=100)
    assert play(tmp_path / "run", experiment, at_call) == "completed"
    assert saved(tmp_path / "run") == [0, 4, 8, 12, 16, 20, 24, 26]


def test_so_many_checkpoints_stay_as_are_to_be_kept(tmp_path: Path) -> None:
    experiment = with_output(checkpoint_seconds=1e-9, keep_checkpoints=2)
    assert play(tmp_path / "run", experiment) == "completed"
    assert saved(tmp_path / "run") == [25, 26]


def test_a_checkpoint_holds_where_the_logs_were(tmp_path: Path) -> None:
    run = tmp_path / "run"
    play(run, with_output(checkpoint_seconds=1e-9, keep_checkpoints=100))
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    for step in saved(run):
        progress = manifest.read(run / "checkpoints" / f"{step:08}").progress
        told = sum(line_step <= step for line_step in (10, 20, 26))
        held = progress["logs"]["metrics.jsonl"]["bytes"]
        assert held == sum(map(len, lines[:told]))
        assert progress["session"]["step"] == step


def test_no_line_is_written_before_there_is_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, seen = Log.write, []

    def looked_at(self: Log, content: dict[str, Any]) -> None:
        (first,) = (tmp_path / "run" / "checkpoints").glob("00000000")
        seen.append(manifest.verify(first, 0).step)
        write(self, content)

    monkeypatch.setattr(Log, "write", looked_at)
    play(tmp_path / "run")
    assert seen == [0] * 6


@pytest.mark.parametrize("step", [0, 3, 10, 25])
def test_a_signal_is_answered_with_a_checkpoint_of_that_step(tmp_path: Path, step: int) -> None:
    def at_call(session: Session) -> None:
        if session.step == step:
            signal.raise_signal(signal.SIGTERM)

    assert play(tmp_path / "run", at_call=at_call) == "terminated"
    assert saved(tmp_path / "run") == [0, step + 1]
    told = summary(tmp_path / "run")
    assert (told["status"], told["step"]) == ("terminated", step + 1)


# ------------------------------------------------------------------------------ members


def test_a_member_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    screen, run = io.StringIO(), tmp_path / "run"
    seeds = dataclasses.replace(EXPERIMENT.train, seeds=3, first_seed=5)
    experiment = dataclasses.replace(EXPERIMENT, train=seeds)
    assert play(run, experiment, screen=screen, bad=[(1, 13)], solves={0: 20}) == "completed"
    lines = screen.getvalue().splitlines()
    sentence = "seed_6 stopped before step 13: the gradient of w is not finite"
    assert f"{sentence}; last checkpoint: step 0" in lines
    assert lines.count(sentence) == 1  # and once more at the end
    told = summary(run)
    assert told["failed"] == [
        None,
        {"step": 13, "first_bad": "the gradient of w", "bad_in_a_row": 1},
        None,
    ]
    assert (told["solved"], told["sequences_seen"]) == ([True, False, False], [80, 52, 104])


def test_a_failure_is_not_told_twice_by_a_run_that_is_resumed(tmp_path: Path) -> None:
    screen, run = io.StringIO(), tmp_path / "run"

    def at_call(session: Session) -> None:
        if session.step == 15:
            signal.raise_signal(signal.SIGINT)

    assert play(run, at_call=at_call, bad=[(1, 3)]) == "interrupted"
    assert play(run, screen=screen, resume=True, bad=[(1, 3)]) == "completed"
    assert screen.getvalue().count("seed_1 stopped before step 3") == 1
    assert summary(run)["failed"][1] == {
        "step": 3,
        "first_bad": "the gradient of w",
        "bad_in_a_row": 1,
    }


def test_a_run_of_which_all_members_failed_has_diverged(tmp_path: Path) -> None:
    screen, run = io.StringIO(), tmp_path / "run"
    assert play(run, screen=screen, bad=[(0, 12), (1, 14)]) == "diverged"
    assert "diverged: no member has a result" in screen.getvalue()
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == [[4.5, 4.5], [10.5, 11.5]]
    told = summary(run)
    assert (told["status"], told["step"]) == ("diverged", 20)
    assert saved(run) == [0, 20]


def test_members_are_the_seeds_of_each_variant(tmp_path: Path) -> None:
    rates = (0.2, 0.3)
    experiment = dataclasses.replace(
        EXPERIMENT,
        variants=tuple(
            Variant(
                Keys({"optimizer.learning_rate": rate}),
                dataclasses.replace(EXPERIMENT, optimizer=SGD(rate)),
            )
            for rate in rates
        ),
    )
    play(tmp_path / "run", experiment)
    told = summary(tmp_path / "run")
    assert told["variants"] == [{"optimizer.learning_rate": rate} for rate in rates]
    assert told["seeds"] == [0, 1, 0, 1]
    assert told["members"] == [
        *("variant_0/seed_0", "variant_0/seed_1", "variant_1/seed_0", "variant_1/seed_1")
    ]
    assert all(len(told[key]) == 4 for key in ("solved", "sequences_seen", "failed", "bad_steps"))


# -------------------------------------------------------------------------------- sinks


class Shown:
    """A sink that keeps what it was shown, for all of a test."""

    runs: list["Shown"]

    def __init__(self, subject: Subject) -> None:
        self.title, self.members = subject.title, list(subject.members)
        self.past = list(subject.past)
        self.lines: list[dict[str, Any]] = []
        self.end: dict[str, Any] = {}
        self.runs.append(self)

    def log(self, line: dict[str, Any]) -> None:
        self.lines.append(line)

    def close(self, summary: dict[str, Any]) -> None:
        self.end = summary


def test_sinks_are_shown_every_line_and_those_before_on_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "load", lambda _: Shown)
    monkeypatch.setattr(Shown, "runs", [], raising=False)
    experiment, run = with_output(log=("tensorboard",)), tmp_path / "run"

    def at_call(session: Session) -> None:
        if session.step == 15:
            signal.raise_signal(signal.SIGINT)

    with mock.patch("experiments.run.run.require"):
        play(run, experiment, at_call)
        play(run, experiment, resume=True)
    first, second = Shown.runs
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20, 26]
    assert (first.past, first.lines) == ([], lines[:1])
    assert (second.past, second.lines) == (lines[:1], lines[1:])
    assert first.members == second.members == ["seed_0", "seed_1"]
    assert first.title == "Adding, 20 steps"
    assert (first.end["status"], second.end["status"]) == ("interrupted", "completed")


def test_a_run_shows_nothing_where_nothing_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "load", lambda name: pytest.fail(name))
    assert play(tmp_path / "run") == "completed"
