import math

import pytest

from experiments.words import digits, duration, mean_of_finite, plural


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"),
        (0.000123456, "0.000123"),
        (0.0996, "0.0996"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (99.96, "100"),
        (99.94, "99.9"),
        (1234.5, "1,234"),
    ],
)
def test_three_digits(value: float, text: str) -> None:
    assert digits(value) == text


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_a_duration_is_said_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_plural_is_of_all_but_one() -> None:
    assert [plural(count, "cell") for count in (0, 1, 2000)] == ["0 cells", "1 cell", "2,000 cells"]


def test_the_mean_of_nothing_finite_is_not_a_number() -> None:
    assert math.isnan(mean_of_finite([None, math.inf]))
