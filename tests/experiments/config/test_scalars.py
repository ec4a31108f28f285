"""The core schema of YAML 1.2, and its inverse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config.faults import Origin
from experiments.config.reader import parse
from experiments.config.scalars import resolve, shown, written
from experiments.config.tree import MAX_TEXT


@pytest.mark.parametrize(
    "text, value",
    [
        *(("", None), ("~", None), ("null", None), ("NULL", None), ("nUll", "nUll")),
        *(("true", True), ("FALSE", False), ("tRue", "tRue"), ("y", "y")),
        *(("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off")),
        *(("12", 12), ("-12", -12), ("+12", 12), ("012", 12), ("-007", -7)),
        *(("0o14", 12), ("0x1F", 31), ("0o8", "0o8"), ("0b1", "0b1"), ("1_000", "1_000")),
        *(("1e-3", 1e-3), ("1e2", 100.0), ("1.5E-4", 1.5e-4), ("-.5", -0.5), ("3.", 3.0)),
        *(("1e", "1e"), (".", "."), ("1:30", "1:30"), ("2001-01-01", "2001-01-01")),
        *((".inf", math.inf), ("-.Inf", -math.inf), ("1e400", math.inf), ("inf", "inf")),
        *(("-.nan", "-.nan"), ("nan", "nan"), ("\u0661", "\u0661")),
        *((str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63))),
    ],
)
def test_words_without_quotes(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(resolve(".NaN"))


@pytest.mark.parametrize(
    "text", [str(2**63), str(-(2**63) - 1), "9" * 5000, "0x" + "f" * 9000, "1." + "0" * 5000]
)
def test_numbers_without_end(text: str) -> None:
    with pytest.raises(ValueError, match=r"digits is too (large|long)"):
        resolve(text)


@given(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT)
    | st.sampled_from(["null", "8", "1e5", "no", "a: b", "a #b", "- a", "9" * 4000, ".inf", "a b "])
)
def test_what_is_written_is_read_back(value: object) -> None:
    for text in (f"k: {written(value)}\n", f"k: [{written(value)}]\n"):
        root, faults = parse(text, Origin("a"))
        found = root.value["k"].value
        found = found[0].value if isinstance(found, list) else found
        assert not faults
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    "value, words",
    [
        *(("fast", "'fast'"), ("8", "the text '8'"), ("null", "the text 'null'")),
        *(("true", "the text 'true'"), ("no", "'no'"), ("", "the text ''")),
        *(("a\nb", r"'a\nb'"), ("x" * 99, f"'{'x' * 57}...'"), ("9" * 5000, None)),
        *((None, "nothing"), (True, "true"), (-3, "-3"), (1e-5, "1e-05"), (math.inf, "inf")),
        *(([1], "a list"), ({}, "a section")),
    ],
)
def test_values_in_messages(value: object, words: str | None) -> None:
    if words is None:
        words = f"the text '{'9' * 57}...'"
    assert shown(value) == words
