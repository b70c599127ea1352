"""Calibration of class probabilities by temperature scaling.

A network trained to convergence is overconfident: it is correct less often than its probabilities
say. Dividing the log-probabilities by one temperature T, fitted on held-out samples, corrects most
of that and cannot change the most probable class.

References
----------
Guo, C., et al. 2017, arXiv:1706.04599
"""

from math import exp, log

import numpy as np
from scipy.optimize import brentq

from galfeat import UsageError
from galfeat.nn.estimators.probabilities import log_softmax, softmax
from galfeat.nn.types import Floats

__all__ = ["fit_temperature", "scaled_log_softmax", "scaled_softmax"]

_MIN_TEMPERATURE, _MAX_TEMPERATURE = 1e-3, 1e3


def fit_temperature(scores: Floats, target: Floats, weight: Floats | None = None) -> float:
    """Return the temperature T at which softmax(scores / T) has the lowest log loss.

    Parameters
    ----------
    scores : array, shape (n, k)
        Log-probabilities, or scores that increase with them, of held-out samples.
    target : array, shape (n, k)
        One-hot: 1 for the class of a sample, 0 for the others.
    weight : array, shape (n, 1), optional

    Returns
    -------
    float
        Between 1e-3 and 1e3. 1 leaves the probabilities unchanged, a larger temperature makes them
        less confident.

    Raises
    ------
    UsageError
        If there are no samples, or scores are not finite.

    Notes
    -----
    The log loss is convex in 1/T, so its derivative has one zero at most. On twenty samples that
    are all predicted correctly, the best fit would be T = 0; therefore the fit is regularized by
    one pseudo-sample that favors T = 1: its class probabilities are the mean of the scores' own.
    (Platt 1999 adds one sample of each class instead, which with few samples makes a network
    underconfident.)

    Examples
    --------
    Three of four samples are correct where the scores say 99 of 100:

    >>> scores = np.log([[0.99, 0.01]] * 400)
    >>> target = np.eye(2)[np.arange(400) % 4 // 3]
    >>> t = fit_temperature(scores, target)
    >>> bool(abs(scaled_softmax(scores, t)[0, 0] - 0.75) < 0.002)
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
        """Return the derivative of the loss with respect to 1/T."""
        p = softmax(logits * exp(-log_t))
        return float(((share * p - wanted) * logits).sum())

    low, high = log(_MIN_TEMPERATURE), log(_MAX_TEMPERATURE)
    if slope(low) <= 0:
        return _MIN_TEMPERATURE
    if slope(high) >= 0:
        return _MAX_TEMPERATURE
    return exp(brentq(slope, low, high, xtol=1e-10))


def scaled_softmax(scores: Floats, temperature: float) -> Floats:
    """Return softmax(scores / T), shape (n, k)."""
    return softmax(_divided(scores, temperature))


def scaled_log_softmax(scores: Floats, temperature: float) -> Floats:
    """Return log softmax(scores / T), shape (n, k)."""
    return log_softmax(_divided(scores, temperature))


def _divided(scores: Floats, temperature: float) -> Floats:
    return scores / scores.dtype.type(temperature)
