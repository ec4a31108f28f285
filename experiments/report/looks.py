"""The sections on what is inside: the gradient on its way back, gates and states, memory."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.report.album import Album
from experiments.report.course import courses
from experiments.report.figures.characters import Reading, read_text
from experiments.report.figures.flow import Panel, Trace, gradient_flow
from experiments.report.figures.gate_course import Course, gate_course
from experiments.report.figures.gates import NAMES, Signal, gate_maps
from experiments.report.figures.recall import memory_curve
from experiments.report.figures.scales import Scales, time_scales
from experiments.report.page import Block, Heading, Section, Table, Text
from experiments.report.probing import Condition, Inside
from experiments.report.story import number
from lstm_jax.diagnostics import Decay
from lstm_jax.tasks import Adding, Copying
from lstm_jax.tasks import Text as TextTask

MAX_PANELS = 8
CHARACTERS = 72
"""Of a text that are shown."""


def gradient(insides: Sequence[Inside], album: Album) -> Section | None:
    """The gradient flow of every cell, before and after training, side by side."""
    shown = [inside for inside in insides if inside.after.flows is not None]
    if not shown:
        return None
    pairs = [(inside, cell) for inside in shown for cell in range(len(inside.cells))]
    if len(pairs) > MAX_PANELS:
        pairs = [(inside, 0) for inside in shown]
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


def carrier(condition: Condition, cell: int = 0) -> Decay | None:
    """How the gradient falls on its best way: by the cell state where there is one, else by h."""
    if condition.decays is None:
        return None
    found = condition.decays[cell]
    return found.get("c") or found.get("h") or next(iter(found.values()), None)


def gradient_story(inside: Inside, named: bool = False) -> str:
    """What becomes of the gradient over all lags, before and after, in a sentence."""
    before, after = carrier(inside.before), carrier(inside.after)
    assert before is not None
    assert after is not None
    name = f"In {inside.arm.label}, going" if named else "Going"
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
            rows.append((name, *_decay_cells(before[cell][state], after[cell][state])))
    columns = (
        "state", "a step, before", "after", "by e in, before", "after", "in all, before", "after",
        "verdict, before", "after",
    )  # fmt: skip
    note = (
        "A step: the factor by which the norm changes on a step back. By e in: the steps over "
        "which it changes by a factor of e. Vanishing: to at most a hundredth over all lags; "
        "exploding: a hundredfold at least."
    )
    return Table("How the gradient falls", columns, rows, [note])


def _decay_cells(before: Decay, after: Decay) -> list[str]:
    return [
        cell
        for form, field in ((".3g", "rate"), (",.0f", "e_folding"), (".2g", "change"))
        for cell in (number(getattr(before, field), form), number(getattr(after, field), form))
    ] + [before.verdict, after.verdict]


def gates(insides: Sequence[Inside], album: Album) -> Section:
    """What gates and states do while an example passes."""
    blocks: list[Block] = []
    for place, inside in enumerate(insides):
        if len(insides) > 1:
            blocks.append(Heading(inside.arm.label))
        if told := courses(inside.arm):
            blocks.append(_course(told, place, album))
        for cell in range(len(inside.cells)):
            name = f"gates-{place + 1}-{cell + 1}"
            if isinstance(inside.task, TextTask):
                blocks.append(_of_text(inside, inside.task, cell, album, name))
            else:
                blocks.append(_of_signal(inside, cell, album, name))
    return Section("gates", "Gates and states while a sequence passes", blocks)


def _course(told: list[Course], place: int, album: Album) -> Block:
    """How open the gates were while it was trained."""
    ends = "; ".join(
        f"{cell.title}, {NAMES.get(gate, gate)}, from {first:.2f} to {last:.2f}"
        for cell in told
        for gate, means in cell.means.items()
        for first, *_, last in [np.nanmedian(means, axis=1)[[0, -1]]]
    )
    return album.add(
        f"gate-course-{place + 1}",
        gate_course(told),
        f"Curves of the mean of each gate over the training sequences: {ends}.",
        "The mean of each gate over units, steps and held-out sequences; thick, the median over "
        "seeds.",
        wide=len(told) > 1,
    )


def _of_signal(inside: Inside, cell: int, album: Album, name: str) -> Block:
    traces = inside.example.traces[cell]
    signals, events, told = signals_of(inside)
    title = f"{inside.cells[cell]}: gates and states while a sequence passes"
    figure = gate_maps(traces, signals, events, inside.after.scales(cell), title)
    steps = len(inside.example.outputs)
    alt = f"Heat maps over {steps:,} steps of {', '.join(NAMES.get(n, n) for n in traces)}. {told}"
    return album.add(name, figure, alt, f"{told} {_caption(inside)}".strip(), wide=True)


def _caption(inside: Inside) -> str:
    gated = inside.after.scales(0) is not None
    return (
        f"Every row is a unit{SORTED if gated else ''}. The model is that of {inside.seed.name}, "
        "and has not been trained on this sequence."
    )


SORTED = "; those that remember longest, by 1 / (1 − f), stand above"


def signals_of(inside: Inside) -> tuple[list[Signal], list[int], str]:
    """What an example reads and should say, the steps to be seen, and what they are."""
    (inputs, targets, outputs, _), task = inside.example, inside.task
    if isinstance(task, Adding):
        channels = {"value": inputs[:, 0], "marker": inputs[:, 1]}
        events = np.flatnonzero(inputs[:, 1] == 1).tolist()
        told = (
            f"The dashed lines are the two marked steps, {' and '.join(map(str, events))}. At the "
            f"last step the model says {outputs[-1, 0]:.3f}; right is {targets[-1, 0]:.3f}."
        )
        return [Signal("the input", channels)], events, told
    if task.tokens:
        said = outputs.argmax(axis=-1)
        signals = [
            Signal("the input, a symbol each step", {"read": inputs}, tokens=True),
            Signal(
                "what the model says, beside what is right",
                {"right": targets, "said": said},
                tokens=True,
            ),
        ]
        if isinstance(task, Copying):
            event = int(np.flatnonzero(inputs == inputs.max())[-1])
            wrong = int((said[event + 1 :] != targets[event + 1 :]).sum())
            told = (
                f"The dashed line is the delimiter, after which the model is to repeat the first "
                f"symbols; it has {wrong} of them wrong."
            )
            return signals, [event], told
        return signals, [], ""
    channels = {f"input {number + 1}": inputs[:, number] for number in range(inputs.shape[1])}
    return [Signal("the input", channels)], [], ""


def _of_text(inside: Inside, task: TextTask, cell: int, album: Album, name: str) -> Block:
    inputs, targets, outputs, _ = inside.example
    steps = len(outputs)
    here = slice(max(0, steps - CHARACTERS), steps)
    logits = outputs[here].astype(float)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    reading = Reading(
        text=task.decode(inputs[here]),
        following=task.decode(targets[here]),
        probabilities=odds / odds.sum(axis=1, keepdims=True),
        alphabet=task.alphabet,
    )
    traces = inside.example.traces[cell]
    shown = {key: values[here] for key, values in traces.items()}
    figure = read_text(reading, shown, inside.after.scales(cell))
    best = odds.argmax(axis=1)
    right = int((best == targets[here]).sum())
    alt = (
        f"The text {reading.text!r} with the model's four likeliest next characters at each; the "
        f"first guess is right {right} of {len(best)} times. Below, heat maps of "
        f"{', '.join(NAMES.get(n, n) for n in traces)}."
    )
    return album.add(name, figure, alt, _caption(inside), wide=True)


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
                f"{told[0].upper()}{told[1:]}. The time scale is 1 / (1 − f) with f the mean of "
                "the unit's forget gate: the steps over which it would lose all but 1/e.",
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
             f"{float(error) / intact:.3g} times" if intact > 0 else "–")
            for gate, error in held.items()
        ]  # fmt: skip
    note = f"Each gate alone is held at its mean for each unit; chance is {inside.task.chance:.3g}."
    columns = ("gate", inside.task.error_name, "of what it is")
    return Table("What each gate is worth", columns, rows, [note])
