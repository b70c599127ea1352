"""Cells and tables of the report, and the formats of their numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from galfeat.pipeline.comparison.results import ScoreRow
from galfeat.pipeline.evaluation.significance import Interval
from galfeat.pipeline.reporting.summary import HEADLINE, Difference, interval_of, ratio_of

__all__ = [
    "EMPTY",
    "GAP",
    "Cell",
    "Table",
    "count",
    "gap",
    "interval_cell",
    "macro_f1",
    "mean_of_finite",
    "number",
    "p_value",
    "score_cell",
    "signed",
    "standard_error",
    "table_or_none",
    "value_and_interval",
]

EMPTY = "–"
"""Text of a cell without a value."""
GAP = ("difference", "95 % interval", "p", "p (Holm)", "P(worse)", "P(same)", "P(better)")
"""Headings of the columns that `gap` fills."""


@dataclass(frozen=True)
class Cell:
    """Cell of a table.

    Parameters
    ----------
    text : str
    note : str
        Small print after the text, such as ``± 0.012``.
    strong : bool
        Whether the text is bold.
    """

    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Table of the report; the first cell of a row is its heading.

    Parameters
    ----------
    name : str
        Its id in the HTML page.
    caption : str
    head : tuple of str
    rows : tuple of tuple of Cell
    words : int
        Number of columns of words, on the left; the others are numbers.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1


def gap(each: Difference) -> tuple[Cell, ...]:
    """Return the cells of a difference, one per heading of `GAP`."""
    odds = (Cell(number(value, 2)) for value in (each.odds.worse, each.odds.same, each.odds.better))
    value, span = value_and_interval(each.interval, signed)
    return (
        Cell(value.text, strong=each.p_holm < 0.05),
        span,
        Cell(p_value(each.p)),
        Cell(p_value(each.p_holm)),
        *odds,
    )


def value_and_interval(each: Interval | None, form: Any = None) -> tuple[Cell, Cell]:
    """Return the cells of a mean and of its 95 % interval."""
    form = form or number
    return (
        (Cell(form(each.mean)), Cell(f"{form(each.low)} to {form(each.high)}"))
        if each
        else (Cell(EMPTY), Cell(EMPTY))
    )


def macro_f1(rows: Sequence[ScoreRow]) -> Cell:
    """Return the cell of macro-F1: mean and standard error over the rows."""
    return score_cell([row.scores[HEADLINE] for row in rows], rows)


def score_cell(values: Sequence[float], rows: Sequence[ScoreRow]) -> Cell:
    """Return the cell of a score: mean and corrected standard error over the rows."""
    each = interval_of(values, ratio_of(rows)) if rows else None
    return (
        Cell(number(each.mean), standard_error(each.se))
        if each
        else Cell(number(mean_of_finite(values)))
    )


def interval_cell(each: Interval) -> Cell:
    """Return the cell of a mean with its standard error."""
    return Cell(number(each.mean), standard_error(each.se))


def mean_of_finite(values: Iterable[float]) -> float:
    """Return the mean of the finite values, NaN if there are none."""
    good = [value for value in values if math.isfinite(value)]
    return float(np.mean(good)) if good else math.nan


def number(value: float, digits: int = 3) -> str:
    """Return a number with fixed decimals, or `EMPTY` if it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else EMPTY


def signed(value: float) -> str:
    """Return a number with its sign, or `EMPTY` if it is not finite."""
    return f"{value:+.3f}" if math.isfinite(value) else EMPTY


def standard_error(value: float) -> str:
    """Return a standard error as a note, empty if it is not finite."""
    return f"± {value:.3f}" if math.isfinite(value) else ""


def count(value: float) -> str:
    """Return an integer with thousands separators."""
    return f"{value:,.0f}"


def p_value(value: float) -> str:
    """Return a p-value, or `EMPTY` if it is not finite."""
    return EMPTY if not math.isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def table_or_none(table: Table) -> Table | None:
    """Return the table, or None if it has no rows."""
    return table if table.rows else None
