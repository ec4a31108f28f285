"""A schema small enough to quote every message of, and a way to ask what it says of a text."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from annotated_types import Ge, Gt

from experiments.config import ConfigError, Experiment, load
from experiments.config.schema import Schema
from lstm_jax.cells import Cell
from lstm_jax.checks import Fraction, Settings, Size
from lstm_jax.initializers import GATE_BIASES, Chrono, ForgetBias


@dataclasses.dataclass(frozen=True)
class Adding(Settings):
    variant: Literal["hochreiter1997", "bai2018"]
    length: Annotated[int, Ge(20)]


@dataclasses.dataclass(frozen=True)
class Copying(Settings):
    """`marks` may not outnumber `delay`: a contradiction between two fields."""

    delay: Size
    marks: Size = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.marks > self.delay:
            raise ValueError(f"marks={self.marks} must be at most delay={self.delay}")


@dataclasses.dataclass(frozen=True)
class Plain(Cell):
    hidden_size: Size
    bias: ForgetBias | Chrono = ForgetBias()

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def init(self, *_: object) -> None:
        """No config is ever run here."""

    initial_state = advance = output = init


@dataclasses.dataclass(frozen=True)
class Peephole(Plain):
    peepholes: bool = True


@dataclasses.dataclass(frozen=True)
class Constant(Settings):
    pass


@dataclasses.dataclass(frozen=True)
class Cosine(Settings):
    floor: Fraction = 0.0
    warmup: Size | None = None


@dataclasses.dataclass(frozen=True)
class Adam(Settings):
    learning_rate: Annotated[float, Gt(0.0)]
    schedule: Constant | Cosine = Constant()


@dataclasses.dataclass(frozen=True)
class Report(Settings):
    every: Size = 100


@dataclasses.dataclass(frozen=True)
class Train(Settings):
    log_every: ClassVar[int] = 1
    steps: Size
    seeds: tuple[int, ...] = (0,)
    span: tuple[Size, float] | None = None
    until: Literal["solved"] | Size | None = None
    report: Report = Report()
    verbose: bool = False


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Schema(
        tasks={"adding": Adding, "copying": Copying},
        cells={"lstm": Plain, "peephole": Peephole},
        optimizers={"adam": Adam},
        train=Train,
        nested=(GATE_BIASES, {"constant": Constant, "cosine": Cosine}),
    )


@pytest.fixture(scope="session")
def example() -> str:
    """A valid config, in the order of its lines: title 1, task 2, model 3, optimizer 4, train 5."""
    return (
        "title: example\n"
        "task: {name: adding, variant: bai2018, length: 20}\n"
        "model: {cell: lstm, hidden_size: 8}\n"
        "optimizer: {name: adam, learning_rate: 1e-3}\n"
        "train: {steps: 10}\n"
    )


@pytest.fixture(scope="session")
def read(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Experiment]:
    """Loads a text, or bytes, as the file a.yaml."""
    path = tmp_path_factory.mktemp("configs") / "a.yaml"

    def load_text(text: str | bytes, *overrides: str) -> Experiment:
        path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return load(path, overrides, schema)

    return load_text


@pytest.fixture(scope="session")
def complaints(read: Callable[..., Experiment]) -> Callable[..., list[str]]:
    """What is wrong with a text, line by line; the file is called a.yaml."""

    def faults(text: str | bytes, *overrides: str) -> list[str]:
        try:
            read(text, *overrides)
        except ConfigError as error:
            return [
                str(fault).removeprefix(f"{Path(fault.file).parent}/") for fault in error.faults
            ]
        return []

    return faults
