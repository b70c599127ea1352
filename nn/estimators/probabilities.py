"""From what networks put out to probabilities of classes.

Everything is done with logarithms, so that a probability of 1e-400 is still a number. The networks
of a committee average their probabilities, not their scores.

====================  ================================================================================================
loss                  log-probabilities of the classes
====================  ================================================================================================
cross_entropy         log softmax(o)
binary_cross_entropy  each class answers its own yes-or-no question; log sigmoid(o), the answers brought to a sum of 1
others                none: outputs are scores whose order alone means something
====================  ================================================================================================
"""  # noqa: E501 - a table

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.losses import BinaryCrossEntropy, CrossEntropy, Loss
from galfeat.nn.types import Floats

__all__ = ["Link", "link_of", "log_softmax", "scores", "softmax"]

Link: TypeAlias = Callable[[Floats], Floats]
"""Outputs of a network to log-probabilities, both of shape (n, k)."""

softmax = ACTIVATIONS["softmax"].value


def log_softmax(output: Floats) -> Floats:
    """Return log softmax(o), finite also where softmax(o) rounds to 0."""
    shifted: Floats = output - output.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _answers(output: Floats) -> Floats:
    return log_softmax(-np.logaddexp(output.dtype.type(0), -output))


def link_of(loss: Loss) -> Link | None:
    """Return how a network that was trained with this loss gives log-probabilities.

    None if it gives none.
    """
    if isinstance(loss, CrossEntropy):
        return log_softmax
    return _answers if isinstance(loss, BinaryCrossEntropy) else None


def scores(outputs: Sequence[Floats], link: Link | None) -> Floats:
    """Return the committee's log-probabilities, or the mean of its scores where there is no link.

    Parameters
    ----------
    outputs : sequence of array, shape (n, k)
        One a network.
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
    mean: Floats = largest + np.log(np.exp(stacked - largest).mean(axis=0))
    return mean
