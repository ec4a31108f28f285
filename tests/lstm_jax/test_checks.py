"""Settings are held to their annotations, and say plainly what is wrong."""

import dataclasses
import re
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le

from lstm_jax.checks import Fraction, Settings, Size, check, field_annotations, named, nearest


@dataclasses.dataclass(frozen=True)
class Inner(Settings):
    size: Size = 1


@dataclasses.dataclass(frozen=True)
class Example(Settings):
    size: Size
    dropout: Fraction = 0.0
    rate: Annotated[float, Gt(0.0), Le(1.0)] = 0.5
    mode: Literal["a", "best"] = "a"
    gap: Annotated[int, Ge(3)] | None = None
    inner: Inner | None = None
    flag: bool = False
    pair: tuple[Size, Size] | None = None


@pytest.mark.parametrize(
    "field, value",
    [
        ("size", 1),
        ("dropout", 0),  # an integer is a number
        ("dropout", 0.999),
        ("rate", 1.0),
        ("mode", "best"),
        ("gap", None),
        ("gap", 3),
        ("inner", Inner()),
        ("flag", True),
        ("pair", (1, 2)),
    ],
)
def test_what_fits_is_kept(field: str, value: Any) -> None:
    settings = Example(**{"size": 2, field: value})
    assert getattr(settings, field) == value


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("size", 0, "Example.size must be at least 1, got 0"),
        ("size", -3, "Example.size must be at least 1, got -3"),
        ("dropout", -0.1, "Example.dropout must be at least 0.0, got -0.1"),
        ("dropout", 1.0, "Example.dropout must be below 1.0, got 1.0"),
        ("dropout", float("nan"), "Example.dropout must be at least 0.0, got nan"),
        ("rate", 0.0, "Example.rate must be above 0.0, got 0.0"),
        ("rate", 1.5, "Example.rate must be at most 1.0, got 1.5"),
        ("mode", "bets", "Example.mode is 'bets'; did you mean 'best'? known: a, best"),
        ("mode", "zzz", "Example.mode is 'zzz'; known: a, best"),
        ("gap", 2, "Example.gap must be at least 3, got 2"),
        ("pair", (1, 0), "Example.pair[1] must be at least 1, got 0"),
        ("pair", (1,), "Example.pair must have 2 values, got (1,)"),
    ],
)
def test_a_value_out_of_range_is_a_value_error(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Example(**{"size": 2, field: value})


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("size", True, "Example.size must be an integer, got True"),
        ("size", 2.0, "Example.size must be an integer, got 2.0"),
        ("size", "2", "Example.size must be an integer, got '2'"),
        ("size", None, "Example.size must be an integer, got None"),
        ("dropout", False, "Example.dropout must be a number, got False"),
        ("gap", 3.5, "Example.gap must be an integer or None, got 3.5"),
        ("flag", 1, "Example.flag must be true or false, got 1"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_type_error(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        Example(**{"size": 2, field: value})


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Example(size=2).size = 3  # type: ignore[misc]


def test_annotations_are_the_fields_in_order() -> None:
    assert list(field_annotations(Example)) == [
        "size",
        "dropout",
        "rate",
        "mode",
        "gap",
        "inner",
        "flag",
        "pair",
    ]
    assert field_annotations(Inner) == {"size": Size}


def test_a_bound_of_another_kind_is_left_alone() -> None:
    check("steps", 7, Annotated[int, "a remark"])


def test_nearest_ignores_case_and_lists_all_names_sorted() -> None:
    assert nearest("LSTN", ["lstm", "gru"]) == "did you mean 'lstm'? known: gru, lstm"
    assert nearest("transformer", ["lstm", "gru"]) == "known: gru, lstm"


def test_named_finds_or_suggests() -> None:
    registry = {"lstm": 1, "gru": 2}
    assert named("cell", "gru", registry) == 2
    with pytest.raises(ValueError, match="unknown cell 'lstmm'; did you mean 'lstm'"):
        named("cell", "lstmm", registry)
