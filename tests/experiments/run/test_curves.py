"""The picture of a run, drawn from its directory alone."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from experiments.run.curves import COLOURS, LEGEND_SIZE, plot_curves


def write_run(folder: Path, seeds: int, errors: list[list[float | None]], **changes: Any) -> Path:
    """A run directory: `errors` by call and seed, ten sequences a call."""
    summary = {
        "title": "",
        "seeds": list(range(seeds)),
        "members": [f"seed_{seed}" for seed in range(seeds)],
        "variants": [],
        "solved": [False] * seeds,
        "sequences_to_solve": [None] * seeds,
        "chance": 0.3,
        "threshold": 0.01,
        "error": "mean absolute error",
    }
    tests = changes.pop("test_error", {})
    lines = [
        {"sequences": 10 * n, "error": row} | ({"test_error": tests[n]} if n in tests else {})
        for n, row in enumerate(errors, start=1)
    ]
    (folder / "summary.json").write_text(json.dumps(summary | changes))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **options: Any) -> None:
        saved.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved


def curves(figure: Figure) -> dict[str, list[tuple[float, float]]]:
    lines = [line for line in figure.axes[0].lines if line.get_label().startswith("seed")]
    return {line.get_label(): list(map(tuple, line.get_xydata().tolist())) for line in lines}


def test_a_picture_of_sane_size(tmp_path: Path) -> None:
    path = plot_curves(write_run(tmp_path, 2, [[0.5, 0.4], [0.3, 0.2]]))
    content = path.read_bytes()
    assert path == tmp_path / "curves.png"
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert 600 <= height < width <= 2400
    assert 10_000 < len(content) < 500_000


def test_each_seed_has_its_curve_up_to_where_it_was_solved(
    tmp_path: Path, figure: list[Figure]
) -> None:
    errors = [[0.5, 0.4], [0.3, 0.005], [0.2, None]]
    plot_curves(write_run(tmp_path, 2, errors, solved=[False, True], sequences_to_solve=[None, 18]))
    assert curves(figure[0]) == {
        "seed 0": [(10, 0.5), (20, 0.3), (30, 0.2)],
        "seed 1": [(10, 0.4), (18, 0.005)],
    }
    axes = figure[0].axes[0]
    stars = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "*"]
    assert stars == [[[18, 0.005]]]
    assert axes.get_title() == f"{tmp_path.name}\n1 of 2 seeds solved"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("mean absolute error", "training sequences")


def test_chance_and_threshold_are_drawn_and_named(tmp_path: Path, figure: list[Figure]) -> None:
    plot_curves(write_run(tmp_path, 1, [[0.5]]))
    axes = figure[0].axes[0]
    levels = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
    assert {0.3, 0.01} <= levels
    assert {text.get_text() for text in axes.texts} == {"chance", "solved below"}


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_a_threshold_that_no_line_can_stand_for_is_not_drawn(
    tmp_path: Path, figure: list[Figure], threshold: float | None
) -> None:
    plot_curves(write_run(tmp_path, 1, [[0.5], [0.0]], threshold=threshold))
    assert {text.get_text() for text in figure[0].axes[0].texts} == {"chance"}


def test_test_scores_are_points(tmp_path: Path, figure: list[Figure]) -> None:
    plot_curves(write_run(tmp_path, 1, [[0.5], [0.4]], test_error={2: [0.45]}))
    dots = [line for line in figure[0].axes[0].lines if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in dots] == [[[20, 0.45]]]


@pytest.mark.parametrize("seeds, legend", [(LEGEND_SIZE, True), (LEGEND_SIZE + 1, False)])
def test_only_few_seeds_have_a_legend(
    tmp_path: Path, figure: list[Figure], seeds: int, legend: bool
) -> None:
    plot_curves(write_run(tmp_path, seeds, [[0.5] * seeds]))
    assert (figure[0].axes[0].get_legend() is not None) == legend


VARIANTS = [{"optimizer.learning_rate": rate, "model.bias.value": 1.0} for rate in (0.01, 0.1)]


def test_variants_are_told_apart_by_their_keys(tmp_path: Path, figure: list[Figure]) -> None:
    """Two of three seeds each: a colour and a line of the legend for a variant, not for a seed."""
    needed = [None, 18, None, None, None, 20]
    plot_curves(
        write_run(
            tmp_path,
            6,
            [[0.5, 0.4, 0.45, 0.3, 0.31, 0.29], [0.4, 0.3, 0.35, 0.1, None, 0.009]],
            variants=VARIANTS,
            solved=[count is not None for count in needed],
            sequences_to_solve=needed,
        )
    )
    axes = figure[0].axes[0]
    drawn = [line for line in axes.lines if len(line.get_xdata()) and line.get_marker() == "None"]
    colours = [line.get_color() for line in drawn if line.get_linestyle() == "-"]
    assert colours == [COLOURS[0]] * 3 + [COLOURS[1]] * 3
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "learning_rate 0.01, value 1.0",
        "learning_rate 0.1, value 1.0",
    ]
    assert axes.get_title() == f"{tmp_path.name}\n2 of 6 members solved"


@pytest.mark.parametrize("seeds, expected", [(1, "1 seed"), (2, "2 seeds")])
def test_the_title_counts_seeds(
    tmp_path: Path, figure: list[Figure], seeds: int, expected: str
) -> None:
    plot_curves(write_run(tmp_path, seeds, [[0.5] * seeds], title="A run"))
    assert figure[0].axes[0].get_title() == f"A run\n0 of {expected} solved"


@pytest.mark.parametrize(
    "errors",
    [
        pytest.param([], id="interrupted before the first call"),
        pytest.param([[None]], id="diverged in the first call"),
        pytest.param([[0.5], [None]], id="diverged later"),
    ],
)
def test_a_run_with_little_to_show_still_has_a_picture(
    tmp_path: Path, errors: list[list[float | None]]
) -> None:
    path = plot_curves(write_run(tmp_path, 1, errors))
    assert path.stat().st_size > 5_000


def test_any_name_of_a_folder_serves(tmp_path: Path) -> None:
    folder = tmp_path / r"a$\b$"
    folder.mkdir()
    assert plot_curves(write_run(folder, 1, [[0.5]])).exists()
