"""Memory is told of by units, by readouts and by gates."""

import numpy as np

from experiments.report.album import Album
from experiments.report.page import Picture, Table
from experiments.report.probing import Inside
from experiments.report.sections.memory import ablation_table, memory
from lstm_jax.diagnostics import Ablation


def test_memory_has_scales_a_curve_and_the_worth_of_gates(inside: Inside, album: Album) -> None:
    section = memory([inside], album)
    assert section is not None
    assert [type(block) for block in section.blocks] == [Picture, Picture, Table]
    assert len(album.files) == 2


def test_of_a_cell_without_gates_there_is_the_curve_alone(inside: Inside, album: Album) -> None:
    plain = inside._replace(
        before=inside.before._replace(statistics=None),
        after=inside.after._replace(statistics=None),
        ablation=None,
    )
    section = memory([plain], album)
    assert section is not None
    assert [type(block) for block in section.blocks] == [Picture]


def test_what_a_gate_is_worth(inside: Inside) -> None:
    found = Ablation(np.float32(0.5), ({"f": np.float32(1.0)},))  # type: ignore[arg-type, dict-item]
    table = ablation_table(inside._replace(ablation=found))
    assert list(table.rows) == [("as it is", "0.5", ""), ("forget gate f held", "1", "2")]
