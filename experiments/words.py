"""Numbers as people say and read them."""

import math
import statistics


def plural(count: int, noun: str) -> str:
    """A count and its noun.

    >>> plural(1, "seed"), plural(4, "seed")
    ('1 seed', '4 seeds')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(42.2), duration(95), duration(7300)
    ('42 s', '1 min 35 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def mean_of_finite(values: list[float | None]) -> float:
    """The mean over the seeds that have a finite value; NaN where none has.

    >>> mean_of_finite([1.0, None, float("inf"), 3.0])
    2.0
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.fmean(finite) if finite else math.nan


def digits(value: float) -> str:
    """A number with three digits, or more before the point.

    >>> digits(0.01234), digits(1.234), digits(123.4), digits(12345.0)
    ('0.0123', '1.23', '123', '12,345')
    """
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):.{max(0, 2 - _magnitude(value))}f}"


def _magnitude(value: float) -> int:
    """The power of ten of a number rounded to three digits."""
    return int(f"{value:.2e}".partition("e")[2])
