"""A study in few numbers.

Intervals of every input, differences to raw pixels, and every pair of inputs.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from galfeat.pipeline.comparison.results import SCORES, ComparisonResults, ScoreRow
from galfeat.pipeline.comparison.significance import (
    Equivalence,
    Interval,
    corrected_interval,
    corrected_ttest,
    equivalence,
    holm,
)

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
"""The input that all others are measured against."""

HEADLINE = "macro_f1"
"""The score that decides."""

REGION = 0.01
"""Differences of macro-F1 smaller than this are called practically nothing."""


_HIGHEST = {"log_loss": math.inf, "brier": 2.0}  # of all other scores it is 1


@dataclass(frozen=True)
class Difference:
    """How much higher one input scores than another over the folds that both have.

    Parameters
    ----------
    first, second : str
        The two inputs; the difference is that of the first minus the second.
    n_folds : int
    interval : Interval
    p : float
        Two-sided p-value of the corrected resampled t-test.
    odds : Equivalence
        Probabilities that the first is worse, practically the same, or better.
    p_holm : float
        The p-value corrected for the other tests made at once; `p` where it was made alone.
    """

    first: str
    second: str
    n_folds: int
    interval: Interval
    p: float
    odds: Equivalence
    p_holm: float = math.nan

    def turned(self) -> "Difference":
        """Return the difference of the second less the first."""
        low, high = -self.interval.high, -self.interval.low
        odds = Equivalence(self.odds.better, self.odds.same, self.odds.worse)
        interval = Interval(-self.interval.mean, self.interval.se, low, high)
        return Difference(
            self.second, self.first, self.n_folds, interval, self.p, odds, self.p_holm
        )

    def corrected(self, p_holm: float) -> "Difference":
        """Return the same with a p-value corrected for other tests."""
        return Difference(
            self.first, self.second, self.n_folds, self.interval, self.p, self.odds, p_holm
        )


def ratio_of(rows: Sequence[ScoreRow]) -> float:
    """Return the mean number of test galaxies for each training galaxy, which the correction for
    overlapping folds needs.
    """
    return float(np.mean([row.n_test for row in rows]) / np.mean([row.n_train for row in rows]))


def interval_of(
    values: Iterable[float], ratio: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval | None:
    """Return the corrected interval of those scores that are numbers, or None if they are fewer
    than two.

    It is cut at the bounds of the score: few folds give intervals that no score can fill.
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
    """Compare rows of the same splits.

    Parameters
    ----------
    first, second : sequence of ScoreRow
        Rows with the same repeat and fold belong together; others are passed over.
    metric : str
        One of `SCORES` that lies in [0, 1], or ``f1:`` and the name of a class.
    names : tuple of str
        What the two are called; by default the inputs of the rows.

    Returns
    -------
    Difference or None
        None if fewer than two splits have both.
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
    """Return the differences with p-values corrected for each other."""
    corrected = holm([each.p for each in differences])
    return [each.corrected(float(p)) for each, p in zip(differences, corrected, strict=True)]


class Summary:
    """What stage ``main`` of a study says.

    Parameters
    ----------
    results : ComparisonResults

    Attributes
    ----------
    rows : dict of str to list of ScoreRow
        Of each input that was trained, in the order of the study.
    to_pixels : dict of str to Difference
        Macro-F1 less that of raw pixels; Holm's correction is over all inputs but the controls.
    pairs : list of Difference
        Every two inputs that are no controls, Holm's correction over all of them.
    rivals : dict of str to Difference
        The hand-crafted features less every pixel input: what the study was planned for, so Holm's
        correction is over these alone.
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
        self.rivals = {each.second: each for each in with_holm(self._rivals())}

    def interval(self, name: str, metric: str = HEADLINE) -> Interval | None:
        """Return a score of an input with its 95 % interval, or None if there are not two folds
        with it.
        """
        rows = self.rows[name]
        return interval_of(
            self.results.values(rows, metric).tolist(),
            ratio_of(rows),
            (0.0, _HIGHEST.get(metric, 1.0)),
        )

    def mean(self, name: str, metric: str = HEADLINE) -> float:
        """Return the mean of a score over the folds that have it; NaN if none has."""
        values = self.results.values(self.rows[name], metric)
        return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan

    def best(self, names: Iterable[str]) -> str | None:
        """Return the input of the highest mean macro-F1."""
        known = [name for name in names if name in self.rows and math.isfinite(self.mean(name))]
        return max(known, key=self.mean, default=None)

    def ours(self) -> str | None:
        """Return the input that stands for the hand-crafted features.

        All of them together, otherwise the best of them.
        """
        names = [name for name in self.rows if self.group[name] == "features"]
        return "features" if "features" in names else self.best(names)

    def between(self, one: str, two: str) -> Difference | None:
        """Return the difference of two inputs, the first less the second, not corrected for other
        tests.
        """
        return difference(self.rows[one], self.rows[two])

    def table(self) -> list[dict[str, Any]]:
        """Return the rows of ``summary.csv``.

        Scores with intervals, and the difference to raw pixels, of every input.
        """
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

    def _rivals(self) -> list[Difference]:
        ours = self.ours()
        if ours is None:
            return []
        found = [self.between(ours, name) for name in self.rows if self.group[name] == "pixels"]
        return [each for each in found if each]

    def _to_pixels(self, names: Sequence[str]) -> list[Difference]:
        if BASELINE not in self.rows:
            return []
        found = [
            difference(self.rows[name], self.rows[BASELINE]) for name in names if name != BASELINE
        ]
        return [each for each in found if each]


def _columns(gap: Difference | None) -> dict[str, Any]:
    """Return the columns of a table for a difference; NaN where there is none."""
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
    """Return the rows of ``differences.csv``.

    Every pair, and the p-value corrected over the planned comparisons where it is one.
    """
    planned = {
        frozenset((each.first, each.second)): each.p_holm for each in summary.rivals.values()
    }
    return [
        {
            **{"first": each.first, "second": each.second, "n_folds": each.n_folds},
            **_columns(each),
            "p_holm_planned": planned.get(frozenset((each.first, each.second)), math.nan),
        }
        for each in summary.pairs
    ]
