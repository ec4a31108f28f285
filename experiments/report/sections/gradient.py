"""The section on the gradient: how much of it is left on its way back, before and after."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.report.album import Album
from experiments.report.figures.flow import Panel, Trace, gradient_flow
from experiments.report.page import Block, Section, Table, Text
from experiments.report.probing import Condition, Inside
from experiments.report.story import number
from lstm_jax.diagnostics import Decay

MAX_PANELS = 8


def gradient(insides: Sequence[Inside], album: Album) -> Section | None:
    """The gradient flow of every cell, before and after training, side by side."""
    shown = [inside for inside in insides if inside.after.flows is not None]
    if not shown:
        return None
    pairs = [(inside, cell) for inside in shown for cell in range(len(inside.cells))]
    if len(pairs) > MAX_PANELS:
        pairs = [(inside, best(inside)) for inside in shown]
    panels = [
        Panel(title_of(inside, cell, len(shown) > 1), _traces(inside, cell))
        for inside, cell in pairs
    ]
    lags = {inside.task.lag for inside in shown}
    figure = gradient_flow(panels, lags.pop() if len(lags) == 1 else None)
    sentences = [gradient_story(inside, len(shown) > 1) for inside in shown]
    picture = album.add(
        "gradient-flow",
        figure,
        "Curves of the gradient's norm over the steps that it has gone back in time. "
        + " ".join(sentences),
        "The norm of the derivative of the loss of the last scored step by the state of k steps "
        "before, the root mean square over held-out sequences, relative to the state nearest to "
        "the loss. Dotted upright: the longest dependency of the task. A line that falls means "
        "that what is early teaches little.",
        wide=len(panels) > 1,
    )
    blocks: list[Block] = [
        *map(Text, sentences if len(shown) > 1 else ()),
        picture,
        _decay_table(pairs, len(shown) > 1),
    ]
    return Section("gradient", "The gradient on its way back", blocks)


def title_of(inside: Inside, cell: int, several: bool) -> str:
    """What a panel is of."""
    parts = [inside.arm.label] if several else []
    if len(inside.cells) > 1 or not parts:
        parts.append(inside.cells[cell])
    return ", ".join(parts)


def _traces(inside: Inside, cell: int) -> list[Trace]:
    return [
        Trace(name, after, norms)
        for after, condition in ((False, inside.before), (True, inside.after))
        if condition.flows is not None
        for name, norms in condition.flows[cell].items()
    ]


def best(inside: Inside) -> int:
    """The cell in which most of the gradient is left after training."""

    def left(cell: int) -> float:
        found = carrier(inside.after, cell)
        return -1.0 if found is None or math.isnan(found.change) else found.change

    return max(range(len(inside.cells)), key=left)


def carrier(condition: Condition, cell: int) -> Decay | None:
    """How the gradient falls on its best way: by the cell state where there is one, else by h."""
    if condition.decays is None:
        return None
    found = condition.decays[cell]
    return found.get("c") or found.get("h") or next(iter(found.values()), None)


def gradient_story(inside: Inside, named: bool = False) -> str:
    """What becomes of the gradient over all lags, before and after, in a sentence."""
    cell = best(inside)
    before, after = carrier(inside.before, cell), carrier(inside.after, cell)
    assert before is not None
    assert after is not None
    layer = [f"{inside.cells[cell]}, where most of it is left"] if len(inside.cells) > 1 else []
    where = ", ".join([inside.arm.label] * named + layer)
    name = f"In {where}, going" if where else "Going"
    return (
        f"{name} {reach(inside):,} steps back in time, {_left(before)} of the gradient is left "
        f"before training ({before.verdict}) and {_left(after)} after it ({after.verdict})."
    )


def reach(inside: Inside) -> int:
    """The longest lag that there is a norm of."""
    assert inside.after.flows is not None
    norms = next(iter(inside.after.flows[0].values()))
    return int(np.flatnonzero(~np.isnan(norms)).max(initial=0))


def _left(found: Decay) -> str:
    """A share of the gradient in words.

    >>> [_left(Decay(1.0, 1.0, change, "")) for change in (0.25, 0.95, 1e-9, 1e7, math.nan)]
    ['25%', 'all', 'a share of 1e-09', '1e+07 times as much', 'nothing']
    """
    if math.isnan(found.change) or found.change == 0:
        return "nothing"
    if math.isinf(found.change):
        return "more than can be counted"
    if found.change < 1e-3:
        return f"a share of {found.change:.0e}"
    if found.change < 0.9:
        return f"{100 * found.change:.2g}%"
    return "all" if found.change < 1.2 else f"{found.change:.2g} times as much"


def _decay_table(pairs: Sequence[tuple[Inside, int]], several: bool) -> Table:
    rows = []
    for inside, cell in pairs:
        before, after = inside.before.decays, inside.after.decays
        assert before is not None
        assert after is not None
        for state in after[cell]:
            name = f"{title_of(inside, cell, several)}: {state}"
            rows.append((f"{name}, before training", *_cells(before[cell][state])))
            rows.append((f"{name}, after", *_cells(after[cell][state])))
    columns = ("state", "a step", "by e in", "in all", "verdict")
    note = (
        "A step: the factor by which the norm changes on a step back. By e in: the steps over "
        "which it changes by a factor of e; both by a fit over all lags. In all: the norm at the "
        "longest lag over that at the shortest. Vanishing: a hundredth of it at most; dead: "
        "nothing, from one step to the next; exploding: a hundredfold at least."
    )
    return Table("How the gradient falls", columns, rows, [note])


def _cells(found: Decay) -> tuple[str, ...]:
    return (
        number(found.rate),
        number(found.e_folding, ",.0f"),
        number(found.change, ".2g"),
        found.verdict,
    )
