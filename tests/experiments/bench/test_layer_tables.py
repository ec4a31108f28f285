import io

from rich.console import Console

from experiments.bench.layer_tables import executors_table, shape_table, summary_table
from experiments.table import WIDTH
from tests.experiments.bench.fabricated import results


def test_a_shape_is_told_relative_to_ours() -> None:
    table = shape_table(results()[0])
    assert table.title == "B=64 T=192 I=64 H=256"
    assert table.rows[2] == (
        "torch.nn.LSTM",
        "2 threads",
        "3,000 ±0%",
        "3.00",
        "4,000 ±0%",
        "2.00",
        "–",
    )
    assert table.rows[4][1:] == ("2 devices", "1,500 ±0%", "1.50", "5,000 ±0%", "2.50", "1.25")
    assert table.notes == ("Outputs and gradients of all within 3e-06 of float64.",)


def test_a_batch_of_one_is_said_not_to_be_shared_out() -> None:
    note, _ = shape_table(results()[1]).notes
    assert note == "A batch of 1 cannot be shared out over 2 devices: all run on one."


def test_executors_are_told_in_microseconds_a_step() -> None:
    table = executors_table(results()[0])
    assert table.rows == [
        ("checkpointed", "2 devices", "3,000", "15,625", "4,000", "20,833", "40%", "1.25")
    ]
    assert table.notes == ("Not cudnn: it needs an NVIDIA GPU; this is cpu.",)


def test_the_sum_of_all() -> None:
    table = summary_table(results())
    rows = {first: rest for first, *rest in table.rows}
    assert rows["gradient, against best JAX peer, one device"] == [
        "1.50",
        "0.75",
        "B=1 T=1000 I=2 H=4",
    ]
    assert rows["compile seconds of the gradient, fused / scan"][:2] == ["0.71", "2.00"]
    assert rows["gradient, share of the ceiling"] == ["80%", "", "B=64 T=192 I=64 H=256"]
    assert len(table.rows) == 8


def test_every_table_fits_and_no_cell_is_cut() -> None:
    screen = io.StringIO()
    tables = [summary_table(results()), executors_table(results()[0])]
    for table in [*tables, *map(shape_table, results())]:
        lines = len(screen.getvalue().splitlines())
        table._replace(notes=()).print(Console(file=screen, width=WIDTH))
        shown = screen.getvalue().splitlines()[lines:]
        assert max(map(len, shown)) <= WIDTH
        assert len(shown) == len(table.rows) + 3
        assert "…" not in "".join(shown)
