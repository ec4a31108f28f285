"""What a person sees of a run: lines where output is kept, a live bar in a terminal."""

import io
import re

import pytest
from rich.console import Console

from experiments.run import progress
from experiments.run.progress import Report, describe, display


def report(sequences: int) -> Report:
    return Report(sequences, loss=0.25, error=0.5, solved=0, running=2, rate=100.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as its one item."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_come_every_few_seconds(clock: list[float]) -> None:
    screen = io.StringIO()
    with display(Console(file=screen, width=120), seeds=2, max_sequences=1000) as show:
        for sequences, seconds in [(10, 0.0), (20, 4.9), (30, 0.2), (40, 1.0), (50, 4.1)]:
            clock[0] += seconds
            show(report(sequences))
    lines = screen.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["10", "30", "50"]
    assert lines[0] == describe(report(10), seeds=2, max_sequences=1000)
    assert "\x1b" not in screen.getvalue()


def test_a_terminal_shows_a_live_bar_and_is_left_clean() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    with display(console, seeds=2, max_sequences=1000) as show:
        assert re.search("compiling", screen.getvalue())
        show(report(500))
        show(report(1000))
    text = screen.getvalue()
    assert "1,000 seq  loss 0.25  error 0.5  solved 0/2" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor hides and returns
    assert text.endswith("\x1b[2K")  # the last line is erased


def test_a_bar_is_left_clean_by_an_interrupt_too() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with pytest.raises(KeyboardInterrupt), display(console, seeds=1, max_sequences=10):
        raise KeyboardInterrupt
    assert "\x1b[?25h" in screen.getvalue()


LINE = {
    "sequences": 800,
    "loss": [1.0, None, 3.0],
    "error": [0.1, None, 0.3],
    "solved": [False, True, False],
}
TIMING = {"step": 200, "seconds": 16.0, "sequences_per_second": 50.0}


def test_a_report_is_of_the_seeds_that_still_train() -> None:
    expected = Report(800, loss=2.0, error=pytest.approx(0.2), solved=1, running=2, rate=50.0)
    assert Report.of(LINE, TIMING) == expected


def test_a_seed_that_diverged_does_not_hide_the_others() -> None:
    found = Report.of(LINE | {"solved": [False, False, False]}, TIMING)
    assert (found.loss, found.error) == (2.0, pytest.approx(0.2))
    assert (found.solved, found.running) == (0, 2)


def test_the_time_left_counts_the_seeds_that_still_train() -> None:
    some = Report(400, loss=1.0, error=1.0, solved=1, running=3, rate=30.0)
    assert describe(some, seeds=4, max_sequences=1000).endswith("30/s  1 min 0 s left")


def test_a_rate_of_zero_does_not_divide_by_it() -> None:
    assert "  0/s" in describe(report(10)._replace(rate=0.0), seeds=1, max_sequences=100)
