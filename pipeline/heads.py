"""Other classifiers than our network, on the same numbers: they show whether it is the input that matters or the head."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from galfeat.pipeline.fitting import class_weights

__all__ = ["HEADS", "head_probabilities"]

_TREES = 200
_STEPS = 200  # of the logistic regression's solver


def _logistic(x: NDArray[np.float32], labels: NDArray[np.str_], weights: dict[str, float], seed: int) -> LogisticRegression:
    model = LogisticRegression(C=0.1, max_iter=_STEPS, tol=1e-3, class_weight=weights, random_state=seed)
    return model.fit(x.astype(np.float64), labels)


def _forest(x: NDArray[np.float32], labels: NDArray[np.str_], weights: dict[str, float], seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(_TREES, min_samples_leaf=2, class_weight=weights, n_jobs=1, random_state=seed).fit(x, labels)


HEADS: dict[str, Callable[..., LogisticRegression | RandomForestClassifier]] = {"logistic": _logistic, "forest": _forest}
"""Heads by name: logistic regression with an L2 penalty, and a forest of 200 random trees."""


def head_probabilities(
    name: str, x: NDArray[np.float32], labels: NDArray[np.str_], test: NDArray[np.float32], *, weight: float, seed: int
) -> tuple[NDArray[np.float64], list[str], int]:
    """Train a head and return what it says of the test galaxies.

    Parameters
    ----------
    name : str
        A key of `HEADS`.
    x, test : array, shape (n, features), (m, features)
    labels : array of str, shape (n,)
    weight : float
        Classes count as the inverse of their frequency to this power.
    seed : int

    Returns
    -------
    probabilities : array, shape (m, classes)
    classes : list of str
        Those of its columns.
    parameters : int
        Coefficients, or nodes of all trees.
    """
    model = HEADS[name](x, labels, class_weights(labels, weight), seed)
    size = (
        sum(tree.tree_.node_count for tree in model.estimators_)
        if isinstance(model, RandomForestClassifier)
        else model.coef_.size + model.intercept_.size
    )
    probabilities = model.predict_proba(test.astype(np.float64) if name == "logistic" else test)
    return np.asarray(probabilities, dtype=np.float64), [str(each) for each in model.classes_], int(size)
