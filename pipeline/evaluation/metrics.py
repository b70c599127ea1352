"""Metrics of predicted probabilities: proper scores, calibration, and scores per class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, rankdata
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss

from galfeat import UsageError

__all__ = [
    "ClassScore",
    "ReliabilityBin",
    "brier",
    "class_scores",
    "confusion",
    "evaluate",
    "expand_to_classes",
    "expected_calibration_error",
    "log_loss",
    "reliability_bins",
    "score",
]

_N_BINS = 15  # as in Guo et al. (2017)


@dataclass(frozen=True)
class ReliabilityBin:
    """Bin of a reliability diagram: galaxies with a similar probability of the predicted class.

    Parameters
    ----------
    n : int
        Number of galaxies, at least 1.
    confidence : float
        Mean probability of the predicted class.
    accuracy : float
        The share whose predicted class is the true one.
    low, high : float
        95 % interval of `accuracy`, by Clopper and Pearson.
    """

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall, F1 and AUC of one class.

    Parameters
    ----------
    name : str
    n : int
        Number of galaxies of this class.
    precision, recall, f1 : float
        In [0, 1]; precision is 0 where the class is never predicted.
    auc : float
        Area under the receiver operating characteristic of this class against the rest; NaN if one
        of the two has no galaxies.
    """

    name: str
    n: int
    precision: float
    recall: float
    f1: float
    auc: float


def log_loss(
    truth: ArrayLike, probabilities: NDArray[np.floating], classes: Sequence[str]
) -> float:
    """Return the log loss: the mean negative logarithm of the true class's probability.

    0 is perfect.

    Parameters
    ----------
    truth : array_like of str, shape (n,)
    probabilities : array, shape (n, k)
        Columns in the order of `classes`; rows sum to 1.
    classes : sequence of str, length k
        In sorted order.
    """
    return float(
        sklearn_log_loss(truth, np.asarray(probabilities, dtype=np.float64), labels=list(classes))
    )


def brier(truth: ArrayLike, probabilities: NDArray[np.floating], classes: Sequence[str]) -> float:
    """Return the Brier score: the mean squared error of the probabilities.

    0 is perfect.

    Parameters
    ----------
    truth, probabilities, classes
        As for `log_loss`.

    Returns
    -------
    float
        In [0, 1] for two classes, where it is the squared error of one class's probability, and in
        [0, 2] for more, where it is summed over the classes; as in
        `sklearn.metrics.brier_score_loss`.

    References
    ----------
    Brier (1950), Monthly Weather Review 78, 1, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> round(brier(["a", "b"], np.array([[0.8, 0.2], [0.4, 0.6]]), ["a", "b"]), 3)
    0.1
    """
    target = np.asarray(truth)[:, None] == np.asarray(classes)[None, :]
    total = float(
        np.mean(np.sum((np.asarray(probabilities, dtype=np.float64) - target) ** 2, axis=1))
    )
    return total / 2.0 if len(classes) == 2 else total


def reliability_bins(
    truth: ArrayLike,
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
    n_bins: int = _N_BINS,
) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram: accuracy by probability of the predicted class.

    Parameters
    ----------
    truth, probabilities, classes
        As for `log_loss`.
    n_bins : int
        Bins of equal width over [0, 1], open below; empty ones are dropped.

    Returns
    -------
    list of ReliabilityBin
        In the order of confidence.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), PMLR 70, 1321, arXiv:1706.04599,
    doi:10.48550/arXiv.1706.04599; intervals: Clopper & Pearson (1934), Biometrika 26, 404,
    doi:10.1093/biomet/26.4.404.
    """
    table = np.asarray(probabilities, dtype=np.float64)
    confidence = table.max(axis=1)
    right = np.asarray(classes)[table.argmax(axis=1)] == np.asarray(truth)
    places = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        n, hits = int(inside.sum()), int(right[inside].sum())
        low = float(beta.ppf(0.025, hits, n - hits + 1)) if hits else 0.0
        high = float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0
        bins.append(ReliabilityBin(n, float(confidence[inside].mean()), hits / n, low, high))
    return bins


def expected_calibration_error(
    truth: ArrayLike,
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
    n_bins: int = _N_BINS,
) -> float:
    """Return the expected calibration error, in [0, 1].

    It is the mean over the galaxies of the difference between confidence and accuracy of their bin.

    Parameters
    ----------
    truth, probabilities, classes, n_bins
        As for `reliability_bins`.

    Notes
    -----
    The accuracy of a bin has sampling noise, so the error of perfectly calibrated probabilities is
    above 0, and the larger the fewer galaxies there are: compare it only between inputs that were
    tested on the same galaxies.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), AAAI 29, 2901, doi:10.1609/aaai.v29i1.9602; Guo et al.
    (2017), as in `reliability_bins`.
    """
    bins = reliability_bins(truth, probabilities, classes, n_bins)
    return sum(each.n * abs(each.accuracy - each.confidence) for each in bins) / sum(
        each.n for each in bins
    )


def class_scores(
    truth: ArrayLike, probabilities: NDArray[np.floating], classes: Sequence[str]
) -> list[ClassScore]:
    """Return precision, recall, F1 and AUC of every class.

    The predicted class is the most probable.

    Parameters
    ----------
    truth, probabilities, classes
        As for `log_loss`.

    Notes
    -----
    The same numbers as scikit-learn's `precision_recall_fscore_support` and `roc_auc_score`,
    without their argument checks, which for folds of a hundred galaxies take a hundred times
    longer than the computation.
    """
    table = np.asarray(probabilities, dtype=np.float64)
    counts = confusion(truth, table, classes)
    right, n, named = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    precision, recall = right / np.maximum(named, 1), right / np.maximum(n, 1)
    f1 = 2 * right / np.maximum(n + named, 1)
    auc = _areas(np.asarray(truth)[:, None] == np.asarray(classes), table)
    columns = zip(classes, n, precision, recall, f1, auc, strict=True)
    return [
        ClassScore(str(name), int(count), *map(float, scores)) for name, count, *scores in columns
    ]


def _areas(members: NDArray[np.bool_], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the AUC of each column from the ranks of its members (Mann-Whitney U statistic)."""
    n = members.sum(axis=0)
    pairs = n * (len(members) - n)
    above = (rankdata(table, axis=0) * members).sum(axis=0) - n * (n + 1) / 2
    return np.where(pairs > 0, above / np.maximum(pairs, 1), np.nan)


