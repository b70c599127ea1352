"""Predictions of a classifier: classes, scores and calibrated probabilities."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from galfeat.nn.estimators.base import BaseMLP
from galfeat.nn.estimators.calibration import scaled_log_softmax, scaled_softmax
from galfeat.nn.estimators.probabilities import (
    Link,
    ensemble_scores,
    link_for,
    log_softmax,
    softmax,
)
from galfeat.nn.losses import get_loss
from galfeat.nn.types import Floats

__all__ = ["ClassPredictions"]


def _has_probabilities(model: "ClassPredictions") -> bool:
    if (
        link_for(get_loss(model.loss)) is None
        and not model.calibration
        and getattr(model, "temperature_", None) is None
    ):
        raise AttributeError(
            f"a network trained with loss={model.loss!r} gives scores and no probabilities; use "
            "calibration=True"
        )
    return True


class ClassPredictions(BaseMLP):
    """The prediction methods of a classifier.

    Attributes
    ----------
    classes_ : array, shape (k,)
    temperature_ : float or None
        Divisor of the log-probabilities (or scores).
    """

    calibration: bool
    classes_: NDArray[Any]
    temperature_: float | None

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample, shape (n,)."""
        check_is_fitted(self)
        # the outputs of a single network are in the same order as its probabilities
        link = None if len(self._members) == 1 else self._link()
        scores = self._predict(X, lambda outputs: ensemble_scores(outputs, link))
        best = np.argmax(scores, axis=1)
        predicted: NDArray[Any] = self.classes_[best]
        return predicted

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the scores of the classes: log-probabilities, or outputs where there are none.

        Returns
        -------
        array, shape (n, k)
            With two classes, shape (n,): the score of the second minus that of the first.
        """
        scores = self._scores(X)
        return scores if len(self.classes_) > 2 else scores[:, 1] - scores[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, shape (n, k), in the order of `classes_`.

        Each row of the result is bitwise independent of the other rows of X.
        """
        check_is_fitted(self)
        link, temperature = self._link(), self.temperature_ or 1.0
        if link is log_softmax and temperature == 1:
            if len(self._members) == 1:
                return self._predict(X, lambda outputs: softmax(outputs[0]))
            return self._predict(
                X, lambda outputs: np.mean([softmax(output) for output in outputs], axis=0)
            )
        return self._predict(
            X, lambda outputs: scaled_softmax(ensemble_scores(outputs, link), temperature)
        )

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Return the log-probability of each class, finite also where the probability is 0."""
        check_is_fitted(self)
        link, temperature = self._link(), self.temperature_ or 1.0
        return self._predict(
            X, lambda outputs: scaled_log_softmax(ensemble_scores(outputs, link), temperature)
        )

    def _scores(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        link = self._link()
        return self._predict(X, lambda outputs: ensemble_scores(outputs, link))

    def _link(self) -> Link | None:
        return link_for(get_loss(self.loss))

    def _default_temperature(self) -> float | None:
        return None if self._link() is None else 1.0
