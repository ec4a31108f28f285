"""A sweep read as a study: each cell's task, lag and model."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.config.writer import inline, plain
from experiments.sweep.sheet import Sheet
from experiments.sweep.table import label_of
from lstm_jax.checks import named

CELL_NAMES = {"elman": "Elman", "irnn": "IRNN", "gru": "GRU", "lstm": "LSTM"}
BIASES = {"forget": "forget bias {value:g}", "chrono": "chrono"}


class Spot(NamedTuple):
    """What a model is tried on."""

    task: str
    lag: int
    model: str


@dataclasses.dataclass(frozen=True)
class Study:
    """Cells and where each stands; cells that share a spot are alternatives to one another."""

    sheet: Sheet
    spots: tuple[Spot, ...]
    """Of the cells, in their order."""
    keys: Mapping[str, str]
    """The field that is the lag, of every task."""

    @property
    def models(self) -> list[str]:
        """In the order of the file."""
        return list(dict.fromkeys(spot.model for spot in self.spots))

    @property
    def lags(self) -> dict[str, list[int]]:
        """Of every task, growing."""
        return {
            task: sorted({spot.lag for spot in self.spots if spot.task == task})
            for task in self.keys
        }

    def among(self, tasks: Collection[str] | None, longest: int | None) -> "Study":
        """The part of it with these tasks, up to a lag; ValueError where nothing is left."""
        for task in tasks or ():
            named("task", task, self.keys)
        kept = [
            (cell, spot)
            for cell, spot in zip(self.sheet.cells, self.spots, strict=True)
            if (not tasks or spot.task in tasks) and (longest is None or spot.lag <= longest)
        ]
        if not kept:
            shortest = min(spot.lag for spot in self.spots if not tasks or spot.task in tasks)
            raise ValueError(f"--longest {longest} leaves no lag; the shortest is {shortest}")
        cells, spots = zip(*kept, strict=True)
        keys = {task: key for task, key in self.keys.items() if any(s.task == task for s in spots)}
        return Study(dataclasses.replace(self.sheet, cells=cells), spots, keys)


def study_of(sheet: Sheet) -> Study:
    """What a sweep is a study of.

    Raises ValueError where the cells of a task do not differ in one whole number of the task, where
    two of one lag differ in anything else of it, or two models would have the same name.
    """
    sections = [plain(cell.experiment) for cell in sheet.cells]
    tasks: dict[str, list[dict[str, Any]]] = {}
    for section in sections:
        tasks.setdefault(section["task"]["name"], []).append(section["task"])
    keys = {task: _lag_key(task, found) for task, found in tasks.items()}
    models = _names([section["model"] for section in sections])
    spots = []
    for section in sections:
        task = section["task"]["name"]
        spots.append(Spot(task, section["task"][keys[task]], models[inline(section["model"])]))
    return Study(sheet, tuple(spots), keys)


def _lag_key(task: str, sections: Sequence[Mapping[str, Any]]) -> str:
    """The only whole number in which the sections of a task differ; other numbers may follow it."""
    distinct = [each for n, each in enumerate(sections) if each not in sections[:n]]
    first = distinct[0]
    differ = [key for key in first if any(each[key] != first[key] for each in distinct)]
    lags = [key for key in differ if all(isinstance(each[key], int) for each in distinct)]
    numbers = all(isinstance(each[key], int | float) for each in distinct for key in differ)
    if not numbers or len(lags) != 1 or len({each[lags[0]] for each in distinct}) < len(distinct):
        found = " and ".join(differ) or "nothing"
        raise ValueError(
            f"the cells of the task {task} differ in {found}; a study needs one whole number of "
            "the task, the lag, in which they do, and other numbers only if each lag has its own"
        )
    return lags[0]


def _names(models: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each model is called: its cell, and its bias where other models have the same cell."""
    found = {inline(dict(model)): model for model in models}
    cells = [model["cell"] for model in found.values()]
    names: dict[str, str] = {}
    for written, model in found.items():
        name = CELL_NAMES.get(model["cell"], model["cell"])
        if cells.count(model["cell"]) > 1:
            name += f", {_bias(model.get('bias'))}"
        if name in names.values():
            raise ValueError(f"two models of the study are both called {name!r}")
        names[written] = name
    return names


def _bias(bias: Any) -> str:
    """An initial gate bias in words.

    >>> _bias({"name": "forget", "value": 1.0}), _bias({"name": "chrono", "t_max": None})
    ('forget bias 1', 'chrono')
    """
    if isinstance(bias, dict) and bias.get("name") in BIASES:
        return BIASES[bias["name"]].format(**bias)
    return f"bias {label_of(bias)}"
