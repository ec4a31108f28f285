"""What a config holds: four sections, and the settings that each may choose from.

    title:      text, optional
    task:       name, and the fields of that task
    model:      cell, the fields of that cell, and those of `ModelSettings`
    optimizer:  name, and the fields of that optimiser
    train:      the fields of the training settings
    output:     the fields of `OutputSettings`, optional
    diagnose:   the fields of `DiagnoseSettings`, optional
    published:  what is known of it, the fields of `Published`, optional
    variants:   settings in which members of one program differ, optional; see `variants.py`
    curriculum: stages that come before, optional; see `curriculum.py`

A new task, cell, optimiser or bias enters a registry of `lstm_jax` and is known here.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import PlainValidator, TypeAdapter

from experiments.config.curriculum import NAME as CURRICULUM
from experiments.config.curriculum import check_with_curriculum
from experiments.config.laid_over import Keys
from experiments.config.models import Models, Section
from experiments.config.variants import NAME as VARIANTS
from experiments.config.variants import check_with_variants
from experiments.config.words import said_of, together
from experiments.data import Source
from experiments.digits import Digits
from experiments.sinks import SINKS
from experiments.text import TextFile
from lstm_jax.cells import CELLS, Cell
from lstm_jax.checks import Fraction, Settings, Size
from lstm_jax.executors import EXECUTORS
from lstm_jax.initializers import GATE_BIASES
from lstm_jax.tasks import TASKS, Task
from lstm_jax.training import OPTIMIZERS, Optimizer, TrainSettings

Registry = Mapping[str, type[Settings]]


@dataclasses.dataclass(frozen=True)
class ModelSettings(Settings):
    """A model: layers of a cell between an encoder and a readout.

    Args:
        cell: one step of time; every layer has its own parameters of it.
        layers: how many, one above the other.
        bidirectional: whether each layer has a second cell that runs backwards.
        residual: whether each layer above the lowest adds its input to its output.
        learned_state: whether the initial state is learned.
        embedding_size: width of a learned embedding of tokens; without one they are one-hot.
        dropout: share of each layer's inputs and outputs set to zero in training.
        recurrent_dropout: share of what feeds back set to zero, for a whole sequence.
        drop_connect: share of the recurrent weights set to zero, for a whole batch.
        zoneout_c, zoneout_h: share of the cell and hidden state that each step keeps at random.
        readout_bias: whether the readout has a bias.
        readout_scale: its weights and biases begin in U[-scale, scale]; left out, weights in
            N(0, 1/H) and biases at zero.
        shortcut: whether the readout sees the inputs beside the layers.
        pretrained: a run directory; each seed begins with the parameters that its number had
            learnt there, whatever the task, instead of drawing some.
        executor: what carries the cell along time; "auto" picks one.
    """

    cell: Cell
    layers: Annotated[Size, Le(1000)] = 1
    bidirectional: bool = False
    residual: bool = False
    learned_state: bool = False
    embedding_size: Size | None = None
    dropout: Fraction = 0.0
    recurrent_dropout: Fraction = 0.0
    drop_connect: Fraction = 0.0
    zoneout_c: Fraction = 0.0
    zoneout_h: Fraction = 0.0
    readout_bias: bool = True
    readout_scale: Annotated[float, Gt(0.0)] | None = None
    shortcut: bool = False
    pretrained: str | None = None
    executor: Literal["auto", *EXECUTORS] = "auto"  # type: ignore[valid-type]


@dataclasses.dataclass(frozen=True)
class OutputSettings(Settings):
    """What a run leaves behind; nothing here changes what is learnt.

    Args:
        checkpoint_seconds: at most as long, and a step, since the last checkpoint was begun.
        keep_checkpoints: how many of the newest stay.
        log: views of the metrics for other programs, each of which is an extra to install.
    """

    checkpoint_seconds: Annotated[float, Gt(0.0)] = 60.0
    keep_checkpoints: Size = 3
    log: tuple[Literal[*SINKS], ...] = ()  # type: ignore[valid-type]


@dataclasses.dataclass(frozen=True)
class DiagnoseSettings(Settings):
    """What lines of metrics tell of the gates; nothing here changes what is learnt.

    Args:
        every: steps between looks, a multiple of `train.log_every`; left out, there are none.
        sequences: how many test sequences are looked at.
    """

    every: Size | None = None
    sequences: Size = 32


@dataclasses.dataclass(frozen=True)
class Published(Settings):
    """What others had of the same experiment, to be shown beside a run's own figures.

    Args:
        source: who, where and when, as in "Hochreiter & Schmidhuber 1997, table 7".
        row: what the source calls it, as in "T = 100", where it has several.
        sequences: training sequences until the task was solved.
        solve_rate: share of the trials that solved it.
        error: on test data, in the unit of the task.
        best: whether that error is of the best trial rather than of a usual one.
    """

    source: str
    row: str = ""
    sequences: Annotated[float, Gt(0.0)] | None = None
    solve_rate: Annotated[float, Ge(0.0), Le(1.0)] | None = None
    error: Annotated[float, Ge(0.0)] | None = None
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A whole config: what is learnt, by what, how it is trained, and what stays of it."""

    task: Task | Source
    model: ModelSettings
    optimizer: Optimizer
    train: TrainSettings
    title: str = ""
    output: OutputSettings = OutputSettings()
    diagnose: DiagnoseSettings = DiagnoseSettings()
    published: Published | None = None
    variants: tuple["Variant", ...] = ()
    curriculum: tuple["Variant", ...] = ()

    def __post_init__(self) -> None:
        every, line = self.diagnose.every, self.train.log_every
        if every is not None and every % line:
            message = f"must be a multiple of train.log_every={line}, got {every}"
            raise together([said_of(("diagnose", "every"), message)])

    @property
    def labels(self) -> tuple[str, ...]:
        """What each member is called: every seed of one variant after another."""
        seeds = [f"seed_{number}" for number in self.train.seed_numbers]
        if not self.variants:
            return tuple(seeds)
        return tuple(
            f"variant_{number}/seed_{seed}"
            for number, each in enumerate(self.variants)
            for seed in each.experiment.train.seed_numbers
        )


