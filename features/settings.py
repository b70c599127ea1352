"""Validation of the extractors' settings.

Each function returns a valid setting and raises a `UsageError` of one sentence otherwise, before
any pixel is read.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real

from galfeat import UsageError

__all__ = ["bins", "choice", "fraction", "interval", "number", "pair", "whole", "wholes"]


def whole(name: str, value: object, least: int = 1) -> int:
    """Return the setting as an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise UsageError(f"{name} must be a whole number of at least {least}; it is {value!r}")
    return int(value)


def wholes(name: str, values: object, least: int = 1) -> tuple[int, ...]:
    """Return the setting as a tuple of one or more distinct whole numbers of at least `least`."""
    if (
        isinstance(values, str)
        or not isinstance(values, Sequence)
        or not values
        or len(set(values)) < len(values)
    ):
        raise UsageError(
            f"{name} must be a sequence of different whole numbers, such as (1, 2, 4); it is "
            f"{values!r}"
        )
    return tuple(whole(f"each of {name}", value, least) for value in values)


def pair(name: str, values: object) -> tuple[int, int]:
    """Return the setting as two whole numbers, rows first."""
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 2:
        raise UsageError(f"{name} must be two whole numbers (rows, columns); it is {values!r}")
    return whole(f"{name}[0]", values[0]), whole(f"{name}[1]", values[1])


def interval(name: str, values: object) -> tuple[float, float]:
    """Return the setting as two finite numbers, the smaller first."""
    if (
        isinstance(values, Sequence)
        and len(values) == 2
        and all(isinstance(value, Real) for value in values)
    ):
        low, high = (float(value) for value in values)
        if math.isfinite(low) and math.isfinite(high) and low < high:
            return low, high
    raise UsageError(f"{name} must be two finite numbers, the smaller first; it is {values!r}")


def bins(
    name: str, count: object, limits: object, least: int = 1
) -> tuple[int, tuple[float, float]]:
    """Return the settings of a histogram: the number of equal bins, and the limits `range`."""
    return whole(name, count, least), interval("range", limits)


def number(name: str, value: object, least: float) -> float:
    """Return the setting as a finite number of at least `least`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not least <= float(value) < math.inf
    ):
        raise UsageError(f"{name} must be a number of at least {least:g}; it is {value!r}")
    return float(value)


def fraction(name: str, value: object) -> float:
    """Return the setting as a number above 0 and up to 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) <= 1:
        raise UsageError(f"{name} must be a fraction above 0 and up to 1; it is {value!r}")
    return float(value)


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """Return the setting, one of the options."""
    if not isinstance(value, str) or value not in options:
        raise UsageError(f"{name} must be one of {', '.join(options)}; it is {value!r}")
    return value
