"""The section on memory: time scales, what states know of the past, what gates are worth."""

from collections.abc import Sequence

import numpy as np

from experiments.report.album import Album
from experiments.report.figures.gates import NAMES
from experiments.report.figures.recall import memory_curve
from experiments.report.figures.scales import Scales, time_scales
from experiments.report.page import Block, Heading, Section, Table
from experiments.report.probing import Inside


def memory(insides: Sequence[Inside], album: Album) -> Section | None:
    """Time scales, what the states still know of the past, and what each gate is worth."""
    blocks: list[Block] = []
    for place, inside in enumerate(insides, start=1):
        found = _of_memory(inside, place, album)
        if found and len(insides) > 1:
            blocks.append(Heading(inside.arm.label))
        blocks += found
    return Section("memory", "How long it remembers", blocks) if blocks else None


def _of_memory(inside: Inside, place: int, album: Album) -> list[Block]:
    blocks: list[Block] = []
    scales = [
        Scales(name, before, after)
        for cell, name in enumerate(inside.cells)
        if (after := inside.after.scales(cell)) is not None
        and (before := inside.before.scales(cell)) is not None
        and (np.isfinite(after).any() or np.isfinite(before).any())
    ]
    if scales:
        told = "; ".join(
            f"{each.title}: a median of {np.median(each.before):.3g} steps before and "
            f"{np.median(each.after):.3g} after training, the longest {each.after.max():.3g}"
            for each in scales
        )
        blocks.append(
            album.add(
                f"time-scales-{place}",
                time_scales(scales, inside.task.lag),
                f"Time scales of the units. {told}.",
                f"{told[0].upper()}{told[1:]}. The time scale is 1 / (1 − k) with k the mean "
                "share that the unit keeps in a step (f of an LSTM, z of a GRU): the steps over "
                "which it would lose all but 1/e.",
                wide=len(scales) > 1,
            )
        )
    if inside.before.recall is not None and inside.after.recall is not None:
        first, then = (
            dict(zip(inside.cells, each, strict=True))
            for each in (inside.before.recall, inside.after.recall)
        )
        told = "; ".join(
            f"{name}, half of the variance up to {_known(inside.lags, first[name])} steps back "
            f"before training and {_known(inside.lags, then[name])} after"
            for name in inside.cells
        )
        blocks.append(
            album.add(
                f"memory-curve-{place}",
                memory_curve(inside.lags, first, then),
                "How well a linear readout of the states recovers inputs, by how long ago they "
                f"were: {told}.",
                "The share of the variance of an input that a ridge regression on the states "
                "explains on held-out sequences (Jaeger 2001). A model need not keep what its "
                "task does not ask for.",
            )
        )
    if inside.ablation is not None:
        blocks.append(ablation_table(inside))
    return blocks


def _known(lags: np.ndarray, values: np.ndarray) -> int:
    """The longest lag at which half of the variance is known."""
    return int(lags[values >= 0.5].max(initial=0))


def ablation_table(inside: Inside) -> Table:
    """What each gate is worth: the error where it does not move."""
    assert inside.ablation is not None
    intact = float(inside.ablation.intact)
    rows = [("as it is", f"{intact:.3g}", "")]
    for name, held in zip(inside.cells, inside.ablation.held, strict=True):
        prefix = f"{name}, " if len(inside.cells) > 1 else ""
        rows += [
            (f"{prefix}{NAMES.get(gate, gate)} held", f"{float(error):.3g}",
             f"{float(error) / intact:.3g}" if intact > 0 else "–")
            for gate, error in held.items()
        ]  # fmt: skip
    note = (
        f"Each gate alone is held at its mean for each unit, over {inside.sequences} held-out "
        f"sequences; chance is {inside.task.chance:.3g}."
    )
    columns = ("gate", inside.task.error_name, "times as large")
    return Table("What each gate is worth", columns, rows, [note])