def confusion(
    truth: ArrayLike, probabilities: NDArray[np.floating], classes: Sequence[str]
) -> NDArray[np.int_]:
    """Return the confusion matrix: galaxies by true (row) and predicted class (column).

    Its shape is (k, k); the predicted class is the most probable one.

    Raises
    ------
    UsageError
        If a true class is none of `classes`.
    """
    names = np.asarray(classes)
    members = np.asarray(truth)[:, None] == names
    if not members.any(axis=1).all():
        raise UsageError(f"some true classes are not among {', '.join(map(str, classes))}")
    true = members.argmax(axis=1)
    matrix = np.zeros((len(names), len(names)), dtype=np.int_)
    np.add.at(matrix, (true, np.asarray(probabilities).argmax(axis=1)), 1)
    return matrix


def evaluate(
    truth: NDArray[np.str_], probabilities: NDArray[np.float64], classes: Sequence[str]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return all scores of `SCORES`, and the scores of each class.

    The predicted class is the most probable one. Macro-F1 and balanced accuracy are means over the
    classes that have galaxies. A class without any is left out, unless it is predicted: then it
    counts in macro-F1, with an F1 of 0.

    Parameters
    ----------
    truth : array of str, shape (n,)
    probabilities : array, shape (n, k)
        Columns in the order of `classes`; rows sum to 1.
    classes : sequence of str, length k
        In sorted order.
    """
    each = class_scores(truth, probabilities, classes)
    guesses = probabilities.argmax(axis=1)
    counted = [score for place, score in enumerate(each) if score.n or (guesses == place).any()]
    present = [score for score in each if score.n]
    aucs = [score.auc for score in each if np.isfinite(score.auc)]
    scores = {
        "accuracy": float(np.mean(np.asarray(classes)[guesses] == truth)),
        "balanced_accuracy": float(np.mean([score.recall for score in present])),
        "macro_f1": float(np.mean([score.f1 for score in counted])),
        "auc": float(np.mean(aucs)) if aucs else float("nan"),
        "log_loss": log_loss(truth, probabilities, classes),
        "brier": brier(truth, probabilities, classes),
        "ece": expected_calibration_error(truth, probabilities, classes),
    }
    per_class = {
        score.name: {
            "precision": score.precision,
            "recall": score.recall,
            "f1": score.f1,
            "auc": score.auc,
            "n": float(score.n),
        }
        for score in each
    }
    return scores, per_class


def expand_to_classes(
    probabilities: NDArray[np.float64], known: Sequence[str], classes: Sequence[str]
) -> NDArray[np.float64]:
    """Return probabilities of all classes, zero for those not in training; shape (n, classes).

    Parameters
    ----------
    probabilities : array, shape (n, len(known))
    known : sequence of str
        Classes of the training galaxies.
    classes : sequence of str
        All classes.
    """
    places: Mapping[str, int] = {name: place for place, name in enumerate(classes)}
    full = np.zeros((len(probabilities), len(classes)))
    full[:, [places[str(name)] for name in known]] = probabilities
    total: NDArray[np.float64] = full / full.sum(axis=1, keepdims=True)
    return total


def score(
    truth: Sequence[str] | NDArray[np.str_],
    predicted: Sequence[str] | NDArray[np.str_],
    classes: Sequence[str],
) -> dict[str, float]:
    """Return accuracy, balanced accuracy and macro-F1 of predicted classes, each in [0, 1].

    Macro-F1 is the unweighted mean over `classes` of the harmonic mean of precision and recall; a
    class that is never predicted counts as 0.
    """
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(truth, predicted)),
        "macro_f1": float(
            f1_score(truth, predicted, labels=list(classes), average="macro", zero_division=0.0)
        ),
    }
