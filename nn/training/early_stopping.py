"""Early stopping on a validation split.

The held-out samples are scored after each epoch. The chosen epoch is the *last* one whose score is
within one standard error (of a difference of two scores) of the best: twenty samples cannot
distinguish one epoch from the next, and taking the first maximum of many noisy scores stops far too
early. Training stops only where the validation samples show that it does harm.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn.losses import Loss
from galfeat.nn.network import Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.types import Floats

__all__ = ["Accuracy", "MeanLoss", "Validation", "split"]


def split(
    groups: NDArray[np.intp], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw a stratified validation split.

    Parameters
    ----------
    groups : array of int, shape (n,)
        Class of each sample; the same number for all where there are no classes.
    fraction : float
        Share of the samples to hold out, in (0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : array of int
        Sorted row numbers. A class of one sample is in the training part; a larger one has at least
        one sample in each.

    Raises
    ------
    UsageError
        If no class has two samples.
    """
    held_out = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        count = round(fraction * len(rows))
        held_out[rows[: min(max(count, 1), len(rows) - 1)]] = True
    if not held_out.any():
        raise UsageError(
            "no sample can be set aside for early stopping or calibration: that takes two samples "
            "of one class at least; "
            f"there are n_samples = {len(groups)} in all"
        )
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


@dataclass
class Validation(ABC):
    """Scores of a network on held-out samples; each call adds one and updates the chosen epoch.

    Parameters
    ----------
    network : Network
        The network in training.
    samples : Samples
        The held-out samples.
    scores : list of float
        One per epoch; higher is better.
    """

    network: Network
    samples: Samples
    scores: list[float] = field(default_factory=list)
    chosen: int = 0
    """The chosen number of epochs."""
    params: Floats | None = None
    """The network's parameters after the chosen epoch."""

    _best: float = -inf
    _error: float = 0.0

    def __call__(self) -> float:
        """Score the network's present state; return the negative score, to be minimized."""
        score, error = self.score(self.network.forward(self.samples.X))
        self.scores.append(score)
        if score > self._best:
            self._best, self._error = score, error
        # the standard error of a difference of two scores is sqrt(2) times that of one
        if score >= self._best - sqrt(2) * self._error:
            self.chosen, self.params = len(self.scores), self.network.params.copy()
        return -score

    @abstractmethod
    def score(self, output: Floats) -> tuple[float, float]:
        """Return the score of the network's output and its standard error."""

    def _weighted_mean(self, values: Floats) -> tuple[float, float]:
        """Return the weighted mean over the samples and the effective sample size."""
        weight = (
            np.ones(len(values))
            if self.samples.weight is None
            else self.samples.weight[:, 0].astype(np.float64)
        )
        return float(values @ weight / weight.sum()), float(weight.sum() ** 2 / (weight @ weight))


@dataclass
class Accuracy(Validation):
    """Validation by accuracy, weighted as in training: for classifiers."""

    def score(self, output: Floats) -> tuple[float, float]:
        """Return the accuracy and its binomial standard error.

        The error is that of one more correct and one more wrong sample, so that it is never zero.
        """
        correct = np.argmax(output, axis=1) == np.argmax(self.samples.target, axis=1)
        accuracy, n = self._weighted_mean(correct.astype(np.float64))
        smoothed = (accuracy * n + 1) / (n + 2)
        return accuracy, sqrt(smoothed * (1 - smoothed) / n)


@dataclass
class MeanLoss(Validation):
    """Validation by the negative mean loss: for regressors."""

    loss: Loss = field(kw_only=True)

    def score(self, output: Floats) -> tuple[float, float]:
        """Return the negative mean loss and its standard error."""
        each = self.loss.each(output, self.samples.target)[:, 0].astype(np.float64)
        mean, n = self._weighted_mean(each)
        variance = self._weighted_mean((each - mean) ** 2)[0]
        return -mean, sqrt(variance / n)
