"""Write an experiment as the config that says it in full, every default filled in."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.config import annotations as an
from experiments.config.curriculum import NAME as CURRICULUM
from experiments.config.scalars import written
from experiments.config.schema import SCHEMA, Experiment, Schema
from experiments.config.variants import NAME as VARIANTS
from lstm_jax.checks import Settings, field_annotations


def dump(experiment: Experiment, schema: Schema = SCHEMA) -> str:
    """YAML that `load` reads back to an equal experiment."""
    return "".join(f"{line}\n" for line in _lines(plain(experiment, schema) | lists(experiment)))


def lists(experiment: Experiment) -> dict[str, list[dict[str, Any]]]:
    """The variants and the curriculum of an experiment, if it has such, in their own words."""
    both = {VARIANTS: experiment.variants, CURRICULUM: experiment.curriculum}
    return {name: [dict(item.keys) for item in items] for name, items in both.items() if items}


def plain(experiment: Experiment, schema: Schema = SCHEMA) -> dict[str, Any]:
    """The sections of an experiment as YAML holds them, without `lists`."""
    names, model = schema.names, experiment.model
    common = _values(model, names)
    del common["cell"]
    known = {"published": _values(experiment.published, names)} if experiment.published else {}
    return {
        "title": experiment.title,
        "task": _tagged(experiment.task, names),
        "model": _tagged(model.cell, names, tag="cell") | common,
        "optimizer": _tagged(experiment.optimizer, names),
        "train": _values(experiment.train, names),
        "output": _values(experiment.output, names),
        "diagnose": _values(experiment.diagnose, names),
        **known,
    }


def _values(settings: Settings, names: Mapping[type[Settings], str]) -> dict[str, Any]:
    """The fields of some settings as YAML holds them."""
    return {
        key: _value(getattr(settings, key), annotation, names)
        for key, annotation in field_annotations(type(settings)).items()
    }


def _tagged(
    settings: Settings, names: Mapping[type[Settings], str], tag: str = "name"
) -> dict[str, Any]:
    return {tag: names[type(settings)], **_values(settings, names)}


def _value(value: Any, annotation: Any, names: Mapping[type[Settings], str]) -> Any:
    if isinstance(value, tuple):
        lists = next(filter(an.is_list, an.alternatives(annotation)))
        return [_value(each, an.item(lists, place), names) for place, each in enumerate(value)]
    if isinstance(value, Settings):
        classes = [each for each in an.alternatives(annotation) if an.is_settings(each)]
        return _tagged(value, names) if len(classes) > 1 else _values(value, names)
    return value


def _lines(section: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        elif key in (VARIANTS, CURRICULUM):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {inline(each)}" for each in value)
        else:
            yield f"{indent}{key}: {inline(value)}"


def inline(value: Any) -> str:
    """A plain value as YAML writes it in a line.

    >>> print(inline({"name": "chrono", "t_max": None, "sizes": [1, 2.5]}))
    {name: chrono, t_max: null, sizes: [1, 2.5]}
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return written(value)


def told(keys: Mapping[str, Any]) -> str:
    """Keys and their values in a line.

    >>> told({"model.hidden_size": 8, "model.bias": {"name": "chrono"}})
    'model.hidden_size=8, model.bias={name: chrono}'
    """
    return ", ".join(f"{key}={inline(value)}" for key, value in keys.items()) or "{}"
