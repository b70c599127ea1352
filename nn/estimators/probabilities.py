"""Class probabilities from the outputs of an ensemble.

All computations use logarithms, so that a probability of 1e-400 remains a number. An ensemble
averages the probabilities of its networks, not their scores.

====================  ==========================================================================
loss                  log-probabilities of the classes
====================  ==========================================================================
cross_entropy         log softmax(o)
binary_cross_entropy  log sigmoid(o), one versus the rest for each class, normalized to sum to 1
others                none: the outputs are scores of which only the order has a meaning
====================  ==========================================================================
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss
from galfeat.nn.types import Floats

__all__ = ["Link", "ensemble_scores", "link_for", "log_softmax", "softmax"]

Link: TypeAlias = Callable[[Floats], Floats]
"""A link function: outputs of a network to log-probabilities, both of shape (n, k)."""

softmax = ACTIVATIONS["softmax"].value


def log_softmax(output: Floats) -> Floats:
    """Return log softmax(o), finite also where softmax(o) underflows to 0."""
    shifted: Floats = output - output.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _one_versus_rest(output: Floats) -> Floats:
    return log_softmax(-np.logaddexp(output.dtype.type(0), -output))


def link_for(loss: Loss) -> Link | None:
    """Return the link function that belongs to a loss, or None if it gives no probabilities."""
    if isinstance(loss, CrossEntropy):
        return log_softmax
    return _one_versus_rest if isinstance(loss, BinaryCrossEntropy) else None


def ensemble_scores(outputs: Sequence[Floats], link: Link | None) -> Floats:
    """Return the log of the ensemble's mean probabilities, or its mean outputs without a link.

    Parameters
    ----------
    outputs : sequence of array, shape (n, k)
        One per network.
    link : Link or None

    Returns
    -------
    array, shape (n, k)
    """
    if link is None:
        return outputs[0] if len(outputs) == 1 else np.mean(np.stack(outputs), axis=0)
    logs = [link(output) for output in outputs]
    if len(logs) == 1:
        return logs[0]
    stacked = np.stack(logs)
    largest = stacked.max(axis=0)
    log_mean: Floats = largest + np.log(np.exp(stacked - largest).mean(axis=0))
    return log_mean
