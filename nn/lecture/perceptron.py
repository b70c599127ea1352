"""Rosenblatt's perceptron: a linear classifier trained by error correction.

References
----------
Rosenblatt, F. 1958, Psychological Review 65, 386, doi:10.1037/h0042519
Novikoff, A. B. J. 1962, Symposium on the Mathematical Theory of Automata 12, 615 (the bound)
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
    """Linear classifier trained by the perceptron learning rule.

    For each misclassified sample x of label s (+1 or -1), ``w += s x`` and ``b += s``.

    If a hyperplane separates the classes, the rule finds one after at most (R / gamma)^2 updates
    (Novikoff's bound): R is the largest norm of a sample, gamma the smallest distance of a sample
    from the best hyperplane, both with a constant 1 appended to the samples for the bias.
    Otherwise it does not converge. With more than two classes, one neuron per class is trained
    against all others (one-vs-rest).

    Parameters
    ----------
    max_iter : int, default 1000
        Maximum number of epochs (passes over the samples).
    fit_intercept : bool, default True
        Whether there is a bias b; without it, the hyperplane contains the origin.
    shuffle : bool, default False
        Draw a new order of the samples in each epoch.
    random_state : int, numpy.random.Generator, RandomState or None
        Seed of the order.

    Attributes
    ----------
    classes_ : array, shape (k,)
    coef_ : array, shape (1, features) for two classes, else (k, features)
    intercept_ : array, shape (1,) or (k,)
    n_iter_ : int
        Number of epochs, including a last one without errors if it converged; of the neuron that
        took the most.
    n_updates_ : array of int, shape (1,) or (k,)
        Number of updates: misclassified samples during training.
    converged_ : array of bool, shape (1,) or (k,)
        Whether an epoch without errors was reached.

    Notes
    -----
    Differences from scikit-learn's estimator of the same name: no penalty, no early stopping, no
    learning rate (which, with initial w = 0, only scales w), and a sample on the hyperplane counts
    as misclassified, as in the proof of the bound.

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
        """Train the perceptron.

        Parameters
        ----------
        X : array, shape (n, features)
        y : array, shape (n,)
            Labels of at least two classes.

        Returns
        -------
        self

        Raises
        ------
        UsageError
            If `max_iter` is invalid or there is only one class.
        ValueError
            If features or labels are invalid.
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
        """Return ``x . w + b``, shape (n, k); for two classes (n,), positive for the second."""
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
    """Apply the perceptron learning rule until an epoch has no errors.

    Parameters
    ----------
    X : array, shape (n, d)
    side : array, shape (n,)
        Label +1 or -1 of each sample.
    max_iter : int
        Maximum number of epochs.
    rng : numpy.random.Generator, optional
        Draws a new order of the samples in each epoch.

    Returns
    -------
    weight : array, shape (d,)
    updates : int
    epochs : int
        Negative if the last epoch had errors.
    """
    weight = np.zeros(X.shape[1])
    updates = 0
    signed = X * side[:, None]
    for number in range(1, max_iter + 1):
        if rng is not None:
            signed = rng.permutation(signed)
        before = updates
        at = 0
        # jump to the next misclassified sample
        while (wrong := np.flatnonzero(signed[at:] @ weight <= 0)).size:
            at += int(wrong[0]) + 1
            weight += signed[at - 1]
            updates += 1
        if updates == before:
            return weight, updates, number
    return weight, updates, -max_iter
