"""`frontier` as a whole, its trials played by a stand-in: what it runs, leaves and says."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.__main__ import main

WriteStudy = Callable[..., Path]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def frontier(study: Path, out: Path, *options: str) -> int:
    return main(["frontier", str(study), "--out", str(out), *options])


@pytest.mark.usefixtures("stand_in")
def test_it_leaves_tables_and_a_picture_and_does_nothing_twice(
    write_study: WriteStudy, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "results.md"
    assert frontier(write_study(), out, "--tasks", "adding", "--page", str(page)) == 0
    said = capsys.readouterr().out
    assert said.startswith("adding length 20 (4 models): 8 cells, 0 done; 3 trials to run, ")
    assert "\nadding length 100 (2 models): 18 cells, 14 done; 2 trials to run, " in said
    assert said.endswith(f"picture: {out / 'frontier.png'}\n")
    text, table = (out / "frontier.md").read_text(), (out / "frontier.csv").read_text()
    assert "| GRU | 2/2 200 | 2/2 300 | 0/2 | 30 |" in text
    assert text.endswith(  # eight trials of 12.5 s, on the machine that they noted
        "8 programs, 1 min 40 s of wall time in sum, each on 1 cpu device of a machine with 64 "
        f"cores.\n\n`python -m experiments frontier {tmp_path / 'study.yaml'} --tasks adding`; "
        "commit 07a6b1271, Python 3.13.1, jax 0.12.0.\n"
    )
    assert page.read_text() == (
        f"<!-- study -->\n\n{text}\n![study](results/study.png)\n\n<!-- end -->\n"
    )
    assert (tmp_path / "results" / "study.png").read_bytes() == (out / "frontier.png").read_bytes()
    assert frontier(write_study(), out, "--tasks", "adding") == 0
    assert {len(path.read_text().split()) for path in out.glob("trials/*/attempts")} == {1}
    assert (out / "frontier.csv").read_text() == table


@pytest.mark.usefixtures("stand_in")
def test_seeds_and_the_longest_lag(write_study: WriteStudy, out: Path) -> None:
    options = ("--tasks", "temporal_order", "--longest", "20", "--seeds", "3")
    assert frontier(write_study(), out, *options) == 0
    assert "| model | 20 | frontier |" in (out / "frontier.md").read_text()
    assert "| Elman | 3/3 200 | 20 |" in (out / "frontier.md").read_text()


@pytest.mark.usefixtures("stand_in")
def test_a_failed_trial_is_told_and_the_others_go_on(
    write_study: WriteStudy, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_study("{cell: gru, hidden_size: 2}", "{cell: gru, hidden_size: 4}")
    assert frontier(study, out, "--tasks", "adding") == 1
    err = capsys.readouterr().err
    assert err.count("ended with exit status 1: no space left on device") == 1
    text = (out / "frontier.md").read_text()
    assert "| GRU | no result | not run | not run | – |" in text
    assert "| LSTM, chrono | 2/2 200 | 2/2 300 | 2/2 1,000 | 100 |" in text


@pytest.mark.parametrize(
    "options, complaint",
    [
        (["--tasks", "copy"], "unknown task 'copy'; known: adding, temporal_order"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--longest", "5"], "--longest 5 leaves no lag; the shortest is 20"),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--page", "."], "--page .: it is a directory; name a file"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_run(
    write_study: WriteStudy,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    complaint: str,
) -> None:
    assert frontier(write_study(), out, *options) == 2
    assert complaint in capsys.readouterr().err
    assert not (out / "trials").exists()


@pytest.mark.usefixtures("stand_in")
def test_a_signal_lets_trials_save_and_tells_how_to_go_on(
    write_study: WriteStudy, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_study("{cell: elman, hidden_size: 2}", "{cell: elman, hidden_size: 5}")

    def terminate() -> None:
        until = time.monotonic() + 60
        while not list(out.glob("trials/*/waiting")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    assert frontier(study, out) == 143
    thread.join()
    again = f"python -m experiments frontier {study} --out {out}"
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"the same command goes on: {again}")
    assert not (out / "frontier.md").exists()
