"""Scores of a classifier on held-out galaxies, and what repeated folds say of their uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from galfeat import UsageError

__all__ = ["METRICS", "Interval", "corrected_interval", "score"]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True)
class Interval:
    """A mean over folds with its uncertainty.

    Parameters
    ----------
    mean : float
    se : float
        Standard error, corrected for the overlap of the training sets.
    low, high : float
        The interval that covers the expected score with the stated level.
    """

    mean: float
    se: float
    low: float
    high: float


def score(truth: Sequence[str] | NDArray[np.str_], predicted: Sequence[str] | NDArray[np.str_], classes: Sequence[str]) -> dict[str, float]:
    """Return accuracy, balanced accuracy and macro-F1, each in [0, 1].

    Macro-F1 is the unweighted mean over `classes` of the harmonic mean of precision and recall; a class that is never predicted
    counts as 0.
    """
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, predicted)),
        "macro_f1": float(f1_score(truth, predicted, labels=list(classes), average="macro", zero_division=0.0)),
    }


def corrected_interval(values: ArrayLike, n_train: float, n_test: float, level: float = 0.95) -> Interval:
    r"""Return the mean of scores over folds with the standard error of Nadeau and Bengio.

    The training sets of the folds overlap, so their scores are not independent and :math:`s/\sqrt{k}` is too small. The corrected
    variance of the mean of :math:`k` scores with sample variance :math:`s^2` is :math:`(1/k + n_{test}/n_{train})\,s^2`.

    Parameters
    ----------
    values : array_like, shape (k,)
        One score a fold; at least two.
    n_train, n_test : float
        Mean sizes of the training and test folds.
    level : float
        Coverage of the interval, in (0, 1); Student's t with k - 1 degrees of freedom.

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
    scores = np.asarray(values, dtype=np.float64)
    k = len(scores)
    if k < 2:
        raise UsageError(f"an interval needs at least two folds; there is {k}")
    mean = float(scores.mean())
    se = float(np.sqrt((1.0 / k + n_test / n_train) * scores.var(ddof=1)))
    half = float(stats.t.ppf(0.5 + level / 2.0, k - 1)) * se
    return Interval(mean, se, mean - half, mean + half)
