"""One temperature that makes a classifier as sure of itself as it has a right to be.

A network trained until its loss no longer falls is right less often than its probabilities say.
Dividing the log-probabilities by one number T, fitted on samples that the network has not seen,
mends most of that and cannot change which class is the most probable (Guo et al. 2017,
arXiv:1706.04599).
"""

from math import exp, log

import numpy as np
from scipy.optimize import brentq

from galfeat import UsageError
from galfeat.nn.estimators.probabilities import log_softmax, softmax
from galfeat.nn.types import Floats

__all__ = ["fit_temperature", "tempered", "tempered_log"]

_LOWEST, _HIGHEST = 1e-3, 1e3  # of the temperature


def fit_temperature(scores: Floats, target: Floats, weight: Floats | None = None) -> float:
    """Return the temperature T at which softmax(scores / T) has the least log loss.

    Parameters
    ----------
    scores : array, shape (n, k)
        Log-probabilities, or any scores that grow with them, of samples that were not trained on.
    target : array, shape (n, k)
        1 for the class of a sample, 0 for the others.
    weight : array, shape (n, 1), optional

    Returns
    -------
    float
        Between 1e-3 and 1e3. 1 leaves the probabilities as they are, more makes them less sure.

    Raises
    ------
    UsageError
        If there are no samples, or scores that are not finite.

    Notes
    -----
    The log loss is convex in 1/T, so its slope has one zero at most. To twenty samples that all are
    right, perfect confidence would be best; therefore one more sample is added that speaks for T =
    1: as many of each class as the scores themselves say. (Platt 1999 adds one of each class; with
    few samples that makes a network that is right doubt itself.)

    Examples
    --------
    Three of four samples are right where the scores say 99 of 100:

    >>> scores = np.log([[0.99, 0.01]] * 400)
    >>> target = np.eye(2)[np.arange(400) % 4 // 3]
    >>> t = fit_temperature(scores, target)
    >>> bool(abs(tempered(scores, t)[0, 0] - 0.75) < 0.002)
    True
    """
    logits = np.asarray(scores, dtype=np.float64)
    if not len(logits) or not np.isfinite(logits).all():
        raise UsageError("the temperature needs samples with finite scores")
    share = (
        np.full((len(logits), 1), 1.0) if weight is None else np.asarray(weight, dtype=np.float64)
    )
    share = share / share.sum()
    n = len(logits)
    wanted = share * (n * target + softmax(logits)) / (n + 1)

    def slope(log_t: float) -> float:
        """Return the slope of the loss with respect to 1/T."""
        p = softmax(logits * exp(-log_t))
        return float(((share * p - wanted) * logits).sum())

    low, high = log(_LOWEST), log(_HIGHEST)
    if slope(low) <= 0:
        return _LOWEST
    if slope(high) >= 0:
        return _HIGHEST
    return exp(brentq(slope, low, high, xtol=1e-10))


def tempered(scores: Floats, temperature: float) -> Floats:
    """Return softmax(scores / T), shape (n, k)."""
    return softmax(_divided(scores, temperature))


def tempered_log(scores: Floats, temperature: float) -> Floats:
    """Return log softmax(scores / T), shape (n, k)."""
    return log_softmax(_divided(scores, temperature))


def _divided(scores: Floats, temperature: float) -> Floats:
    return scores / scores.dtype.type(temperature)
