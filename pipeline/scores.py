"""Scores of a classifier on held-out galaxies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from galfeat.pipeline.comparison.significance import Interval, corrected_interval

__all__ = ["METRICS", "Interval", "corrected_interval", "score"]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")


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
