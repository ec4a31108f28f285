"""The section on gates and states: in the course of training, and while a sequence passes."""

from collections.abc import Sequence

import numpy as np

from experiments.report.album import Album
from experiments.report.course import courses
from experiments.report.figures.characters import Reading, read_text
from experiments.report.figures.gate_course import Course, gate_course
from experiments.report.figures.gates import NAMES, Signal, gate_maps
from experiments.report.page import Block, Heading, Section
from experiments.report.probing import Inside
from lstm_jax.tasks import Adding, Copying
from lstm_jax.tasks import Text as TextTask

CHARACTERS = 72
"""Of a text that are shown."""


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
        "seeds, where a seed that has stopped stays as it was.",
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


SORTED = "; those that remember longest stand above"


def signals_of(inside: Inside) -> tuple[list[Signal], list[int], str]:
    """What an example reads and should say, the steps to be seen, and what they are."""
    (inputs, targets, outputs, _), task = inside.example, inside.task
    if isinstance(task, Adding):
        channels = {"value": inputs[:, 0], "marker": inputs[:, 1]}
        events = np.flatnonzero(inputs[:, 1] == 1).tolist()
        told = (
            f"Red marks are at the two marked steps, {' and '.join(map(str, events))}. At the "
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
                f"The red mark is at the delimiter, after which the model is to repeat the first "
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
