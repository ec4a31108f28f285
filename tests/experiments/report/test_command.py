"""`report` from end to end: the page, what is said, the exit status; and in a browser."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from experiments.__main__ import main
from experiments.report.command import CELLS, default_path
from experiments.sweep.sheet import load_sheet
from tests.experiments.report.fabricated import write_run

CHROMIUM = shutil.which("chromium")


@pytest.fixture(autouse=True)
def devices_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")


def test_a_page_and_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "my run")
    (run / "timings.jsonl").unlink()
    assert main(["report", str(run)]) == 0
    out, err = capsys.readouterr()
    page = run / "report.html"
    assert f"report: {page} (0." in out
    assert f"pictures: 1 PNG in {run / 'report'}" in out
    assert err.splitlines() == [
        "missing: timings.jsonl cannot be read: No such file or directory.",
        f"missing: my run cannot be looked into: {run} holds no checkpoint.",
    ]
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_pictures_of_an_earlier_page_go_and_others_stay(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert main(["report", str(run)]) == 0
    pictures, page = run / "report", run / "report.html"
    gates = page.read_text().replace('"learning-curves-alt"', '"gates-1-1-alt"')
    page.write_text(page.read_text() + gates)
    for name in ("gates-1-1", "mine"):
        (pictures / f"{name}.png").touch()
    assert main(["report", str(run)]) == 0
    assert {path.stem for path in pictures.iterdir()} == {"learning-curves", "mine"}
    assert "gates-1-1" not in page.read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_the_page_opens_in_a_browser_without_a_word(
    page: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    whole, _ = page
    for width in (500, 1200):  # a headless window is no narrower
        shot = tmp_path / f"{width}.png"
        opened = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"),
                *(f"--window-size={width},3000", f"--screenshot={shot}", whole.as_uri()),
            ],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        assert "CONSOLE" not in opened.stderr
        with Image.open(shot) as image:
            assert image.size == (width, 3000)
            assert len(image.convert("RGB").getcolors(2**24) or []) > 50
    measured = tmp_path / "measured.html"
    script = "<script>document.title = document.documentElement.scrollWidth</script>"
    forbidden = "default-src 'none'"
    free = whole.read_text().replace(forbidden, f"{forbidden}; script-src 'unsafe-inline'")
    measured.write_text(free.replace("</body>", f"{script}</body>"))
    dumped = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=500,3000"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", measured.as_uri()),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    (found,) = re.findall(r"<title>(\d+)</title>", dumped.stdout)
    assert 0 < int(found) <= 500  # nothing but what scrolls is wider


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["{0}/non"], "does not exist; did you mean 'none'? known: none"),
        (["{0}/none", "{0}/none"], "a run is named twice"),
        (["{0}/none", "--out", "{0}/a.pdf"], "expected a file that ends in .html"),
        (["{0}/none", "--out", "{0}/dir.html"], "a directory; expected a file"),
        (["{0}/none", "--out", "{0}/file/a.html"], "cannot be read or written"),
        (["{0}"], "holds no run: it has none of config.yaml, summary.json and metrics.jsonl"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "none")
    (tmp_path / "dir.html").mkdir()
    (tmp_path / "file").touch()
    assert main(["report", *(each.format(tmp_path) for each in arguments)]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.count("\n") == 1
    assert out == ""


def test_where_a_page_goes_by_itself() -> None:
    assert default_path([Path("runs/a")]) == Path("runs/a/report.html")
    several = default_path([Path("runs/a"), Path("runs/b")])
    assert several == Path("runs/reports/a-b.html")


def test_cells_are_compared_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a stand-in for the sweep, whose own tests run it."""
    asked: dict[str, Any] = {}

    def sweep(options: Any, console: Any) -> int:
        asked.update(vars(options))
        write_run(options.out)
        return 0

    monkeypatch.setattr("experiments.report.command.sweep", sweep)
    assert main(["compare_cells", "--out", str(tmp_path / "s")]) == 0
    assert (asked["sheet"], asked["workers"]) == (CELLS, None)
    assert (tmp_path / "s" / "report.html").exists()
    monkeypatch.setattr("experiments.report.command.sweep", lambda *_: 130)
    assert main(["compare_cells", "--out", str(tmp_path / "t")]) == 130
    assert not (tmp_path / "t").exists()


def test_the_cells_that_are_compared() -> None:
    cells = [cell.experiment.model.cell for cell in load_sheet(CELLS).cells]
    assert [type(cell).__name__ for cell in cells] == ["Elman", "IRNN", "GRU", "LSTM"]
