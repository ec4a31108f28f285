"""Models derived from settings classes: what they accept, and what cannot be derived."""

import dataclasses
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Lt
from pydantic import PlainValidator, TypeAdapter, ValidationError

from experiments.config.models import Models, Section
from lstm_jax.checks import Settings, Size


@dataclasses.dataclass(frozen=True)
class Line(Settings):
    slope: float = 1.0


@dataclasses.dataclass(frozen=True)
class Step(Settings):
    at: Size


@dataclasses.dataclass(frozen=True)
class Everything(Settings):
    """Fields whose names pydantic's own classes use, and unions of every sort."""

    copy: int
    model_config: str
    rate: Annotated[float, Lt(10.0)] | Line | Step = 1.0
    only: Line | None = None
    parts: tuple[Line | Step, ...] = ()
    pairs: tuple[tuple[int, Size | None], ...] = ()
    made: tuple[int, ...] = dataclasses.field(default_factory=lambda: (1,))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copy == 13:
            raise TypeError("copy must not be 13")


MODELS = Models({Line: "line", Step: "step"})
CHECK = TypeAdapter(Annotated[Any, PlainValidator(MODELS.section(Section.of(Everything)))])


def checked(**values: Any) -> Any:
    return CHECK.validate_python({"copy": 1, "model_config": "x", **values})


def faults(**values: Any) -> list[tuple[tuple[Any, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        checked(**values)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, {}),
        ({"rate": 3}, {"rate": 3.0}),
        ({"rate": "line"}, {"rate": Line()}),
        ({"rate": {"name": "step", "at": 3}}, {"rate": Step(3)}),
        ({"only": {"slope": 2}}, {"only": Line(2.0)}),
        ({"only": None}, {"only": None}),
        ({"parts": ["line", {"name": "step", "at": 1}]}, {"parts": (Line(), Step(1))}),
        ({"pairs": [[1, None], [2, 3]]}, {"pairs": ((1, None), (2, 3))}),
        ({"made": []}, {"made": ()}),
    ],
)
def test_values_accepted(values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert checked(**values) == Everything(copy=1, model_config="x", **expected)


@pytest.mark.parametrize(
    "values, loc, message",
    [
        ({"rate": 10}, ("rate",), "must be below 10.0, got 10"),
        (
            {"rate": "lime"},
            ("rate",),
            "unknown name 'lime'; did you mean 'line'? known: line, step",
        ),
        ({"rate": {"name": "step"}}, ("rate", "at"), "missing; must be an integer"),
        (
            {"rate": None},
            ("rate",),
            "must be a number or a section of keys and values, got nothing",
        ),
        ({"rate": []}, ("rate",), "must be a number or a section of keys and values, got a list"),
        ({"only": "line"}, ("only",), "must be a section of keys and values or null, got 'line'"),
        ({"parts": [{"name": "step", "at": 0}]}, ("parts", 0, "at"), "must be at least 1, got 0"),
        ({"pairs": [[1, None], [2, 0]]}, ("pairs", 1, 1), "must be at least 1, got 0"),
        ({"pairs": [[1, None], ["x", 1]]}, ("pairs", 1, 0), "must be an integer, got 'x'"),
        ({"pairs": [[1]]}, ("pairs", 0, 1), "missing; must be an integer or null"),
        ({"copy": True}, ("copy",), "must be an integer, got true"),
        ({"copy": 13}, (), "copy must not be 13"),
    ],
)
def test_values_refused(values: dict[str, Any], loc: tuple[Any, ...], message: str) -> None:
    assert faults(**values) == [(loc, message)]


def test_a_section_whose_field_is_called_like_its_tag_is_refused() -> None:
    with pytest.raises(TypeError, match="has a field 'slope', which is a tag in configs"):
        MODELS.section(Section.of(Line), "slope")


def test_nested_settings_without_a_name_are_refused() -> None:
    with pytest.raises(TypeError, match="no name for Step"):
        Models({Line: "line"}).field(Line | Step)


@pytest.mark.parametrize("annotation", [dict[str, int], complex, list[int], Ge])
def test_types_that_yaml_has_no_words_for_are_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match="configs have no way to write"):
        MODELS.field(annotation)
