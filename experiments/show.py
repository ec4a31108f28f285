"""What the sequences of a task look like, as text.

    python -m experiments show reber --count 1
    python -m experiments show adding variant=bai2018 length=20

A column is a step of time. Targets stand where they count; of several legal symbols all are given.
The middle of what is too long for a line is left out.
"""

import argparse
from collections.abc import Sequence
from typing import Annotated, Any

import jax
import numpy as np
from pydantic import PlainValidator, TypeAdapter
from rich.console import Console
from rich.text import Text

from experiments.catalogue import first_line
from experiments.config.faults import COMMAND_LINE, Origin
from experiments.config.loading import checked
from experiments.config.models import Models, Section
from experiments.config.overrides import lay_over, read_overrides
from experiments.config.schema import SCHEMA
from experiments.config.tree import Node
from experiments.data import loaded
from experiments.run.run import BadInput
from experiments.table import WIDTH
from experiments.words import digits, plural
from lstm_jax.checks import named
from lstm_jax.tasks import Batch, Task

LABEL = 10
"""Characters of a line ahead of its first step."""
ELISION = "..."
NOTHING = "."
"""What stands for zero in a line of whole numbers."""

Line = tuple[str, list[str]]
"""What is shown, and its text at every step."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `show` takes."""
    parser.add_argument("task", help="the name of a task; `list` gives them all")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="what a config would say of the task"
    )
    parser.add_argument("--count", type=_count, default=3, help="how many sequences; 3")
    parser.add_argument("--seed", type=int, default=0, help="which ones; 0")


def show(options: argparse.Namespace, console: Console) -> None:
    """Print a few sequences; BadInput or ConfigError for what is no task."""
    task = read_task(options.task, options.overrides)
    key = jax.random.key(options.seed)
    batch = jax.device_get(jax.jit(task.sample, static_argnums=1)(key, options.count))
    kind = SCHEMA.tasks[options.task]
    print_lines(console, [f"{options.task}: {first_line(kind)}"])
    print_lines(console, [f"error: {task.error_name}, {digits(task.chance)} by chance"])
    for row in range(options.count):
        lines = sequence_lines(task, batch, row)
        steps = plural(len(lines[0][1]), "step")
        print_lines(console, ["", f"sequence {row}, {steps}", *aligned(lines, WIDTH)])


def read_task(name: str, settings: Sequence[str]) -> Task:
    """The task of a name and its settings as `key=value`.

    Raises BadInput for an unknown name and ConfigError with all that is wrong with the settings.
    """
    try:
        section = Section.of(named("task", name, SCHEMA.tasks))
    except ValueError as error:
        raise BadInput(str(error)) from None
    given, faults = read_overrides(settings)
    root, more = lay_over(Node({}, Origin(COMMAND_LINE)), given)
    check = Models(SCHEMA.names).section(section)
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Any, PlainValidator(check)])
    try:
        return loaded(checked(adapter, root, [*faults, *more]))
    except ValueError as error:
        raise BadInput(str(error)) from None


def sequence_lines(task: Task, batch: Batch, row: int) -> list[Line]:
    """The lines of one sequence of a batch of arrays (T, B, ...), without its padding."""
    length = batch.inputs.shape[0] if batch.lengths is None else int(batch.lengths[row])
    inputs, targets, weights = (np.asarray(part)[:length, row] for part in batch[:3])
    lines = [("step", [str(step) for step in range(length)])]
    if task.tokens:
        lines.append(("input", [written(task.symbols[int(token)]) for token in inputs]))
    else:
        lines += _channels("input", inputs)
    if task.answers is None:
        shown = _channels("target", targets)
    elif targets.ndim == 1:
        shown = [("target", [written(task.answers[int(target)]) for target in targets])]
    else:
        legal = [np.flatnonzero(step > 0) for step in targets]
        texts = ["".join(written(task.answers[int(n)]) for n in step) for step in legal]
        shown = [("target", texts)]
    for name, texts in shown:
        pairs = zip(texts, weights, strict=True)
        lines.append((name, [text if weight else "" for text, weight in pairs]))
    if (weights != 1).any():
        lines += _channels("weight", weights[:, None])
    return lines


def aligned(lines: Sequence[Line], width: int) -> list[str]:
    """Lines of text in columns, as many of the first and last as `width` characters hold.

    >>> for line in aligned([("step", list("0123456")), ("input", list("abcdefg"))], 21):
    ...     print(line)
    step      0 1 ... 5 6
    input     a b ... f g
    """
    steps = len(lines[0][1])
    column = max(len(text) for _, texts in lines for text in texts)
    fit = (width - LABEL + 1) // (column + 1)
    if steps <= fit:
        first, last, between = steps, 0, []
    else:
        fit = max(2, (width - LABEL - len(ELISION)) // (column + 1))
        first, last, between = fit - fit // 2, fit // 2, [ELISION]
    found = []
    for name, texts in lines:
        cells = [text.rjust(column) for text in texts]
        kept = [*cells[:first], *between, *cells[steps - last :]]
        found.append(f"{name:{LABEL}}{' '.join(kept)}".rstrip())
    return found


def written(symbol: str) -> str:
    r"""A symbol that can be seen.

    >>> written(" "), written("\n"), written("a")
    ('␣', '\\n', 'a')
    """
    if symbol == " ":
        return "␣"
    return symbol if symbol.isprintable() else symbol.encode("unicode_escape").decode()


def print_lines(console: Console, lines: Sequence[str]) -> None:
    """Print as it stands, without markup."""
    for line in lines:
        console.print(Text(line))


def _channels(name: str, values: np.ndarray) -> list[Line]:
    """A line for each channel of values (T, C): whole numbers, or two digits behind the point."""
    lines = []
    for channel, series in enumerate(values.T):
        if (series == np.round(series)).all():
            texts = [f"{value:.0f}" if value else NOTHING for value in series]
        else:
            texts = [f"{value:.2f}" for value in series]
        lines.append((name if values.shape[1] == 1 else f"{name} {channel}", texts))
    return lines


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 1000:
        raise argparse.ArgumentTypeError(f"must be from 1 to 1000, got {count}")
    return count
