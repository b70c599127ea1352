"""Summary statistics: intervals of every input, differences to raw pixels, and all pairs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from galfeat.pipeline.comparison.results import SCORES, ComparisonResults, ScoreRow
from galfeat.pipeline.evaluation.significance import (
    Equivalence,
    Interval,
    corrected_interval,
    corrected_ttest,
    equivalence,
    holm,
)
from galfeat.pipeline.recipes import DEFAULT, RECIPES

__all__ = [
    "BASELINE",
    "HEADLINE",
    "REGION",
    "Difference",
    "Summary",
    "difference",
    "interval_of",
    "pair_rows",
    "ratio_of",
    "with_holm",
]

BASELINE = "pixels"
"""Reference input of all differences."""

HEADLINE = "macro_f1"
"""Primary score, on which tests and verdict are based."""

REGION = 0.01
"""Half width of the region of practical equivalence in macro-F1."""


_TOGETHER = tuple(recipe.input for recipe in RECIPES.values())  # inputs of several blocks
_UPPER_BOUNDS = {"log_loss": math.inf, "brier": 2.0}  # 1 for all other scores


@dataclass(frozen=True)
class Difference:
    """Difference of the scores of two inputs over their common folds.

    Parameters
    ----------
    first, second : str
        The two inputs; the difference is that of the first minus the second.
    n_folds : int
    interval : Interval
    p : float
        Two-sided p-value of the corrected resampled t-test.
    odds : Equivalence
        Probabilities that the first is worse, practically equal, or better.
    p_holm : float
        p-value after Holm's correction for the tests of the same family; `p` for a single test.
    """

    first: str
    second: str
    n_folds: int
    interval: Interval
    p: float
    odds: Equivalence
    p_holm: float = math.nan

    def swapped(self) -> "Difference":
        """Return the difference with the inputs swapped."""
        low, high = -self.interval.high, -self.interval.low
        odds = Equivalence(self.odds.better, self.odds.same, self.odds.worse)
        interval = Interval(-self.interval.mean, self.interval.se, low, high)
        return Difference(
            self.second, self.first, self.n_folds, interval, self.p, odds, self.p_holm
        )

    def corrected(self, p_holm: float) -> "Difference":
        """Return the same difference with another corrected p-value."""
        return Difference(
            self.first, self.second, self.n_folds, self.interval, self.p, self.odds, p_holm
        )


def _is_several(name: str) -> bool:
    """Return whether an input has several blocks of features."""
    return name in _TOGETHER or name.startswith(f"{DEFAULT.input}+")


def ratio_of(rows: Sequence[ScoreRow]) -> float:
    """Return the ratio of test to training galaxies, for the correction for overlapping folds."""
    return float(np.mean([row.n_test for row in rows]) / np.mean([row.n_train for row in rows]))


def interval_of(
    values: Iterable[float], ratio: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval | None:
    """Return the corrected interval of the finite scores; None if there are fewer than two.

    Parameters
    ----------
    values : iterable of float
        One score per fold.
    ratio : float
        Of test to training galaxies; see `ratio_of`.
    bounds : pair of float
        Range of the score, at which the interval is clipped.
    """
    good = [value for value in values if math.isfinite(value)]
    if len(good) < 2:
        return None
    each = corrected_interval(good, 1.0, ratio)
    return Interval(each.mean, each.se, max(each.low, bounds[0]), min(each.high, bounds[1]))


def difference(
    first: Sequence[ScoreRow],
    second: Sequence[ScoreRow],
    metric: str = HEADLINE,
    names: tuple[str, str] = ("", ""),
) -> Difference | None:
    """Return the difference of two inputs over their common folds.

    Parameters
    ----------
    first, second : sequence of ScoreRow
        Paired by repeat and fold; rows without a partner are ignored.
    metric : str
        One of `SCORES` that lies in [0, 1], or ``f1:`` and the name of a class.
    names : tuple of str
        Names of the two; by default the inputs of the rows.

    Returns
    -------
    Difference or None
        None if there are fewer than two common folds.
    """
    of_second = {(row.repeat, row.fold): _value(row, metric) for row in second}
    pairs = [
        (row, _value(row, metric) - of_second[key])
        for row in first
        if (key := (row.repeat, row.fold)) in of_second
    ]
    good = [(row, gap) for row, gap in pairs if math.isfinite(gap)]
    if len(good) < 2:
        return None
    gaps, ratio = [gap for _, gap in good], ratio_of([row for row, _ in good])
    interval, p = interval_of(gaps, ratio, (-1.0, 1.0)), corrected_ttest(gaps, 1.0, ratio).p
    assert interval is not None
    one, other = names[0] or first[0].input, names[1] or second[0].input
    return Difference(one, other, len(gaps), interval, p, equivalence(gaps, 1.0, ratio, REGION), p)


def _value(row: ScoreRow, metric: str) -> float:
    if metric.startswith("f1:"):
        return float(row.per_class.get(metric[3:], {}).get("f1", math.nan))
    return float(row.scores.get(metric, math.nan))


def with_holm(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences with p-values after Holm's correction over all of them."""
    corrected = holm([each.p for each in differences])
    return [each.corrected(float(p)) for each, p in zip(differences, corrected, strict=True)]


