"""A whole page about a run, about several, and about what is left of one."""

import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from experiments.report import whole
from experiments.report.gather import gather
from experiments.report.probing import Inside
from experiments.report.whole import compose, facts, headline, kicker
from tests.experiments.report.fabricated import write_run


def compose_of(paths: list[Path], out: Path) -> tuple[str, list[Path], list[str]]:
    subject = gather(paths)
    html, pictures = compose(subject, out, Console(file=io.StringIO()))
    return html, pictures, subject.missing


@pytest.fixture
def from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run is looked into, which is to build and to compile it."""
    monkeypatch.setattr(whole, "look_inside", lambda *_: ([], {}))


def sections(html: str) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', html)


def test_a_whole_run(page: tuple[Path, list[Path]]) -> None:
    out, pictures = page
    html = out.read_text("utf-8")
    assert sections(html) == ["learning", "gradient", "gates", "memory", "cost", "making"]
    assert html.count("<svg") == len(pictures) == 5
    assert all(path.parent == out.with_suffix("") and path.exists() for path in pictures)
    assert "None of the 2 seeds solved the task within 80 training sequences." in html
    assert "steps back in time" in html
    assert len(html) < 1_000_000
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_what_can_be_shown_of_a_run_without_checkpoints(real_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(real_run, tmp_path / "copy")
    shutil.rmtree(copy / "checkpoints")
    html, _, missing = compose_of([copy], tmp_path / "r.html")
    assert sections(html) == ["learning", "cost", "making"]
    (sentence,) = missing
    assert sentence.startswith("copy cannot be looked into: ")
    assert sentence in html.replace("&#39;", "'")


def test_what_can_be_shown_of_a_foreign_directory(tmp_path: Path) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text('{"loss": 3}\n')
    html, pictures, missing = compose_of([folder], tmp_path / "r.html")
    assert pictures == []
    assert "Nothing can be told of what was learnt." in html
    assert sections(html) == ["cost", "making"]
    assert len(missing) >= 4
    assert all(sentence.endswith(".") for sentence in missing)


def test_several_runs_are_compared(
    real_run: Path, inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "probe", lambda arm, *_: inside._replace(arm=arm))
    other = shutil.copytree(real_run, tmp_path / "other")
    shutil.rmtree(other / "checkpoints")
    html, _, missing = compose_of([real_run, other], tmp_path / "r.html")
    assert sections(html)[:2] == ["learning", "comparison"]
    assert "no difference is significant" in html
    assert "Report of 2 runs: 2 settings, 4 seeds in all" in html
    assert len(missing) == 1


@pytest.mark.usefixtures("from_outside")
def test_runs_of_several_tasks_share_no_curves(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", error="bits per character")]
    html, pictures, _ = compose_of(runs, tmp_path / "r.html")
    assert sections(html) == ["comparison", "cost", "making"]
    assert pictures == []
    assert "not of one task" in html


@pytest.mark.usefixtures("from_outside")
def test_runs_of_one_error_but_different_tasks_are_not_compared(tmp_path: Path) -> None:
    """Which is easier is no question of which does better."""
    needed = [100, 110, 120, 130, 140], [300, 310, 320, 330, 340]
    for name, length in (("alike", 20), ("longer", 30)):
        pair = [
            write_run(tmp_path / name / "a", needed[0]),
            write_run(tmp_path / name / "b", needed[1], length=length),
        ]
        html, _, _ = compose_of(pair, tmp_path / f"{name}.html")
        compared = name == "alike"
        assert ("learning" in sections(html)) == compared
        assert ("is better than" in html) == compared
        assert ("not of one task" in html) != compared


def test_of_many_settings_the_best_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "MAX_INSIDE", 1)
    runs = [write_run(tmp_path / f"run{n}") for n in range(3)]
    _, _, missing = compose_of(runs, tmp_path / "r.html")
    assert "Only the best 1 of 3 settings were looked into." in missing


@pytest.mark.parametrize("status", ["interrupted", "terminated", "running", "failed"])
def test_how_a_run_ended_is_said_first(tmp_path: Path, status: str) -> None:
    subject = gather([write_run(tmp_path / "a", status=status)])
    assert len(headline(subject)) == 2
    assert "not finished" in headline(subject)[1] or "killed" in headline(subject)[1]


def test_names_and_texts_are_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'>&"
    folder = tmp_path / "<b>bold"
    html, _, _ = compose_of([write_run(folder, title=evil, error=evil)], tmp_path / "r.html")
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_first_numbers(tmp_path: Path) -> None:
    (arm,) = gather([write_run(tmp_path / "a", [100, 300])]).arms
    assert dict(facts(arm)) == {
        "seeds that solved it; 95% interval 34–100%": "2 of 2",
        "sequences to solve, median": "200",
        "test error, median": "0.015",
        "parameters": "64",
        "time": "1 min 15 s",
    }
    assert kicker(gather([tmp_path / "a"])) == "Report of a run: a"
