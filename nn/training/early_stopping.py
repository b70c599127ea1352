"""Early stopping: samples set aside for validation, and how long to train, judged by them.

After each epoch the samples set aside are predicted and scored. The epoch that is chosen is the
*last* one whose score is within one standard error of the best: twenty samples cannot tell one
epoch from the next, and taking the first best of many such scores stops far too early. Training on
is given up only where the samples show that it hurts.
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
    """Return the rows to train on and the rows to validate on, each group in its proportion.

    Parameters
    ----------
    groups : array of int, shape (n,)
        Class of each sample; one and the same number for all where there are no classes.
    fraction : float
        Share of the samples that validates.
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : array of int
        Rows, in order. A group of one sample trains; every larger group has at least one sample on
        each side.

    Raises
    ------
    UsageError
        If no group has two samples.
    """
    validates = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        wanted = round(fraction * len(rows))
        validates[rows[: min(max(wanted, 1), len(rows) - 1)]] = True
    if not validates.any():
        raise UsageError(
            "no sample can be set aside for early stopping or calibration: that takes two samples "
            "of one class at least; "
            f"there are n_samples = {len(groups)} in all"
        )
    return np.flatnonzero(~validates), np.flatnonzero(validates)


@dataclass
class Validation(ABC):
    """Scores a network on samples that were set aside; calling it scores once more.

    Parameters
    ----------
    network : Network
        The one that is being trained.
    samples : Samples
    scores : list of float
        One an epoch; higher is better.
    """

    network: Network
    samples: Samples
    scores: list[float] = field(default_factory=list)
    chosen: int = 0
    """The epoch, counted from 1, to which training should go."""
    params: Floats | None = None
    """The network's parameters after that epoch."""

    _best: float = -inf
    _error: float = 0.0

    def __call__(self) -> float:
        """Score the network as it is now; return the score with the sign of a loss."""
        score, error = self.score(self.network.forward(self.samples.X))
        self.scores.append(score)
        if score > self._best:
            self._best, self._error = score, error
        # a difference of two scores errs by the root of two more than one of them
        if score >= self._best - sqrt(2) * self._error:
            self.chosen, self.params = len(self.scores), self.network.params.copy()
        return -score

    @abstractmethod
    def score(self, output: Floats) -> tuple[float, float]:
        """Return the score of an output and its standard error."""

    def _average(self, marks: Floats) -> tuple[float, float]:
        """Return the weighted mean of the samples' marks and the number of equally weighted samples
        that would be as certain.
        """
        weight = (
            np.ones(len(marks))
            if self.samples.weight is None
            else self.samples.weight[:, 0].astype(np.float64)
        )
        return float(marks @ weight / weight.sum()), float(weight.sum() ** 2 / (weight @ weight))


@dataclass
class Accuracy(Validation):
    """The share of samples whose largest output is that of their class, classes weighted as in
    training.
    """

    def score(self, output: Floats) -> tuple[float, float]:
        """Return the share p and its error.

        For the error, one more right and one more wrong are added, so it is never zero.
        """
        right = np.argmax(output, axis=1) == np.argmax(self.samples.target, axis=1)
        share, n = self._average(right.astype(np.float64))
        cautious = (share * n + 1) / (n + 2)
        return share, sqrt(cautious * (1 - cautious) / n)


@dataclass
class MeanLoss(Validation):
    """Minus the mean loss of the samples."""

    loss: Loss = field(kw_only=True)

    def score(self, output: Floats) -> tuple[float, float]:
        """Return minus the mean and its error from the scatter of the samples."""
        each = self.loss.each(output, self.samples.target)[:, 0].astype(np.float64)
        mean, n = self._average(each)
        scatter = self._average((each - mean) ** 2)[0]
        return -mean, sqrt(scatter / n)
