"""What a person sees of a sweep: lines where output is kept, a live bar in a terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from experiments.sweep import progress
from experiments.sweep.progress import describe, display, share
from experiments.sweep.schedule import State


def write_metrics(run: Path, text: str) -> None:
    run.mkdir()
    (run / "metrics.jsonl").write_text(text)


def test_running_trials_count_by_their_sequences(tmp_path: Path) -> None:
    write_metrics(tmp_path / "a", '{"sequences": 10}\n{"sequences": 30}\n')
    write_metrics(tmp_path / "b", '{"sequences": 10}\n{"sequ')
    write_metrics(tmp_path / "c", "")
    runs = {name: (tmp_path / name, 40) for name in "abcd"}
    state = State(["e", "f"], list("abcd"), ["g"], {"h": "why"}, 0)
    assert share(state, runs) == pytest.approx((2 + 0.75) / 8)


def test_a_long_file_of_metrics_is_read_from_its_end(tmp_path: Path) -> None:
    lines = [f'{{"sequences": {n}}}\n' for n in range(20_000)]
    write_metrics(tmp_path / "a", "".join(lines))
    assert share(State([], ["a"], [], {}, 0), {"a": (tmp_path / "a", 40_000)}) == 19_999 / 40_000


def test_failures_and_retries_are_told() -> None:
    state = State(["a"], [], ["b", "c"], {"d": "was killed 4 times"}, 3)
    text = "2 of 4 trials done  0 running  1 failed  3 retries  75% of all"
    assert describe(state, {}) == text


def states(count: int) -> list[State]:
    return [State(["a"] * (count - n), [], ["b"] * n, {}, 0) for n in range(count + 1)]


def test_plain_lines_come_every_few_seconds_and_when_a_trial_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    screen = io.StringIO()
    first, second, third = states(2)
    with display(Console(file=screen, width=120), {}) as show:
        for state, seconds in [(first, 0.0), (first, 4.9), (first, 0.2), (second, 0.1), (third, 0)]:
            now[0] += seconds
            show(state)
    lines = screen.getvalue().splitlines()
    assert lines == [
        "0 of 2 trials done  0 running  0% of all  0 s",
        "0 of 2 trials done  0 running  0% of all  5 s",
        "1 of 2 trials done  0 running  50% of all  5 s",
        "2 of 2 trials done  0 running  100% of all  5 s",
    ]


def test_a_terminal_shows_a_live_bar_and_is_left_clean() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with display(console, {}) as show:
        for state in states(3):
            show(state)
    text = screen.getvalue()
    assert "3 of 3 trials done" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.endswith("\x1b[2K")
