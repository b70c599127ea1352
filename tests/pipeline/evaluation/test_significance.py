"""Tests, corrections and equivalence against published numbers, other programs and pencils."""

import math
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score
from sklearn.model_selection import RepeatedStratifiedKFold

from galfeat import UsageError
from galfeat.pipeline.evaluation.significance import (
    corrected_interval,
    corrected_ttest,
    equivalence,
    holm,
)

# How much higher, in 25ths, the area under the curve of the radial kernel is than that of the
# linear one, over 10 x 10 folds of make_moons(100, noise=0.352, random_state=1),
# RepeatedStratifiedKFold(10, n_repeats=10, random_state=0): scikit-learn's example "Statistical
# comparison of models using grid search", run with scikit-learn 1.9.
_25THS = """
-1 -3 0 0 0 1 1 0 1 0   1 1 1 1 1 -1 0 0 0 0   -1 -1 1 -2 0 1 1 1 0 0   -1 1 0 0 1 0 0 1 1 0   1 0 0 0 0 0 0 2 0 0
0 1 1 1 0 1 -1 2 0 0    0 0 0 5 -1 0 1 0 0 0    0 1 1 2 0 1 0 -1 0 0    1 -2 1 0 1 0 0 0 0 0   0 -1 0 -1 0 0 1 2 0 0
"""  # noqa: E501 - the table as published
KERNELS = np.array(_25THS.split(), dtype=float) / 25.0


def test_the_published_example_of_scikit_learn() -> None:
    assert len(KERNELS) == 100
    corrected = corrected_ttest(KERNELS, n_train=90, n_test=10, alternative="greater")
    assert corrected.statistic == pytest.approx(0.7503127, abs=5e-8)
    assert corrected.p == pytest.approx(0.2274230, abs=5e-8)
    assert corrected.degrees == 99
    naive = corrected_ttest(KERNELS, n_train=1, n_test=0, alternative="greater")
    assert naive.statistic == pytest.approx(2.6111648, abs=5e-8)
    assert naive.p == pytest.approx(0.0052130, abs=5e-8)
    odds = equivalence(KERNELS, n_train=90, n_test=10, region=0.01)
    assert odds.same == pytest.approx(0.432, abs=5e-4)
    everything = equivalence(KERNELS, n_train=90, n_test=10, region=0.0)
    assert (everything.better, everything.worse, everything.same) == pytest.approx(
        (0.773, 0.227, 0.0), abs=5e-4
    )


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("shift", [-0.3, 0.2])
def test_without_a_correction_it_is_the_paired_test_of_scipy(
    alternative: Literal["two-sided", "greater", "less"], shift: float
) -> None:
    values = np.random.default_rng(0).normal(shift, 1.0, size=12)
    ours = corrected_ttest(values, 1, 0, alternative)
    theirs = stats.ttest_1samp(values, 0.0, alternative=alternative)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_an_interval_leaves_out_zero_just_where_the_test_is_significant() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(200):
        values = rng.normal(0.4, 0.5, size=10)
        interval, test = corrected_interval(values, 400, 100), corrected_ttest(values, 400, 100)
        assert (test.p < 0.05) == (interval.low > 0 or interval.high < 0)
        seen.add(test.p < 0.05)
    assert seen == {True, False}


def test_two_folds_by_pencil() -> None:
    """With one degree of freedom Student's t is Cauchy's curve, whose integral is an arc
    tangent.
    """
    # mean 0.2, sample variance 0.02; (1/2 + 1/2) 0.02 gives a standard error of sqrt(0.02)
    differences = [0.1, 0.3]
    se = math.sqrt(0.02)
    test = corrected_ttest(differences, n_train=2, n_test=1)
    assert test.statistic == pytest.approx(0.2 / se)
    assert test.p == pytest.approx(1 - 2 / math.pi * math.atan(0.2 / se))
    odds = equivalence(differences, n_train=2, n_test=1, region=0.05)
    assert odds.worse == pytest.approx(0.5 + math.atan((-0.05 - 0.2) / se) / math.pi)
    assert odds.better == pytest.approx(0.5 - math.atan((0.05 - 0.2) / se) / math.pi)
    assert odds.worse + odds.same + odds.better == pytest.approx(1)


def test_folds_without_spread() -> None:
    assert corrected_ttest([0.1] * 5, 4, 1).p == 0.0
    assert corrected_ttest([-0.1] * 5, 4, 1).statistic == -math.inf
    assert corrected_ttest([-0.1] * 5, 4, 1, "greater").p == 1.0
    assert corrected_ttest([0.0] * 5, 4, 1) == corrected_ttest([0.0, 0.0, 0.0, 0.0, 0.0], 4, 1)
    assert corrected_ttest([0.0] * 5, 4, 1).p == 1.0
    assert equivalence([0.1] * 5, 4, 1).better == 1.0
    assert equivalence([-0.1] * 5, 4, 1).worse == 1.0
    assert equivalence([0.01] * 5, 4, 1).same == 1.0


