"""What a compiled training step costs, and how it is told in the terminal."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.compile.platforms import Target
from experiments.words import plural
from lstm_jax.unroll import Choice


class Memory(NamedTuple):
    """Bytes on one device; of a TPU its HBM alone, without the vector memory of its cores."""

    arguments: int
    outputs: int
    reused: int
    """Of the outputs, those in the place of arguments: the state of the training."""
    temporary: int | None = None
    """None where no compiler has told."""
    code: int = 0

    @property
    def needed(self) -> int | None:
        """What has to be there at once, where it is known."""
        if self.temporary is None:
            return None
        return self.arguments + self.outputs - self.reused + self.temporary + self.code


class Costs(NamedTuple):
    """What there is to tell of a training step on one platform."""

    target: Target
    devices: int
    """How many of the target's are used."""
    memory: Memory
    flops: int
    """Of matrix products, on one device in one step of all its seeds."""
    tracing: float
    """Seconds, as below."""
    compiling: float | None = None
    """None where nothing was compiled."""
    refusal: str | None = None
    """Why the compiler finds no room, in its words."""

    @property
    def needed(self) -> int | None:
        """Bytes of the target's memory that have to be there at once, where that is known."""
        if self.memory.needed is None:
            return None
        return self.memory.needed * (self.devices if self.target.shared else 1)

    @property
    def fits(self) -> bool | None:
        """Whether there is room; None where that is not known."""
        if self.refusal is not None:
            return False
        if self.needed is None or self.target.memory is None:
            return None
        return self.needed <= self.target.memory


def print_costs(console: Console, choices: Iterable[tuple[str, Choice]], costs: Costs) -> None:
    """Print which executor runs each cell, and the costs on one device."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for cell, choice in choices:
        table.add_row("executor", Text(f"{choice.executor} for {cell}"))
        others = (f"not {name}: {why}" for name, why in choice.others.items())
        table.add_row("", Text("\n".join(others), style="dim"))
    for heading, told in _rows(costs):
        table.add_row(heading, Text(told))
    console.print(table)


def _rows(costs: Costs) -> list[tuple[str, str]]:
    memory, each = costs.memory, " on each device" if costs.devices > 1 else ""
    unknown = "" if costs.target.compiles else " without an NVIDIA GPU's compiler"
    temporary = f"not known{unknown}" if memory.temporary is None else size(memory.temporary) + each
    compiling = "not compiled" if costs.compiling is None else f"{costs.compiling:.1f} s compiling"
    return [
        ("arguments", size(memory.arguments) + each),
        ("outputs", f"{size(memory.outputs)}{each}, {size(memory.reused)} in place of arguments"),
        ("temporary", temporary),
        ("FLOPs", f"{flops(costs.flops)} of matrix products in a step{each}"),
        ("time", f"{costs.tracing:.1f} s tracing, {compiling}"),
        ("fits", _verdict(costs, each)),
    ]


def _verdict(costs: Costs, each: str) -> str:
    if costs.refusal is not None:
        return f"no: {costs.refusal}"
    if costs.fits is None or costs.needed is None or costs.target.memory is None:
        return "not known"
    all_of_them = f" for {plural(costs.devices, 'device')}" if costs.target.shared else each
    return (
        f"{'yes' if costs.fits else 'no'}: {size(costs.needed)}{all_of_them}, "
        f"of {size(costs.target.memory)} ({costs.target.source})"
    )


def size(count: int) -> str:
    """Bytes, for people.

    >>> size(236), size(1010), size(25088), size(95 * 2**30)
    ('236 bytes', '0.986 KiB', '24.5 KiB', '95 GiB')
    """
    return _scaled(count, 1024, ("bytes", "KiB", "MiB", "GiB", "TiB"))


def flops(count: int) -> str:
    """Floating-point operations, for people.

    >>> flops(1_234_567)
    '1.23 MFLOP'
    """
    return _scaled(count, 1000, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"))


def _scaled(count: float, base: int, units: tuple[str, ...]) -> str:
    for unit in units:
        if count < 999.5 or unit == units[-1]:
            break
        count /= base
    return f"{count:.3g} {unit}"