class Summary:
    """Statistics of stage ``main``.

    Parameters
    ----------
    results : ComparisonResults

    Attributes
    ----------
    rows : dict of str to list of ScoreRow
        Of each trained input, in the order of the results.
    to_pixels : dict of str to Difference
        Macro-F1 less that of raw pixels; Holm's correction is over all inputs except controls.
    pairs : list of Difference
        Of all inputs except controls; Holm's correction is over all of them.
    planned : dict of str to Difference
        The planned comparisons: hand-crafted features less every pixel input. Holm's correction is
        over these only.
    over_blocks : dict of str to Difference
        Hand-crafted features together less each single block. Holm's correction is over these.
    """

    def __init__(self, results: ComparisonResults) -> None:
        self.results = results
        self.rows = {
            name: rows for name in results.inputs if (rows := results.select("main", input=name))
        }
        self.group = {each.name: each.group for each in results.descriptions}
        self.non_controls = [name for name in self.rows if self.group[name] != "control"]
        self.controls = [name for name in self.rows if self.group[name] == "control"]
        self.to_pixels = {
            each.first: each for each in with_holm(self._to_pixels(self.non_controls))
        }
        self.to_pixels |= {each.first: each for each in self._to_pixels(self.controls)}
        pairs = [
            difference(self.rows[one], self.rows[two])
            for one, two in combinations(self.non_controls, 2)
        ]
        self.pairs = with_holm([each for each in pairs if each])
        self.planned = {each.second: each for each in with_holm(self._planned())}
        self.over_blocks = {each.second: each for each in with_holm(self._over_blocks())}

    def interval(self, name: str, metric: str = HEADLINE) -> Interval | None:
        """Return the mean score of an input with its 95 % interval; None below two folds."""
        rows = self.rows[name]
        return interval_of(
            self.results.values(rows, metric).tolist(),
            ratio_of(rows),
            (0.0, _UPPER_BOUNDS.get(metric, 1.0)),
        )

    def mean(self, name: str, metric: str = HEADLINE) -> float:
        """Return the mean score over the folds in which it is defined; NaN if there are none."""
        values = self.results.values(self.rows[name], metric)
        return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan

    def best(self, names: Iterable[str]) -> str | None:
        """Return the input with the highest mean macro-F1."""
        known = [name for name in names if name in self.rows and math.isfinite(self.mean(name))]
        return max(known, key=self.mean, default=None)

    def features_input(self) -> str | None:
        """Return the input that represents the hand-crafted features.

        It is ``features``, otherwise the best single extractor.
        """
        names = [name for name in self.rows if self.group[name] == "features"]
        return DEFAULT.input if DEFAULT.input in names else self.best(names)

    def additions(self) -> list[Difference]:
        """Return what blocks of other packages add to the features: with less without them.

        Holm's correction is over these.
        """
        names = [
            name
            for name in self.rows
            if self.group[name] == "features" and name.startswith(f"{DEFAULT.input}+")
        ]
        found = [self.between(name, DEFAULT.input) for name in names]
        return with_holm([each for each in found if each])

    def between(self, one: str, two: str) -> Difference | None:
        """Return the difference of two inputs, first less second, as a single test."""
        return difference(self.rows[one], self.rows[two])

    def table(self) -> list[dict[str, Any]]:
        """Return the rows of ``summary.csv``: scores and difference to raw pixels per input."""
        return [self._line(name) for name in self.rows]

    def _line(self, name: str) -> dict[str, Any]:
        rows = self.rows[name]
        line: dict[str, Any] = {
            "input": name,
            "group": self.group[name],
            "n_folds": len(rows),
            "n_features": round(float(np.mean([row.n_features for row in rows]))),
            "n_parameters": round(float(np.mean([row.n_parameters for row in rows]))),
        }
        for metric in SCORES:
            each = self.interval(name, metric)
            numbers = (
                (each.mean, each.se, each.low, each.high)
                if each
                else (self.mean(name, metric), math.nan, math.nan, math.nan)
            )
            line |= dict(
                zip(
                    (metric, f"{metric}_se", f"{metric}_low", f"{metric}_high"),
                    numbers,
                    strict=True,
                )
            )
        return line | _columns(self.to_pixels.get(name))

    def _planned(self) -> list[Difference]:
        features = self.features_input()
        if features is None:
            return []
        found = [self.between(features, name) for name in self.rows if self.group[name] == "pixels"]
        return [each for each in found if each]

    def _over_blocks(self) -> list[Difference]:
        if DEFAULT.input not in self.rows:
            return []
        blocks = [
            name for name in self.rows if self.group[name] == "features" and not _is_several(name)
        ]
        found = [self.between(DEFAULT.input, name) for name in blocks]
        return [each for each in found if each]

    def _to_pixels(self, names: Sequence[str]) -> list[Difference]:
        if BASELINE not in self.rows:
            return []
        found = [
            difference(self.rows[name], self.rows[BASELINE]) for name in names if name != BASELINE
        ]
        return [each for each in found if each]


def _columns(gap: Difference | None) -> dict[str, Any]:
    """Return the CSV columns of a difference; NaN if there is none."""
    names = (
        "difference",
        "difference_low",
        "difference_high",
        "p",
        "p_holm",
        "p_worse",
        "p_same",
        "p_better",
    )
    if gap is None:
        return dict.fromkeys(names, math.nan)
    values = (
        gap.interval.mean,
        gap.interval.low,
        gap.interval.high,
        gap.p,
        gap.p_holm,
        gap.odds.worse,
        gap.odds.same,
        gap.odds.better,
    )
    return dict(zip(names, values, strict=True))


def pair_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return the rows of ``differences.csv``: all pairs of inputs.

    Planned comparisons also have the p-value corrected over these only.
    """
    planned = {
        frozenset((each.first, each.second)): each.p_holm for each in summary.planned.values()
    }
    return [
        {
            **{"first": each.first, "second": each.second, "n_folds": each.n_folds},
            **_columns(each),
            "p_holm_planned": planned.get(frozenset((each.first, each.second)), math.nan),
        }
        for each in summary.pairs
    ]