def test_holm_by_pencil_and_by_statsmodels() -> None:
    # 4 x 0.005, 3 x 0.01, 2 x 0.03; 1 x 0.04 is less than the one before and is raised to it
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # statsmodels 0.15: multipletests([0.001, 0.2, 0.013, 0.04, 0.8], method="holm")[1]
    assert holm([0.001, 0.2, 0.013, 0.04, 0.8]).tolist() == pytest.approx(
        [0.005, 0.4, 0.052, 0.12, 0.8]
    )
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_holm_passes_over_tests_that_could_not_be_made() -> None:
    values = holm([math.nan, 0.01, 0.04])
    assert math.isnan(values[0])
    assert values[1:].tolist() == pytest.approx([0.02, 0.04])


def test_wrong_settings() -> None:
    with pytest.raises(UsageError, match="at least two folds"):
        corrected_ttest([0.1], 4, 1)
    with pytest.raises(UsageError, match="two-sided, greater, less"):
        corrected_ttest([0.1, 0.2], 4, 1, "more")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="0 or more"):
        equivalence([0.1, 0.2], 4, 1, region=-0.01)


def galaxies(
    rng: np.random.Generator, n: int
) -> tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]]:
    """Return three classes and two inputs for them, one of which knows more."""
    y = np.arange(n) % 3
    weak = 0.6 * np.eye(3)[y] + rng.normal(size=(n, 3))
    return y, {
        "weak": weak,
        "strong": np.hstack([weak, 0.7 * np.eye(3)[y] + rng.normal(size=(n, 3))]),
    }


def scores(
    train: tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]],
    test: tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]],
) -> dict[str, float]:
    """Return macro-F1 of the nearest class mean for both inputs, and its difference."""
    found = {}
    for name in ("weak", "strong"):
        means = np.stack([train[1][name][train[0] == k].mean(axis=0) for k in range(3)])
        predicted = ((test[1][name][:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        found[name] = float(f1_score(test[0], predicted, average="macro"))
    return found | {"gap": found["strong"] - found["weak"]}


def part(
    galaxies: tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]], rows: NDArray[np.intp]
) -> tuple[Any, Any]:
    return galaxies[0][rows], {name: block[rows] for name, block in galaxies[1].items()}


@pytest.mark.slow
def test_over_a_hundred_small_surveys_the_interval_covers_the_truth_of_large_samples() -> None:
    rng = np.random.default_rng(0)
    large = galaxies(rng, 6000)
    truth = {
        name: np.mean([scores(galaxies(rng, 120), large)[name] for _ in range(20)])
        for name in ("weak", "strong", "gap")
    }
    covered, naive = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for survey in range(100):
        sample = galaxies(rng, 150)
        splits = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=survey).split(
            sample[1]["weak"], sample[0]
        )
        folds = [scores(part(sample, train), part(sample, test)) for train, test in splits]
        for name, value in truth.items():
            values = [fold[name] for fold in folds]
            corrected, uncorrected = (
                corrected_interval(values, 120, 30),
                corrected_interval(values, 1, 0),
            )
            covered[name] += bool(corrected.low <= value <= corrected.high)
            naive[name] += bool(uncorrected.low <= value <= uncorrected.high)
    assert all(90 <= count <= 99 for count in covered.values()), covered
    assert all(count < 90 for count in naive.values()), naive


def test_corrected_interval_by_hand() -> None:
    interval = corrected_interval([0.5, 0.6, 0.7], n_train=200, n_test=100)
    assert interval.mean == pytest.approx(0.6)
    assert interval.se == pytest.approx(math.sqrt((1 / 3 + 1 / 2) * 0.01))
    t = 4.302653  # Student's t, two degrees of freedom, 97.5 %: printed in any table
    assert interval.high - interval.mean == pytest.approx(t * interval.se, rel=1e-6)
    assert interval.mean - interval.low == pytest.approx(t * interval.se, rel=1e-6)


def test_the_correction_is_what_makes_the_interval_cover() -> None:
    """Scores of overlapping folds have correlation rho = n_test / (n_train + n_test) in the model
    behind the correction.
    """
    rng = np.random.default_rng(1)
    k, rho = 5, 0.2
    covered = {True: 0, False: 0}
    for _ in range(2000):
        values = math.sqrt(rho) * rng.standard_normal() + math.sqrt(1 - rho) * rng.standard_normal(
            k
        )
        corrected = corrected_interval(values, n_train=4, n_test=1)
        naive = corrected_interval(values, n_train=1e12, n_test=1)
        covered[True] += corrected.low <= 0 <= corrected.high
        covered[False] += naive.low <= 0 <= naive.high
    assert covered[True] / 2000 == pytest.approx(0.95, abs=0.02)
    assert covered[False] / 2000 < 0.90


def test_one_fold_has_no_interval() -> None:
    with pytest.raises(UsageError, match="at least two folds"):
        corrected_interval([0.5], 1, 1)
