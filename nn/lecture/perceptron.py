"""Rosenblatt's perceptron: the first machine that learned, and what one neuron can do.

References
----------
Rosenblatt 1958, Psychological Review 65, 386, doi:10.1037/h0042519;
Novikoff 1962, Symposium on the Mathematical Theory of Automata 12, 615 (the bound)
"""

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.estimators.random_state import RandomState, as_generator
from galfeat.nn.types import Floats

__all__ = ["Perceptron", "learn"]


class Perceptron(ClassifierMixin, BaseEstimator):
    """A neuron that learns from its mistakes.

    Wherever a sample x of side s (+1 or -1) is wrong, ``w += s x`` and ``b += s``.

    If a hyperplane separates the classes, the rule finds one after at most (R / gamma)^2 updates: R
    is the length of the longest sample, gamma its least distance from the best hyperplane, both
    with the bias's constant 1 as one more coordinate. Otherwise it never comes to rest. Of more
    than two classes each is told from all others, by a neuron of its own.

    Parameters
    ----------
    max_iter : int, default 1000
        Most passes through the samples.
    fit_intercept : bool, default True
        Whether there is a bias b; without, the hyperplane goes through the origin.
    shuffle : bool, default False
        Go through the samples in a new order each pass.
    random_state : int, numpy.random.Generator, RandomState or None
        Seed of that order.

    Attributes
    ----------
    classes_ : array, shape (k,)
    coef_ : array, shape (1, features) for two classes, else (k, features)
    intercept_ : array, shape (1,) or (k,)
    n_iter_ : int
        Passes, the last one without a mistake if it converged; of the neuron that took the most.
    n_updates_ : array of int, shape (1,) or (k,)
        Mistakes made on the way.
    converged_ : array of bool, shape (1,) or (k,)
        Whether a whole pass went by without a mistake.

    Notes
    -----
    Unlike scikit-learn's estimator of that name: no penalty, no early stopping, no learning rate
    (with w = 0 at the start it would scale w and change no decision), and a sample on the
    hyperplane is a mistake, as in the proof of the bound.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> neuron = Perceptron().fit(X, [0, 0, 0, 1])
    >>> neuron.predict(X).tolist(), neuron.coef_.tolist(), neuron.intercept_.tolist()
    ([0, 0, 0, 1], [[3.0, 2.0]], [-4.0])
    """

    classes_: NDArray[Any]
    coef_: Floats
    intercept_: Floats
    n_iter_: int
    n_updates_: NDArray[np.intp]
    converged_: NDArray[np.bool_]

    def __init__(
        self,
        max_iter: int = 1000,
        *,
        fit_intercept: bool = True,
        shuffle: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.max_iter = max_iter
        self.fit_intercept = fit_intercept
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the hyperplanes.

        Parameters
        ----------
        X : array, shape (n, features)
        y : array, shape (n,)
            Labels of two classes or more.

        Returns
        -------
        self

        Raises
        ------
        UsageError
            If a setting makes no sense.
        ValueError
            If samples or labels are none that can be learned from.
        """
        if (
            not isinstance(self.max_iter, Integral)
            or isinstance(self.max_iter, bool)
            or self.max_iter < 1
        ):
            raise UsageError(
                f"max_iter must be a whole number of at least 1; got {self.max_iter!r}"
            )
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError(
                "two classes or more are needed to tell them apart; y has one class only, "
                f"{self.classes_[0]}"
            )
        ones = np.ones((len(X), 1)) if self.fit_intercept else np.zeros((len(X), 0))
        inputs = np.hstack([X, ones])
        first = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        rng = as_generator(self.random_state) if self.shuffle else None
        found = [
            learn(inputs, np.where(numbers == each, 1.0, -1.0), self.max_iter, rng)
            for each in first
        ]
        weights = np.array([weight for weight, _, _ in found])
        self.coef_ = weights[:, : X.shape[1]]
        self.intercept_ = weights[:, -1] if self.fit_intercept else np.zeros(len(weights))
        self.n_updates_ = np.array([updates for _, updates, _ in found])
        self.n_iter_ = max(abs(passes) for _, _, passes in found)
        self.converged_ = np.array([passes > 0 for _, _, passes in found])
        if not self.converged_.all():
            warnings.warn(
                f"the perceptron still made mistakes after max_iter={self.max_iter} passes: "
                "no hyperplane separates the classes, or more passes are needed",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return ``x . w + b``: shape (n,) for two classes, positive for the second, else (n,
        k).
        """
        check_is_fitted(self)
        samples: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        scores: Floats = samples @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class of each sample, shape (n,)."""
        scores = self.decision_function(X)
        return np.asarray(
            self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
        )


def learn(
    X: Floats, side: Floats, max_iter: int, rng: np.random.Generator | None = None
) -> tuple[Floats, int, int]:
    """Apply the rule until a pass is free of mistakes.

    Parameters
    ----------
    X : array, shape (n, d)
    side : array, shape (n,)
        +1 or -1.
    max_iter : int
        Most passes.
    rng : numpy.random.Generator, optional
        Gives each pass a new order.

    Returns
    -------
    weight : array, shape (d,)
    updates : int
    passes : int
        Negative if the last one had mistakes.
    """
    weight = np.zeros(X.shape[1])
    updates = 0
    signed = X * side[:, None]
    for number in range(1, max_iter + 1):
        if rng is not None:
            signed = rng.permutation(signed)
        before = updates
        at = 0
        # the next mistake; those passed by were right
        while (wrong := np.flatnonzero(signed[at:] @ weight <= 0)).size:
            at += int(wrong[0]) + 1
            weight += signed[at - 1]
            updates += 1
        if updates == before:
            return weight, updates, number
    return weight, updates, -max_iter
