"""Scores against numbers that a pencil gives."""

import math

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.pipeline.scores import corrected_interval, score


def test_scores_of_six_galaxies_by_hand() -> None:
    truth = ["a", "a", "a", "a", "b", "c"]
    predicted = ["a", "a", "a", "b", "b", "b"]
    scores = score(truth, predicted, ["a", "b", "c"])
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((3 / 4 + 1 + 0) / 3)
    # F1: a has precision 1, recall 3/4; b precision 1/3, recall 1; c is never predicted
    assert scores["macro_f1"] == pytest.approx((6 / 7 + 1 / 2 + 0) / 3)


def test_corrected_interval_by_hand() -> None:
    interval = corrected_interval([0.5, 0.6, 0.7], n_train=200, n_test=100)
    assert interval.mean == pytest.approx(0.6)
    assert interval.se == pytest.approx(math.sqrt((1 / 3 + 1 / 2) * 0.01))
    t = 4.302653  # Student's t, two degrees of freedom, 97.5 %: printed in any table
    assert interval.high - interval.mean == pytest.approx(t * interval.se, rel=1e-6)
    assert interval.mean - interval.low == pytest.approx(t * interval.se, rel=1e-6)


def test_the_correction_is_what_makes_the_interval_cover() -> None:
    """Scores of overlapping folds have correlation rho = n_test / (n_train + n_test) in the model behind the correction."""
    rng = np.random.default_rng(1)
    k, rho = 5, 0.2
    covered = {True: 0, False: 0}
    for _ in range(2000):
        values = math.sqrt(rho) * rng.standard_normal() + math.sqrt(1 - rho) * rng.standard_normal(k)
        corrected = corrected_interval(values, n_train=4, n_test=1)
        naive = corrected_interval(values, n_train=1e12, n_test=1)
        covered[True] += corrected.low <= 0 <= corrected.high
        covered[False] += naive.low <= 0 <= naive.high
    assert covered[True] / 2000 == pytest.approx(0.95, abs=0.02)
    assert covered[False] / 2000 < 0.90


def test_one_fold_has_no_interval() -> None:
    with pytest.raises(UsageError, match="at least two folds"):
        corrected_interval([0.5], 1, 1)
