"""All scores of predicted probabilities."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.comparison.metrics import brier, class_scores, expected_calibration_error, log_loss

__all__ = ["judged", "spread"]


def judged(
    truth: NDArray[np.str_], probabilities: NDArray[np.float64], classes: Sequence[str]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return the scores of `SCORES`, and precision, recall, F1, AUC and number of galaxies of each class.

    The predicted class is the most probable one. Macro-F1 and balanced accuracy are means over the classes that are there: a class without
    test galaxies counts in neither, unless it is predicted: then its F1 is 0.

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
    there = [score for score in each if score.n]
    aucs = [score.auc for score in each if np.isfinite(score.auc)]
    scores = {
        "accuracy": float(np.mean(np.asarray(classes)[guesses] == truth)),
        "balanced_accuracy": float(np.mean([score.recall for score in there])),
        "macro_f1": float(np.mean([score.f1 for score in counted])),
        "auc": float(np.mean(aucs)) if aucs else float("nan"),
        "log_loss": log_loss(truth, probabilities, classes),
        "brier": brier(truth, probabilities, classes),
        "ece": expected_calibration_error(truth, probabilities, classes),
    }
    per_class = {
        score.name: {"precision": score.precision, "recall": score.recall, "f1": score.f1, "auc": score.auc, "n": float(score.n)}
        for score in each
    }
    return scores, per_class


def spread(probabilities: NDArray[np.float64], known: Sequence[str], classes: Sequence[str]) -> NDArray[np.float64]:
    """Return probabilities of all classes, zero for those that the classifier has not met; shape (n, classes)."""
    places: Mapping[str, int] = {name: place for place, name in enumerate(classes)}
    full = np.zeros((len(probabilities), len(classes)))
    full[:, [places[str(name)] for name in known]] = probabilities
    total: NDArray[np.float64] = full / full.sum(axis=1, keepdims=True)
    return total