@dataclasses.dataclass(frozen=True)
class Variant:
    """What sets some members of a program, or a stage of a curriculum, apart from the config.

    Args:
        keys: what the config says of it.
        experiment: the whole config with these keys laid over it; that of a member has no
            variants, that of a stage no curriculum.
    """

    keys: Keys
    experiment: Experiment


@dataclasses.dataclass(frozen=True)
class Schema:
    """The settings that configs may choose from.

    Args:
        tasks, cells, optimizers: classes by the name that chooses them.
        train: the class of the section `train`.
        nested: registries of the classes that stand in unions within other settings.
    """

    tasks: Registry
    cells: Mapping[str, type[Cell]]
    optimizers: Registry
    train: type[Settings]
    nested: tuple[Registry, ...]

    @functools.cached_property
    def names(self) -> dict[type[Settings], str]:
        """What configs call each class that a tag chooses."""
        registries = (self.tasks, self.cells, self.optimizers, *self.nested)
        return {settings: name for registry in registries for name, settings in registry.items()}

    @functools.cached_property
    def adapter(self) -> TypeAdapter[Experiment]:
        """Takes the values of a config and gives an `Experiment`; its errors are in plain words."""
        models = Models(self.names)
        common = Section.of(ModelSettings)
        common = Section(_without_cell(common.fields), common.optional, dict)
        tasks = {name: Section.of(task) for name, task in self.tasks.items()}
        cells = {name: _model_section(cell, common) for name, cell in self.cells.items()}
        optimizers = {name: Section.of(each) for name, each in self.optimizers.items()}
        checks = {
            "task": models.choice("task", "name", tasks),
            "model": models.choice("cell", "cell", cells, common),
            "optimizer": models.choice("optimizer", "name", optimizers),
            "train": models.section(Section.of(self.train)),
            "output": models.section(Section.of(OutputSettings)),
            "diagnose": models.section(Section.of(DiagnoseSettings)),
            "published": models.section(Section.of(Published)),
        }
        fields = {key: Annotated[Any, PlainValidator(check)] for key, check in checks.items()}
        optional = frozenset({"title", "output", "diagnose", "published"})
        whole = Section({"title": str, **fields}, optional, Experiment)
        check = models.section(whole, VARIANTS, CURRICULUM)

        def check_members(value: Any) -> Experiment:
            base, found = check_with_variants(check, value)
            return dataclasses.replace(base, variants=tuple(Variant(*each) for each in found))

        def check_all(value: Any) -> Experiment:
            base, found = check_with_curriculum(check_members, value)
            return dataclasses.replace(base, curriculum=tuple(Variant(*each) for each in found))

        return TypeAdapter(Annotated[Any, PlainValidator(check_all)])


def _model_section(cell: type[Cell], common: Section) -> Section:
    """The section `model` for one cell, whose fields stand beside those of all models."""
    own = Section.of(cell)
    if clash := own.fields.keys() & common.fields.keys():
        raise TypeError(f"{cell.__name__} and ModelSettings share the fields {sorted(clash)}")

    def build(**values: Any) -> ModelSettings:
        of_cell = {key: values.pop(key) for key in own.fields if key in values}
        return ModelSettings(cell=cell(**of_cell), **values)

    return Section({**own.fields, **common.fields}, own.optional | common.optional, build)


def _without_cell(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: annotation for key, annotation in fields.items() if key != "cell"}


SCHEMA = Schema(
    tasks={**TASKS, "digits": Digits, "text": TextFile},
    cells=CELLS,
    optimizers=OPTIMIZERS,
    train=TrainSettings,
    nested=(GATE_BIASES,),
)
