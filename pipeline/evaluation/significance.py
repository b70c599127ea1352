"""Statistical inference on scores of folds: intervals, tests, corrections and equivalence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from galfeat import UsageError

__all__ = [
    "Equivalence",
    "Interval",
    "TTest",
    "corrected_interval",
    "corrected_ttest",
    "equivalence",
    "holm",
]

Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class Interval:
    """Mean over folds with its confidence interval.

    Parameters
    ----------
    mean : float
    se : float
        Standard error, corrected for the overlap of the training sets.
    low, high : float
        Limits of the confidence interval of the expected score.
    """

    mean: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class TTest:
    """Result of a t-test of differences over folds.

    Parameters
    ----------
    statistic : float
        Student's t.
    p : float
        Probability of a statistic at least as extreme under the null hypothesis.
    degrees : int
        Degrees of freedom.
    """

    statistic: float
    p: float
    degrees: int


@dataclass(frozen=True)
class Equivalence:
    """Posterior probabilities of a difference below, in and above the region of equivalence.

    They sum to 1.

    Parameters
    ----------
    worse, same, better : float
    """

    worse: float
    same: float
    better: float


def corrected_interval(
    values: ArrayLike, n_train: float, n_test: float, level: float = 0.95
) -> Interval:
    r"""Return the mean over folds with the corrected standard error of Nadeau and Bengio.

    The training sets of the folds overlap, so their scores are not independent and
    :math:`s/\sqrt{k}` is too small. The corrected variance of the mean of :math:`k` scores with
    sample variance :math:`s^2` is :math:`(1/k + n_{test}/n_{train})\,s^2`.

    Parameters
    ----------
    values : array_like, shape (k,)
        One score, or one difference of scores, per fold of all repeats; at least two.
    n_train, n_test : float
        Mean sizes of the training and test folds.
    level : float
        Coverage of the interval, in (0, 1); Student's t with k - 1 degrees of freedom.

    Returns
    -------
    Interval

    Raises
    ------
    UsageError
        If there are fewer than two folds.

    References
    ----------
    Nadeau & Bengio (2003), Machine Learning 52, 239, doi:10.1023/A:1024068626366.

    Examples
    --------
    >>> interval = corrected_interval([0.5, 0.6, 0.7], n_train=200, n_test=100)
    >>> round(interval.mean, 3), round(interval.se, 4)
    (0.6, 0.0913)
    """
    mean, se, degrees = _mean_and_error(values, n_train, n_test)
    half = float(stats.t.ppf(0.5 + level / 2.0, degrees)) * se
    return Interval(mean, se, mean - half, mean + half)


def corrected_ttest(
    differences: ArrayLike, n_train: float, n_test: float, alternative: Alternative = "two-sided"
) -> TTest:
    r"""Test the mean difference over folds with the corrected resampled t-test.

    The null hypothesis is a difference of zero. The statistic is
    :math:`t = \bar d / \sqrt{(1/k + n_{test}/n_{train})\,s^2}` with :math:`k - 1` degrees of
    freedom.

    Parameters
    ----------
    differences : array_like, shape (k,)
        One difference per fold of all repeats; at least two.
    n_train, n_test : float
        Mean sizes of the training and test folds.
    alternative : {"two-sided", "greater", "less"}
        Alternative hypothesis: a difference other than, above or below zero; as in
        `scipy.stats.ttest_1samp`.

    Returns
    -------
    TTest

    Raises
    ------
    UsageError
        If there are fewer than two folds or `alternative` is another word.

    Notes
    -----
    If all differences are equal, t is infinite with p = 0, or 0 with p = 1 (one-sided 0.5) if they
    are zero. Such a p-value is not reliable, since the variance cannot be estimated.

    References
    ----------
    Nadeau & Bengio (2003), Machine Learning 52, 239, doi:10.1023/A:1024068626366; for repeated
    k-fold cross-validation Bouckaert & Frank (2004), PAKDD, LNCS 3056, 3,
    doi:10.1007/978-3-540-24775-3_3.

    Examples
    --------
    >>> test = corrected_ttest([0.05, 0.02, 0.04, 0.03, 0.06], n_train=80, n_test=20)
    >>> round(test.statistic, 3), round(test.p, 4)
    (3.771, 0.0196)
    """
    mean, se, degrees = _mean_and_error(differences, n_train, n_test)
    t = mean / se if se else float(np.sign(mean)) * np.inf if mean else 0.0
    tails = {
        "two-sided": 2.0 * stats.t.sf(abs(t), degrees),
        "greater": stats.t.sf(t, degrees),
        "less": stats.t.cdf(t, degrees),
    }
    if alternative not in tails:
        raise UsageError(
            f"the alternative must be one of {', '.join(tails)}; it is '{alternative}'"
        )
    return TTest(float(t), float(tails[alternative]), degrees)


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values corrected for multiple tests by Holm's step-down method.

    The smallest of m p-values is multiplied by m, the next by m - 1 and so on; none becomes smaller
    than one before it, or more than 1. A threshold of 0.05 on the corrected p-values bounds the
    family-wise error rate by 5 %, for any dependence between the tests.

    Parameters
    ----------
    p_values : array_like, shape (m,)
        In any order; NaN (a test that is not defined) stays NaN and is not counted.

    Returns
    -------
    array, shape (m,)
        In the order of `p_values`.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65, https://www.jstor.org/stable/4615733 (it
    has no DOI).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    adjusted[order] = np.minimum(
        np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0
    )
    return adjusted


def equivalence(
    differences: ArrayLike, n_train: float, n_test: float, region: float = 0.01
) -> Equivalence:
    """Return the probabilities of practical equivalence by the correlated Bayesian t-test.

    A test without a significant difference does not show equivalence. Here the posterior of the
    mean difference is the Student's t distribution of `corrected_interval`; its probability within
    ``[-region, region]`` is that of practical equivalence.

    Parameters
    ----------
    differences : array_like, shape (k,)
        One difference per fold of all repeats; at least two.
    n_train, n_test : float
        Mean sizes of the training and test folds; they set the correlation of the folds, ``n_test /
        (n_train + n_test)``.
    region : float
        Half width of the region of practical equivalence, in units of the score; at least 0.

    Returns
    -------
    Equivalence

    Raises
    ------
    UsageError
        If there are fewer than two folds or `region` is negative.

    References
    ----------
    Corani & Benavoli (2015), Machine Learning 100, 285, doi:10.1007/s10994-015-5486-z; Benavoli,
    Corani, Demsar & Zaffalon (2017), Journal of Machine Learning Research 18, 77
    (https://jmlr.org/papers/v18/16-305.html), arXiv:1606.04316, doi:10.48550/arXiv.1606.04316.

    Examples
    --------
    >>> odds = equivalence([0.002, -0.001, 0.001, 0.0, -0.002], n_train=80, n_test=20, region=0.01)
    >>> round(odds.same, 3)
    0.999
    """
    if not region >= 0:
        raise UsageError(f"the region of practical equivalence must be 0 or more; it is {region}")
    mean, se, degrees = _mean_and_error(differences, n_train, n_test)
    if se == 0.0:
        return Equivalence(float(mean < -region), float(abs(mean) <= region), float(mean > region))
    posterior = stats.t(degrees, loc=mean, scale=se)
    worse, better = float(posterior.cdf(-region)), float(posterior.sf(region))
    return Equivalence(worse, max(0.0, 1.0 - worse - better), better)


def _mean_and_error(values: ArrayLike, n_train: float, n_test: float) -> tuple[float, float, int]:
    scores = np.asarray(values, dtype=np.float64)
    k = len(scores)
    if k < 2:
        raise UsageError(f"an interval needs at least two folds; there is {k}")
    # exactly zero for equal scores, without rounding errors
    variance = 0.0 if np.ptp(scores) == 0 else float(scores.var(ddof=1))
    return float(scores.mean()), float(np.sqrt((1.0 / k + n_test / n_train) * variance)), k - 1
