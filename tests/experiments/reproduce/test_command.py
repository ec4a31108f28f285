"""`reproduce` as a whole: what it trains, leaves, says and returns; a stand-in plays the trials."""

import csv
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.__main__ import main
from experiments.reproduce.command import longest_first
from experiments.reproduce.study import load_study
from experiments.sweep.trials import Trial

WriteRecipe = Callable[[str], Path]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def reproduce(out: Path, *options: str) -> int:
    return main(["reproduce", "paper1997", "--out", str(out), *options])


def attempts(out: Path) -> dict[str, list[int]]:
    """How often each trial of a recipe was begun."""
    found: dict[str, list[int]] = {}
    for path in out.glob("*/trials/*/checkpoint"):
        found.setdefault(path.parents[2].name, []).append(len(path.read_text().split()))
    return found


def verdicts(folder: Path) -> dict[str, str]:
    with (folder / "rows.csv").open() as file:
        return {line["row"]: line["verdict"] for line in csv.DictReader(file)}


@pytest.mark.usefixtures("stand_in", "papers")
def test_every_row_of_every_recipe_is_held_against_the_paper(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce(out) == 1
    assert attempts(out) == {"modern": [1, 1, 1], "original": [1]}
    assert verdicts(out / "modern") == {
        "2c 50/50": "1/2 solved",
        "Adding": "1.11× as many sequences",
        "2c 100/100": "reached",
    }
    assert verdicts(out / "original") == {"2c 50/50": "reached"}
    said = capsys.readouterr().out
    assert said.startswith("paper1997, modern: 3 cells, 0 done; 3 trials to run, ")
    assert "\nOur best\n" in said
    assert "\npaper1997, original\n" in said
    assert "\npaper1997, original: 1 cell, 0 done; 1 trial to run, " in said
    assert "1 of 3 rows (33%) reach the paper; the geometric mean of paper/ours is 1.16, " in said
    assert "`python -m experiments reproduce paper1997`." in said
    for recipe, title in (("modern", "Our best"), ("original", "paper1997, original")):
        assert (out / recipe / "rows.png").read_bytes().startswith(b"\x89PNG")
        assert (out / recipe / "rows.md").read_text().startswith(f"#### {title}\n")
        assert f"picture: {out / recipe / 'rows.png'}\n" in said


@pytest.mark.usefixtures("stand_in", "papers")
def test_where_every_row_reaches_the_paper_the_status_is_0(out: Path) -> None:
    assert reproduce(out, "--recipe", "original") == 0
    assert attempts(out) == {"original": [1]}


@pytest.mark.usefixtures("stand_in", "papers")
def test_rows_that_are_done_are_kept_whatever_is_asked_for_next(out: Path) -> None:
    assert reproduce(out, "--rows", "*100") == 0
    assert attempts(out) == {"modern": [1]}
    assert verdicts(out / "modern") == {"2c 100/100": "reached"}
    reproduce(out, "--seeds", "1", "--recipe", "modern")
    assert attempts(out) == {"modern": [1] * 4}
    assert verdicts(out / "modern")["2c 50/50"] == "reached"
    for _ in range(2):
        reproduce(out)
        assert attempts(out) == {"modern": [1] * 6, "original": [1]}
        assert len(verdicts(out / "modern")) == 3
    reproduce(out, "--seeds", "1", "--recipe", "modern")
    assert attempts(out)["modern"] == [1] * 6


@pytest.mark.usefixtures("stand_in")
def test_what_is_said_of_a_row_may_change_and_two_rows_may_be_one_experiment(
    write_recipe: WriteRecipe, out: Path
) -> None:
    write_recipe("list:\n  - {published: {source: s, row: a, error: 0.02}, model.hidden_size: 8}")
    assert reproduce(out, "--recipe", "modern") == 0
    write_recipe(
        "title: Another\nset: {published.source: s, model.hidden_size: 8, title: t}\nlist:\n"
        "  - {published.row: b, published.error: 0.01}\n  - {published.row: a, title: u}"
    )
    assert reproduce(out, "--recipe", "modern") == 1
    assert attempts(out) == {"modern": [1]}
    assert verdicts(out / "modern") == {"b": "error 0.015 > 0.01", "a": "no figure published"}


@pytest.mark.usefixtures("stand_in")
def test_a_row_whose_program_fails_has_no_result(
    write_recipe: WriteRecipe, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recipe(
        "set: {published: {source: s, row: a}}\nlist: [{model.hidden_size: 4, published.row: b}, "
        "{model.hidden_size: 6, published.solve_rate: 1}]"
    )
    assert reproduce(out, "--recipe", "modern") == 1
    assert verdicts(out / "modern") == {"b": "no result", "a": "1/2 solved, diverged"}
    assert "ended with exit status 1: no space left on device" in capsys.readouterr().err


def test_long_trials_begin_first(papers: Path) -> None:
    recipe, _ = load_study("paper1997").recipes
    trials = [Trial(cell.experiment) for cell in recipe.sheet.cells]
    assert [trial.experiment.train.max_sequences for trial in trials] == [40, 80, 40]
    found = [trial.experiment.train.max_sequences for trial in longest_first(trials)]
    assert found == [80, 40, 40]


@pytest.mark.usefixtures("stand_in")
def test_a_signal_lets_trials_save_and_the_same_command_goes_on(
    write_recipe: WriteRecipe, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recipe("list:\n  - {published: {source: s, row: a b}, model.hidden_size: 5}")

    def stop() -> None:
        until = time.monotonic() + 60
        while not list(out.glob("*/trials/*/waiting")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    status = reproduce(out, "--rows", "a *", "--workers", "1")
    thread.join()
    assert status == 143
    said = capsys.readouterr().out.splitlines()[-1]
    command = "python -m experiments reproduce paper1997 --rows 'a *' --workers 1 --out"
    assert said.endswith(f"the same command goes on: {command} {out}")
    assert not (out / "modern" / "rows.md").exists()
    assert reproduce(out, "--rows", "a *", "--workers", "1") == 0
    assert attempts(out) == {"modern": [2]}


@pytest.mark.usefixtures("stand_in", "papers")
def test_a_page_has_tables_and_pictures(out: Path, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text("# Results\n")
    for recipe in ("original", "modern", "original"):
        reproduce(out, "--recipe", recipe, "--page", str(page))
    text = page.read_text()
    assert text.startswith("# Results\n\n<!-- paper1997 original -->\n\n#### paper1997, original\n")
    assert text.count("####") == 2
    assert "`python -m experiments reproduce paper1997 --recipe modern`" in text
    assert "\n![paper1997 modern](results/paper1997-modern.png)\n" in text
    assert (page.parent / "results" / "paper1997-modern.png").exists()


@pytest.mark.usefixtures("stand_in", "papers")
@pytest.mark.parametrize(
    "options, complaint",
    [
        (["--recipe", "modem"], "unknown recipe 'modem'; did you mean 'modern'? "),
        (["--engine", "lokal"], "unknown engine 'lokal'; did you mean 'local'? "),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--page", "."], "--page .: it is a directory; name a file"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    out: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce(out, *options) == 2
    assert capsys.readouterr().err.startswith(complaint)
    assert not out.exists()


@pytest.mark.usefixtures("stand_in")
def test_what_is_wrong_with_a_later_recipe_is_told_before_the_first_begins(
    papers: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "original").mkdir(parents=True)
    (out / "original" / "thesis.tex").touch()
    assert reproduce(out) == 2
    assert capsys.readouterr().err.startswith(f"{out / 'original'} holds no sweep; name another")
    path = papers / "paper1997" / "original.yaml"
    path.write_text(path.read_text().replace("train.seeds: 1", "optimizer.warmup_steps: 99999"))
    assert reproduce(out) == 2
    assert "cannot be trained: warmup_steps=99999" in capsys.readouterr().err
    assert not (out / "modern").exists()


def test_a_study_is_trained_for_real(
    write_recipe: WriteRecipe, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    write_recipe(
        "set: {train.max_sequences: 200}\n"
        "list:\n  - {published: {source: s, row: adding, sequences: 74000, error: 5}}\n"
    )
    assert reproduce(out, "--recipe", "modern") == 1
    with (out / "modern" / "rows.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["status"], row["seeds"], row["verdict"]) == ("completed", "2", "0/2 solved")
    assert 0 < float(row["test_error_median"]) < 5
    assert row["test_error_unit"] == "mean absolute error"
    table = (out / "modern" / "rows.md").read_text()
    assert "| adding | 74,000, error 5 | 0/2 (0–66%) | – | – | " in table
    assert "1 program, " in table
    assert ", jax " in table
